"""From names that met to ranked hits: one for each notice, each with everything that an officer wants to see of it.

Pure: what the index found, the register's versions and the case go in, hits come out. All names of a notice count. A
name that meets makes the hit, and so does the number of a passport or a register. Items, countries and addresses only
order it, except that a near miss becomes a hit if the address or a short number speaks for it. An exercise meets
exercises only, and a real case real notices only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Final

from rapidfuzz import fuzz

from envoi_client.documents.denial import DenialNotice, Identifier, Party
from envoi_keys.regimes import Profile

from ..names import Comparison, Found, Name, compare
from ..register import Version, identifiers
from . import weights
from .case import Case
from .items import ItemMatch, closest

REAL: Final = "denials"
EXERCISE: Final = "exercise"
"""The sources of the index that hold notices."""

NAME: Final = "name"
ALIAS: Final = "alias"
ORIGINAL: Final = "original_script"


@dataclass(frozen=True, slots=True)
class Pair:
    """A name of a party of the case (``ours``) that met a name of a party of the notice (``theirs``).

    The kinds say which of the party's names each is. ``address`` is the likeness of the two addresses from 0 to 1, None
    where one is missing; ``identifiers`` are those that both bear.
    """

    ours: Party
    our_name: str
    our_kind: str
    theirs: Party
    their_name: str
    their_kind: str
    comparison: Comparison
    address: float | None
    identifiers: tuple[Identifier, ...]

    @property
    def same_country(self) -> bool:
        """Whether both parties are in one country."""
        return self.ours.country == self.theirs.country

    @property
    def same_address(self) -> bool:
        """Whether the addresses are alike."""
        return self.address is not None and self.address >= weights.SAME_ADDRESS

    @property
    def counts(self) -> bool:
        """Whether it makes a hit."""
        near = self.comparison.score >= weights.NEAR_MISS and (bool(self.identifiers) or self.same_address)
        return self.comparison.match or near or self.telling

    @property
    def telling(self) -> bool:
        """Whether both bear a number that says who it is, whatever the names."""
        return any(map(_telling, self.identifiers))

    @property
    def strength(self) -> float:
        """How much it says that the two are one: the likeness of the names, or the number that they share."""
        return max(self.comparison.score, weights.BY_NUMBER if self.telling else 0.0)


@dataclass(frozen=True)
class Hit:
    """A notice that the case meets, with its ``state`` as of the point in the log that was asked for.

    ``pairs`` has the best pair of names for each two parties that meet, the best first; at least one. The stated
    end-uses are for the officer to compare: they are in anybody's words, and nothing is counted of them. ``covered``
    says whether the denial obliges others to consult: a catch-all one does where the regime's profile says so.
    """

    version: Version
    state: str
    pairs: tuple[Pair, ...]
    items: ItemMatch
    same_destination: bool
    end_uses: tuple[str | None, str | None] = (None, None)
    covered: bool = True

    @cached_property
    def parts(self) -> MappingProxyType[str, float]:
        """What the rank is made of: each part by its name in :mod:`.weights`."""
        best = self.pairs[0]
        return MappingProxyType(
            {
                "name": weights.NAME * best.strength,
                "identifier": weights.IDENTIFIER * any(pair.identifiers for pair in self.pairs),
                "item": weights.ITEM[self.items.closeness],
                "more_parties": weights.MORE_PARTIES * self._second_party,
                "address": weights.ADDRESS * (best.address or 0.0),
                "country": weights.COUNTRY * best.same_country,
                "destination": weights.DESTINATION * self.same_destination,
            }
        )

    @property
    def rank(self) -> float:
        """Where it stands among the hits: from 0 to 1, the first the highest."""
        return sum(self.parts.values())

    @property
    def _second_party(self) -> bool:
        best = self.pairs[0]
        return any(pair.ours != best.ours and pair.theirs != best.theirs for pair in self.pairs[1:])


def kinds(party: Party) -> dict[str, str]:
    """Each name of a party, and which of its names it is. What stands twice is the first of them."""
    named = {party.name: NAME}
    if party.name_original_script:
        named.setdefault(party.name_original_script, ORIGINAL)
    for alias in party.aliases:
        named.setdefault(alias, ALIAS)
    return named


def queries(case: Case) -> tuple[Name, ...]:
    """Every name of every party, each once: what is asked of the index."""
    return tuple(dict.fromkeys(Name(name, country=party.country) for party in case.parties for name in party.names))


def find_hits(
    case: Case,
    found: Iterable[Found],
    bearing: Collection[int],
    shown: Collection[int],
    version_at: Callable[[int], Version | None],
    state_at: Callable[[int], str | None],
    profile: Profile,
) -> list[Hit]:
    """The notices that the case meets, ranked; the revoked and superseded ones too, for the caller to part.

    ``found`` is what the index gave for :func:`queries`. ``bearing`` are the log indexes of versions with a number of
    the case's parties, ``shown`` those that the case met before, which no other name on file may push aside.
    ``version_at`` gives the version of a log index, ``state_at`` its state as of the point that is asked for, None if
    another version stood then.
    """
    owners: dict[int, list[Found]] = {index: [] for index in (*bearing, *shown)}
    for one in found:
        if one.comparison.score >= weights.NEAR_MISS or one.comparison.match:
            owners.setdefault(one.owner, []).append(one)
    hits = []
    for index, names in owners.items():
        state = state_at(index)
        version = version_at(index) if state is not None else None
        if state is None or version is None or version.exercise is not case.exercise:
            continue
        hit = _hit(case, version, state, names, profile, again=index in shown and not names)
        if hit is not None:
            hits.append(hit)
    # Of two alike, the newer notice first: its author remembers the case.
    return sorted(hits, key=lambda hit: (-hit.rank, -hit.version.index))


def _hit(
    case: Case, version: Version, state: str, found: Sequence[Found], profile: Profile, *, again: bool
) -> Hit | None:
    notice = version.notice
    if not isinstance(notice, DenialNotice):
        return None
    pairs = [pair for pair in _pairs(case, notice, found, again=again) if pair.counts]
    if not pairs:
        return None
    return Hit(
        version=version,
        state=state,
        pairs=tuple(pairs),
        items=closest(profile.annex, case.control_entries, notice.control_entries),
        same_destination=case.destination_country == notice.destination_country,
        end_uses=(case.stated_end_use, notice.stated_end_use),
        covered=profile.denials.catch_all_bars_undercut or not notice.catch_all,
    )


def _pairs(case: Case, notice: DenialNotice, found: Sequence[Found], *, again: bool) -> list[Pair]:
    """The best pair of names for each two parties, the best first.

    Parties that the index did not bring together are compared if they share a number, or all of them ``again``.
    """
    best: dict[tuple[int, int], Found] = {}
    for one in sorted(found, key=lambda one: -one.comparison.score):
        for number, party in enumerate(case.parties):
            if one.query.country == party.country and one.query.text in party.names:
                best.setdefault((number, one.party), one)
    pairs = [
        _pair(case.parties[ours], notice.parties[theirs], (one.query.text, one.name.text), one.comparison)
        for (ours, theirs), one in best.items()
        if theirs < len(notice.parties)
    ]
    others = (
        (ours, theirs)
        for number, ours in enumerate(case.parties)
        for at, theirs in enumerate(notice.parties)
        if (number, at) not in best and (again or identifiers.shared(ours, theirs))
    )
    pairs += [_pair(ours, theirs, *_nearest(ours, theirs)) for ours, theirs in islice(others, weights.MOST_PAIRS)]
    return sorted(pairs, key=lambda pair: (-pair.strength, not pair.identifiers, not pair.same_country))


def _nearest(ours: Party, theirs: Party) -> tuple[tuple[str, str], Comparison]:
    """The two names of two parties which are most alike, whether or not they are."""
    compared = {
        (one, other): compare(Name(one, country=ours.country), Name(other, country=theirs.country))
        for one in ours.names[: weights.MOST_NAMES]
        for other in theirs.names[: weights.MOST_NAMES]
    }
    return max(compared.items(), key=lambda pair: pair[1].score)


def _telling(identifier: Identifier) -> bool:
    value = identifiers.plain(identifier.value)
    return (
        len(value) >= weights.TELLING_LENGTH
        and len(set(value)) >= weights.TELLING_CHARACTERS
        and any(character.isdigit() for character in value)
    )


def _pair(ours: Party, theirs: Party, names: tuple[str, str], comparison: Comparison) -> Pair:
    return Pair(
        ours=ours,
        our_name=names[0],
        our_kind=kinds(ours).get(names[0], ALIAS),
        theirs=theirs,
        their_name=names[1],
        their_kind=kinds(theirs).get(names[1], ALIAS),
        comparison=comparison,
        address=likeness(ours.address, theirs.address),
        identifiers=identifiers.shared(ours, theirs),
    )


def likeness(one: str | None, other: str | None) -> float | None:
    """How alike two addresses are from 0 to 1, whatever the order of their words; None where one is missing."""
    if not one or not other:
        return None
    return float(fuzz.token_sort_ratio(_words(one), _words(other))) / 100


def _words(address: str) -> str:
    return "".join(character if character.isalnum() else " " for character in address.casefold())
