"""The columns of the forms: a notice lies flat in them and is itself again."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client import exercises
from envoi_client.documents import AggregateDenial, DenialNotice, tabular
from envoi_client.documents.denial import Party
from envoi_desk.forms.columns import AGGREGATE, FULL, PROVENANCE, PUBLIC, join_values, split_values
from envoi_desk.forms.csv_files import read_csv
from envoi_desk.forms.importing import read_items
from envoi_desk.forms.xlsx_files import read_xlsx

from ...tools import ROOT
from ..client.aggregates import AGGREGATE as SOUND_AGGREGATE
from ..client.denials import notices
from .notices import PROFILE
from .sheets import HEADER, csv_of, rows, xlsx_of


def read(raw: bytes) -> list[Any]:
    problems: list[Any] = []
    items = read_items(raw, "n", PROFILE, {}, problems)
    assert not problems
    return [item.content for item in items]


def test_every_field_of_a_notice_has_its_column() -> None:
    named = {column.path[0] for column in FULL.columns.values() if not column.of_party}
    assert named == {one.name for one in fields(DenialNotice)} - {"parties"}
    assert {one.path[0] for one in FULL.columns.values() if one.of_party} == {one.name for one in fields(Party)}
    assert {one.path[0] for one in AGGREGATE.columns.values()} == {one.name for one in fields(AggregateDenial)}
    assert tuple(PUBLIC.columns) == tabular.COLUMNS


def test_the_page_lists_the_columns_in_their_order() -> None:
    page = " ".join((ROOT / "docs" / "DOCUMENTS.md").read_text("utf-8").split())
    for columns in (FULL.columns, AGGREGATE.columns, PUBLIC.columns):
        assert ", ".join(f"`{name}`" for name in columns) in page
    assert "`, `".join(PROVENANCE).replace("`state`, `logged_at", "`state` and `logged_at") in page


@pytest.mark.parametrize("write", [csv_of, xlsx_of])
def test_the_exercise_notices_go_out_and_come_back(write: Any) -> None:
    contents = exercises.contents()
    assert read(write(HEADER, *rows(*contents))) == contents


@given(st.lists(notices(), min_size=1, max_size=2, unique_by=lambda one: one.regime_reference))
def test_any_notice_goes_out_and_comes_back(drawn: list[DenialNotice]) -> None:
    contents = [notice.to_content() for notice in drawn]
    assert read(csv_of(HEADER, *rows(*contents))) == contents


def test_an_aggregate_goes_out_and_comes_back() -> None:
    for write in (csv_of, xlsx_of):
        raw = write(list(AGGREGATE.columns), *rows(SOUND_AGGREGATE, form=AGGREGATE))
        assert read(raw) == [SOUND_AGGREGATE]


@given(
    st.lists(st.text(min_size=1, max_size=10).map(str.strip).filter(lambda one: one and "\n" not in one), max_size=4)
)
def test_several_values_share_a_cell_and_part_again(values: list[str]) -> None:
    assert split_values(join_values(values)) == values


def test_the_public_form_is_read_as_far_as_it_goes() -> None:
    notice = exercises.notices(PROFILE)[0]
    (content,) = read(tabular.to_csv([notice]))
    whole = notice.to_content()
    assert content == {
        **{name: whole[name] for name in ("regime_reference", "national_reference", "notifying_government")},
        **{name: whole[name] for name in ("control_entries", "annex_category", "stated_end_use", "reason_for_refusal")},
        "item_description": " ".join(whole["item_description"].split()),
        "parties": [
            {name: party[name] for name in ("name", "role", "address", "country")} for party in whole["parties"]
        ],
    }


def test_formulas_are_guarded_in_text_files_and_text_in_workbooks() -> None:
    for form in ("=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "＝1"):
        assert b"\n'" + form.encode() in csv_of(["a"], [form])
        assert read_csv(csv_of(["a"], [form]), "n").rows[0].cells == {0: form}
        raw = xlsx_of(["a"], [form])
        # A formula would be refused when it is read.
        assert read_xlsx(raw, "n").rows[0].cells == {0: form}
