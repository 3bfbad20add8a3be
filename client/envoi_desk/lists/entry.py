"""One entry of a reference list, whatever the form of its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from envoi_keys.countries import country_codes, country_name, is_country
from envoi_keys.encoding import dump_line
from envoi_keys.errors import Malformed

from .. import limits

ORGANIZATION: Final = "Organization"
PERSON: Final = "Person"


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody on a list: the list's own ``reference``, and every name, the first being the main one.

    ``schema`` is Organization, Person or empty, ``country`` an ISO 3166 code or empty, ``program`` the list's own word
    for why. Names are kept as they were written, apart from spaces; who prints them makes them safe.
    """

    reference: str
    names: tuple[str, ...]
    schema: str = ""
    country: str = ""
    program: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what bears on a match, in hexadecimal: while it stays the same, a decision about it holds."""
        names = sorted(set(self.names))
        return sha256(dump_line({"names": names, "schema": self.schema, "country": self.country})).hexdigest()


def check_names(names: Iterable[str], where: str) -> tuple[str, ...]:
    """The names, each once, with single spaces. Raises Malformed at ``where`` if there is none, or too many or long."""
    found = tuple(dict.fromkeys(one for name in names if (one := " ".join(name.split()))))
    if not found:
        raise Malformed("has no name", field=where)
    if len(found) > limits.MAX_LIST_NAMES:
        raise Malformed(f"has {len(found)} names; at most {limits.MAX_LIST_NAMES} are allowed", field=where)
    for name in found:
        if len(name) > limits.MAX_LISTED_NAME_CHARS:
            told = f"has a name of {len(name)} characters; at most {limits.MAX_LISTED_NAME_CHARS} are allowed"
            raise Malformed(told, field=where)
    return found


def country_of(text: str) -> str:
    """The code of a country that a list writes as a code or a name; empty where it is neither.

    Nothing is guessed: the country of an entry is shown and does not decide.
    """
    written = " ".join(text.split())
    if is_country(written):
        return written
    codes = _codes()
    # The United Nations write "Iran (Islamic Republic of)".
    return codes.get(written.casefold()) or codes.get(written.partition(" (")[0].casefold(), "")


@cache
def _codes() -> dict[str, str]:
    return {str(country_name(code)).casefold(): code for code in country_codes()}
