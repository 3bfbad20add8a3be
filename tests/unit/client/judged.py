"""What the tests of the inbox share: an exchange, a good dispatch, and what a verdict must be."""

from __future__ import annotations

from envoi_client.age import HybridIdentity
from envoi_client.inbox import Served, Verdict, judge
from envoi_keys.statements import statement_id

from ...exchange import Exchange
from .served import Case, identities

EXCHANGE = Exchange.make(5)  # AT AU DE FR JP
GOOD = Case.make(EXCHANGE)
OTHER = Exchange.make(6)


def verdict(
    served: Served,
    recipient: str = "AU",
    exchange: Exchange = EXCHANGE,
    keys: dict[str, HybridIdentity] | None = None,
) -> Verdict:
    found = identities(exchange.party(recipient)) if keys is None else keys
    return judge(served, exchange.chain, recipient, found)


def refused(served: Served, reason: str, recipient: str = "AU", exchange: Exchange = EXCHANGE, *, final: bool) -> None:
    """Asserts that nothing of what was served counts, why, and whether another answer could cure it."""
    found = verdict(served, recipient, exchange)
    assert (found.kind, found.reason, found.final) == ("refused", reason, final), found.message
    assert (found.dispatch, found.number, found.body) == (None, 0, None)
    assert found.index == served.index
    assert found.message


def unopened(case: Case, reason: str, recipient: str = "AU", keys: dict[str, HybridIdentity] | None = None) -> None:
    """Asserts that the dispatch counts under its number and was not opened, and why."""
    found = verdict(case.served(recipient), recipient, case.exchange, keys)
    assert (found.kind, found.reason) == ("unopened", reason), found.message
    assert (found.dispatch, found.number, found.body) == (
        case.dispatch,
        case.openings[recipient].number,
        None,
    )
    assert found.id == statement_id(case.dispatch.text())
