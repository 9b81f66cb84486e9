"""What only ECS's text or a registry other than ECR can tell, from the event to the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pull_doctor.facts.aws import Aws
from pull_doctor.facts.registry.hosts import Registry
from pull_doctor.report.model import RankedCause, Report
from pull_doctor.report.text import render_text
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import accused, evidence, report_on, ruled_out, session
from tests.facts.registry.internet import HUB_TOKENS, MISSING, Answers, Internet, Request, answer, make_certificates
from tests.worlds import World, build, texts

IMAGE = "docker.io/library/nginx:9.99"
TOKEN = answer("200 OK", body=json.dumps({"token": "anonymous"}).encode())
ASK_FOR_TOKEN = answer(
    "401 Unauthorized",
    f'WWW-Authenticate: Bearer realm="https://{HUB_TOKENS}/token",service="registry.docker.io"',
)
REFUSED = answer("401 Unauthorized", "Content-Type: application/json")
THERE = answer("200 OK", "Content-Type: application/vnd.oci.image.index.v1+json")


def docker_hub(last: bytes) -> Answers:
    """Docker Hub, whose answer to whoever has a token is this one."""

    def answers(request: Request) -> bytes:
        if request.host == HUB_TOKENS:
            return TOKEN
        return last if "authorization" in request.headers else ASK_FOR_TOKEN

    return answers


@pytest.fixture
def reading(aws: EmulatedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes], Aws]]:
    """What reads AWS and a Docker Hub that answers so."""
    with ExitStack() as stack:
        certificates = make_certificates(tmp_path_factory.mktemp("certificates"))

        def reader(last: bytes) -> Aws:
            internet = stack.enter_context(Internet(certificates, docker_hub(last)))
            return Aws(session(aws), registry=Registry(network=internet.network))

        yield reader


def first(report: Report) -> RankedCause:
    assert report.verdict == "cause-found"
    assert render_text(report)
    return report.causes[0]


def world_of(aws: EmulatedAws, image: str = IMAGE) -> World:
    return build(aws, "healthy", image=image)


def test_docker_hub_has_no_such_image(aws: EmulatedAws, reading: Callable[[bytes], Aws]) -> None:
    world = world_of(aws)
    found = first(report_on(aws, world.saying(texts.not_found(IMAGE)), reading(MISSING)))
    assert (found.cause, found.certainty, found.still) == ("registry-image-not-found", "proven", "yes")
    assert "status 404 for library/nginx:9.99" in evidence(found)
    mended = first(report_on(aws, world.saying(texts.not_found(IMAGE)), reading(THERE)))
    assert (mended.cause, mended.still, mended.fixes) == ("registry-image-not-found", "no", ())
    twin = report_on(aws, world.saying(texts.cut_short(IMAGE)), reading(THERE))
    assert accused(twin) == set()
    assert "registry-image-not-found" in ruled_out(twin)


def test_docker_hub_hides_whether_it_has_it(aws: EmulatedAws, reading: Callable[[bytes], Aws]) -> None:
    world = world_of(aws, "docker.io/acme/web:1")
    event = world.saying(texts.no_access("acme/web:1"))
    found = first(report_on(aws, event, reading(REFUSED)))
    assert (found.cause, found.certainty) == ("registry-credentials-missing", "likely")
    assert accused(report_on(aws, event, reading(REFUSED))) == {found.cause, "registry-image-not-found"}
    assert accused(report_on(aws, event, reading(THERE))) == set()
    assert accused(report_on(aws, event)) == {found.cause}, "nobody asked Docker Hub"


def test_the_registry_that_is_meant_and_the_one_that_was_asked(
    aws: EmulatedAws, reading: Callable[[bytes], Aws]
) -> None:
    world = build(aws, "registry-not-named")
    found = first(report_on(aws, world.event, reading(REFUSED)))
    assert (found.cause, found.certainty) == ("registry-host-missing", "likely")
    assert {one.cause for one in found.includes} == {"registry-image-not-found", "registry-credentials-missing"}


def test_docker_hub_limits_pulls(aws: EmulatedAws) -> None:
    world = world_of(aws, "docker.io/library/nginx:1.27")
    event = world.saying(texts.rate_limited(world.image))
    found = first(report_on(aws, event))
    assert (found.cause, found.certainty, found.still) == ("registry-rate-limited", "proven", "unknown")
    assert found.culprit.id == "registry-1.docker.io"
    assert found.fixes[0].applicability == "fill-in"
    sibling = world.add_sibling().rsplit("/", 1)[-1]
    assert sibling in evidence(first(report_on(aws, event)))
    twin = report_on(aws, world.saying(texts.timeout(world.image, "1.4.0")))
    assert "registry-rate-limited" in ruled_out(twin)
