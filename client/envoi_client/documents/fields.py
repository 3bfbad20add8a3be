"""Reading the fields of a document, each once, and reporting what is wrong with it.

A method always returns a value of its type. Where it reported a problem that value is a placeholder, which
goes no further: whoever reads fields ends with :meth:`Problems.raise_any`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

from envoi_keys.countries import country_meant, is_country

from .dates import read_day
from .problems import Problems, did_you_mean
from .text import shown, unsafe_character

_Term = TypeVar("_Term", bound=StrEnum)

_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_CURRENCIES: Final = {
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "us$": "USD",
    "usd": "USD",
    "£": "GBP",
}
_MAX_SHOWN_FIELDS: Final = 20


class Fields:
    """The fields of one object. ``what`` names it ("a denial notice"), ``help_`` says what a field is for."""

    __slots__ = ("_asked", "_help", "_left", "_path", "_problems", "_what")

    def __init__(self, value: Any, path: str, problems: Problems, *, what: str, help_: Mapping[str, str]) -> None:
        self._path = path
        self._problems = problems
        self._what = what
        self._help = help_
        self._asked: list[str] = []
        self._left: dict[Any, Any] | None = dict(value) if isinstance(value, dict) else None
        if self._left is None:
            problems.add(path, f"{shown(value)} is not {what}", help_.get(""))

    def path(self, name: str) -> str:
        """The full path of a field."""
        return f"{self._path}.{name}" if self._path else name

    def problem(self, name: str, message: str, hint: str | None = None) -> None:
        """Report a problem with a field."""
        self._problems.add(self.path(name), message, hint)

    def _take(self, name: str, *, optional: bool = False) -> Any:
        """The value, or None where it is missing; what must not be missing is reported."""
        self._asked.append(name)
        if self._left is None:
            return None
        if name not in self._left:
            if not optional:
                self.problem(name, "is missing", self._help.get(name))
            return None
        value = self._left.pop(name)
        if value is None:
            self.problem(name, "is null", "leave the field out" if optional else self._help.get(name))
        return value

    def text(self, name: str, max_chars: int, *, line_breaks: bool = False) -> str:
        """A text that must be there."""
        value = self._take(name)
        if value is None:
            return ""
        if isinstance(value, str) and not value.strip():
            self.problem(name, "is empty", self._help.get(name))
            return ""
        return self._text(name, value, max_chars, line_breaks)

    def optional_text(self, name: str, max_chars: int, *, line_breaks: bool = False) -> str | None:
        """A text that may be left out."""
        value = self._take(name, optional=True)
        return None if value is None else self._text(name, value, max_chars, line_breaks)

    def _text(self, name: str, value: Any, max_chars: int, line_breaks: bool) -> str:
        return read_text(value, self.path(name), self._problems, max_chars, line_breaks=line_breaks)

    def pattern(self, name: str, form: re.Pattern[str], message: str, hint: str) -> str | None:
        """A text that may be left out, of the given form; ``message`` says what it is not."""
        value = self.optional_text(name, 200)
        if value and not form.fullmatch(value):
            self.problem(name, f"{shown(value)} {message}", hint)
        return value

    def currency(self, name: str) -> str | None:
        """Three capital letters, as ISO 4217 writes a currency. It may be left out."""
        value = self._take(name, optional=True)
        if value is None or (isinstance(value, str) and _CURRENCY.fullmatch(value)):
            return value
        meant = _CURRENCIES.get(value.strip().casefold()) if isinstance(value, str) else None
        self.problem(
            name,
            f"{shown(value)} is not a currency",
            f"did you mean {meant}?" if meant else "write the three capital letters of ISO 4217, such as EUR",
        )
        return ""

    def choice(self, name: str, terms: type[_Term]) -> _Term:
        """One of the profession's terms."""
        known = [term.value for term in terms]
        value = self.one_of(name, known)
        return terms(value) if value in known else next(iter(terms))

    def one_of(self, name: str, known: list[str]) -> str:
        """One of the ``known`` words."""
        value = self._take(name)
        if value is None:
            return ""
        if not isinstance(value, str) or value not in known:
            near = did_you_mean(value, known) if isinstance(value, str) else None
            self.problem(name, f"{shown(value)} is not one of {', '.join(known)}", near)
            return ""
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._take(name)
        if value is not None and not isinstance(value, bool):
            said = f'"{value}" in quotes' if value in ("true", "false") else shown(value)
            self.problem(name, f"{said} is not true or false", "write true or false without quotes")
        return value is True

    def integer(self, name: str, *, at_least: int, at_most: int) -> int:
        """A whole number within its bounds."""
        value = self._take(name)
        if value is None:
            return at_least
        # In Python true is an integer.
        if isinstance(value, bool) or not isinstance(value, int):
            self.problem(name, f"{shown(value)} is not a whole number", "write digits without quotes")
        elif not at_least <= value <= at_most:
            self.problem(name, f"{value} is not between {at_least} and {at_most}")
        else:
            return value
        return at_least

    def day(self, name: str) -> date:
        """A day in the form YYYY-MM-DD."""
        value = self._take(name)
        return date.min if value is None else read_day(value, self.path(name), self._problems)

    def country(self, name: str) -> str:
        """An alpha-2 code of ISO 3166."""
        value = self._take(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not _COUNTRY.fullmatch(value) or not is_country(value):
            meant = country_meant(value[:100]) if isinstance(value, str) else None
            self.problem(
                name,
                f"{shown(value)} is not an ISO 3166 code",
                meant or "write the two capital letters of the country's code, such as FR",
            )
            return ""
        return value

    def decimal(self, name: str) -> Decimal | None:
        """A decimal number, written as text so that no program rounds it. It may be left out."""
        value = self._take(name, optional=True)
        if value is None:
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self.problem(name, "is a bare number, which programs round", 'write it in quotes, such as "12.5"')
        elif not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            self.problem(
                name,
                f"{shown(value)} is not a decimal number",
                "write digits with a point before the fraction and nothing between thousands, such as 1250.5",
            )
        else:
            return Decimal(value)
        return Decimal(1)

    def listing(self, name: str, *, at_least: int, at_most: int) -> list[Any]:
        """A list; it may be left out where ``at_least`` is 0."""
        value = self._take(name, optional=at_least == 0)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(name, f"{shown(value)} is not a list", "write it in square brackets")
            return []
        if len(value) < at_least:
            self.problem(name, "is empty", self._help.get(name))
        elif len(value) > at_most:
            self.problem(name, f"has {len(value)} entries; at most {at_most} are allowed")
        return value[:at_most]

    def inner(self, name: str, *, what: str, help_: Mapping[str, str]) -> Fields:
        """The fields of the object in the field ``name``."""
        value = self._take(name)
        # None was reported already: an empty object that is asked nothing more would report again.
        if value is None:
            return Fields({}, self.path(name), Problems(), what=what, help_=help_)
        return Fields(value, self.path(name), self._problems, what=what, help_=help_)

    def done(self) -> None:
        """Report the fields that nobody asked for."""
        for name in list(self._left or ())[:_MAX_SHOWN_FIELDS]:
            self._problems.add(
                self.path(shown(name)),
                f"is not a field of {self._what}",
                did_you_mean(str(name), self._asked),
            )


def read_text(value: Any, path: str, problems: Problems, max_chars: int, *, line_breaks: bool = False) -> str:
    """``value`` if it is a text that may stand in a document; reports a problem at ``path`` if not."""
    if not isinstance(value, str):
        problems.add(path, f"{shown(value)} is not text", "write it in quotes")
    elif not value.strip():
        problems.add(path, "is empty", "write something or leave it out")
    elif len(value) > max_chars:
        problems.add(path, f"has {len(value)} characters; at most {max_chars} are allowed")
    elif (found := unsafe_character(value, line_breaks=line_breaks)) is not None:
        problems.add(path, found, "remove it, or type the text anew")
    elif value != value.strip():
        problems.add(path, "begins or ends with a space", "remove it")
    else:
        return value
    return ""
