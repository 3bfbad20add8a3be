"""How a regime writes the reference of a notice, as a template in its profile.

A template such as ``MTCR/DN/{state}/{year}/{number}`` is literal but for its three placeholders. The state
in a reference is the one that notifies, which keeps references unique without anybody handing them out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from envoi_keys.errors import Malformed

_FORMS: Final = {"state": "[A-Z]{2,3}", "year": "[0-9]{4}", "number": "[0-9]{4,6}"}
_PLACEHOLDER: Final = re.compile(r"\{([a-z]*)\}")
_LITERAL: Final = re.compile(r"[A-Za-z0-9/. -]*")


@dataclass(frozen=True, slots=True)
class ReferenceForm:
    """The form of a reference. ``str()`` is its template."""

    template: str
    _pattern: re.Pattern[str]

    def __str__(self) -> str:
        return self.template

    @classmethod
    def parse(cls, template: str, field: str) -> ReferenceForm:
        """The form that ``template`` describes. Raises Malformed."""
        # split() with one group alternates: literal, placeholder, literal, ...
        pieces = _PLACEHOLDER.split(template)
        literals, placeholders = pieces[::2], pieces[1::2]
        if sorted(placeholders) != sorted(_FORMS) or not all(_LITERAL.fullmatch(text) for text in literals):
            raise Malformed("needs {state}, {year} and {number}, each once, in plain text", field=field)
        pattern = re.escape(literals[0])
        for name, literal in zip(placeholders, literals[1:], strict=True):
            pattern += f"(?P<{name}>{_FORMS[name]}){re.escape(literal)}"
        return cls(template, re.compile(pattern))

    def state(self, reference: str) -> str | None:
        """The state that a reference names; None if the reference is not of this form."""
        match = self._pattern.fullmatch(reference)
        return match["state"] if match else None

    def example(self, state: str, year: int) -> str:
        """A reference as ``state`` would write it: the first of ``year``."""
        return self.template.format(state=state, year=f"{year:04}", number="0001")
