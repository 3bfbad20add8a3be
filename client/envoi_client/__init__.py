"""A state's own side: its keys, what it seals and opens, what it believes and what it keeps.

Nothing here runs on the relay, and nothing of the relay runs here.
"""

from __future__ import annotations

__version__ = "0.1.0"
