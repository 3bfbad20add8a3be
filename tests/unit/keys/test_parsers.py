"""Whatever the input, a parser of public formats answers or raises one of our errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.checkpoints import LogKey, parse_checkpoint
from envoi_keys.encoding import parse_time
from envoi_keys.enrolments import Enrolment, OfficerEnrolment
from envoi_keys.errors import EnvoiError
from envoi_keys.tiles import Tile
from envoi_keys.vkeys import VerifierKey

TEXTS: dict[str, Callable[[str], object]] = {
    "log key": lambda text: LogKey.parse(text, [text, text]),
    "verifier key": VerifierKey.parse,
    "tile": Tile.parse,
    "time": lambda text: parse_time(text, "field"),
}
BYTES: dict[str, Callable[[bytes], object]] = {
    "enrolment": Enrolment.parse,
    "officer": OfficerEnrolment.parse,
    "checkpoint": parse_checkpoint,
}
NEAR = st.sampled_from(
    [
        "tile/0/x001/067",
        "tile/entries/000.p/12",
        "2026-11-23T09:30:00Z",
        "envoi.example/mtcr+7841266f+AQID",
        '{"type":"envoi/officer/v1","exchange":"","id":"POC/anne"}\n',
    ]
)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """Something near to what is right: with a piece of it replaced."""
    text = draw(NEAR)
    start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return text[:start] + draw(st.text(max_size=8)) + text[end:]


@pytest.mark.parametrize("name", TEXTS)
@given(text=st.text(max_size=200) | spoilt())
def test_text_is_parsed_or_refused(name: str, text: str) -> None:
    try:
        TEXTS[name](text)
    except EnvoiError:
        return


@pytest.mark.parametrize("name", BYTES)
@given(raw=st.binary(max_size=400) | spoilt().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_are_parsed_or_refused(name: str, raw: bytes) -> None:
    try:
        BYTES[name](raw)
    except EnvoiError:
        return
