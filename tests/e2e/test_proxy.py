"""The way to the relay through a proxy: it is the one that was named, and a proxy's password is shown to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from .elsewhere import answering
from .site import Site, Typed

RELAY = "https://relay.example"
SETTING = "the setting proxy, or ENVOI_PROXY, looks like http://proxy.example:3128"
ENVIRONMENT = "an http or https proxy is wanted: check HTTPS_PROXY and ALL_PROXY, or name one in the setting proxy"


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextmanager
def refusing_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nobody out; its address, and the first lines of all that it was sent."""
    asked: list[str] = []

    class Refuse(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.requestline)
            self.send_error(403, "Not From Here")

        do_GET = do_POST = do_CONNECT  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    with answering(Refuse) as url:
        yield url.replace("//", "//somebody:secret@"), asked


def sync(site: Site, *words: str, proxy: str = "") -> Typed:
    """A sync with a relay elsewhere; ``proxy`` is what ENVOI_PROXY says."""
    return site.envoi("FR", "sync", "--relay", RELAY, *words, ENVOI_PROXY=proxy)


@pytest.mark.parametrize("named_by", ["ENVOI_PROXY", "config.toml", "HTTPS_PROXY"])
def test_all_that_goes_to_the_relay_goes_through_the_proxy(
    alone: Site, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = alone.root / "FR" / "config.toml"
    with refusing_proxy() as (proxy, asked):
        if named_by == "config.toml":
            config.write_text(f'{config.read_text()}proxy = "{proxy}"\n')
        elif named_by == "HTTPS_PROXY":
            monkeypatch.setenv("HTTPS_PROXY", proxy)
        done = sync(alone, "--json", proxy=proxy if named_by == "ENVOI_PROXY" else "")
    assert asked
    assert set(asked) == {"CONNECT relay.example:443 HTTP/1.1"}
    assert done.code == 1
    assert done.json["error"] == {
        "kind": "network",
        "message": "the proxy refused: 403 Not From Here",
        "hint": "check the setting proxy and the environment's proxy settings",
    }
    assert "secret" not in done.out + done.err


def test_what_goes_to_this_machine_itself_goes_through_no_proxy(alone: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # It is in the clear: a proxy would see who writes to whom.
    with refusing_proxy() as (proxy, asked):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        done = alone.envoi("FR", "sync", ENVOI_PROXY=proxy)
    assert asked == []
    assert done.err.startswith("envoi: the relay cannot be reached: connection refused\n")


@pytest.mark.parametrize(
    "proxy", ["proxy.example:3128", "somebody:secret@proxy.example:3128", "socks5://somebody:secret@proxy.example"]
)
def test_a_setting_that_is_no_proxy_is_refused_and_not_repeated(alone: Site, proxy: str) -> None:
    done = sync(alone, proxy=proxy)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"envoi: the proxy is no http or https address\nhint: {SETTING}\n"


def test_a_proxy_of_the_environment_of_another_kind_is_refused(alone: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://somebody:secret@proxy.example")
    done = sync(alone)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"envoi: the environment's proxy settings cannot be used\nhint: {ENVIRONMENT}\n"
