"""The guided form: which question comes next, and whether an answer is taken.

An answer is judged at once by the validator itself: the notice so far is read as a whole, and what is said of the field
just answered is the answer's problem. Answers are kept as they were typed, by their key, so that a draft is plain text
and any of them can be taken back. Pure: asking is :mod:`.asking`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from envoi_client.documents import AggregateDenial, DenialNotice, InvalidDocument, Problem, parse
from envoi_client.documents.aggregate import STATUSES
from envoi_client.documents.dates import add_months, read_day
from envoi_client.documents.denial import CATCH_ALL, NOT_LISTED, Kind, Role, TransactionType
from envoi_client.documents.problems import Problems
from envoi_keys.regimes import WITHHELD, Profile

from .columns import AGGREGATE, FULL, put
from .words import Words

_YES: Final = ("yes", "y", "oui", "o", "true", "1")
_NO: Final = ("no", "n", "non", "false", "2")
MORE: Final = "more"
"""The question whether another party follows."""
_PARTY_KEY: Final = re.compile(r"party\.([0-9]+)\.(.+)")


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its ``key`` among the answers, the words for it, its ``choices``, and the ``default`` if any."""

    key: str
    label: str
    help: str
    choices: tuple[str, ...] = ()
    optional: bool = False
    default: str | None = None


_DENIAL_ORDER: Final = (
    *("regime_reference", "exercise", "national_reference", "authority_name", "authority_contact", "kind"),
    *("transaction_type", "date_of_denial", "date_of_notification", "review_by", "control_entries", "list_edition"),
    *("item_description", "quantity", "unit", "value", "currency", "hs_code", "destination_country"),
    *("stated_end_use", "reason_for_refusal", "reason_text", "releasability", "remarks"),
)
_PARTY_ORDER: Final = ("name", "role", "country", "address", "aliases", "name_original_script", "identifiers")
_AGGREGATE_ORDER: Final = (
    *("regime_reference", "exercise", "period_from", "period_to", "destination_country", "control_entries", "count"),
    *("releasability", "remarks"),
)
_OPTIONAL: Final = frozenset(
    {"national_reference", "list_edition", "quantity", "unit", "value", "currency", "hs_code", "stated_end_use"}
    | {"remarks", "address", "aliases", "name_original_script", "identifiers"}
)
_FOLLOWS: Final = {"unit": "quantity", "currency": "value"}
"""Questions that are asked only where another one was answered, and then must be."""


@dataclass(slots=True)
class Guide:
    """A form that is being filled in by ``me``.

    ``reference`` is the one that is proposed, ``today`` the day that is; ``answers`` may come from a draft.
    """

    type: str
    me: str
    profile: Profile
    partners: Collection[str]
    words: Words
    reference: str
    today: date
    answers: dict[str, str] = field(default_factory=dict)

    # -- the questions ---------------------------------------------------------------------------------

    def question(self) -> Question | None:
        """The next question; None when all were answered."""
        key = next((key for key in self._keys() if key not in self.answers), None)
        return self._question(key) if key else None

    def _keys(self) -> Iterator[str]:
        """The keys of all questions, as far as the answers tell which there are."""
        order = _AGGREGATE_ORDER if self.type == AggregateDenial.type else _DENIAL_ORDER
        for name in order:
            if name in _FOLLOWS and not self.answers.get(_FOLLOWS[name]):
                continue
            if name == "reason_text" and self.answers.get("reason_for_refusal") == WITHHELD:
                continue
            yield name
        if self.type == AggregateDenial.type:
            return
        number = 0
        while True:
            for name in _PARTY_ORDER:
                yield f"party.{number}.{name}"
            yield f"party.{number}.{MORE}"
            if self.answers.get(f"party.{number}.{MORE}", "no") != "yes":
                return
            number += 1

    def _question(self, key: str) -> Question:
        party = _PARTY_KEY.fullmatch(key)
        name = party[2] if party else key
        if name == MORE:
            return Question(key, self.words("say.more"), "", default="no")
        label = self.words(f"label.{name}")
        if party:
            label = f"{self.words('party', number=int(party[1]) + 1)}: {label}"
        optional = name in _OPTIONAL and name not in _FOLLOWS
        return Question(key, label, self.words(f"help.{name}"), self._choices(name), optional, self._default(name))

    def _choices(self, name: str) -> tuple[str, ...]:
        terms: Mapping[str, type[StrEnum]] = {"kind": Kind, "transaction_type": TransactionType, "role": Role}
        if name in terms:
            return tuple(term.value for term in terms[name])
        return (*self.profile.denials.reasons, WITHHELD) if name == "reason_for_refusal" else ()

    def _default(self, name: str) -> str | None:
        defaults: Mapping[str, Callable[[], str | None]] = {
            "regime_reference": lambda: self.reference,
            "date_of_notification": self.today.isoformat,
            "review_by": self._latest_review,
        }
        return defaults[name]() if name in defaults else None

    def _latest_review(self) -> str | None:
        problems = Problems()
        notified = read_day(self.answers.get("date_of_notification"), "", problems)
        if not problems.clear_of(""):
            return None
        return add_months(notified, self.profile.clocks.review_months).isoformat()

    # -- the answers -----------------------------------------------------------------------------------

    def answer(self, question: Question, typed: str) -> list[Problem]:
        """Take what was typed; the problems for which it is not taken, none if it is."""
        text = self._meant(question, typed.strip().replace("\\n", "\n")) or question.default or ""
        if not text:
            if question.optional:
                self.answers[question.key] = ""
                return []
            return [Problem(question.label, "is missing", question.help or None)]
        before = self.answers.get(question.key)
        self.answers[question.key] = text
        if question.key.endswith(f".{MORE}"):
            found = [] if text in ("yes", "no") else [Problem("", f"{text} is neither yes nor no")]
        else:
            found = [one for one in self.problems() if self._key_of(one.path) == question.key]
        if found:
            self.answers.pop(question.key)
            if before is not None:
                self.answers[question.key] = before
        return found

    def _meant(self, question: Question, text: str) -> str:
        """The term that a number or a word of the person's language stands for; else the text itself."""
        word = text.casefold()
        if question.key == "exercise" or question.key.endswith(f".{MORE}"):
            yes = "true" if question.key == "exercise" else "yes"
            no = "false" if question.key == "exercise" else "no"
            return yes if word in _YES else no if word in _NO else text
        if not question.choices:
            return text
        if word.isascii() and word.isdigit() and 1 <= int(word[:4]) <= len(question.choices):
            return question.choices[int(word[:4]) - 1]
        near = [one for one in question.choices if word and word in (one, self.words.term(one).casefold())]
        near = near or [one for one in question.choices if word and one.startswith(word.replace(" ", "_"))]
        return near[0] if len(near) == 1 else text

    def back(self) -> bool:
        """Take the last answer back; False if there is none."""
        given = [key for key in self._keys() if key in self.answers]
        if not given:
            return False
        del self.answers[given[-1]]
        return True

    def retract(self, problem: Problem) -> None:
        """Take the answer back that a problem is about; the question comes again."""
        self.answers.pop(self._key_of(problem.path), None)

    # -- the notice ------------------------------------------------------------------------------------

    def content(self) -> dict[str, Any]:
        """The content of the notice so far."""
        form = AGGREGATE if self.type == AggregateDenial.type else FULL
        content: dict[str, Any] = {"notifying_government": self.me, "status": STATUSES[0].value}
        for key, text in self.answers.items():
            party = _PARTY_KEY.fullmatch(key)
            name = f"party_{party[2]}" if party else "reason_code" if key == "reason_for_refusal" else key
            if not text or name not in form.columns:
                continue
            column = form.columns[name]
            target = content
            if party:
                parties = content.setdefault("parties", [])
                while len(parties) <= int(party[1]):
                    parties.append({})
                target = parties[int(party[1])]
            put(target, column.path, column.read(text))
        entries = content.get("control_entries")
        if entries and form is FULL:
            category = NOT_LISTED if entries == [CATCH_ALL] else self.profile.annex.category(entries)
            put(content, ("annex_category",), category or self.profile.annex.categories[0])
        return content

    def problems(self) -> list[Problem]:
        """All that is wrong with the notice so far, what was not asked yet included."""
        try:
            self.document()
        except InvalidDocument as error:
            return list(error.problems)
        return []

    def document(self) -> DenialNotice | AggregateDenial:
        """The document. Raises InvalidDocument."""
        document = parse(self.type, self.content(), self.profile, self.partners)
        assert isinstance(document, DenialNotice | AggregateDenial)
        return document

    def _key_of(self, path: str) -> str:
        """The key of the question whose answer makes the field at ``path``."""
        party = re.match(r"parties\[([0-9]+)\]\.?", path)
        steps = tuple(re.sub(r"\[[0-9]+\]", "", path[party.end() :] if party else path).split("."))
        form = AGGREGATE if self.type == AggregateDenial.type else FULL
        for column in form.columns.values():
            if column.of_party is bool(party) and column.path[: len(steps)] == steps[: len(column.path)]:
                if party:
                    return f"party.{party[1]}.{column.path[0]}"
                return "reason_for_refusal" if column.name == "reason_code" else column.name
        return f"party.{party[1]}.name" if party else path


def next_reference(profile: Profile, me: str, year: int, taken: Collection[str]) -> str:
    """The reference after the last one of ``year`` that ``me`` has used, among those ``taken``."""
    first = profile.denials.reference.example(me, year)
    head, _, tail = first.rpartition("0001")
    numbers = [int(one[len(head) :]) for one in taken if one.startswith(head) and one[len(head) :].isdigit()]
    return first if tail or not numbers else f"{head}{max(numbers) + 1:04}"
