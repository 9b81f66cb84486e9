"""Where sight ends nobody is accused: the report is undetermined and names what it cannot look behind."""

from __future__ import annotations

import pytest

from pull_doctor.report.text import render_text
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import report_on
from tests.worlds.opaque import OPAQUE, build_opaque


@pytest.mark.parametrize("name", OPAQUE)
def test_what_is_behind_the_target_is_left_open(aws: EmulatedAws, name: str) -> None:
    world = build_opaque(aws, name)
    report = report_on(aws, world.event)
    assert report.causes == ()
    assert report.verdict == "undetermined"
    (open_way,) = (one for one in report.not_checked if one.cause == "no-route-to-registry")
    assert {missing.why for missing in open_way.missing} == {"not-visible"}
    told = " ".join(f"{missing.resource} {missing.detail}" for missing in open_way.missing)
    text = render_text(report)
    for target in world.culprits:
        assert target in told
        assert target in text


@pytest.mark.slow
@pytest.mark.parametrize("name", OPAQUE)
def test_the_way_through_a_nat_gateway_is_followed_to_its_end(aws: EmulatedAws, name: str) -> None:
    world = build_opaque(aws, name)
    world.mend()
    report = report_on(aws, world.event)
    assert (report.causes, report.verdict) == ((), "no-defect-found")
