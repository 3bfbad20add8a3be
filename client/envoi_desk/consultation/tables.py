"""The tables of consultations: every dispatch that belongs to one, as it was sent, and which consultations are settled.

A step stands under its consultation's id and the two Partners it passed between. What it means is computed from all
steps of the two in the order of the log (:mod:`.rules`) and never stored, so nothing has to be undone when one comes
late. A consultation is ``settled`` when nothing can fall due in it any more: what is due is found among the others.
"""

from __future__ import annotations

from typing import Final

from envoi_client.store.database import Step

TABLES: Final[Step] = (
    """CREATE TABLE desk_consultations (
        consultation TEXT NOT NULL, pair TEXT NOT NULL, first INTEGER NOT NULL,
        settled INTEGER NOT NULL CHECK (settled IN (0, 1)), PRIMARY KEY (consultation, pair)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX desk_consultations_open ON desk_consultations (first) WHERE settled = 0",
    "CREATE INDEX desk_consultations_order ON desk_consultations (first)",
    # Addressed to several, a step stands once for each: none of them may take it for one of a consultation with him.
    """CREATE TABLE desk_consultation_steps (
        idx INTEGER NOT NULL, pair TEXT NOT NULL, consultation TEXT NOT NULL, sender TEXT NOT NULL,
        recipients TEXT NOT NULL, content TEXT NOT NULL, logged_at INTEGER, PRIMARY KEY (idx, pair)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX desk_consultation_steps_of ON desk_consultation_steps (consultation, pair, idx)",
    """CREATE TABLE desk_undercuts (
        idx INTEGER PRIMARY KEY, sender TEXT NOT NULL, reference TEXT NOT NULL, content TEXT NOT NULL, logged_at INTEGER
    ) STRICT""",
    "CREATE INDEX desk_undercuts_of ON desk_undercuts (sender, reference, idx)",
)
