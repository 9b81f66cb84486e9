"""What a registry answers to pull-doctor itself, beside a text that tells of the registry and not of the image."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pull_doctor.facts.aws import Aws
from pull_doctor.facts.registry.hosts import Registry
from pull_doctor.report.model import RankedCause
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import evidence, report_on, session
from tests.facts.registry.internet import Internet, answer, make_certificates, with_token
from tests.worlds import World, build, limit_defects, texts

IMAGE = "docker.io/library/nginx:1.27"
TOKEN = json.dumps({"token": "anonymous"}).encode()
TYPE = "Content-Type: application/vnd.oci.image.index.v1+json"
THERE = answer("200 OK", TYPE)
COUNTED = answer(
    "200 OK",
    TYPE,
    "ratelimit-limit: 100;w=21600",
    "ratelimit-remaining: 76;w=21600",
    "docker-ratelimit-source: 198.51.100.7",
)
LIMITED, DOWN = answer("429 Too Many Requests", "Content-Type: application/json"), answer("503 Service Unavailable")


@pytest.fixture
def first(aws: EmulatedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, bytes], RankedCause]]:
    """The first cause of a pull from Docker Hub that failed with this text, while Docker Hub answers so."""
    world: World = build(aws, "healthy", image=IMAGE)
    with ExitStack() as stack:
        certificates = make_certificates(tmp_path_factory.mktemp("certificates"))

        def diagnosed(text: str, last: bytes) -> RankedCause:
            internet = stack.enter_context(Internet(certificates, with_token(last, token=TOKEN)))
            reader = Aws(session(aws), registry=Registry(network=internet.network))
            return report_on(aws, world.saying(text), reader).causes[0]

        yield diagnosed


def test_an_outage_is_over_once_the_registry_answers(first: Callable[[str, bytes], RankedCause]) -> None:
    text = limit_defects.tokens_answer(IMAGE, "503 Service Unavailable")
    over = first(text, THERE)
    assert (over.cause, over.certainty, over.still, over.fixes) == ("registry-unavailable", "proven", "no", ())
    assert "answers pull-doctor's own question" in evidence(over)
    for last in (DOWN, LIMITED):
        stands = first(text, last)
        assert (stands.cause, stands.still, len(stands.fixes)) == ("registry-unavailable", "unknown", 2)


def test_a_certificate_that_pull_doctor_can_verify_proves_another_server(
    first: Callable[[str, bytes], RankedCause],
) -> None:
    text = limit_defects.manifest_failure(IMAGE, "x509: certificate signed by unknown authority")
    seen = first(text, THERE)
    assert (seen.cause, seen.certainty, seen.still) == ("registry-certificate-untrusted", "proven", "unknown")
    assert "that it could verify" in evidence(seen)
    assert first(text, DOWN).certainty == "likely"


def test_docker_hubs_count_is_that_of_pull_doctors_own_address(first: Callable[[str, bytes], RankedCause]) -> None:
    text = texts.rate_limited(IMAGE)
    counted = first(text, COUNTED)
    assert (counted.cause, counted.certainty, counted.still) == ("registry-rate-limited", "proven", "unknown")
    assert "76 of 100 pulls in 6 hours left for pull-doctor's own address, 198.51.100.7," in evidence(counted)
    assert "limits pull-doctor's requests, too" in evidence(first(text, LIMITED))
