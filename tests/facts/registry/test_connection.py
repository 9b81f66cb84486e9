from __future__ import annotations

import itertools
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pull_doctor.facts.registry import connection
from pull_doctor.facts.registry.connection import MOST_BYTES, MOST_REQUESTS, Network, Session
from pull_doctor.facts.registry.refusal import NoAnswerError
from tests.facts.registry.internet import (
    OWN,
    PUBLIC,
    Answers,
    Certificates,
    Internet,
    Request,
    answer,
    make_certificates,
)

Start = Callable[[Answers], Internet]

OK = answer("200 OK", body=b"well")


def get(network: Network, host: str = OWN) -> bytes:
    return Session(network).request("GET", host, "/", {}).body


def refused(network: Network, host: str = OWN) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as raised:
        get(network, host)
    return raised.value


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Half a second in all. The servers below would go on for ten; a busy machine may need one or two more."""
    monkeypatch.setattr(connection, "MOST_SECONDS", 0.5)
    began = time.monotonic()
    yield
    assert 0.4 < time.monotonic() - began < 5


def test_the_body_and_its_end(internet: Start) -> None:
    assert get(internet(lambda _: OK).network) == b"well"


def test_a_body_without_a_length_ends_with_the_connection(internet: Start) -> None:
    assert get(internet(lambda _: b"HTTP/1.0 200 OK\r\n\r\nwell").network) == b"well"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["fd00:ec2::254"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:a9fe:a9fe::"],
        [PUBLIC, "10.0.0.1"],
        [PUBLIC, "::1"],
        [],
    ],
    ids=str,
)
def test_an_address_that_is_not_public_is_never_dialled(internet: Start, addresses: list[str]) -> None:
    web = internet(lambda _: OK)
    web.addresses = addresses
    assert refused(web.network).why == "not-visible"
    assert (web.dialled, web.connections) == ([], 0)


def test_a_name_that_changes_its_address_changes_nothing(internet: Start) -> None:
    """The address that was checked is the one that is connected to, for every request."""
    web = internet(lambda _: OK)
    session = Session(web.network)
    session.request("GET", OWN, "/", {})
    web.addresses = ["127.0.0.1"]
    session.request("GET", OWN, "/", {})
    assert web.resolved == [OWN]
    assert web.dialled == [PUBLIC, PUBLIC]


def test_no_more_requests_than_three(internet: Start) -> None:
    web = internet(lambda _: OK)
    session = Session(web.network)
    for _ in range(MOST_REQUESTS):
        session.request("GET", OWN, "/", {})
    with pytest.raises(NoAnswerError) as raised:
        session.request("GET", OWN, "/", {})
    assert raised.value.why == "not-visible"
    assert web.connections == MOST_REQUESTS


def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    other = make_certificates(tmp_path, ["other.example.com"])
    with Internet(other, lambda _: OK) as web:
        error = refused(web.network)
    assert error.why == "timed-out"
    assert "certificate" in str(error)
    assert web.requests == []


def test_a_certificate_of_a_stranger_is_refused(tmp_path: Path, certificates: Certificates) -> None:
    with Internet(make_certificates(tmp_path), lambda _: OK) as web:
        trusting_others = Network(web.network.resolve, web.network.dial, certificates.trust)
        assert refused(trusting_others).why == "timed-out"
    assert web.requests == []


def test_by_default_the_certificate_and_its_name_are_checked() -> None:
    context = Network().trust()
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"


def test_by_default_port_443_of_that_very_address_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *to: dialled.append(to))
    Network().dial(PUBLIC, 1.5)
    assert dialled == [((PUBLIC, 443), 1.5)]


def test_by_default_the_system_resolves_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", (PUBLIC, 443)), (10, 1, 6, "", ("2606:2800::1", 443, 0, 0))] if host == OWN else []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert Network().resolve(OWN) == [PUBLIC, "2606:2800::1"]


@pytest.mark.parametrize("host", ["a" * 64 + ".pkg.dev", "no-such-name.invalid"])
def test_a_name_that_does_not_resolve(internet: Start, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(name: str, *_: object, **__: object) -> None:
        name.encode("idna")
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    web = internet(lambda _: OK)
    error = refused(Network(Network().resolve, web.network.dial, web.certificates.trust), host)
    assert error.why == "timed-out"
    assert "does not resolve" in str(error)
    assert web.dialled == []


def test_proxies_of_the_environment_are_not_used(internet: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    web, proxy = internet(lambda _: OK), internet(lambda _: OK)
    host, port = proxy._listener.getsockname()
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://{host}:{port}")
        monkeypatch.setenv(name.upper(), f"http://{host}:{port}")
    monkeypatch.delenv("no_proxy", raising=False)
    assert os.environ["HTTPS_PROXY"]
    assert get(web.network) == b"well"
    assert (web.connections, proxy.connections) == (1, 0)


def test_a_refused_connection_is_no_answer(internet: Start) -> None:
    def dial(_address: str, _timeout: float) -> socket.socket:
        raise ConnectionRefusedError(111, "Connection refused")

    web = internet(lambda _: OK)
    error = refused(Network(web.network.resolve, dial, web.certificates.trust))
    assert error.why == "timed-out"
    assert "Connection refused" in str(error)


# -- as slowly as it likes ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hurried")
def test_a_name_server_that_stalls(internet: Start) -> None:
    web = internet(lambda _: OK)

    def resolve(_host: str) -> list[str]:
        web.pause(10)
        return [PUBLIC]

    assert refused(Network(resolve, web.network.dial, web.certificates.trust)).why == "timed-out"
    assert web.dialled == []


@pytest.mark.usefixtures("hurried")
def test_a_server_that_takes_the_connection_and_is_silent(internet: Start) -> None:
    web = internet(lambda _: OK)
    web.instead_of_tls = b""
    assert refused(web.network).why == "timed-out"


def test_what_connecting_took_is_gone_for_the_handshake(internet: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_SECONDS", 0.5)
    web = internet(lambda _: OK)
    left: list[float | None] = []

    def dial(address: str, timeout: float) -> socket.socket:
        time.sleep(0.3)
        return web.network.dial(address, timeout)

    class Handshake(ssl.SSLContext):
        def wrap_socket(self, sock: socket.socket, *_: object, **__: object) -> ssl.SSLSocket:
            left.append(sock.gettimeout())
            raise OSError("far enough")

    network = Network(web.network.resolve, dial, lambda: Handshake(ssl.PROTOCOL_TLS_CLIENT))
    assert refused(network).why == "timed-out"
    assert left[0] is not None
    assert 0 < left[0] <= 0.2


@pytest.mark.usefixtures("hurried")
def test_a_server_that_never_answers(internet: Start) -> None:
    web: Internet

    def never(_: Request) -> bytes:
        web.pause(10)
        return b""

    web = internet(never)
    assert refused(web.network).why == "timed-out"


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("first", "drop"),
    [(b"HTTP/1.1 ", b"2"), (b"HTTP/1.1 200 OK\r\nX: ", b"y"), (b"HTTP/1.1 200 OK\r\n\r\n", b"z")],
    ids=["status", "header", "body"],
)
def test_a_server_that_answers_by_drops(internet: Start, first: bytes, drop: bytes) -> None:
    """Each drop comes in time, all of them never do."""
    web: Internet

    def drops(_request: Request) -> Iterator[bytes]:
        yield first
        for _ in range(200):
            web.pause(0.05)
            yield drop

    web = internet(drops)
    assert refused(web.network).why == "timed-out"


# -- as much as it likes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"", b"x"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 60_000 + b"\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2540be400\r\n", b"z"),
    ],
    ids=["status", "header", "headers", "continue", "body", "length", "chunks", "chunk"],
)
def test_no_more_is_read_than_may_be(internet: Start, head: bytes, part: bytes) -> None:
    def endless(_: Request) -> Iterator[bytes]:
        yield head
        yield from itertools.repeat(part * (20_000 // len(part) + 1))

    error = refused(internet(endless).network)
    assert error.why == "crashed"
    assert str(MOST_BYTES) in str(error) or "not answer in HTTP" in str(error)


def test_what_just_fits_is_read(internet: Start) -> None:
    given = answer("200 OK", body=b"x" * 60_000)
    assert len(get(internet(lambda _: given).network)) == 60_000
