"""The desk's tables in the store of a home, as numbered steps that only ever go forward.

A step that has been released is never edited: a change is a new step at the end. What a sub-package keeps stands in its
own ``tables.py``.
"""

from __future__ import annotations

from typing import Final

from envoi_client.store.database import Step

from .consultation.tables import TABLES as CONSULTATION
from .forms.tables import TABLES as FORMS
from .lists.tables import TABLES as LISTS
from .names.tables import TABLES as NAMES
from .register.tables import TABLES as REGISTER
from .screening.tables import TABLES as SCREENING

_READING: Final[Step] = (
    # How far the desk has read what became readable, and from which log index on it still has to.
    """CREATE TABLE desk_reading (
        one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, next INTEGER NOT NULL
    ) STRICT""",
    "INSERT INTO desk_reading VALUES (1, 0, 0)",
)

STEPS: Final[tuple[Step, ...]] = ((*_READING, *NAMES, *REGISTER, *SCREENING, *LISTS, *CONSULTATION, *FORMS),)
"""Step n makes schema n+1 out of schema n."""
