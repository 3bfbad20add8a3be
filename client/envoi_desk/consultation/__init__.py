"""Consultations: before a Partner approves what another has denied, it talks to the one that denied.

What was sent is kept as it comes (:func:`apply`); what stands follows from it by rules that both sides share
(:mod:`.rules`), on the working days of the Partner that denied (:mod:`.clock`) and by the log's time.
"""

from __future__ import annotations

from .book import Book, Consultation, Undercut, apply

__all__ = ["Book", "Consultation", "Undercut", "apply"]
