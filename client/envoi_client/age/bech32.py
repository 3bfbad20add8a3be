"""Bech32 (BIP 173) without its length limit, as age writes recipients and identities.

A string has one case, one separator, a checksum that holds and zero padding bits, or it is Malformed.
Written here because the libraries of PyPI keep BIP 173's 90 characters, which a hybrid recipient exceeds
twenty times, or are unmaintained forks that drop the limit and with it other checks.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from envoi_client.limits import MAX_BECH32_CHARS
from envoi_keys.errors import Malformed

_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final = {character: value for value, character in enumerate(_CHARSET)}
# Bech32 groups bits as RFC 4648 base32 does, five at a time and the high ones first; only the alphabets
# differ.
_RFC4648: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TO_RFC4648: Final = str.maketrans(_CHARSET, _RFC4648)
_FROM_RFC4648: Final = str.maketrans(_RFC4648, _CHARSET)
_CHECKSUM_CHARS: Final = 6
_MAX_PREFIX_CHARS: Final = 83
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _feedback(top: int) -> int:
    result = 0
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            result ^= generator
    return result


# What the five bits shifted out feed back: one look-up for each character instead of five tests.
_FEEDBACK: Final = tuple(_feedback(top) for top in range(32))


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _FEEDBACK[checksum >> 25]
    return checksum


def _expand(prefix: str) -> list[int]:
    """The prefix as the checksum covers it: the high bits of its characters, a zero, the low bits."""
    return [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix]


def encode(prefix: str, data: bytes) -> str:
    """The Bech32 string of ``data``; upper-case if ``prefix`` is, which is ours and not checked."""
    lower = prefix.lower()
    payload = base64.b32encode(data).decode().rstrip("=").translate(_FROM_RFC4648)
    values = _expand(lower) + [_VALUES[character] for character in payload]
    checksum = _polymod(values + [0] * _CHECKSUM_CHARS) ^ 1
    tail = "".join(_CHARSET[checksum >> 5 * place & 31] for place in reversed(range(_CHECKSUM_CHARS)))
    text = f"{lower}1{payload}{tail}"
    return text.upper() if prefix.isupper() else text


def decode(text: str, field: str) -> tuple[str, bytes]:
    """The prefix, in the string's own case, and the data. Raises Malformed, naming ``field``."""
    if len(text) > MAX_BECH32_CHARS:
        raise Malformed(f"has {len(text)} characters; at most {MAX_BECH32_CHARS} are allowed", field=field)
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Malformed("holds a character that is not visible ASCII", field=field)
    if text.lower() != text and text.upper() != text:
        raise Malformed("mixes upper and lower case", field=field)
    prefix, separator, rest = text.rpartition("1")
    if not separator or not 1 <= len(prefix) <= _MAX_PREFIX_CHARS or len(rest) < _CHECKSUM_CHARS:
        raise Malformed("is not Bech32: no prefix, '1' and checksum", field=field)
    lower = rest.lower()
    try:
        values = [_VALUES[character] for character in lower]
    except KeyError as error:
        raise Malformed(f"holds {error.args[0]!r}, which Bech32 does not use", field=field) from None
    if _polymod(_expand(prefix.lower()) + values) != 1:
        raise Malformed("does not match its checksum", field=field, hint="was it copied whole?")
    return prefix, _payload(lower[:-_CHECKSUM_CHARS], field)


def _payload(payload: str, field: str) -> bytes:
    padded = payload.translate(_TO_RFC4648) + "=" * (-len(payload) % 8)
    try:
        data = base64.b32decode(padded)
    except binascii.Error:
        raise Malformed("has a length that no bytes encode to", field=field) from None
    # b32decode lets padding bits be anything; BIP 173 wants zeros, and one spelling for each value.
    if base64.b32encode(data).decode() != padded:
        raise Malformed("has padding bits that are not zero", field=field)
    return data
