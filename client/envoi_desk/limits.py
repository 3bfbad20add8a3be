"""Every limit of the desk, in one place, with its unit.

Limits of the documents themselves stand in :mod:`envoi_client.limits`. A limit is checked before the work it bounds.
"""

from __future__ import annotations

from typing import Final

from envoi_keys.limits import KIB, MIB

# Cases and screening
MAX_CASE_FILE_BYTES: Final = 16 * MIB
"""A file of cases, JSON or CSV."""
MAX_CASE_ITEMS: Final = 100
"""Items of one case."""
MAX_SHOWN_HITS: Final = 25
"""Hits that are printed of one case unless ``--limit`` says otherwise."""
MAX_DISPOSITION_BYTES: Final = 32 * KIB
"""One signed disposition: a line of text and two signatures."""
MAX_DISPOSITION_FILE_BYTES: Final = 64 * MIB
"""A file of exported dispositions."""
MAX_REASON_CHARS: Final = 2_000
"""The reason of a disposition."""

# Reference lists
MAX_LIST_BYTES: Final = 128 * MIB
"""The file of a reference list; the UN's consolidated list has about 2 MiB."""
MAX_LIST_ENTRIES: Final = 200_000
"""Entries of one reference list."""
MAX_LIST_REFERENCE_CHARS: Final = 200
"""How a list names an entry."""
MAX_LIST_NAMES: Final = 500
"""Names of one entry."""
MAX_LISTED_NAME_CHARS: Final = 1_000
"""One name of an entry."""
MAX_XML_DEPTH: Final = 16
"""Levels of elements in a reference list; the UN's has six."""
MAX_XML_TEXT_CHARS: Final = 20_000
"""The text of one element."""

# Forms: notices in and out
MAX_IMPORT_BYTES: Final = 64 * MIB
"""One file of notices, as it lies on disk."""
MAX_UNPACKED_BYTES: Final = 128 * MIB
"""What an XLSX file unpacks to, all its parts together."""
MAX_XLSX_PARTS: Final = 1_000
"""Parts of one XLSX file."""
MAX_SHEET_ROWS: Final = 200_000
"""Rows of one file of notices, empty ones included."""
MAX_XLSX_CELL_CHARS: Final = 32_767
"""One cell of an XLSX file: what spreadsheets take."""
MAX_SHEET_CELLS: Final = 4_000_000
"""Filled cells of one XLSX file."""
MAX_SHEET_COLUMNS: Final = 256
"""Columns of one file of notices."""
MAX_IMPORT_NOTICES: Final = 100_000
"""Notices of one import."""
MAX_IMPORT_PROBLEMS: Final = 1_000
"""Problems after which an import is looked at no further: to suggest what was meant takes milliseconds each."""
MAX_SHOWN_PROBLEMS: Final = 50
"""Problems of an import that are shown; the others are counted."""
MAX_DEFAULTS_BYTES: Final = 64 * KIB
"""A file of defaults."""
MAX_PRINTED: Final = 500
"""Notices in one PDF."""

# Consultations
REMIND_WORKING_DAYS: Final = 3
"""How many working days ahead a sync reminds of what is due."""

# Pairs of names, for measuring
MAX_PAIRS_BYTES: Final = 64 * MIB
"""A file of pairs."""
MAX_PAIRS: Final = 500_000
"""Pairs of one file."""
MAX_PAIR_NAME_CHARS: Final = 1_000
"""One name of a pair; the longest listed name has about two hundred."""
