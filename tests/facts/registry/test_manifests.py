from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from pull_doctor.facts.registry.manifests import look_up
from pull_doctor.facts.registry.refusal import NoAnswerError
from pull_doctor.facts.values import RegistryLookup
from tests.facts.registry.internet import (
    GHCR,
    HUB,
    HUB_TOKENS,
    OWN,
    PUBLIC,
    Answers,
    Internet,
    Request,
    answer,
)

Start = Callable[[Answers], Internet]

DIGEST = "sha256:" + "ab" * 32
INDEX = "application/vnd.oci.image.index.v1+json"
FOUND = answer("200 OK", f"Content-Type: {INDEX}", f"Docker-Content-Digest: {DIGEST}")
HUB_CHALLENGE = (
    f'Www-Authenticate: Bearer realm="https://{HUB_TOKENS}/token",service="registry.docker.io",'
    'scope="repository:library/nginx:pull"'
)
ELSEWHERE = "tokens.example.com"


def challenge(realm: str) -> str:
    return f'WWW-Authenticate: Bearer realm="{realm}",service="it"'


def with_token(manifest: bytes, *, token: bytes = b'{"token": "t-1"}', header: str = HUB_CHALLENGE) -> Answers:
    """A registry that wants a token, and answers so once it has one."""

    def answers(request: Request) -> bytes:
        if request.method == "GET":
            return answer("200 OK", "Content-Type: application/json", body=token)
        return manifest if "authorization" in request.headers else answer("401 Unauthorized", header)

    return answers


def always(given: bytes) -> Answers:
    return lambda _request: given


def refused(internet: Internet, host: str = HUB) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as raised:
        look_up(host, "library/nginx", "1", internet.network)
    return raised.value


def test_an_image_that_is_there(internet: Start) -> None:
    hub = internet(always(FOUND))
    assert look_up(OWN, "team/web", "1", hub.network) == RegistryLookup("found", 200, DIGEST, INDEX)
    (request,) = hub.requests
    assert (request.method, request.host, request.target) == ("HEAD", OWN, "/v2/team/web/manifests/1")
    assert request.headers["accept"].split(", ") == [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
    assert not {"authorization", "cookie"} & set(request.headers)
    assert hub.dialled == [PUBLIC]


def test_an_image_by_its_digest(internet: Start) -> None:
    hub = internet(always(FOUND))
    look_up(OWN, "web", DIGEST, hub.network)
    assert hub.requests[0].target == f"/v2/web/manifests/{DIGEST}"


def test_nothing_but_the_path_can_be_written_into_the_request(internet: Start) -> None:
    hub = internet(always(FOUND))
    look_up(OWN, "a b\r\nX: y", "1?x#y", hub.network)
    assert hub.requests[0].target == "/v2/a%20b%0D%0AX%3A%20y/manifests/1%3Fx%23y"


@pytest.mark.parametrize(
    "header", ["Content-Type: application/json", "Docker-Distribution-Api-Version: registry/2.0"], ids=["oci", "docker"]
)
def test_an_image_that_is_missing(internet: Start, header: str) -> None:
    assert look_up(OWN, "web", "1", internet(always(answer("404 Not Found", header))).network) == RegistryLookup(
        "missing", 404
    )


@pytest.mark.parametrize("member", [b"token", b"access_token"])
def test_an_anonymous_token_is_asked_for_and_sent_to_the_registry_alone(internet: Start, member: bytes) -> None:
    hub = internet(with_token(FOUND, token=b'{"%s": "t-1"}' % member))
    assert look_up(HUB, "library/nginx", "1", hub.network).answer == "found"
    assert [(request.method, request.host) for request in hub.requests] == [
        ("HEAD", HUB),
        ("GET", HUB_TOKENS),
        ("HEAD", HUB),
    ]
    token, again = hub.requests[1:]
    assert urlsplit(token.target).path == "/token"
    assert parse_qs(urlsplit(token.target).query) == {
        "service": ["registry.docker.io"],
        "scope": ["repository:library/nginx:pull"],
    }
    assert not {"authorization", "cookie"} & set(token.headers)
    assert again.headers["authorization"] == "Bearer t-1"


def test_each_name_is_resolved_once_and_every_request_goes_to_what_was_checked(internet: Start) -> None:
    hub = internet(with_token(FOUND))
    network = hub.network
    hub.addresses = [PUBLIC, "93.184.215.15"]
    look_up(HUB, "library/nginx", "1", network)
    assert hub.resolved == [HUB, HUB_TOKENS]
    assert hub.dialled == [PUBLIC] * 3


def test_without_a_scope_the_repository_is_asked_for_and_a_query_of_the_realm_stays(internet: Start) -> None:
    hub = internet(with_token(FOUND, header=challenge(f"https://tokens.{OWN}:443/auth?x=1")))
    look_up(OWN, "team/web", "1", hub.network)
    token = hub.requests[1]
    assert (token.host, urlsplit(token.target).path) == (f"tokens.{OWN}", "/auth")
    assert parse_qs(urlsplit(token.target).query) == {
        "x": ["1"],
        "service": ["it"],
        "scope": ["repository:team/web:pull"],
    }


def test_missing_and_found_after_a_token(internet: Start) -> None:
    assert look_up(HUB, "n", "1", internet(with_token(answer("404 Not Found"))).network).answer == "missing"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_refusal_after_a_token_may_be_missing_or_private(internet: Start, status: str) -> None:
    hub = internet(with_token(answer(status, HUB_CHALLENGE)))
    assert look_up(HUB, "n", "1", hub.network) == RegistryLookup("hidden", int(status[:3]))
    assert len(hub.requests) == 3


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_token_service_that_refuses_says_the_same(internet: Start, status: str) -> None:
    header = challenge(f"https://{GHCR}/token")
    hub = internet(lambda request: answer(status if request.method == "GET" else "401 Unauthorized", header))
    assert look_up(GHCR, "n", "1", hub.network) == RegistryLookup("hidden", int(status[:3]))
    assert len(hub.requests) == 2


@pytest.mark.parametrize("header", ["WWW-Authenticate: Basic realm=registry", "X: y"])
def test_a_registry_that_gives_nobody_a_token_says_the_same(internet: Start, header: str) -> None:
    assert look_up(OWN, "n", "1", internet(always(answer("401 Unauthorized", header))).network).answer == "hidden"


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        (HUB, f"https://{ELSEWHERE}/token"),
        (HUB, f"https://{GHCR}/token"),
        (OWN, f"https://{HUB_TOKENS}/token"),
        (OWN, f"https://{ELSEWHERE}/token"),
        (OWN, f"https://{OWN}@{ELSEWHERE}/token"),
        (OWN, f"https://{OWN}:pass@{OWN}/token"),
        (OWN, f"https://{OWN}.{ELSEWHERE}/token"),
        (OWN, f"https://evil{OWN}/token"),
        (OWN, f"https://{OWN}\\@{ELSEWHERE}/token"),
        (OWN, f"https://{OWN}:8443/token"),
        (OWN, f"http://{OWN}/token"),
        (OWN, f"//{OWN}/token"),
        (OWN, "https://169.254.169.254/latest/meta-data"),
        (OWN, "https://[::1]/token"),
        (OWN, "file:///etc/passwd"),
        (OWN, f"https://{OWN}/a b"),
        (OWN, ""),
    ],
)
def test_a_token_service_elsewhere_is_not_asked(internet: Start, registry: str, realm: str) -> None:
    hub = internet(with_token(FOUND, header=challenge(realm)))
    assert refused(hub, registry).why == "not-visible"
    assert [request.host for request in hub.requests] == [registry]
    assert (hub.connections, hub.resolved) == (1, [registry])


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("location", ["https://169.254.169.254/latest/meta-data", f"https://{OWN}/v2/", "//x", ""])
def test_no_redirect_is_followed(internet: Start, status: str, location: str) -> None:
    hub = internet(always(answer(status, f"Location: {location}")))
    assert refused(hub, OWN).why == "not-visible"
    assert (hub.connections, hub.resolved) == (1, [OWN])


def test_nor_is_one_of_the_token_service(internet: Start) -> None:
    hub = internet(
        lambda request: (
            answer("302 Found", "Location: https://169.254.169.254/")
            if request.method == "GET"
            else answer("401 Unauthorized", HUB_CHALLENGE)
        )
    )
    assert refused(hub).why == "not-visible"
    assert hub.connections == 2


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (answer("429 Too Many Requests", "Retry-After: 3600"), "throttled"),
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
def test_any_other_answer_is_none(internet: Start, given: bytes, why: str) -> None:
    hub = internet(always(given))
    assert refused(hub).why == why
    assert hub.connections == 1


@pytest.mark.parametrize(
    "given",
    [
        answer("200 OK", body=b"{}"),
        answer("200 OK", body=b"[]"),
        answer("200 OK", body=b"null"),
        answer("200 OK", body=b'{"token": 7}'),
        answer("200 OK", body=b'{"token": ""}'),
        answer("200 OK", body=b'{"token": "a\\r\\nX: y"}'),
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
def test_a_token_that_is_none_ends_the_look_up(internet: Start, given: bytes) -> None:
    hub = internet(
        lambda request: given if request.method == "GET" else answer("401 Unauthorized", HUB_CHALLENGE),
    )
    assert refused(hub).why == "crashed"
    assert hub.connections == 2


def test_the_token_is_in_no_message(internet: Start) -> None:
    hub = internet(with_token(answer("500 Oh"), token=b'{"token": "hunter2-hunter2"}'))
    assert "hunter2" not in repr(refused(hub))
    assert "hunter2" not in str(refused(hub))


@pytest.mark.parametrize(
    ("digest", "media_type", "found"),
    [
        ("sha256:short", INDEX, RegistryLookup("found", 200, None, INDEX)),
        (f"<{DIGEST}>", f"{INDEX}; charset=utf-8", RegistryLookup("found", 200, None, INDEX)),
        (DIGEST, "Application/Vnd.Docker.Distribution.Manifest.V2+JSON", None),
    ],
)
def test_only_what_has_the_form_of_a_digest_is_taken_for_one(
    internet: Start, digest: str, media_type: str, found: RegistryLookup | None
) -> None:
    given = answer("200 OK", f"Content-Type: {media_type}", f"Docker-Content-Digest: {digest}")
    wanted = found or RegistryLookup("found", 200, DIGEST, media_type.lower())
    assert look_up(OWN, "web", "1", internet(always(given)).network) == wanted
