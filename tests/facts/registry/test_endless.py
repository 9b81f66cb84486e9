"""Registries and token services that send without end, or take their time: a look-up ends, and leads nowhere else."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pull_doctor.facts.registry.connection import MOST_BYTES, Network
from pull_doctor.facts.registry.manifests import fetch, look_up
from pull_doctor.facts.registry.refusal import NoAnswerError
from tests.facts.registry.internet import (
    HUB,
    HUB_CHALLENGE,
    PUBLIC,
    Answers,
    Internet,
    Request,
    always,
    answer,
    with_token,
)

Start = Callable[[Answers], Internet]
Ask = Callable[[str, str, str, Network], object]

INDEX = "Content-Type: application/vnd.oci.image.index.v1+json"
FOUND = answer("200 OK", INDEX, body=b'{"manifests": []}')
ASKS = (look_up, fetch)


def refused(ask: Ask, network: Network) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as raised:
        ask(HUB, "library/nginx", "1", network)
    return raised.value


def shown_the_token(internet: Internet) -> set[str]:
    return {request.host for request in internet.requests if "authorization" in request.headers}


_MEGABYTE = b"x" * 1_000_000


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("from_tokens", [False, True], ids=["registry", "token service"])
@pytest.mark.parametrize("part", [f"{INDEX}\r\nContent-Length: 10000000000\r\n\r\n", "X: "], ids=["body", "header"])
def test_ten_gigabytes_are_not_waited_for(internet: Start, ask: Ask, part: str, *, from_tokens: bool) -> None:
    sent = []

    def endless(request: Request) -> bytes | Iterator[bytes]:
        if from_tokens and "/manifests/" in request.target:
            return HUB_CHALLENGE
        return flood()

    def flood() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n" + part.encode()
        for _ in range(10_000):
            sent.append(_MEGABYTE)
            yield _MEGABYTE

    web = internet(endless)
    if ask is look_up and part != "X: " and not from_tokens:
        assert look_up(HUB, "library/nginx", "1", web.network).answer == "found", "an answer to HEAD ends with its head"
    else:
        error = refused(ask, web.network)
        assert error.why == "crashed"
        assert str(MOST_BYTES) in str(error) or "not answer in HTTP" in str(error)
    assert len(sent) < 100, "what fits into the buffers of two sockets, or less"
    assert shown_the_token(web) == set()


# -- too late ----------------------------------------------------------------------------------------------------------


_BODY = "body, by drops"


def _drops(internet: Internet, first: bytes) -> Iterator[bytes]:
    yield first
    for _ in range(200):
        internet.pause(0.05)
        yield b"x"


def _stalling(start: Start) -> dict[str, tuple[Internet, Network]]:
    """A server for each place where one can stall, and how it is reached."""

    def server(answers: Callable[[Internet, Request], bytes | Iterable[bytes]]) -> Internet:
        made: Internet
        made = start(lambda request: answers(made, request))
        return made

    def silent(internet: Internet) -> bytes:
        internet.pause(10)
        return b""

    def slow(internet: Internet, request: Request) -> bytes | Iterable[bytes]:
        internet.pause(1.4)
        return with_token(FOUND)(request)

    def after_token(last: Callable[[Internet], bytes | Iterator[bytes]]) -> Internet:
        return server(
            lambda web, request: last(web) if "authorization" in request.headers else with_token(FOUND)(request)
        )

    def token(last: Callable[[Internet], bytes | Iterator[bytes]]) -> Internet:
        return server(lambda web, request: HUB_CHALLENGE if "/manifests/" in request.target else last(web))

    def resolve(_host: str) -> list[str]:
        unheard.pause(10)
        return [PUBLIC]

    def dial(_address: str, timeout: float) -> socket.socket:
        time.sleep(timeout)
        raise TimeoutError("timed out")

    unheard, mute, slow_handshake = (start(always(FOUND)) for _ in range(3))
    mute.instead_of_tls = b""
    slow_handshake.instead_of_tls = b"\x16\x03\x03\x40\x00" + bytes(1000)
    servers = {
        "handshake": mute,
        "handshake, by drops": slow_handshake,
        "status": server(lambda web, _: silent(web)),
        "header, by drops": server(lambda web, _: _drops(web, b"HTTP/1.1 200 OK\r\nX: ")),
        "token": token(silent),
        "token, by drops": token(lambda web: _drops(web, b"HTTP/1.1 200 OK\r\n\r\n")),
        "after the token": after_token(silent),
        "after the token, by drops": after_token(lambda web: _drops(web, b"HTTP/1.1 200 OK\r\nX: ")),
        "each time": server(slow),
        _BODY: server(lambda web, _: _drops(web, b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % INDEX.encode())),
    }
    trust = unheard.certificates.trust
    return {
        "name": (unheard, Network(resolve, unheard.network.dial, trust)),
        "connection": (unheard, Network(unheard.network.resolve, dial, trust)),
    } | {place: (web, web.network) for place, web in servers.items()}


def test_each_place_where_a_server_can_stall(internet: Start) -> None:
    """All of them at once, as each takes the whole three seconds."""
    stalling = _stalling(internet)

    def ask_one(ask: Ask, place: str) -> tuple[str, float]:
        began = time.monotonic()
        error = refused(ask, stalling[place][1])
        return error.why, time.monotonic() - began

    # An answer to HEAD ends with its head.
    cases = [(ask, place) for ask in ASKS for place in stalling if (ask, place) != (look_up, _BODY)]
    with ThreadPoolExecutor(len(cases)) as pool:
        found = list(pool.map(lambda case: ask_one(*case), cases))
    for (ask, place), (why, seconds) in zip(cases, found, strict=True):
        assert (why, 2.9 < seconds <= 3.5) == ("timed-out", True), f"{ask.__name__}, {place}: {seconds:.2f} s"
    for place, (web, _) in stalling.items():
        assert shown_the_token(web) <= {HUB}, place
    assert stalling["name"][0].connections == 0
