"""One authority's end of the exchange: publish, sync, receipts, and what they decide on the way."""

from __future__ import annotations

from .attachments import FileToAttach
from .node import Node, stranger
from .outgoing import Published
from .publish import Plan
from .report import SyncReport
from .session import MemberKeys, Session

__all__ = [
    "FileToAttach",
    "MemberKeys",
    "Node",
    "Plan",
    "Published",
    "Session",
    "SyncReport",
    "stranger",
]
