"""Whether two names are one party's: a score, which word met which, and why, in plain words.

The score is one logistic sum over a few features (:mod:`.features`, :mod:`.weights`), so that every part of it can be
read off. It is the same in both directions, and 1 for names that differ in nothing that matters.
"""

from __future__ import annotations

import math

from . import weights
from .features import Shared, shared
from .forms import MAX_CHARS, Form, form, is_person
from .model import Comparison, Name, TokenMatch
from .rarity import DEFAULT, Rarity
from .reasons import reasons


def compare(one: Name, other: Name, rarity: Rarity | None = None) -> Comparison:
    """What two names have in common, whatever they hold. ``rarity`` is the register's; without, the shipped default."""
    found = prepared(one, other, rarity or DEFAULT)
    if found is None:
        same = one.text == other.text and bool(one.text)
        return Comparison(float(same), same, (), ("the names are written alike",) if same else ())
    score = _score(found)
    turned = found.one is not _form(one, other)
    return Comparison(score, score >= weights.THRESHOLD, _tokens(found, turned), reasons(found, turned=turned))


def prepared(one: Name, other: Name, rarity: Rarity) -> Shared | None:
    """Two names aligned, in an order that is the same whichever is first; None if one has no letter or digit."""
    mine, theirs = _form(one, other), _form(other, one)
    if not mine.tokens or not theirs.tokens:
        return None
    # One order for both directions: which of two equal links is taken must not depend on who asked.
    if _order(theirs, other) < _order(mine, one):
        return shared(theirs, mine, (other.country, one.country), rarity)
    return shared(mine, theirs, (one.country, other.country), rarity)


def _form(name: Name, beside: Name) -> Form:
    # Cut before anything is kept of it: forms are cached by their text.
    kinds = {is_person(each.text[:MAX_CHARS], each.schema) for each in (name, beside)}
    return form(name.text[:MAX_CHARS], False not in kinds and True in kinds)


def _order(form_: Form, name: Name) -> tuple[object, ...]:
    return ([token.text for token in form_.tokens], name.text, name.country)


def _score(found: Shared) -> float:
    if found.one.key == found.other.key and found.one.key:
        return 1.0
    model = weights.PERSON if found.one.person else weights.ORGANISATION
    total = model["base"] + sum(weight * found.values[name] for name, weight in model.items() if name != "base")
    return round(1 / (1 + math.exp(-total)), 4)


def _tokens(found: Shared, turned: bool) -> tuple[TokenMatch, ...]:
    matches = []
    for link in found.links:
        one = " ".join(found.one.tokens[at].text for at in link.ones)
        other = " ".join(found.other.tokens[at].text for at in link.others)
        weight = max(sum(found.ones[at] for at in link.ones), sum(found.others[at] for at in link.others))
        first, second = (other, one) if turned else (one, other)
        matches.append(TokenMatch(first, second, link.how, round(min(1.0, weight * link.likeness), 3)))
    return tuple(sorted(matches, key=lambda match: -match.weight))
