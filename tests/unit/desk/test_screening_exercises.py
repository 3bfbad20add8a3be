"""The exercise notices that are shipped, and cases in which the same invented parties are written otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from .desks import NOW, Bench, bench

NOTICES = json.loads((files("envoi_client.exercises") / "notices.json").read_text("utf-8"))
ENDED = {one.get("supersedes") for one in NOTICES} | {
    one["regime_reference"] for one in NOTICES if one["status"] == "revoked"
}
STANDING = [one for one in NOTICES if one["regime_reference"] not in ENDED]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("exercises")) as found:
        for index, notice in enumerate(NOTICES):
            author = notice["notifying_government"]
            assert found.register.take(index, f"{index:064x}", author, "denial/v1", notice, NOW + index) is None
        found.head = len(NOTICES) - 1
        yield found


def met(desk: Bench, name: str, country: str) -> list[str]:
    party = {"name": name, "role": "consignee", "country": country}
    result = desk.screen(case=f"X/{name}", exercise=True, parties=[party], destination_country=country)
    return [hit["reference"] for hit in result["hits"]]


@pytest.mark.parametrize("notice", STANDING, ids=[one["regime_reference"] for one in STANDING])
def test_every_name_of_every_party_meets_its_notice(desk: Bench, notice: dict[str, Any]) -> None:
    for party in notice["parties"]:
        for name in (party["name"], party.get("name_original_script"), *party.get("aliases", ())):
            if name:
                assert notice["regime_reference"] in met(desk, name, party["country"]), name


@pytest.mark.parametrize(
    ("name", "country", "reference"),
    [
        ("KAMALIA RAVI PRESSURE VESSELS LTD", "PK", "MTCR/DN/DE/2026/0003"),
        ("Vessels Ravi, Kamalia (Pvt.) Ltd.", "PK", "MTCR/DN/DE/2026/0003"),
        ("Brueckenthal & Soehne Maschinenvermittlung", "DE", "MTCR/DN/DE/2026/0003"),
        ("ООО Северный Азимут-Любоград", "RU", "MTCR/DN/RU/2026/0004"),
        ("Industria de Eletrodos Serra do Aracai", "BR", ""),
        ("Sao Khue Biec Marine Equipments", "VN", "MTCR/DN/SE/2026/0006"),
    ],
)
def test_a_name_written_otherwise_meets(desk: Bench, name: str, country: str, reference: str) -> None:
    found = met(desk, name, country)
    # A revoked notice leaves the active search.
    assert found[0] == reference if reference else found == []


def test_a_stranger_meets_nobody(desk: Bench) -> None:
    for name in ("Tovaglia Quattrocolli Mensole S.p.A.", "Grzegorz Wawrzyniak", "Rimu Bay Dairy Co-operative"):
        assert met(desk, name, "NZ") == []
