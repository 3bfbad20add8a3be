"""The index of names: what it finds, what it forgets, and what a killed process leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoi_client.store.database import Database
from envoi_desk.names import IndexedName, Name, NameIndex, blocking, compare, weights
from envoi_desk.names import index as index_module
from envoi_desk.names.tables import TABLES

KEY = bytes(range(32))
WORDS = "Kolvar Tarsan Zarrin Daepung trading group Ltd Kim Song Chol 39"
PARTIES = [
    ("Korea Daepung Trading Corporation", "KP"),
    ("Korea Haeran Shipping Company", "KP"),
    ("Shahid Qodusi Industries", "IR"),
    ("Tarsan Advanced Materials Research Center", "IR"),
    ("TARSANI, Mohsen", "IR"),
    ("KU Sung Sop", "KP"),
    ("Nemiros Optika, OOO", "RU"),
    ("Zhongshan Xinlong Trading Co., Ltd.", "CN"),
]
ASKED = [
    "Taephung Trading",
    "Ghodoosi Industry",
    "TAMRC",
    "Mohsen Tarsani",
    "KU Seung Sub",
    "Немирос Оптика",
    "Chungshan Hsinlung",
]


def names(*texts: str, country: str = "") -> list[IndexedName]:
    return [IndexedName(Name(text, country=country), 0, at) for at, text in enumerate(texts)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "names.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path, KEY, [TABLES])
    yield opened
    opened.close()


@pytest.fixture
def index(database: Database) -> NameIndex:
    filled = NameIndex(database)
    for owner, (text, country) in enumerate(PARTIES):
        filled.put("denials", owner, names(text, country=country))
    return filled


def found(index: NameIndex, text: str, source: str = "denials") -> list[tuple[int, str]]:
    return [(one.owner, one.name.text) for one in index.search([Name(text)], sources=(source,)) if one.comparison.match]


def state(database: Database) -> list[object]:
    tables = ("desk_names", "desk_name_keys", "desk_name_new_keys", "desk_name_words", "desk_name_state")
    return [database.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


@pytest.mark.parametrize("text", ASKED)
def test_it_finds_what_comparing_with_every_name_finds(index: NameIndex, text: str) -> None:
    query = Name(text)
    every = {
        owner for owner, (name, country) in enumerate(PARTIES) if compare(query, Name(name, country=country)).match
    }

    assert every
    assert {owner for owner, _ in found(index, text)} == every


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(WORDS.split()),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_filed_is_found_under_its_own_name(index: NameIndex, words: list[str]) -> None:
    text = " ".join(words)
    index.put("denials", 99, names(text))

    assert (99, text) in found(index, text)


def test_the_best_comes_first_and_says_which_name_met(index: NameIndex) -> None:
    index.put("denials", 50, names("Haeran Shipping", "Haeran Shipping and Trading"))
    best, *others = index.search([Name("Haeran Shipping"), Name("nothing like it")], sources=("denials",))

    assert (best.owner, best.party, best.position, best.name.text) == (50, 0, 0, "Haeran Shipping")
    assert best.query == Name("Haeran Shipping")
    assert best.comparison.score == 1
    assert [one.comparison.score for one in others] == sorted((one.comparison.score for one in others), reverse=True)


def test_everybody_who_bears_the_name_is_found_whoever_else_is_on_file(index: NameIndex) -> None:
    for owner in range(100, 100 + 2 * weights.COMPARED):
        index.put("denials", owner, names("Haeran Shipping"))
    index.put("denials", 999, names("Haeran Shiping"))

    met = found(index, "Haeran Shipping")
    assert {owner for owner, _ in met} >= {*range(100, 100 + 2 * weights.COMPARED), 999, 1}


def test_a_name_that_another_process_takes_out_in_the_middle_of_a_search_is_left_out(
    index: NameIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates = NameIndex._candidates

    def taken_out(self: NameIndex, *asked: Any) -> list[int]:
        numbers = candidates(self, *asked)
        self.remove("denials", 1)
        return numbers

    monkeypatch.setattr(NameIndex, "_candidates", taken_out)
    assert found(index, "Haeran Shiping") == []


def test_a_source_is_searched_alone(index: NameIndex) -> None:
    index.put("exercise", 1, names("Taephung Trading"))

    assert found(index, "Taephung Trading", "exercise") == [(1, "Taephung Trading")]
    assert found(index, "Taephung Trading") == [(0, "Korea Daepung Trading Corporation")]
    assert found(index, "Taephung Trading", "list:none") == []


def test_putting_again_replaces(index: NameIndex) -> None:
    index.put("denials", 0, names("Kolvar Optics"))

    assert found(index, "Daepung Trading") == []
    assert found(index, "Kolvar Optics") == [(0, "Kolvar Optics")]


def test_putting_what_is_there_changes_nothing_but_numbers(index: NameIndex, database: Database) -> None:
    words = database.all("SELECT * FROM desk_name_words WHERE names > 0 ORDER BY word")
    index.put("denials", 0, names(PARTIES[0][0], country="KP"))

    assert database.all("SELECT * FROM desk_name_words WHERE names > 0 ORDER BY word") == words


def test_removing_leaves_nothing(index: NameIndex, database: Database) -> None:
    index.remove("denials", 0)
    assert found(index, "Daepung Trading") == []
    assert found(index, "Haeran Shipping") != []

    index.remove("denials")
    assert database.all("SELECT * FROM desk_names") == []
    assert database.all("SELECT * FROM desk_name_new_keys") == database.all("SELECT * FROM desk_name_keys") == []
    assert database.all("SELECT * FROM desk_name_words WHERE names != 0") == []
    assert index.rarity().total == 0


def test_removing_what_is_not_there_does_nothing(index: NameIndex) -> None:
    index.remove("list:none")
    index.remove("denials", 12345)

    assert index.rarity().total == len(PARTIES)


def test_a_transaction_that_is_rolled_back_leaves_the_old_state(index: NameIndex, database: Database) -> None:
    before = state(database)
    with pytest.raises(KeyboardInterrupt), database.transaction():
        index.put("denials", 0, names("Kolvar Optics"))
        index.put("exercise", 1, names("Kolvar Optics"))
        index.remove("denials", 2)
        raise KeyboardInterrupt

    assert state(database) == before
    assert found(index, "Daepung Trading") == [(0, PARTIES[0][0])]
    assert found(index, "Kolvar Optics") == []


def test_another_process_sees_what_was_filed(index: NameIndex, path: Path) -> None:
    other = Database(path, KEY, [TABLES])
    second = NameIndex(other)
    assert second.rarity().total == len(PARTIES)

    index.put("denials", 50, names("Kolvar Optics"))

    assert found(second, "Kolvar Optics") == [(50, "Kolvar Optics")]
    assert second.rarity().total == len(PARTIES) + 1
    other.close()


def test_many_new_keys_move_to_the_large_table(
    index: NameIndex, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_NEW_KEYS", 1)
    index.put("denials", 50, names("Kolvar Optics"))

    assert database.all("SELECT * FROM desk_name_new_keys") == []
    assert found(index, "Kolvar Optics") == [(50, "Kolvar Optics")]
    assert found(index, "Daepung Trading") == [(0, PARTIES[0][0])]

    index.remove("denials")
    assert database.all("SELECT * FROM desk_name_keys") == []


def test_an_index_that_was_filed_under_other_rules_is_filed_anew(
    index: NameIndex, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "RULES", blocking.RULES + 1)
    database.run("DELETE FROM desk_name_new_keys")
    database.run("DELETE FROM desk_name_words")

    assert found(index, "Daepung Trading") == [(0, PARTIES[0][0])]
    assert index.rarity().total == len(PARTIES)
    assert database.one("SELECT rules FROM desk_name_state") == (blocking.RULES + 1,)


def test_a_word_of_many_names_is_common(index: NameIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "FEWEST_NAMES", 5)
    for owner in range(20, 40):
        index.put("denials", owner, names(f"Kolvar Optics {owner}"))

    counts = index.rarity().counts
    assert counts["kolvar"] == 20
    assert counts["daepung"] == 1


def test_what_too_many_share_is_looked_at_only_if_it_is_all_there_is(
    index: NameIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "MOST_SHARING", 5)
    for owner in range(20, 40):
        index.put("denials", owner, names(f"Kolvar {owner} Optics"))
    index.put("denials", 60, names("Kolvar Haeran Optics"))

    assert (60, "Kolvar Haeran Optics") in found(index, "Kolvar Haeran")
    assert len(index.search([Name("Kolvar")], sources=("denials",))) == 5


def test_an_empty_index_finds_nothing(database: Database) -> None:
    assert NameIndex(database).search([Name("Kolvar"), Name(""), Name("---")], sources=("denials",)) == []
