"""One sentence in plain words for each hit: who denied what to whom, why it was found, and what bears on it.

It is made from the hit's values alone and in one order, so that two officers read the same of the same hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from envoi_client.documents.denial import DenialNotice, Kind, Party

from ..names import Comparison
from ..names.forms import Form, form
from ..names.model import ACRONYM, INITIAL, JOINED, ROMANISATION, SPELLING, WORD
from ..names.vocabulary import FILLER, LEGAL
from ..register import IN_FORCE
from . import weights
from .hits import ALIAS, NAME, ORIGINAL, Hit
from .items import Closeness

NOT_COVERED: Final = "not covered by no-undercut"
"""The label of a catch-all denial."""

_DONE: Final = {
    Kind.REFUSAL: "denied {} to",
    Kind.REVOCATION_OF_LICENCE: "revoked a licence of {} for",
    Kind.SUSPENSION: "suspended a licence of {} for",
    Kind.SUBSTANTIAL_LIMITATION: "limited a licence of {} for",
    Kind.WOULD_BE_REFUSED: "would refuse {} to",
}
_KINDS: Final = {NAME: "its name", ALIAS: "its alias", ORIGINAL: "its name in the original script"}
_OURS: Final = {NAME: "", ALIAS: " alias", ORIGINAL: " name in the original script"}
_BUT_FOR: Final = {
    WORD: "the form of a word",
    SPELLING: "the spelling",
    ROMANISATION: "the romanisation",
    INITIAL: "an initial",
    JOINED: "words written together",
    ACRONYM: "an acronym",
}
_SHOWN_ENTRIES: Final = 3
_SHOWN_WORDS: Final = 4


def sentence(hit: Hit) -> str:
    """The sentence. What it quotes is of a notice that was read, so it is safe to print; who prints it isolates it."""
    notice = hit.version.notice
    assert isinstance(notice, DenialNotice)  # an aggregate names nobody, and nobody hits it
    best = hit.pairs[0]
    done = _DONE[notice.kind].format(_entries(notice))
    parts = [
        f"{hit.version.author} {done} {best.theirs.name} ({words(best.theirs.role)}) on {notice.date_of_denial}",
        met_by(_KINDS[best.their_kind], best.our_kind, best.ours, (best.our_name, best.their_name), best.comparison),
    ]
    if best.identifiers:
        # What kind of number it is stands in the notice's own words, which are no finding.
        parts.append("same number")
    if best.same_address:
        parts.append("like address")
    parts.append(_items(hit))
    if hit.same_destination:
        parts.append("same destination")
    if hit.state != IN_FORCE:
        because = f" ({' '.join(notice.revocation_reason.split())})" if notice.revocation_reason else ""
        parts.append(f"{words(hit.state)} since{because}")
    return "; ".join(parts) + "."


def met_by(which: str, our_kind: str, ours: Party, names: tuple[str, str], comparison: Comparison) -> str:
    """Which name met whose: "its alias is the consignee's of this case but for the spelling".

    ``names`` are the case's and the other.
    """
    whose = f"the {words(ours.role)}'s{_OURS[our_kind]} of this case"
    if not comparison.match:
        return f"{which} is {'only somewhat' if comparison.score >= weights.NEAR_MISS else 'not'} like {whose}"
    differences = but_for(names, comparison)
    return f"{which} is {whose} but for {listed(differences)}" if differences else f"{which} is {whose}"


def but_for(names: tuple[str, str], comparison: Comparison) -> list[str]:
    """In what two names differ, in words; nothing where they differ in case, accents, punctuation and order alone."""
    if names[0] == names[1]:
        return []
    one, other = (form(name, person=False) for name in names)
    found = dict.fromkeys(_BUT_FOR[token.how] for token in comparison.tokens if token.how in _BUT_FOR)
    if _legal(one) != _legal(other):
        found["the legal form"] = None
    met = {word for token in comparison.tokens for side in (token.one, token.other) for word in side.split()}
    left = [
        token.text
        for token in (*one.tokens, *other.tokens)
        if token.kind not in (LEGAL, FILLER) and token.text not in met
    ]
    if len(left) > _SHOWN_WORDS:
        left = [*left[:_SHOWN_WORDS], f"{len(left) - _SHOWN_WORDS} more"]
    if left:
        found[f"the {'word' if len(left) == 1 else 'words'} {listed(left)}"] = None
    return list(found)


def _legal(name: Form) -> set[str]:
    return {token.word for token in name.tokens if token.kind == LEGAL}


def listed(parts: Sequence[str]) -> str:
    """Words in a row: "a, b and c"."""
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def _items(hit: Hit) -> str:
    if not hit.covered:
        return NOT_COVERED
    if hit.items.closeness is Closeness.NONE:
        return hit.items.closeness.words
    if hit.items.ours == hit.items.theirs:
        return f"{hit.items.closeness.words}"
    return f"{hit.items.closeness.words} ({hit.items.ours} here)"


def _entries(notice: DenialNotice) -> str:
    if notice.catch_all:
        return "an item that is on no list"
    shown = notice.control_entries[:_SHOWN_ENTRIES]
    more = len(notice.control_entries) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def words(term: str) -> str:
    """A term as a person writes it."""
    return term.replace("_", " ")
