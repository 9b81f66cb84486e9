"""Registries and token services that mean harm: whatever they do, it ends in time and leads nowhere else."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from pull_doctor.facts.registry.connection import Network
from pull_doctor.facts.registry.manifests import fetch, look_up
from pull_doctor.facts.registry.refusal import NoAnswerError
from tests.facts.registry.internet import (
    GHCR,
    HUB,
    HUB_CHALLENGE,
    HUB_TOKENS,
    OWN,
    PUBLIC,
    Answers,
    Internet,
    always,
    answer,
    challenge,
    with_token,
)

Start = Callable[[Answers], Internet]
Ask = Callable[[str, str, str, Network], object]

ELSEWHERE = "tokens.example.com"
METADATA = "169.254.169.254"
INDEX = "Content-Type: application/vnd.oci.image.index.v1+json"
FOUND = answer("200 OK", INDEX, body=b'{"manifests": []}')
ASKS = (look_up, fetch)
both = pytest.mark.parametrize("ask", ASKS)


def refused(ask: Ask, network: Network, host: str = HUB) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as raised:
        ask(host, "library/nginx", "1", network)
    return raised.value


def hosts(internet: Internet) -> list[str]:
    return [request.host for request in internet.requests]


def shown_the_token(internet: Internet) -> list[str]:
    return [request.host for request in internet.requests if "authorization" in request.headers]


def test_answers_that_mean_no_harm_are_taken(internet: Start) -> None:
    for ask in ASKS:
        assert ask(HUB, "library/nginx", "1", internet(with_token(FOUND)).network)


# -- elsewhere ---------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        (HUB, f"https://{ELSEWHERE}/token"),
        (HUB, f"https://{GHCR}/token"),
        (OWN, f"https://{HUB_TOKENS}/token"),
        (OWN, f"https://{ELSEWHERE}/token"),
        (OWN, f"https://{OWN}@{ELSEWHERE}/token"),
        (OWN, f"https://{OWN}:443@{METADATA}/token"),
        (OWN, f"https://{OWN}:pass@{OWN}/token"),
        (OWN, f"https://{OWN}.{ELSEWHERE}/token"),
        (OWN, f"https://{OWN}%2e{ELSEWHERE}/token"),
        (OWN, f"https://{OWN}./token"),
        (OWN, f"https://evil{OWN}/token"),
        (OWN, f"https://{OWN}\\@{ELSEWHERE}/token"),
        (OWN, f"https://{OWN}:8443/token"),
        (OWN, f"http://{OWN}/token"),
        (OWN, f"//{OWN}/token"),
        (OWN, f"https://{METADATA}/latest/meta-data"),
        (OWN, "https://2852039166/latest/meta-data"),
        (OWN, f"https://[::ffff:{METADATA}]/token"),
        (OWN, "https://[::1]/token"),
        (OWN, "file:///etc/passwd"),
        (OWN, f"https://{OWN}/a b"),
        (OWN, ""),
    ],
)
def test_a_token_service_elsewhere_is_not_asked(internet: Start, ask: Ask, registry: str, realm: str) -> None:
    web = internet(with_token(FOUND, first=challenge(realm)))
    assert refused(ask, web.network, registry).why == "not-visible"
    assert hosts(web) == [registry]
    assert (web.connections, web.resolved) == (1, [registry])


@both
@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        [METADATA],
        [f"::ffff:{METADATA}"],
        ["64:ff9b::a9fe:a9fe"],
        ["64:ff9b::a00:1"],
        ["fd00:ec2::254"],
        [PUBLIC, "10.0.0.1"],
        ["::1", PUBLIC],
        [],
    ],
    ids=str,
)
def test_a_token_service_whose_name_leads_inside_is_not_connected_to(
    internet: Start, ask: Ask, addresses: list[str]
) -> None:
    web = internet(with_token(FOUND, first=challenge(f"https://tokens.{OWN}/token")))
    names = {OWN: [PUBLIC], f"tokens.{OWN}": addresses}
    assert refused(ask, Network(names.__getitem__, web.network.dial, web.certificates.trust), OWN).why == "not-visible"
    assert (hosts(web), web.dialled, web.connections) == ([OWN], [PUBLIC], 1)


@both
def test_a_name_that_leads_elsewhere_once_it_was_checked(internet: Start, ask: Ask) -> None:
    """Three requests go to the registry, which is its own token service; its name is resolved for the first alone."""
    web = internet(with_token(FOUND, first=challenge(f"https://{OWN}/token")))
    given = itertools.chain([[PUBLIC]], itertools.repeat([METADATA]))
    asked = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return next(given)

    assert ask(OWN, "web", "1", Network(resolve, web.network.dial, web.certificates.trust))
    assert (asked, web.dialled) == ([OWN], [PUBLIC] * 3)


@both
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize(
    "location", [f"https://{METADATA}/latest/meta-data", "https://10.0.0.1/", f"https://{OWN}/v2/", "//x", ""]
)
def test_no_redirect_is_followed(internet: Start, ask: Ask, status: str, location: str) -> None:
    """So none can loop, either."""
    web = internet(always(answer(status, f"Location: {location}")))
    assert refused(ask, web.network, OWN).why == "not-visible"
    assert (web.connections, web.resolved) == (1, [OWN])


@both
def test_nor_is_one_of_the_token_service(internet: Start, ask: Ask) -> None:
    away = answer("302 Found", f"Location: https://{METADATA}/")
    web = internet(lambda request: HUB_CHALLENGE if "/manifests/" in request.target else away)
    assert refused(ask, web.network).why == "not-visible"
    assert hosts(web) == web.resolved == [HUB, HUB_TOKENS]


@both
@pytest.mark.parametrize("location", [f"https://{ELSEWHERE}/v2/", f"https://{METADATA}/", f"https://{HUB}/v2/"])
def test_no_redirect_carries_the_token_away(internet: Start, ask: Ask, location: str) -> None:
    web = internet(with_token(answer("307 Temporary Redirect", f"Location: {location}")))
    assert refused(ask, web.network).why == "not-visible"
    assert hosts(web) == [HUB, HUB_TOKENS, HUB]
    assert shown_the_token(web) == [HUB]


@both
def test_a_registry_that_always_wants_another_token_gets_one(internet: Start, ask: Ask) -> None:
    web = internet(with_token(HUB_CHALLENGE))
    ask(HUB, "library/nginx", "1", web.network)
    assert hosts(web) == [HUB, HUB_TOKENS, HUB]


@both
def test_nothing_but_a_token_is_kept(internet: Start, ask: Ask) -> None:
    web = internet(
        with_token(FOUND, first=HUB_CHALLENGE.replace(b"Content-Length", b"Set-Cookie: a=b\r\nContent-Length"))
    )
    ask(HUB, "library/nginx", "1", web.network)
    assert len(web.requests) == 3
    assert not any("cookie" in request.headers for request in web.requests)
    assert shown_the_token(web) == [HUB]


@both
def test_what_the_challenge_says_stays_inside_the_query(internet: Start, ask: Ask) -> None:
    scope, service = "a&service=b#c d", "x\r\n Host: elsewhere"
    web = internet(with_token(FOUND, first=challenge(f"https://{OWN}/token", service, scope)))
    ask(OWN, "web", "1", web.network)
    token = urlsplit(web.requests[1].target)
    assert (token.path, token.fragment, web.requests[1].host) == ("/token", "", OWN)
    assert parse_qs(token.query)["scope"] == [scope]
    assert len(parse_qs(token.query)["service"]) == 1


# -- no answer ---------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("given", "why"),
    [
        (answer("500 Internal Server Error"), "crashed"),
        (answer("503 Service Unavailable", "Retry-After: 1"), "crashed"),
        (answer("400 Bad Request"), "crashed"),
        (answer("204 No Content"), "crashed"),
        (answer("200 OK", "Content-Type: text/html; charset=utf-8"), "crashed"),
        (answer("200 OK"), "crashed"),
        (b"", "timed-out"),
        (b"\r\n\r\n", "crashed"),
        (b"HTTP/1.1 4", "crashed"),
        (b"HTTP/1.1 404 Not Found\r\n", "crashed"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: te", "crashed"),
        (b"HTTP/1.1 abc Nope\r\n\r\n", "crashed"),
        (b"HTTP/9.9 200 OK\r\n\r\n", "crashed"),
        (b"SSH-2.0-OpenSSH_9\r\n", "crashed"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "crashed"),
    ],
    ids=lambda given: given[:40].decode() if isinstance(given, bytes) else given,
)
def test_any_other_answer_is_none(internet: Start, ask: Ask, given: bytes, why: str) -> None:
    web = internet(always(given))
    assert refused(ask, web.network).why == why
    assert web.connections == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"manifests": 7}',
        b'{"manifests": [7]}',
        b'{"manifests": [{"platform": "linux"}]}',
        b"{}",
        b'{"manifests": null}',
        b"[" * 60_000,
        b"\xff\xfe",
        b'{"schemaVersion": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_what_is_no_manifest_is_not_read_as_one(internet: Start, body: bytes) -> None:
    assert refused(fetch, internet(always(answer("200 OK", INDEX, body=body))).network).why == "crashed"


def test_a_manifest_that_breaks_off_is_none(internet: Start) -> None:
    cut = b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: 99\r\n\r\n" % INDEX.encode() + b'{"manifests": []'
    assert refused(fetch, internet(always(cut)).network).why == "crashed"


@both
@pytest.mark.parametrize(
    "given",
    [
        answer("200 OK", body=b"{}"),
        answer("200 OK", body=b"[]"),
        answer("200 OK", body=b"null"),
        answer("200 OK", body=b'{"token": 7}'),
        answer("200 OK", body=b'{"token": ""}'),
        answer("200 OK", body=b'{"token": "a\\r\\nX: y"}'),
        answer("200 OK", body=b'{"token": "a b"}'),
        answer("200 OK", body=b'{"token": "\\u00e9"}'),
        answer("200 OK", body=b'{"token": "%s"}' % (b"x" * 9000)),
        answer("200 OK", body=b"[" * 60_000),
        answer("200 OK", body=b"\xff\xfe\x00"),
        answer("200 OK"),
        answer("500 Oh", body=b'{"token": "t"}'),
        b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"token": "t',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabcde\r\n",
    ],
    ids=lambda given: given[:70].decode("latin-1"),
)
def test_a_token_that_is_none_ends_it(internet: Start, ask: Ask, given: bytes) -> None:
    web = internet(lambda request: HUB_CHALLENGE if "/manifests/" in request.target else given)
    assert refused(ask, web.network).why == "crashed"
    assert hosts(web) == [HUB, HUB_TOKENS]


@both
def test_the_token_is_in_no_message(internet: Start, ask: Ask) -> None:
    error = refused(ask, internet(with_token(answer("500 Oh"), token=b'{"token": "hunter2-hunter2"}')).network)
    assert "hunter2" not in repr(error)
    assert "hunter2" not in str(error)
