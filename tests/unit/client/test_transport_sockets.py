"""The transport over real sockets on loopback: TLS under one's own CA, and servers that are no relay."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from envoi_client.transport import Transport, Unreachable
from envoi_keys.errors import NetworkError

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@contextmanager
def serving(reply: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on loopback that hands each connection to ``reply``; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) if context else connection as wrapped:
                    reply(wrapped)
            except OSError:
                connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def saying(raw: bytes) -> Callable[[socket.socket], None]:
    def reply(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(raw)

    return reply


def own_ca(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself: the file to trust, and the server's side of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, secret = directory / "ca.pem", directory / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, secret)
    return public, context


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached directly, whatever the machine's settings."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_relay_under_its_own_ca_is_reached_with_the_ca_file_and_not_without(tmp_path: Path) -> None:
    slept: list[float] = []
    ca_file, context = own_ca(tmp_path)
    with serving(saying(ANSWER), context) as port:
        url = f"https://127.0.0.1:{port}"
        with Transport(url, ca_file=ca_file) as trusting:
            assert trusting.roster() == b"ok"
        with (
            Transport(url, sleep=slept.append) as wary,
            pytest.raises(NetworkError, match="not to be trusted") as caught,
        ):
            wary.roster()
    assert "ca_file" in (caught.value.hint or "")
    assert slept == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
    ],
    ids=["silence", "another-protocol", "cut-body", "cut-chunk", "bad-length", "endless-head"],
)
def test_what_is_not_http_or_not_whole_is_a_network_error_after_some_tries(raw: bytes) -> None:
    slept: list[float] = []
    with (
        serving(saying(raw)) as port,
        Transport(f"http://127.0.0.1:{port}", sleep=slept.append) as transport,
        pytest.raises(Unreachable) as caught,
    ):
        transport.roster()
    assert caught.value.hint
    assert len(slept) == 4


def test_a_closed_port_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        Transport(f"http://127.0.0.1:{port}", sleep=lambda _: None) as transport,
        pytest.raises(Unreachable, match="cannot be reached"),
    ):
        transport.roster()


def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envoi_client.transport.http.ANSWER_TIMEOUT", 0.1)
    done = threading.Event()
    with serving(lambda connection: (done.wait(10), None)[1]) as port:
        with (
            Transport(f"http://127.0.0.1:{port}") as transport,
            pytest.raises(Unreachable, match="did not answer in time"),
        ):
            transport.post_enrolment(b"note")
        done.set()
