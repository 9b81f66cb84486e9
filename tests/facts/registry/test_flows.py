"""How each of the well-known registries answers a stranger, its challenge, and its limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest

from pull_doctor.facts.registry.manifests import fetch, look_up
from pull_doctor.facts.registry.refusal import NoAnswerError
from pull_doctor.facts.values import Manifest, Platform, RateLimit, RegistryLookup
from tests.facts.registry.internet import (
    GHCR,
    GITLAB,
    GITLAB_TOKENS,
    HUB,
    HUB_CHALLENGE,
    HUB_TOKENS,
    MISSING,
    Answers,
    Internet,
    Request,
    always,
    answer,
    challenge,
    with_token,
)

Start = Callable[[Answers], Internet]

QUAY, PUBLIC_ECR, MCR, GOOGLE = "quay.io", "public.ecr.aws", "mcr.microsoft.com", "europe-west1-docker.pkg.dev"
INDEX = "application/vnd.oci.image.index.v1+json"
DIGEST = "sha256:" + "ab" * 32
BODY = json.dumps({"manifests": [{"platform": {"os": "linux", "architecture": "arm64"}}]}).encode()
MANIFEST = Manifest(INDEX, is_index=True, platforms=(Platform("linux", "arm64"),))
THERE = answer("200 OK", f"Content-Type: {INDEX}", f"Docker-Content-Digest: {DIGEST}", body=BODY)
NO_DIGEST = answer("200 OK", f"Content-Type: {INDEX}", body=BODY)
DENIED = answer("403 Forbidden", "Content-Type: application/json", body=b'{"errors":[{"code":"DENIED"}]}')
TOKEN = {"token": "t-1", "access_token": "t-1", "expires_in": 300, "issued_at": "2026-11-22T08:00:00Z"}


@dataclass(frozen=True)
class Flow:
    """A registry, what it says to whoever brings no token, and what its token service is then asked."""

    host: str
    repository: str
    first: bytes | None
    tokens: str = ""
    path: str = ""
    service: str = ""
    scope: str = ""

    def answers(self, last: bytes, granted: bytes | None = None) -> Answers:
        """The registry, whose answer to a token is ``last``, and its token service, which gives one or ``granted``."""

        def answers(request: Request) -> bytes:
            if "/manifests/" not in request.target:
                body = json.dumps(TOKEN).encode()
                return granted or answer("200 OK", "Content-Type: application/json", body=body)
            return last if self.first is None or "authorization" in request.headers else self.first

        return answers


def _flow(host: str, repository: str, realm: str, service: str, scope: str | None) -> Flow:
    place = urlsplit(realm)
    asked = scope or f"repository:{repository}:pull"
    return Flow(host, repository, challenge(realm, service, scope), place.netloc, place.path, service, asked)


HUB_FLOW = _flow(
    HUB, "library/nginx", f"https://{HUB_TOKENS}/token", "registry.docker.io", "repository:library/nginx:pull"
)
GHCR_FLOW = _flow(GHCR, "org/web", f"https://{GHCR}/token", GHCR, "repository:org/web:pull")
QUAY_FLOW = _flow(QUAY, "org/web", f"https://{QUAY}/v2/auth", QUAY, "repository:org/web:pull")
PUBLIC_ECR_FLOW = _flow(PUBLIC_ECR, "nginx/nginx", f"https://{PUBLIC_ECR}/token/", PUBLIC_ECR, "aws")
GOOGLE_FLOW = _flow(GOOGLE, "project/images/web", f"https://{GOOGLE}/v2/token", GOOGLE, None)
GITLAB_FLOW = _flow(
    GITLAB, "group/web", f"https://{GITLAB_TOKENS}/jwt/auth", "container_registry", "repository:group/web:pull"
)
MCR_FLOW = Flow(MCR, "dotnet/sdk", None)
WITH_TOKEN = [HUB_FLOW, GHCR_FLOW, QUAY_FLOW, PUBLIC_ECR_FLOW, GOOGLE_FLOW, GITLAB_FLOW]
each = pytest.mark.parametrize("flow", [*WITH_TOKEN, MCR_FLOW], ids=lambda flow: flow.host)


@each
@pytest.mark.parametrize(
    ("last", "found"),
    [
        (THERE, RegistryLookup("found", 200, DIGEST, INDEX)),
        (NO_DIGEST, RegistryLookup("found", 200, None, INDEX)),
        (MISSING, RegistryLookup("missing", 404)),
        (DENIED, RegistryLookup("hidden", 403)),
    ],
    ids=["there", "without a digest", "missing", "refused"],
)
def test_what_is_asked_and_what_it_says(internet: Start, flow: Flow, last: bytes, found: RegistryLookup) -> None:
    web = internet(flow.answers(last))
    assert look_up(flow.host, flow.repository, "1", web.network) == found
    assert fetch(flow.host, flow.repository, "1", web.network) == (MANIFEST if found.answer == "found" else None)
    hosts = [flow.host, flow.tokens, flow.host] if flow.first else [flow.host]
    assert [request.host for request in web.requests] == hosts * 2
    methods = [request.method for request in web.requests if "/manifests/" in request.target]
    assert methods == (["HEAD", "HEAD", "GET", "GET"] if flow.first else ["HEAD", "GET"])


@pytest.mark.parametrize("flow", WITH_TOKEN, ids=lambda flow: flow.host)
def test_the_token_is_asked_for_as_the_challenge_says(internet: Start, flow: Flow) -> None:
    web = internet(flow.answers(THERE))
    look_up(flow.host, flow.repository, "1", web.network)
    asked = urlsplit(web.requests[1].target)
    assert (web.requests[1].host, asked.path) == (flow.tokens, flow.path)
    assert parse_qs(asked.query) == {"service": [flow.service], "scope": [flow.scope]}


@pytest.mark.parametrize("flow", [GHCR_FLOW, GITLAB_FLOW, GOOGLE_FLOW], ids=lambda flow: flow.host)
def test_a_token_service_that_refuses_hides_the_image(internet: Start, flow: Flow) -> None:
    web = internet(flow.answers(THERE, granted=DENIED))
    assert look_up(flow.host, flow.repository, "1", web.network) == RegistryLookup("hidden", 403)
    assert fetch(flow.host, flow.repository, "1", web.network) is None


def test_docker_hub_gives_a_token_for_what_it_hides_and_then_refuses_it(internet: Start) -> None:
    web = internet(HUB_FLOW.answers(HUB_CHALLENGE))
    assert look_up(HUB, "acme/no-such", "1", web.network) == RegistryLookup("hidden", 401)
    assert fetch(HUB, "acme/no-such", "1", web.network) is None


# -- limits ------------------------------------------------------------------------------------------------------------

LIMITS = ("ratelimit-limit: 100;w=21600", "ratelimit-remaining: 76;w=21600", "docker-ratelimit-source: 203.0.113.7")
LIMIT = RateLimit(limit=100, remaining=76, seconds=21600, source="203.0.113.7")


@pytest.mark.parametrize(
    ("status", "answered"),
    [("200 OK", "found"), ("404 Not Found", "missing"), ("401 Unauthorized", "hidden")],
)
def test_the_limit_stands_in_whatever_docker_hub_answers(internet: Start, status: str, answered: str) -> None:
    kind = INDEX if status == "200 OK" else "application/json"
    web = internet(with_token(answer(status, f"Content-Type: {kind}", *LIMITS)))
    found = look_up(HUB, "library/nginx", "1", web.network)
    assert (found.answer, found.rate_limit) == (answered, LIMIT)


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        (LIMITS, LIMIT),
        (("RateLimit-Limit: 200;w=21600", "RateLimit-Remaining: 0;w=21600"), RateLimit(200, 0, 21600)),
        (("ratelimit-limit: 100;w=21600", "ratelimit-remaining: 99"), RateLimit(100, 99, 21600)),
        ((*LIMITS[:2], "docker-ratelimit-source: 2001:db8::7"), RateLimit(100, 76, 21600, "2001:db8::7")),
        ((*LIMITS[:2], "docker-ratelimit-source: \x1b[31mred"), RateLimit(100, 76, 21600)),
        (LIMITS[:1], None),
        (LIMITS[1:], None),
        (("ratelimit-limit: 100", "ratelimit-remaining: 76"), None),
        (("ratelimit-limit: 100;w=21600, 10;w=1", "ratelimit-remaining: 76;w=21600"), None),
        (("ratelimit-limit: -1;w=21600", "ratelimit-remaining: 76;w=21600"), None),
        (("ratelimit-limit: 9999999999;w=1", "ratelimit-remaining: 76"), None),
        (("x-ratelimit-limit: 100;w=21600", "x-ratelimit-remaining: 76;w=21600"), None),
        ((), None),
    ],
    ids=str,
)
def test_only_what_is_said_of_a_limit_is_read(
    internet: Start, headers: tuple[str, ...], limit: RateLimit | None
) -> None:
    web = internet(with_token(answer("200 OK", f"Content-Type: {INDEX}", *headers)))
    assert look_up(HUB, "library/nginx", "1", web.network).rate_limit == limit


@pytest.mark.parametrize("ask", [look_up, fetch])
def test_a_registry_that_limits_whoever_asks_says_nothing_of_the_image(
    internet: Start, ask: Callable[..., object]
) -> None:
    limited = answer("429 Too Many Requests", "Content-Type: application/json", "Retry-After: 3600", *LIMITS)
    cases: dict[str, Answers] = {
        f"{HUB} limits": always(limited),
        f"the token service of {HUB} limits": HUB_FLOW.answers(THERE, granted=limited),
        rf"{HUB} limits requests \(status 429\)": HUB_FLOW.answers(limited),
    }
    for said, answers in cases.items():
        with pytest.raises(NoAnswerError, match=said) as raised:
            ask(HUB, "library/nginx", "1", internet(answers).network)
        assert raised.value.why == "throttled"
