"""The profile of a regime: everything that is one regime's alone, as data.

Another regime is another file and no code. A file is read strictly: an unknown field, a missing one or a
value out of range is refused by name, so that a slip in a profile is found when it is written and not on
the day that it matters. What the file lists under ``assumed`` is a working assumption that the regime has
yet to confirm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from envoi_keys.addressees import ROLES
from envoi_keys.encoding import Reader
from envoi_keys.errors import Malformed
from envoi_keys.json_files import parse_file
from envoi_keys.limits import MAX_MEMBERS, MAX_OFFICERS
from envoi_keys.statements import ADDRESSEE

from .annex import Annex
from .references import ReferenceForm

FORMAT: Final = 1
"""The version of the file's form."""
SILENCE: Final = ("no_objection", "not_identical")
"""What it can mean that the denying Partner did not answer a consultation in time."""
MEETS: Final = ("yearly", "monthly", "when_convened")
CHAIRS: Final = ("chair", "co_chair")
WITHHELD: Final = "withheld"
"""The code of a reason for refusal that is not given; no profile may list it with another meaning."""

_REGIME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_STATE: Final = re.compile(r"[A-Z]{2,3}")
_FILE: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}\.json")
_REASON: Final = re.compile(r"[a-z][a-z_]{0,31}")
_SYMBOL: Final = re.compile(r"[A-Za-z0-9/. -]*\{year\}[A-Za-z0-9/. -]*\{subject\}")
_MAX_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class State:
    """A state of the regime: its member id, which is its ISO 3166 alpha-2 code, and its name there."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class OfficeProfile:
    """An office, addressed by its own name.

    ``held_by`` is empty where the roster alone says who holds it.
    """

    id: str
    name: str
    held_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A body that meets, with the form of its papers' symbols (``MTCR/TEM/{year}/{subject}``)."""

    id: str
    name: str
    meets: str
    in_plenary_week: bool
    chairs: tuple[str, ...]
    symbol: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time limits; each field's name ends in its unit or has it in it.

    ``heartbeat_hours``: how old the witnessed time of a receipt's checkpoint may be for the receipt to
    count as a sign of life. ``grace_hours``: what is added to every deadline that counts on witnessed time.
    """

    review_months: int
    consultation_working_days: int
    consultation_working_days_max: int
    undercut_notice_days: int
    undercut_notice_days_max: int
    heartbeat_hours: int
    grace_hours: int


@dataclass(frozen=True, slots=True)
class DenialRules:
    """How notices are written and whom they go to.

    ``sent_to`` are the roles that receive a notice; ``reasons`` maps the codes of reasons for refusal to
    what they say; ``catch_all_bars_undercut`` tells whether a catch-all denial obliges others to consult.
    """

    reference: ReferenceForm
    sent_to: tuple[str, ...]
    catch_all_bars_undercut: bool
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class QuorumShape:
    """Who together may change the roster, by default.

    ``officers`` of the officers of ``officers_of``, the office ``chair`` and ``partners`` Partners; or the
    share ``alone`` (numerator, denominator) of the Partners by themselves.
    """

    officers_of: str
    officers: int
    chair: str
    partners: int
    alone: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Profile:
    """A regime, as its file states it."""

    regime: str
    name: str
    partners: tuple[State, ...]
    adherents: tuple[State, ...]
    offices: tuple[OfficeProfile, ...]
    website_host: str
    bodies: tuple[Body, ...]
    symbol_suffixes: tuple[str, ...]
    clocks: Clocks
    silence: str
    denials: DenialRules
    quorum: QuorumShape
    assumed: tuple[str, ...]
    annex: Annex

    @property
    def states(self) -> tuple[State, ...]:
        """Partners and adherents, sorted by id."""
        return tuple(sorted((*self.partners, *self.adherents), key=lambda state: state.id))

    def state(self, id_: str) -> State | None:
        """The Partner or adherent with this id."""
        return next((state for state in self.states if state.id == id_), None)


def annex_file(raw: bytes) -> str:
    """The name of the annex file that goes with the profile in ``raw``. Raises Malformed."""
    return Reader(parse_file(raw, max_bytes=_MAX_BYTES)).text("annex", _FILE)


def parse_profile(raw: bytes, annex: Annex) -> Profile:
    """The profile in the bytes of its file. Raises Malformed, which names the field at fault."""
    content = parse_file(raw, max_bytes=_MAX_BYTES)
    reader = Reader(content)
    reader.text("note")
    reader.integer("format", FORMAT, FORMAT)
    reader.text("annex", _FILE)
    partners = _states(reader, "partners", at_least=1)
    adherents = _states(reader, "adherents")
    profile = Profile(
        regime=reader.text("regime", _REGIME),
        name=reader.text("name", max_chars=128),
        partners=partners,
        adherents=adherents,
        offices=tuple(
            _office(item, {state.id for state in partners})
            for item in reader.readers("offices", at_least=1, at_most=MAX_OFFICERS)
        ),
        website_host=reader.choice("website_host", tuple(state.id for state in partners)),
        bodies=tuple(_body(item) for item in reader.readers("bodies", at_most=64)),
        symbol_suffixes=reader.texts("symbol_suffixes", at_most=16, max_chars=16),
        clocks=_clocks(reader.reader("clocks")),
        silence=reader.choice("silence", SILENCE),
        denials=_denials(reader.reader("denials")),
        quorum=_quorum(reader.reader("quorum")),
        assumed=reader.texts("assumed", at_most=256, max_chars=128),
        annex=annex,
    )
    reader.done()
    _check(profile, content)
    return profile


def _states(reader: Reader, name: str, at_least: int = 0) -> tuple[State, ...]:
    states = []
    for item in reader.readers(name, at_least=at_least, at_most=MAX_MEMBERS):
        states.append(State(item.text("id", _STATE), item.text("name", max_chars=128)))
        item.done()
    return tuple(states)


def _office(reader: Reader, partners: set[str]) -> OfficeProfile:
    office = OfficeProfile(
        id=reader.text("id", ADDRESSEE),
        name=reader.text("name", max_chars=128),
        held_by=reader.texts("held_by", at_most=4, max_chars=16),
    )
    reader.done()
    for state in office.held_by:
        if state not in partners:
            raise Malformed(f"{state} is not a Partner", field=reader.path("held_by"))
    return office


def _body(reader: Reader) -> Body:
    body = Body(
        id=reader.text("id", ADDRESSEE),
        name=reader.text("name", max_chars=128),
        meets=reader.choice("meets", MEETS),
        in_plenary_week=reader.flag("in_plenary_week"),
        chairs=reader.texts("chairs", at_least=1, at_most=4, max_chars=16),
        symbol=reader.text("symbol", _SYMBOL),
    )
    reader.done()
    for chair in body.chairs:
        if chair not in CHAIRS:
            raise Malformed(f"{chair!r} is not one of {', '.join(CHAIRS)}", field=reader.path("chairs"))
    return body


def _clocks(reader: Reader) -> Clocks:
    clocks = Clocks(
        review_months=reader.integer("review_months", 1, 600),
        consultation_working_days=reader.integer("consultation_working_days", 1, 365),
        consultation_working_days_max=reader.integer("consultation_working_days_max", 1, 365),
        undercut_notice_days=reader.integer("undercut_notice_days", 1, 365),
        undercut_notice_days_max=reader.integer("undercut_notice_days_max", 1, 365),
        heartbeat_hours=reader.integer("heartbeat_hours", 1, 8784),
        grace_hours=reader.integer("grace_hours", 0, 8784),
    )
    reader.done()
    for name in ("consultation_working_days", "undercut_notice_days"):
        if getattr(clocks, name) > getattr(clocks, f"{name}_max"):
            raise Malformed("is longer than its own maximum", field=reader.path(name))
    return clocks


def _denials(reader: Reader) -> DenialRules:
    template = reader.text("reference", max_chars=64)
    rules = DenialRules(
        reference=ReferenceForm.parse(template, reader.path("reference")),
        sent_to=reader.texts("sent_to", at_least=1, at_most=len(ROLES), max_chars=16),
        catch_all_bars_undercut=reader.flag("catch_all_bars_undercut"),
        reasons=MappingProxyType(reader.mapping("reasons", at_least=1, at_most=64)),
    )
    reader.done()
    for role in rules.sent_to:
        if role not in ROLES:
            raise Malformed(f"{role!r} is not one of {', '.join(ROLES)}", field=reader.path("sent_to"))
    for code, text in rules.reasons.items():
        if not _REASON.fullmatch(code) or code == WITHHELD or not isinstance(text, str):
            raise Malformed("is not a code with a sentence", field=f"{reader.path('reasons')}.{code[:32]}")
    return rules


def _quorum(reader: Reader) -> QuorumShape:
    alone = reader.reader("partners_alone")
    shape = QuorumShape(
        officers_of=reader.text("officers_of", ADDRESSEE),
        officers=reader.integer("officers", 1, MAX_OFFICERS),
        chair=reader.text("chair", ADDRESSEE),
        partners=reader.integer("partners", 1, MAX_MEMBERS),
        alone=(alone.integer("numerator", 1, 100), alone.integer("denominator", 1, 100)),
    )
    alone.done()
    reader.done()
    # At most half would let two disjoint halves of the regime write two rosters.
    if not shape.alone[1] < 2 * shape.alone[0] <= 2 * shape.alone[1]:
        raise Malformed("is not more than half and at most all", field=reader.path("partners_alone"))
    return shape


def _check(profile: Profile, content: dict[str, Any]) -> None:
    """What must hold among the fields."""
    for field, ids in (
        ("partners", [state.id for state in profile.partners]),
        ("adherents", [state.id for state in profile.adherents]),
        ("offices", [office.id for office in profile.offices]),
    ):
        if ids != sorted(set(ids)):
            raise Malformed("are not sorted by id, each id once", field=field)
    names = [state.id for state in profile.states] + [office.id for office in profile.offices]
    if len(set(names)) != len(names):
        raise Malformed("one id stands for two", field="partners")
    bodies = [body.id for body in profile.bodies]
    if len(set(bodies)) != len(bodies):
        raise Malformed("one id stands for two", field="bodies")
    offices = {office.id for office in profile.offices}
    for field, office in (("officers_of", profile.quorum.officers_of), ("chair", profile.quorum.chair)):
        if office not in offices:
            raise Malformed(f"{office} is not an office of this regime", field=f"quorum.{field}")
    for position, path in enumerate(profile.assumed):
        value: Any = content
        for step in path.split("."):
            if not isinstance(value, dict) or step not in value:
                raise Malformed(f"{path} is not a field of this file", field=f"assumed[{position}]")
            value = value[step]
