"""One small tree of errors, cut by who is at fault.

Whatever the input, a function of Envoi returns or raises one of these: never a bare ValueError, never an
exception of a library below. Misuse by the programmer (a wrong type, a missing argument) stays outside the
tree.

::

    EnvoiError
    ├── PeerError          what we were given is at fault
    │   ├── Malformed      it does not parse, or breaks a grammar
    │   ├── Unverified     a signature, proof, commitment or hash does not hold
    │   ├── Refused        well-formed and genuine, but not acceptable here and now
    │   └── Fraud          somebody may be cheating, and we can show it
    ├── LocalError         our own machine: files, settings, passphrase, clock
    └── NetworkError       nobody answered, or not in time
"""

from __future__ import annotations


class EnvoiError(Exception):
    """The root. ``str()`` is one lower-case sentence; ``hint`` says what to do next, or is None.

    ``kind`` is a stable word for programs: that of the class, or the reason of a refusal. ``suspicious`` is set where
    an alarm was kept, by it or before it: somebody may be cheating, or a cable is bad.
    """

    kind = "local"
    suspicious = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class PeerError(EnvoiError):
    """What we were given is at fault: a file, a statement, an answer."""

    kind = "peer"


class Malformed(PeerError):
    """Bytes that do not parse. ``field`` is the path of the field at fault, such as ``members[3].id``."""

    kind = "malformed"

    def __init__(self, message: str, *, field: str = "", hint: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message, hint=hint)
        self.field = field


class Unverified(PeerError):
    """A signature, proof, commitment or hash that does not hold for the bytes it came with."""

    kind = "unverified"


class Refused(PeerError):
    """A rule says no. ``reason`` is a stable slug, such as ``number-taken``; the sentence is for people."""

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = self.kind = reason


class Fraud(PeerError):
    """Somebody may be cheating. ``evidence`` holds the signed bytes that contradict each other."""

    kind = "fraud"

    def __init__(self, message: str, *, evidence: tuple[bytes, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.evidence = evidence


class LocalError(EnvoiError):
    """Our own machine is at fault: a file, a setting, a passphrase, a full disk, a wrong clock."""


class NetworkError(EnvoiError):
    """Nobody answered, or not in time. Trying again later is right."""

    kind = "network"
