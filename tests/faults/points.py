"""Every point at which the relay writes, by what is under way: it is stopped at each, and a test checks the list."""

from __future__ import annotations

BEFORE_COMMIT = (
    "sequencer: gathered",
    "sequencer: joined",
    "sequencer: signed",
    "records: begun",
    "records: written",
)
AFTER_COMMIT = ("records: committed", "sequencer: durable", "sequencer: published", "sequencer: answered")
OF_A_BATCH = BEFORE_COMMIT + AFTER_COMMIT
OF_AN_UPLOAD = ("blobs: begun", "blobs: appended", "blobs: synced", "blobs: paused", "blobs: named")
OF_A_SWEEP = ("blobs: removed",)
OF_A_DROP = ("records: written", "records: committed", *OF_A_SWEEP)
