"""Notices on paper: one PDF (PDF/UA-1) in English or French, made by typst from data alone.

What a notice says reaches the template as JSON and is never markup, so no field can change the page. Every page carries
the releasability, the mark of an exercise, its number, and where the notice came from. A letter that the shipped fonts
cannot draw is transliterated and said to be, on paper and to the caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

from envoi_client.documents import DenialNotice
from envoi_client.documents.denial import Party
from envoi_client.documents.render import country
from envoi_client.documents.text import printable
from envoi_keys.encoding import format_time
from envoi_keys.errors import LocalError
from envoi_keys.regimes import WITHHELD, Profile

from ..register import Version
from . import glyphs
from .odd import oddities
from .words import Words

_TEMPLATE: Final = "notice.typ"

Cell = list[Any]
"""A row: its label, its text, and the notes below it."""


@dataclass(slots=True)
class Printed:
    """What was laid out: the ``data`` of the template, and ``warnings`` of letters that it cannot show."""

    data: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


class _Layout:
    """Lays out one notice; collects the warnings of all of its texts."""

    def __init__(self, words: Words, profile: Profile, reference: str, warnings: list[str]) -> None:
        self._words = words
        self._profile = profile
        self._reference = reference
        self._warnings = warnings

    def text(self, value: str) -> tuple[str, list[str]]:
        """``value`` as it can be drawn, and what is to be said of it."""
        drawn, scripts = glyphs.replaced(printable(value.replace("\t", "    "), line_breaks=True))
        notes = [self._words("odd", odd=odd) for odd in oddities(value)]
        if scripts:
            listed = ", ".join(scripts)
            notes.append(self._words("no_glyphs", scripts=listed))
            self._warnings.append(
                f"{self._reference}: no glyphs for {listed}; printed in transliteration: {drawn[:60]}"
            )
        return drawn, [glyphs.replaced(note)[0] for note in notes]

    def row(self, label: str, value: str | None) -> list[Cell]:
        """The row of a field; none where there is nothing in it."""
        if not value:
            return []
        drawn, notes = self.text(value)
        return [[self._words(f"label.{label}"), drawn, notes]]

    def entries(self, version: Version) -> str:
        if version.catch_all:
            lines = [self._words("not_on_annex")]
            if not self._profile.denials.catch_all_bars_undercut:
                lines.append(self._words("no_undercut"))
            return "\n".join(lines)
        titles = {code: entry.title for code in version.entries if (entry := self._profile.annex.find(code))}
        return "\n".join(f"{code}  {titles[code]}" if code in titles else code for code in version.entries)

    def notice(self, version: Version) -> tuple[list[Cell], list[dict[str, Any]]]:
        """The rows of the notice, and of each of its parties."""
        notice, words, row = version.notice, self._words, self.row
        rows = [
            *row("status", words.term(notice.status)),
            *row("revocation_reason", notice.revocation_reason),
            *row("notifying_government", country(notice.notifying_government)),
        ]
        if not isinstance(notice, DenialNotice):
            period = words("period", **{"from": notice.period.from_, "to": notice.period.to})
            rows += [*row("period", period), *row("count", str(notice.count))]
            rows += [*row("control_entries", self.entries(version))]
            rows += [*row("destination_country", country(notice.destination_country))]
            rows += [*row("releasability", notice.releasability), *row("remarks", notice.remarks)]
            return [*rows, ["", words("no_screening"), []]], []
        category = words("category", category=words.term(notice.annex_category))
        rows += [
            *row("competent_authority", f"{notice.competent_authority.name}\n{notice.competent_authority.contact}"),
            *row("national_reference", notice.national_reference),
            *row("supersedes", notice.supersedes),
            *row("kind", words.term(notice.kind)),
            *row("transaction_type", words.term(notice.transaction_type)),
            *row("date_of_denial", notice.date_of_denial.isoformat()),
            *row("date_of_notification", notice.date_of_notification.isoformat()),
            *row("review_by", notice.review_by.isoformat()),
            *row("control_entries", self.entries(version) + ("" if notice.catch_all else f"\n{category}")),
            *row("list_edition", notice.list_edition),
            *row("item_description", notice.item_description),
            *row("quantity", f"{notice.quantity:f} {notice.unit}" if notice.quantity is not None else None),
            *row("value", f"{notice.value:f} {notice.currency}" if notice.value is not None else None),
            *row("hs_code", notice.hs_code),
            *row("destination_country", country(notice.destination_country)),
            *row("stated_end_use", notice.stated_end_use),
            *row("reason_for_refusal", self._reason(notice)),
            *row("releasability", notice.releasability),
            *row("remarks", notice.remarks),
        ]
        return rows, [self._party(number, party) for number, party in enumerate(notice.parties, 1)]

    def _reason(self, notice: DenialNotice) -> str:
        reason = notice.reason_for_refusal
        if reason.code == WITHHELD:
            return self._words("withheld")
        return f"{self._profile.denials.reasons.get(reason.code, reason.code)}\n{reason.text}"

    def _party(self, number: int, party: Party) -> dict[str, Any]:
        row = self.row
        return {
            "title": self._words("party", number=number),
            "rows": [
                *row("name", party.name),
                *row("name_original_script", party.name_original_script),
                *row("aliases", "\n".join(party.aliases)),
                *row("role", self._words.term(party.role)),
                *row("address", party.address),
                *row("country", country(party.country)),
                *row("identifiers", "\n".join(f"{one.kind}: {one.value}" for one in party.identifiers)),
            ],
        }


def layout(versions: Iterable[Version], profile: Profile, words: Words, head: int) -> Printed:
    """The data of the template for ``versions``, as of the log index ``head``."""
    warnings: list[str] = []
    notices = [_notice(version, profile, words, warnings) for version in versions]
    titles = [notice["title"] for notice in notices]
    return Printed(
        {
            "language": words.language,
            "title": titles[0] if len(titles) == 1 else f"{words('title.denial/v1')} ({len(titles)})",
            "author": ", ".join(dict.fromkeys(notice["author"] for notice in notices)),
            "fonts": list(glyphs.FAMILIES),
            "printed": words("printed", head=head),
            "page": words("page"),
            "page_of": words("page.of"),
            "notices": notices,
        },
        warnings,
    )


def _notice(version: Version, profile: Profile, words: Words, warnings: list[str]) -> dict[str, Any]:
    notice = version.notice
    lay = _Layout(words, profile, version.reference, warnings)
    rows, parties = lay.notice(version)
    origin = {"author": version.author, "id": version.id, "index": version.index}
    if version.logged_at is None:
        provenance = words("provenance.no_time", **origin)
    else:
        provenance = words("provenance", **origin, time=format_time(version.logged_at))
    return {
        "title": lay.text(f"{words(f'title.{version.type}')} {version.reference}")[0],
        "author": version.author,
        "exercise": words("exercise") if notice.exercise else None,
        "explained": words("exercise.explained"),
        "releasability": lay.text(notice.releasability)[0],
        "provenance": provenance,
        "rows": [[words("label.state"), words.term(version.state), []], *rows],
        "parties": parties,
    }


def to_pdf(printed: Printed) -> bytes:
    """The PDF of what was laid out. Raises LocalError if typst fails."""
    # Imported late: it is a large library, and only paper needs it.
    import typst

    template = files(__package__).joinpath(_TEMPLATE).read_bytes()
    try:
        fonts = typst.Fonts(include_system_fonts=False, font_paths=glyphs.directories())
        # JSON, in ASCII: no character of a notice means anything on its way into the template.
        inputs = {"data": json.dumps(printed.data)}
        pdf = typst.compile(template, font_paths=fonts, sys_inputs=inputs, format="pdf", pdf_standards=["ua-1"])
    except (typst.TypstError, RuntimeError, ValueError) as error:
        raise LocalError(f"the PDF could not be made: {str(error).splitlines()[0][:200]}") from None
    assert isinstance(pdf, bytes)
    return pdf


def print_notices(versions: Sequence[Version], profile: Profile, words: Words, head: int) -> tuple[bytes, list[str]]:
    """The PDF of ``versions``, and warnings of what it cannot show. Raises LocalError."""
    printed = layout(versions, profile, words, head)
    return to_pdf(printed), printed.warnings
