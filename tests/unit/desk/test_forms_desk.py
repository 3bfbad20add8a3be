"""Notices in and out of a real node, by the commands that an officer types."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from envoi_client.cli.common import Common
from envoi_client.documents import InvalidDocument
from envoi_client.documents.tabular import COLUMNS
from envoi_client.node.publish import prepare
from envoi_desk import limits
from envoi_desk.cli import forms, forms_out
from envoi_desk.desk import Desk
from envoi_desk.forms.columns import FULL, PROVENANCE
from envoi_desk.forms.csv_files import read_csv
from envoi_desk.forms.drafts import Drafts
from envoi_desk.forms.exporting import Cursor, changes_since
from envoi_desk.forms.importing import read_items
from envoi_desk.forms.xlsx_files import read_xlsx
from envoi_keys.errors import LocalError, Malformed, NetworkError, Refused

from ...exchange import Exchange
from ...simulator.world import World
from ..client.aggregates import AGGREGATE
from .notices import PROFILE, content, reference
from .sheets import HEADER, csv_of, rows, xlsx_of

EXCHANGE = Exchange.make(5)
JSON = Common(json=True)
TEXT = Common()


class Office:
    """Members at their desks, in one directory, each typing commands."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._capsys = capsys
        self._at_work = "FR"

    @contextmanager
    def opened(self, _: Common) -> Iterator[Desk]:
        yield self.desk()

    def desk(self) -> Desk:
        return Desk.open(self.world[self._at_work].node)

    def at(self, name: str) -> Office:
        """Somebody else sits down, and syncs first."""
        self._at_work = name
        self.world[name].sync()
        return self

    def types(self, command: Callable[..., None], *words: Any, **options: Any) -> Any:
        """The answer to a command, as JSON."""
        self._capsys.readouterr()
        command(*words, common=JSON, **options)
        return json.loads(self._capsys.readouterr().out)

    def reads(self, command: Callable[..., None], *words: Any, **options: Any) -> tuple[str, str]:
        """What a command says on stdout and on stderr."""
        self._capsys.readouterr()
        command(*words, common=TEXT, **options)
        said = self._capsys.readouterr()
        return said.out, said.err

    def logged(self) -> list[int | None]:
        return [entry.index for entry in self.world["FR"].store.outbox.listing()]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    made = World(tmp_path / "world", EXCHANGE)
    made.root.mkdir()
    made.sync("FR", "DE")
    sat = Office(made, capsys)
    monkeypatch.chdir(tmp_path)
    for module in (forms, forms_out):
        monkeypatch.setattr(module, "open_desk", sat.opened)
    try:
        yield sat
    finally:
        made.close()


def file(name: str, raw: bytes) -> Path:
    path = Path(name)
    path.write_bytes(raw)
    return path


def table_of(*numbers: int, **changes: Any) -> bytes:
    return csv_of(HEADER, *rows(*(content(number, **changes) for number in numbers)))


# -- in ------------------------------------------------------------------------------------------------------


def test_a_table_is_published_once_and_only_what_is_new_of_it(office: Office) -> None:
    done = office.types(
        forms.import_, (file("a.csv", table_of(1, 2)), file("b.xlsx", xlsx_of(HEADER, *rows(content(3)))))
    )
    assert [one["reference"] for one in done["sent"]] == [reference(1), reference(2), reference(3)]
    assert done["unchanged"] == []
    again = office.types(forms.import_, (file("a.csv", table_of(1, 2, 4)),))
    assert ([one["reference"] for one in again["sent"]], again["unchanged"]) == (
        [reference(4)],
        [reference(1), reference(2)],
    )
    assert [one.reference for one in office.at("DE").desk().register.listing()] == [reference(n) for n in (1, 2, 3, 4)]


def test_an_aggregate_and_a_notice_go_out_together(office: Office) -> None:
    raw = json.dumps([AGGREGATE, content(1, exercise=True)]).encode()
    assert len(office.types(forms.import_, (file("n.json", raw),))["sent"]) == 2
    assert [one.type for one in office.at("DE").desk().register.listing()] == ["aggregate/v1", "denial/v1"]


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(office: Office) -> None:
    path = file("a.csv", table_of(1, 2))
    value = office.types(forms.import_, (path,), dry_run=True)
    assert value["recipients"] == {name: {"first": 1, "last": 2} for name in ("AT", "AU", "DE", "JP")}
    assert [one["status"] for one in value["new"]] == ["valid", "valid"]
    out, _ = office.reads(forms.import_, (path,), dry_run=True)
    assert out.startswith("would send  2 notices, ")
    assert f"\n{reference(1)}  valid\n{reference(2)}  valid\n\nto  no." in out
    assert "\nAT  1 to 2  " in out
    assert office.logged() == []


def test_one_bad_row_keeps_everything_back(office: Office) -> None:
    good, bad = file("good.csv", table_of(1)), file("bad.csv", table_of(2, control_entries=["9.Q.3"]))
    for dry_run in (True, False):
        with pytest.raises(InvalidDocument) as caught:
            forms.import_((good, bad), dry_run=dry_run, common=JSON)
        assert [str(one) for one in caught.value.problems] == [
            "bad.csv, row 2, column control_entries (J): 9.Q.3 is not an entry of the Annex; did you mean 9.A.3?"
        ]
    assert office.logged() == []


def test_what_cannot_all_be_signed_is_not_signed_at_all(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from envoi_desk.forms import publishing

    signed: list[int] = []

    def failing(*words: Any, **options: Any) -> int:
        if len(signed) == 2:
            raise LocalError("the disk is full")
        signed.append(prepare(*words, **options))
        return signed[-1]

    monkeypatch.setattr(publishing, "prepare", failing)
    path = file("a.csv", table_of(1, 2, 3))
    with pytest.raises(LocalError, match="the disk is full"):
        forms.import_((path,), common=JSON)
    assert (len(signed), office.logged()) == (2, [])
    monkeypatch.setattr(publishing, "prepare", prepare)
    assert [one["index"] for one in office.types(forms.import_, (path,))["sent"]] == [1, 2, 3]


def test_what_was_signed_and_not_sent_is_sent_once(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    line, sent = office.world["FR"].line, []

    def unplugged(request: httpx.Request) -> None:
        if (request.method, request.url.path) == ("POST", "/v1/dispatches"):
            sent.append(request)
            if len(sent) > 1:
                raise httpx.ConnectError("unplugged")

    line.before = unplugged
    path = file("a.csv", table_of(1, 2, 3))
    with pytest.raises(NetworkError):
        forms.import_((path,), common=TEXT)
    assert capsys.readouterr().err.startswith(
        "3 notices signed and stored: the next envoi sync sends what was not sent"
    )
    assert [entry.state for entry in office.world["FR"].store.outbox.listing()] == ["accepted", "signed", "signed"]
    # Not even a dry run takes what waits for new.
    assert office.types(forms.import_, (path,), dry_run=True)["unchanged"] == [reference(n) for n in (1, 2, 3)]
    line.mend()
    office.world["FR"].restart()
    assert office.types(forms.import_, (path,))["unchanged"] == [reference(n) for n in (1, 2, 3)]
    assert office.logged() == [1, 2, 3]


def test_a_change_is_imported_as_the_change_that_it_says_it_is(office: Office) -> None:
    office.types(forms.import_, (file("a.csv", table_of(1)),))
    with pytest.raises(InvalidDocument, match="is taken by a notice that stands"):
        forms.import_((file("b.csv", table_of(1, remarks="x")),), common=JSON)
    revoked = table_of(1, status="revoked", revocation_reason="Licensed since.")
    office.types(forms.import_, (file("c.csv", revoked),))
    assert [one.state for one in office.at("DE").desk().register.listing()] == ["revoked"]


def test_defaults_come_from_flags_before_the_file(office: Office) -> None:
    header = [name for name in HEADER if name not in ("kind", "releasability")]
    line = [cell for name, cell in zip(HEADER, rows(content())[0], strict=True) if name in header]
    path, more = file("a.csv", csv_of(header, line)), file("d.toml", b'kind = "suspension"\nreleasability = "All"')
    office.types(forms.import_, (path,), defaults=more, default=("kind=refusal",))
    (version,) = office.desk().register.listing()
    assert (version.content["kind"], version.content["releasability"]) == ("refusal", "All")


def test_an_import_for_some_goes_to_them_alone(office: Office) -> None:
    office.types(forms.import_, (file("a.csv", table_of(1)),), to=("DE",))
    assert office.world["FR"].state().sent == {"DE": 1}
    with pytest.raises(Refused, match="XX is not in the roster"):
        forms.import_((file("b.csv", table_of(2)),), to=("XX",), common=JSON)


# -- out -----------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(office: Office) -> Office:
    """Two real denials of which one is revoked, an aggregate, and an exercise."""
    contents = [content(1, remarks="=1+1"), content(2), {**AGGREGATE, "exercise": False}, content(3, exercise=True)]
    office.types(forms.import_, (file("in.json", json.dumps(contents).encode()),))
    office.types(forms.import_, (file("in.csv", table_of(2, status="revoked", revocation_reason="Licensed.")),))
    return office


def test_json_goes_out_with_its_place_in_the_log_and_comes_back_unchanged(filled: Office) -> None:
    exported = filled.types(forms_out.export)
    assert [(one["index"], one["state"]) for one in exported["notices"]] == [
        (1, "in_force"),
        (3, "in_force"),
        (5, "revoked"),
    ]
    assert (exported["format"], exported["regime"], exported["since"]) == ("envoi-denials/1", "mtcr", None)
    back = filled.types(forms.import_, (file("back.json", json.dumps(exported).encode()),))
    assert (back["new"], len(back["unchanged"])) == ([], 3)
    assert [one["index"] for one in filled.types(forms_out.export, exercise=True)["notices"]] == [4]


def test_only_what_is_new_goes_out_after_a_cursor_revocations_included(filled: Office) -> None:
    first = filled.types(forms_out.export)
    assert filled.types(forms_out.export, since=first["cursor"])["notices"] == []
    filled.types(forms.import_, (file("a.csv", table_of(1, status="revoked", revocation_reason="Gone.")),))
    filled.types(forms.import_, (file("b.csv", table_of(9)),))
    second = filled.types(forms_out.export, since=first["cursor"])
    assert [(one["reference"], one["state"]) for one in second["notices"]] == [
        (reference(1), "revoked"),
        (reference(9), "in_force"),
    ]
    assert filled.types(forms_out.export, since=first["cursor"], author="DE")["notices"] == []
    assert filled.types(forms_out.export, since=first["cursor"], entry="9.A", text="gone")["notices"][0]["index"] == 6
    answer = filled.types(forms_out.export, out=Path("d.csv"), format_="full-csv", since=second["cursor"])
    assert (answer["notices"], Path("d.csv.cursor").read_text()) == (0, f"{answer['cursor']}\n")
    assert filled.types(forms_out.export, since="d.csv.cursor")["notices"] == []


def test_what_came_late_is_not_passed_over(office: Office) -> None:
    register = office.desk().register
    now = Cursor(EXCHANGE.id[:16], 9, 50)

    class Arrivals:
        def since(self, seq: int) -> Any:
            from envoi_client.store import News

            return News(9, 20 if seq < 9 else None)

    asked: list[int] = []
    register.changes = lambda after: asked.append(after) or iter(())  # type: ignore[method-assign, func-returns-value]
    for cursor in (Cursor(now.exchange, 8, 50), Cursor(now.exchange, 9, 40)):
        assert list(changes_since(register, Arrivals(), cursor, now)) == []  # type: ignore[arg-type]
    assert asked == [19, 40]


@pytest.mark.parametrize(
    ("since", "said"),
    [("yesterday", "--since: yesterday is not a cursor"), ("0" * 16 + ".1.1", "is of another exchange")],
)
def test_a_cursor_of_something_else_is_refused(filled: Office, since: str, said: str) -> None:
    with pytest.raises((Malformed, LocalError), match=said):
        forms_out.export(since=since, common=JSON)
    ahead = f"{filled.desk().session.chain.exchange[:16]}.999.1"
    with pytest.raises(LocalError, match="is of a store that had read more than this one"):
        forms_out.export(since=ahead, common=JSON)


def test_the_public_table_holds_what_is_in_force(filled: Office) -> None:
    out, err = filled.reads(forms_out.export, format_="csv")
    lines = read_csv(out.encode(), "n")
    assert lines.header == COLUMNS
    assert [row.cells[1] for row in lines.rows] == [reference(1)]
    assert "1 have no place in this form; --format json has them all\ncursor " in err
    with pytest.raises(LocalError, match="which cannot tell a revocation"):
        forms_out.export(format_="csv", since="x", common=JSON)


@pytest.mark.parametrize("name", ["n.csv", "n.xlsx"])
def test_the_template_goes_out_with_states_and_comes_back_unchanged(filled: Office, name: str) -> None:
    answer = filled.types(forms_out.export, out=Path(name), format_="full-" + name[2:])
    assert answer["notices"] == 2
    raw = Path(name).read_bytes()
    sheet = (read_xlsx if name.endswith("xlsx") else read_csv)(raw, name)
    assert sheet.header == (*FULL.columns, *PROVENANCE)
    assert [row.cells[len(FULL.columns) + 2] for row in sheet.rows] == ["in_force", "revoked"]
    assert b"'=1+1" in raw or name.endswith("xlsx")
    assert len(filled.types(forms.import_, (Path(name),))["unchanged"]) == 2
    aggregates = filled.types(forms_out.export, out=Path("a.csv"), format_="aggregates-csv")
    assert aggregates["notices"] == 1
    assert len(filled.types(forms.import_, (Path("a.csv"),))["unchanged"]) == 1


def test_an_export_as_of_a_day_or_an_index_is_what_stood_then(filled: Office) -> None:
    assert [one["index"] for one in filled.types(forms_out.export, as_of="2")["notices"]] == [1, 2]
    assert not Path("n.json.cursor").exists()
    filled.types(forms_out.export, as_of="2", out=Path("n.json"))
    assert not Path("n.json.cursor").exists()


def test_an_export_is_written_whole_or_not_at_all(filled: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PRINTED", 0)
    Path("n.pdf").write_bytes(b"before")
    with pytest.raises(LocalError, match="these are more than 0 notices"):
        forms_out.export(out=Path("n.pdf"), common=JSON)
    assert Path("n.pdf").read_bytes() == b"before"
    assert not Path("n.pdf.cursor").exists()
    with pytest.raises(LocalError, match="pdf is not for a terminal"):
        forms_out.export(format_="pdf", common=JSON)


def test_a_denial_is_printed_in_either_language(filled: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = filled.types(forms_out.print_, (reference(1), reference(2)), out=Path("n.pdf"), language="fr")
    assert answer["notices"] == [reference(1), reference(2)]
    assert b"/Lang(fr" in Path("n.pdf").read_bytes()
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    filled.types(forms_out.print_, (reference(1),), out=Path("n.pdf"))
    assert b"/Lang(en" in Path("n.pdf").read_bytes()
    assert filled.types(forms_out.export, out=Path("all.pdf"))["notices"] == 2
    with pytest.raises(Refused, match="no notice MTCR/DN/XX/2026/0001 is on file"):
        forms_out.print_(("MTCR/DN/XX/2026/0001",), out=Path("x.pdf"), common=JSON)
    assert not Path("x.pdf").exists()


# -- new -----------------------------------------------------------------------------------------------------


def test_the_empty_template_has_every_column_and_every_permitted_term(office: Office) -> None:
    office.types(forms.new, template=Path("t.xlsx"))
    sheet = read_xlsx(Path("t.xlsx").read_bytes(), "t")
    assert (sheet.header, sheet.rows) == (tuple(FULL.columns), ())
    with zipfile.ZipFile(io.BytesIO(Path("t.xlsx").read_bytes())) as archive:
        terms = archive.read("xl/worksheets/sheet2.xml").decode()
    assert all(f">{term}<" in terms for term in ("would_be_refused", "ultimate_end_user", "withheld", "9.A.3", "FR"))
    office.types(forms.new, template=Path("t.csv"))
    assert read_items(Path("t.csv").read_bytes(), "t", PROFILE, {}, []) == []
    office.types(forms.new, template=Path("a.csv"), aggregate=True)
    with pytest.raises(LocalError, match=r"t\.csv exists already"):
        forms.new(template=Path("t.csv"), common=JSON)
    with pytest.raises(LocalError, match=r"t\.doc is neither CSV nor XLSX by its name"):
        forms.new(template=Path("t.doc"), common=JSON)


def test_without_a_terminal_no_form_is_filled_in() -> None:
    with pytest.raises(LocalError, match="a form is filled in at a terminal"):
        forms.new(common=JSON)


def test_a_form_that_is_left_is_taken_up_again_and_ends_in_a_notice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.types(forms.import_, (file("in.csv", table_of(7)),))
    answers = ["", "no", "", "Bureau", "desk@exercise.example", "1", "1", "2026-03-02", KeyboardInterrupt]
    answers += ["2026-03-09", "", "9.A.3", "", "Accelerometers.", "", "", "", "PK", "", "withheld", "Partners", ""]
    answers += ["Kamalia Ravi Works", "2", "PK", "", "", "", "", ""]
    typed = iter(answers)

    def ask(_: Common, question: str) -> str:
        answer: Any = next(typed)
        if answer is KeyboardInterrupt:
            raise KeyboardInterrupt
        return str(answer)

    monkeypatch.setattr(Common, "ask", ask)
    monkeypatch.setattr(Common, "interactive", True)
    with pytest.raises(KeyboardInterrupt):
        forms.new(common=JSON)
    assert Drafts(office.desk().database).load("denial/v1") is not None
    answer = office.types(forms.new)
    year = office.desk().today.year
    assert answer["notice"]["regime_reference"] == (reference(8) if year == 2026 else reference(1, year=year))
    assert Path(answer["file"]).name == answer["notice"]["regime_reference"].replace("/", "-") + ".json"
    assert Drafts(office.desk().database).load("denial/v1") is None
    assert len(office.types(forms.import_, (Path(answer["file"]),))["sent"]) == 1
