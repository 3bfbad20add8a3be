"""The register of denials: what is in force, what was, and which dispatch said so.

The state is a pure function of the dispatches in the order of the log (:mod:`.rules`). It is kept in tables beside the
inbox so that a hundred thousand notices are listed and looked back at without holding them in memory.
"""

from __future__ import annotations

from .query import Query
from .rules import IN_FORCE, REVOKED, SUPERSEDED, Notice, State
from .store import Refusal, Register
from .versions import Version

__all__ = ["IN_FORCE", "REVOKED", "SUPERSEDED", "Notice", "Query", "Refusal", "Register", "State", "Version"]
