"""What is said of the form of an image where its manifest may not be read: reading one counts as a pull."""

from __future__ import annotations

import pytest

from pull_doctor.facts.aws import Aws
from pull_doctor.report.model import Report
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import OFFLINE, accused, report_on, session
from tests.worlds import World, build
from tests.worlds.form_defects import DEFECTS


def _without_manifests(aws: EmulatedAws, world: World) -> Report:
    off = Aws(session(aws, world.account), registry=OFFLINE, switched_off=frozenset({"ecr:BatchGetImage"}))
    return report_on(aws, world.event, off)


@pytest.mark.parametrize(
    "name", ["image-built-on-a-laptop", "attestation-pushed-last", "layers-and-configuration-differ"]
)
def test_the_text_proves_it_without_the_manifest(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    first = _without_manifests(aws, world).causes[0]
    assert (first.cause, first.certainty) == (world.cause, "proven")
    assert [one.source for one in first.evidence if world.image in one.text] == ["text"]


def test_a_chart_is_likely_without_the_manifest(aws: EmulatedAws) -> None:
    first = _without_manifests(aws, build(aws, "chart-under-the-tag")).causes[0]
    assert (first.cause, first.certainty) == ("not-a-container-image", "likely")
    assert "was not read" in first.inferred[0]


def test_an_index_of_attestations_passes_for_a_missing_platform(aws: EmulatedAws) -> None:
    report = _without_manifests(aws, build(aws, "index-of-attestations"))
    assert accused(report) == {"platform-mismatch"}
    unchecked = {one.cause: {missing.why for missing in one.missing} for one in report.not_checked}
    assert unchecked["not-a-container-image"] == {"switched-off"}


@pytest.mark.slow
def test_each_world_says_one_thing(aws: EmulatedAws) -> None:
    for name, defect in DEFECTS.items():
        world = build(aws, name)
        assert accused(report_on(aws, world.event)) == {defect.cause}, name
