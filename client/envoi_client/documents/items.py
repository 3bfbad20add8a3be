"""The items of a document that is about no single notice: their control entries, parameters and quantities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from envoi_client import limits
from envoi_keys.regimes import Profile

from .denial import CATCH_ALL
from .fields import Fields
from .problems import Problems
from .validate import read_control_entries

_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": 'write {"control_entries": [...], "description": ...}',
        "control_entries": 'list the entries of the Annex, such as ["9.A.3"], or ["catch-all"]',
        "description": "describe the item with its technical parameters",
    }
)


@dataclass(frozen=True, slots=True)
class Item:
    """An item with its technical parameters in ``description``. ``quantity`` is a decimal and counts ``unit``."""

    control_entries: tuple[str, ...]
    description: str
    quantity: Decimal | None = None
    unit: str | None = None

    def to_content(self) -> dict[str, Any]:
        """The object as it stands in the document."""
        content: dict[str, Any] = {"control_entries": list(self.control_entries), "description": self.description}
        if self.quantity is not None:
            content |= {"quantity": format(self.quantity, "f"), "unit": self.unit}
        return content


def read_items(fields: Fields, profile: Profile, problems: Problems) -> tuple[Item, ...]:
    """The field ``items``: one item or more."""
    values = fields.listing("items", at_least=1, at_most=limits.MAX_ITEMS)
    return tuple(
        _item(value, f"{fields.path('items')}[{position}]", profile, problems) for position, value in enumerate(values)
    )


def _item(value: Any, path: str, profile: Profile, problems: Problems) -> Item:
    fields = Fields(value, path, problems, what="an item", help_=_HELP)
    item = Item(
        control_entries=read_control_entries(fields, profile, problems),
        description=fields.text("description", limits.MAX_TEXT_CHARS, line_breaks=True),
        quantity=fields.decimal("quantity"),
        unit=fields.optional_text("unit", limits.MAX_LINE_CHARS),
    )
    fields.done()
    if CATCH_ALL in item.control_entries and len(item.control_entries) > 1:
        fields.problem("control_entries", "catch-all stands beside entries of the Annex", "remove one or the other")
    if problems.clear_of(f"{path}.quantity", f"{path}.unit"):
        if (item.quantity is None) is not (item.unit is None):
            missing, other = ("quantity", "unit") if item.quantity is None else ("unit", "quantity")
            fields.problem(missing, f"is missing beside {other}", "write both or neither, such as 12 and pieces")
        if item.quantity == 0:
            fields.problem("quantity", "0 is not a quantity", "leave the field out if it is not known")
    return item
