"""Whatever the input, a parser of public formats answers or raises one of our errors."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys import package_data
from envoi_keys.checkpoints import LogKey, parse_checkpoint
from envoi_keys.encoding import parse_time
from envoi_keys.enrolments import Enrolment, OfficerEnrolment
from envoi_keys.errors import EnvoiError
from envoi_keys.regimes import parse_annex
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
    "annex": parse_annex,
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


ANNEX = json.loads(package_data.read("regimes", "mtcr_annex.json"))
ANNEX["entries"] = ANNEX["entries"][:6]
CODES = st.sampled_from([*(row["code"] for row in ANNEX["entries"]), "1.A.1.x.2", "2.A", "1.a", ".", "٣", "1.A.1.y.z"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | CODES


@given(data=st.data())
def test_an_annex_with_any_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    content = copy.deepcopy(ANNEX)
    places: list[tuple[Any, Any]] = [(content, name) for name in (*content, "more")]
    for position, row in enumerate(content["entries"]):
        places += [(content["entries"], position), *((row, name) for name in (*row, "title_inherited", "reserved"))]
    spoilt_part, place = data.draw(st.sampled_from(places))
    spoilt_part[place] = data.draw(
        st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner))
    )
    try:
        annex = parse_annex(json.dumps(content).encode())
    except EnvoiError:
        return
    # What was read can be used: each code is found, and whatever is typed leads to one of them or to nothing.
    for entry in annex.entries():
        assert annex.find(entry.code) is entry
        assert annex.category([entry.code]) in annex.categories
    suggestion = annex.nearest(data.draw(st.text(max_size=12) | CODES))
    assert suggestion is None or annex.find(suggestion.code)
