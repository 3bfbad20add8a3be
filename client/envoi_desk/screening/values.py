"""Hits as values of JSON: what ``--json`` prints, what is kept, and what the text on a terminal is made of.

One form for all three, so that what was on file on a day can be shown again as it was shown then.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from envoi_client.documents.denial import Party
from envoi_keys.encoding import format_time

from ..names import Comparison
from .dispositions import Disposition
from .hits import Hit, Pair
from .relevance import notice_fingerprint
from .sentences import sentence

GONE: Final = "not on file"
"""The state of a notice that was shown, and that the register does not hold any more."""
_DIGITS = 4


def hit_value(hit: Hit) -> dict[str, Any]:
    """A hit as a value. ``rank`` is the sum of ``parts``."""
    version = hit.version
    return {
        "reference": version.reference,
        "index": version.index,
        "id": version.id,
        "from": version.author,
        "state": hit.state,
        "sentence": sentence(hit),
        "rank": round(hit.rank, _DIGITS),
        "parts": {name: round(part, _DIGITS) for name, part in hit.parts.items()},
        "covered_by_no_undercut": hit.covered,
        "exercise": version.exercise,
        "denied_on": version.decided_on.isoformat(),
        "destination": version.destination,
        "same_destination": hit.same_destination,
        "control_entries": list(version.entries),
        "items": {
            "closeness": hit.items.closeness.words,
            "case": hit.items.ours,
            "notice": hit.items.theirs,
        },
        "stated_end_use": {"case": hit.end_uses[0], "notice": hit.end_uses[1]},
        "pairs": [_pair(pair) for pair in hit.pairs],
        "fingerprint": notice_fingerprint(version, hit.state),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "case": _side(pair.ours, pair.our_name, pair.our_kind),
        "notice": _side(pair.theirs, pair.their_name, pair.their_kind),
        **comparison_value(pair.comparison),
        "same_country": pair.same_country,
        "address": None if pair.address is None else round(pair.address, _DIGITS),
        "identifiers": [identifier.to_content() for identifier in pair.identifiers],
    }


def _side(party: Party, name: str, kind: str) -> dict[str, Any]:
    return {"party": party.name, "role": party.role.value, "country": party.country, "name": name, "which": kind}


def comparison_value(comparison: Comparison) -> dict[str, Any]:
    """What the matcher says about two names."""
    return {
        "score": round(comparison.score, _DIGITS),
        "match": comparison.match,
        "tokens": [
            {"case": token.one, "notice": token.other, "how": token.how, "weight": round(token.weight, _DIGITS)}
            for token in comparison.tokens
        ],
        "reasons": list(comparison.reasons),
    }


def disposition_value(disposition: Disposition) -> dict[str, Any]:
    """A disposition as a value."""
    return {
        "id": disposition.id,
        "decision": disposition.decision.value,
        "reason": disposition.reason,
        "officer": disposition.officer,
        "decided_at": format_time(disposition.decided_at),
        "seen": asdict(disposition.seen),
    }
