"""C2SP signed notes: a text and the signature lines under it, as exact bytes.

A note parses in one way or not at all, and ``note.serialise()`` of a parsed note is the bytes that were
parsed. Nothing here looks at a key: until :mod:`envoi_keys.vkeys` has verified a signature by a key that the
reader already trusts, the text means nothing (signed-note, introduction).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from .encoding import b64, unb64
from .errors import Malformed
from .limits import MAX_NOTE_BYTES, MAX_SIGNATURES

_DASH: Final = "— "  # em dash U+2014 and a space
_KEY_ID_BYTES: Final = 4
# signed-note, "Format": no ASCII control character other than newline. DEL and the C1 controls are allowed
# there and here; what may stand in a statement is the statement's own, stricter grammar.
_CONTROLS: Final = bytes(set(range(0x20)) - {0x0A})
# signed-note, "Format": key names are non-empty, without Unicode spaces and plus. In a str pattern \s is
# str.isspace(), which beside controls is the set of Go's unicode.IsSpace. No note could hold the others.
_KEY_NAME: Final = re.compile("[^\\s+\x00-\x1f\ud800-\udfff]+")


def check_key_name(name: str, where: str) -> None:
    """Refuse what cannot stand as a key name in a signature line: Malformed in the field ``where``."""
    if not _KEY_NAME.fullmatch(name):
        raise Malformed(f"{name[:64]!r} is empty or holds a space, a plus or a control", field=where)


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature line: who says to have signed, with which key (4 bytes of its hash), and the signature.

    ``signature`` is without the key id. A line is a claim; only :func:`envoi_keys.vkeys.verified_keys`
    believes it. Raises Malformed when the parts could not stand in a note.
    """

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, "signature")
        if len(self.key_id) != _KEY_ID_BYTES:
            raise Malformed(f"a key id has {len(self.key_id)} bytes instead of 4", field="signature")
        # signed-note says "4+n bytes"; n = 0 would be a line that no algorithm can have made.
        if not self.signature:
            raise Malformed("nothing follows the key id", field="signature")

    @classmethod
    def parse(cls, line: str, where: str = "signature") -> SignatureLine:
        """The parts of ``— name base64`` without newline (signed-note, "Signatures"). Raises Malformed."""
        # A name holds no space and base64 neither, so the first space after the dash is the only one.
        name, space, encoded = line[len(_DASH) :].partition(" ")
        if not line.startswith(_DASH) or not space:
            raise Malformed("is not of the form '— name base64'", field=where)
        data = unb64(encoded, where)
        return cls(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])

    def serialise(self) -> str:
        """The line with its newline."""
        return f"{_DASH}{self.name} {b64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and one or more signature lines.

    Raises Malformed when text and lines could not stand in a note.
    """

    text: bytes
    signatures: tuple[SignatureLine, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.text.endswith(b"\n"):
            raise Malformed("does not end in a newline", field="text")
        try:
            self.text.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("is not UTF-8", field="text") from None
        if len(self.text.translate(None, _CONTROLS)) != len(self.text):
            raise Malformed("holds a control character other than newline", field="text")
        if not self.signatures:
            raise Malformed("carries no signature", field="signatures")
        if len(self.signatures) > MAX_SIGNATURES:
            raise Malformed(f"carries more than {MAX_SIGNATURES} signatures", field="signatures")
        # signed-note leaves open what two lines of one key mean. Were they allowed, a reader that keeps the
        # first and one that keeps the last could disagree about a note, and anybody could make other bytes
        # of it by adding a copy. An honest signer needs one line, so a second one refuses the note.
        if len({(line.name, line.key_id) for line in self.signatures}) != len(self.signatures):
            raise Malformed("the same name and key id sign twice", field="signatures")

    @classmethod
    def parse(cls, raw: bytes, *, max_bytes: int = MAX_NOTE_BYTES) -> Note:
        """The note in ``raw`` (signed-note, "Format"). Raises Malformed.

        Size and number of lines are bounded before anything is decoded. Spec: verifiers MUST accept at least
        16 signatures; we accept MAX_SIGNATURES.
        """
        if len(raw) > max_bytes:
            raise Malformed(f"has {len(raw)} bytes; at most {max_bytes} are allowed", field="note")
        if not raw.endswith(b"\n"):
            raise Malformed("does not end in a newline", field="note")
        # "The text is separated from the signatures by the last empty line": it may hold others itself.
        end = raw.rfind(b"\n\n")
        if end < 0:
            raise Malformed("has no blank line between text and signatures", field="note")
        block = raw[end + 2 :]
        if block.count(b"\n") > MAX_SIGNATURES:
            raise Malformed(f"carries more than {MAX_SIGNATURES} signatures", field="signatures")
        try:
            lines = block.decode("utf-8").split("\n")[:-1]
        except UnicodeDecodeError:
            raise Malformed("are not UTF-8", field="signatures") from None
        signatures = (SignatureLine.parse(line, f"signatures[{at}]") for at, line in enumerate(lines))
        return cls(raw[: end + 1], tuple(signatures))

    def serialise(self) -> bytes:
        """The bytes of the note. For a parsed note these are the bytes that were parsed."""
        return self.text + b"\n" + "".join(line.serialise() for line in self.signatures).encode()

    def signed(self, *lines: SignatureLine) -> Note:
        """The note with further signature lines below its own. Raises Malformed when a key signs twice."""
        return Note(self.text, self.signatures + lines)
