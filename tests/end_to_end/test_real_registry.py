"""What a real registry tells of the image, from the event to the report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pull_doctor.facts.aws import Aws
from pull_doctor.facts.registry.hosts import Registry
from pull_doctor.report.model import RankedCause, Report
from pull_doctor.report.text import render_text
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import accused, evidence, report_on, ruled_out, session
from tests.facts.registry.internet import OWN, make_certificates
from tests.facts.registry.real_registry import RealRegistry, needs_docker_registry
from tests.worlds import build, texts

pytestmark = needs_docker_registry

WEB = f"{OWN}/team/web"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    directory = tmp_path_factory.mktemp("registry")
    with RealRegistry(directory, make_certificates(directory)) as real:
        real.push_index("team/web", "arm", "arm64")
        real.push_index("team/web", "both", "amd64", "arm64")
        real.push_index("team/web", "attestations")
        yield real


@pytest.fixture
def reading(aws: EmulatedAws, registry: RealRegistry) -> Aws:
    """What reads AWS, and this registry as one that the settings name."""
    return Aws(session(aws), registry=Registry(hosts=frozenset({OWN}), network=registry.network()))


def diagnosed(aws: EmulatedAws, reading: Aws, image: str, text: str) -> Report:
    report = report_on(aws, build(aws, "healthy", image=image).saying(text), reading)
    assert render_text(report)
    return report


def first(report: Report) -> RankedCause:
    assert report.verdict == "cause-found"
    return report.causes[0]


def test_an_image_for_another_processor(aws: EmulatedAws, reading: Aws) -> None:
    report = diagnosed(aws, reading, f"{WEB}:arm", texts.no_such_platform("linux/amd64"))
    found = first(report)
    assert (found.cause, found.certainty, found.still) == ("platform-mismatch", "proven", "yes")
    assert "offers linux/arm64" in evidence(found)
    assert found.fixes


def test_an_image_that_has_been_built_for_it_since(aws: EmulatedAws, reading: Aws) -> None:
    found = first(diagnosed(aws, reading, f"{WEB}:both", texts.no_such_platform("linux/amd64")))
    assert (found.cause, found.still, found.fixes) == ("platform-mismatch", "no", ())


def test_attestations_are_no_platform(aws: EmulatedAws, reading: Aws) -> None:
    report = diagnosed(aws, reading, f"{WEB}:attestations", texts.no_such_platform("linux/amd64"))
    assert first(report).cause == "not-a-container-image"


def test_a_tag_that_the_registry_does_not_have(aws: EmulatedAws, reading: Aws) -> None:
    found = first(diagnosed(aws, reading, f"{WEB}:9.99", texts.not_found(f"{WEB}:9.99")))
    assert (found.cause, found.certainty, found.still) == ("registry-image-not-found", "proven", "yes")
    assert "status 404 for team/web:9.99" in evidence(found)


def test_a_tag_that_it_has(aws: EmulatedAws, reading: Aws) -> None:
    report = diagnosed(aws, reading, f"{WEB}:both", texts.cut_short(f"{WEB}:both"))
    assert accused(report) == set()
    assert "registry-image-not-found" in ruled_out(report)
