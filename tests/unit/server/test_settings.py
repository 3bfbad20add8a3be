"""Where a setting comes from, which source wins, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from envoi_keys.errors import LocalError
from envoi_server import settings


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"ENVOI_POC_{name.upper()}", raising=False)


def sources(home: Path, **flags: object) -> dict[str, tuple[object, str]]:
    return {one.name: (one.value, one.source) for one in settings.explain(home, **flags)}


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "relay.toml").write_text('port = 1\nhost = "127.0.0.2"\norigin = "poc.example/log"\n')
    monkeypatch.setenv("ENVOI_POC_PORT", "2")
    monkeypatch.setenv("ENVOI_POC_HOST", "127.0.0.3")
    found = sources(tmp_path, port=3, url=None)
    assert found["port"] == (3, "flag")
    assert found["host"] == ("127.0.0.3", "ENVOI_POC_HOST")
    assert found["origin"] == ("poc.example/log", str(tmp_path / "relay.toml"))
    assert found["url"] == ("", "default")
    assert found["home"] == (tmp_path, "flag")


def test_the_home_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVOI_POC_HOME", str(tmp_path))
    assert settings.load().home == tmp_path
    assert sources(None)["home"] == (tmp_path, "ENVOI_POC_HOME")  # type: ignore[arg-type]


def test_every_setting_is_described_and_has_its_unit(tmp_path: Path) -> None:
    for one in settings.explain(tmp_path):
        assert one.description, one.name
        if isinstance(one.value, int | float) and not isinstance(one.value, bool) and one.name != "port":
            assert one.name.endswith(
                (
                    "_seconds",
                    "_bytes",
                    "_per_second",
                    "_per_caller",
                    "_burst",
                    "_entries",
                    "_connections",
                    "_per_address",
                )
            ), one.name


@pytest.mark.parametrize(
    ("file", "said", "hint"),
    [
        ('orgin = "x"\n', "setting orgin does not exist", "did you mean origin?"),
        ("port = 70000\n", "setting port: input should be less than or equal to 65535", "ENVOI_POC_PORT"),
        ('url = "poc.example"\n', "setting url: is not an http or https url", "ENVOI_POC_URL"),
        ('roster_id = "abc"\n', "setting roster_id", "ENVOI_POC_ROSTER_ID"),
        ("port = \n", "is not TOML", None),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, file: str, said: str, hint: str | None) -> None:
    (tmp_path / "relay.toml").write_text(file)
    with pytest.raises(LocalError) as caught:
        settings.load(tmp_path)
    assert said.lower() in caught.value.message.lower()
    assert hint is None or hint in (caught.value.hint or "")


def test_a_url_has_no_slash_at_its_end(tmp_path: Path) -> None:
    assert settings.load(tmp_path, url="https://poc.example/").url == "https://poc.example"


def test_the_database_lies_in_the_home(tmp_path: Path) -> None:
    assert settings.load(tmp_path).database == f"sqlite:///{tmp_path}/relay.db"
    assert settings.load(tmp_path, database_url="sqlite:///x").database == "sqlite:///x"
