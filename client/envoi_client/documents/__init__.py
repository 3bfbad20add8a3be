"""The typed documents that a body carries: for each body type a reader, a validator and a rendering.

``parse`` believes nothing: it returns a document that obeys its form, or raises InvalidDocument with all
that is wrong. A type that this version does not know is refused by name and can still be looked at
(:func:`show`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from envoi_client import limits
from envoi_keys.errors import Malformed, Refused
from envoi_keys.json_files import parse_file
from envoi_keys.regimes import Profile

from .aggregate import AggregateDenial, Period, parse_aggregate
from .consultation import (
    ConsultationClose,
    ConsultationReply,
    ConsultationRequest,
    ConsultationStep,
    ExtensionGrant,
    ExtensionRequest,
    parse_consultation,
)
from .denial import DenialNotice
from .note import PlainNote, parse_note
from .problems import InvalidDocument, Problem, did_you_mean
from .render import render_aggregate, render_denial, render_note, render_unknown
from .render_consultation import render_consultation, render_undercut
from .text import shown
from .undercut import UndercutNotice, parse_undercut
from .validate import parse_denial

__all__ = [
    "DOCUMENTS",
    "AggregateDenial",
    "ConsultationClose",
    "ConsultationReply",
    "ConsultationRequest",
    "ConsultationStep",
    "DenialNotice",
    "Document",
    "DocumentType",
    "ExtensionGrant",
    "ExtensionRequest",
    "InvalidDocument",
    "Period",
    "PlainNote",
    "Problem",
    "UndercutNotice",
    "parse",
    "parse_aggregate",
    "parse_consultation",
    "parse_denial",
    "parse_draft",
    "parse_note",
    "parse_undercut",
    "render",
    "show",
]

Document = DenialNotice | AggregateDenial | ConsultationStep | UndercutNotice | PlainNote


@dataclass(frozen=True, slots=True)
class DocumentType:
    """What is done with the bodies of one type."""

    type: str
    parse: Callable[[Any, Profile, Collection[str] | None], Document]
    render: Callable[[Any, Profile | None], str]


DOCUMENTS: Final[Mapping[str, DocumentType]] = MappingProxyType(
    {
        kind.type: kind
        for kind in (
            DocumentType(DenialNotice.type, parse_denial, render_denial),
            DocumentType(AggregateDenial.type, parse_aggregate, render_aggregate),
            DocumentType(ConsultationRequest.type, parse_consultation, render_consultation),
            DocumentType(UndercutNotice.type, parse_undercut, render_undercut),
            DocumentType(PlainNote.type, parse_note, render_note),
        )
    }
)
"""The types of bodies, by name."""


def parse(type_: str, content: Any, profile: Profile, partners: Collection[str] | None = None) -> Document:
    """The document of type ``type_`` (``denial/v1``) in a body's ``content``.

    ``partners`` are the ids of the roster's Partners, by default the profile's. Raises Refused
    ``unknown-document`` for a type that this version does not know, InvalidDocument with every problem
    found.
    """
    kind = DOCUMENTS.get(type_)
    if kind is None:
        raise Refused(
            f"{shown(type_)} is not a document that this version reads",
            reason="unknown-document",
            hint=did_you_mean(type_, DOCUMENTS) or "a newer version may read it",
        )
    return kind.parse(content, profile, partners)


def parse_draft(type_: str, raw: bytes, profile: Profile, partners: Collection[str] | None = None) -> Document:
    """The document in a JSON file that somebody wrote. Raises Malformed, and like :func:`parse`."""
    return parse(type_, parse_file(raw, max_bytes=limits.MAX_DRAFT_BYTES), profile, partners)


def render(document: Document, profile: Profile | None = None) -> str:
    """The document as text for a terminal; with a ``profile``, codes carry their titles."""
    return DOCUMENTS[document.type].render(document, profile)


def show(type_: str, content: Any, profile: Profile) -> str:
    """Any body's content as text that is safe to print, whether or not this version can read it.

    What cannot be read is shown as JSON under the reason: a notice that breaks a rule of the form was
    signed and sent all the same, and nobody may hide it.
    """
    try:
        return render(parse(type_, content, profile), profile)
    except (Malformed, Refused) as error:
        return f"{error}\n\n{render_unknown(content)}"
