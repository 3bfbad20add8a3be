"""Numbers of registers, passports and the like, as two desks that write them differently can compare them."""

from __future__ import annotations

from collections.abc import Iterable

from envoi_client.documents.denial import Identifier, Party


def plain(value: str) -> str:
    """A number without case, spaces and punctuation; empty if nothing is left of it."""
    return "".join(character for character in value.casefold() if character.isalnum())


def values(parties: Iterable[Party]) -> set[str]:
    """Every number that one of the parties bears, plain."""
    return {plain(one.value) for party in parties for one in party.identifiers} - {""}


def shared(ours: Party, theirs: Party) -> tuple[Identifier, ...]:
    """The identifiers of ``theirs`` whose value ``ours`` has too; how a register is called differs between desks."""
    both = values((ours,)) & values((theirs,))
    return tuple(one for one in theirs.identifiers if plain(one.value) in both)
