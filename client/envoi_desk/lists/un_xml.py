"""The consolidated list of the UN Security Council, from its XML.

The file is read element by element, so that its size is not the memory's. A document type, an entity, or an element too
deep or too long is refused with its place before anything is made of it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from envoi_keys.errors import Malformed

from .. import limits
from .entry import ORGANIZATION, PERSON, Entry, check_names, country_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOT: Final = "CONSOLIDATED_LIST"
_KINDS: Final = {"INDIVIDUAL": PERSON, "ENTITY": ORGANIZATION}
_PARTS: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")


def read_un_xml(raw: bytes, name: str) -> Iterator[Entry]:
    """The entries of the list, in its order. Raises Malformed, which names the line or the entry at fault."""
    number, depth = 0, 0
    for event, element in _events(raw, name):
        if event == "start":
            depth += 1
            _check_start(element, depth, name)
            continue
        depth -= 1
        if len(element.text or "") > limits.MAX_XML_TEXT_CHARS:
            told = f"<{element.tag[:40]}> has {len(element.text or '')} characters"
            raise Malformed(told, field=f"{name}, after entry {number}")
        if element.tag in _KINDS and depth == 2:
            number += 1
            if number > limits.MAX_LIST_ENTRIES:
                raise Malformed(f"has more than {limits.MAX_LIST_ENTRIES} entries", field=name)
            yield _entry(element, number, name)
            # What was read is let go of.
            element.clear()


def _events(raw: bytes, name: str) -> Iterator[tuple[str, Element]]:
    try:
        yield from iterparse(io.BytesIO(raw), events=("start", "end"), forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        raise Malformed(
            f"is not XML: line {line}, column {column + 1}", field=name, hint="fetch the list again"
        ) from None
    except DefusedXmlException:
        raise Malformed(
            "declares a document type or an entity",
            field=name,
            hint="the list of the United Nations has none: fetch it again",
        ) from None
    except (ValueError, LookupError):
        raise Malformed("is in an encoding that is not read", field=name, hint="save it as UTF-8") from None


def _check_start(element: Element, depth: int, name: str) -> None:
    if depth == 1 and element.tag != _ROOT:
        told = f"begins with <{element.tag[:40]}> and not with <{_ROOT}>"
        raise Malformed(told, field=name, hint="is it the consolidated list?")
    if depth > limits.MAX_XML_DEPTH:
        raise Malformed(f"<{element.tag[:40]}> is nested deeper than {limits.MAX_XML_DEPTH} levels", field=name)


def _entry(element: Element, number: int, name: str) -> Entry:
    kind = _KINDS[element.tag]
    reference = _text(element, "REFERENCE_NUMBER") or _text(element, "DATAID")
    where = f"{name}, {element.tag} {number}" + (f" ({reference[:40]})" if reference else "")
    if not reference:
        raise Malformed("has neither REFERENCE_NUMBER nor DATAID", field=where)
    names = [" ".join(part for tag in _PARTS if (part := _text(element, tag)))]
    names += [_text(alias, "ALIAS_NAME") for alias in element.findall(f"{element.tag}_ALIAS")]
    names.append(_text(element, "NAME_ORIGINAL_SCRIPT"))
    path = "NATIONALITY/VALUE" if kind == PERSON else "ENTITY_ADDRESS/COUNTRY"
    return Entry(
        reference=reference,
        names=check_names(names, where),
        schema=kind,
        country=country_of(_text(element, path)),
        program=_text(element, "UN_LIST_TYPE"),
    )


def _text(element: Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())
