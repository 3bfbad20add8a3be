"""The three ways in which a well-formed age file can still not be opened.

They stay apart because the answers differ: no identity of ours fits (look for another key), the header was
altered or the file key is the wrong one (nothing was released), or the payload was cut or altered (what was
released before is genuine, but not the whole file). What does not parse is Malformed, with the field ``age
header`` or ``armor``.
"""

from __future__ import annotations

from envoi_keys.errors import LocalError, Unverified


class NoMatch(LocalError):
    """No identity of ours opens a stanza of this file."""


class HeaderForged(Unverified):
    """The header's MAC does not hold: stanzas were changed, or the file key is not this file's."""


class PayloadDamaged(Unverified):
    """A chunk does not verify, or the payload does not end with its final chunk."""
