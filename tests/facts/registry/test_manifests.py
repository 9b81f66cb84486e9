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
    HUB_CHALLENGE,
    HUB_TOKENS,
    MISSING,
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

DIGEST = "sha256:" + "ab" * 32
INDEX = "application/vnd.oci.image.index.v1+json"
FOUND = answer("200 OK", f"Content-Type: {INDEX}", f"Docker-Content-Digest: {DIGEST}")


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
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
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


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "401 Unauthorized"])
@pytest.mark.parametrize("header", ["Content-Type: text/html", "Content-Type: text/plain", "Server: envoy"])
def test_what_no_registry_says_is_no_answer(internet: Start, status: str, header: str) -> None:
    """A load balancer, a firewall, or a web server: neither missing nor private."""
    said = f"{OWN} answered with status {status[:3]}, and not as a registry does"
    with pytest.raises(NoAnswerError, match=said) as raised:
        look_up(OWN, "web", "1", internet(always(answer(status, header))).network)
    assert raised.value.why == "crashed"


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
    hub = internet(with_token(FOUND, first=challenge(f"https://tokens.{OWN}:443/auth?x=1")))
    look_up(OWN, "team/web", "1", hub.network)
    token = hub.requests[1]
    assert (token.host, urlsplit(token.target).path) == (f"tokens.{OWN}", "/auth")
    assert parse_qs(urlsplit(token.target).query) == {
        "x": ["1"],
        "service": ["it"],
        "scope": ["repository:team/web:pull"],
    }


def test_missing_and_found_after_a_token(internet: Start) -> None:
    assert look_up(HUB, "n", "1", internet(with_token(MISSING)).network).answer == "missing"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_refusal_after_a_token_may_be_missing_or_private(internet: Start, status: str) -> None:
    hub = internet(with_token(HUB_CHALLENGE.replace(b"401 Unauthorized", status.encode())))
    assert look_up(HUB, "n", "1", hub.network) == RegistryLookup("hidden", int(status[:3]))
    assert len(hub.requests) == 3


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_token_service_that_refuses_says_the_same(internet: Start, status: str) -> None:
    denied = answer(status, "Content-Type: application/json")
    wanted = challenge(f"https://{GHCR}/token")
    hub = internet(lambda request: wanted if "/manifests/" in request.target else denied)
    assert look_up(GHCR, "n", "1", hub.network) == RegistryLookup("hidden", int(status[:3]))
    assert len(hub.requests) == 2


@pytest.mark.parametrize("header", ["WWW-Authenticate: Basic realm=registry", "Content-Type: application/json"])
def test_a_registry_that_gives_nobody_a_token_says_the_same(internet: Start, header: str) -> None:
    assert look_up(OWN, "n", "1", internet(always(answer("401 Unauthorized", header))).network).answer == "hidden"


@pytest.mark.parametrize(
    ("digest", "media_type", "found"),
    [
        ("", INDEX, RegistryLookup("found", 200, None, INDEX)),
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
