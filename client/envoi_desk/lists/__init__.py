"""Public reference lists: a second source of names, which are never shown among the denials.

A list is loaded from a file that somebody fetched; nothing here uses the network.
"""

from __future__ import annotations

from .store import FORMATS, Listed, Lists, Loaded, format_of

__all__ = ["FORMATS", "Listed", "Lists", "Loaded", "format_of"]
