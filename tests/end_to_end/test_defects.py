"""Each planted defect is named, its mended twin is not accused, and each printed fix removes it."""

from __future__ import annotations

import pytest

from pull_doctor.report.model import RankedCause
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import accused, carry_out, evidence, report_on, ruled_out
from tests.worlds import World, build
from tests.worlds.defects import DEFECTS, ONE_OF_EACH

ONE_FAST = [pytest.param(name, marks=[] if name in ONE_OF_EACH else pytest.mark.slow) for name in sorted(DEFECTS)]
"""All worlds, of which the fast set has one for each cause."""
SOME_FAST = [
    pytest.param(name, marks=[] if name in ONE_OF_EACH[::12] else pytest.mark.slow) for name in sorted(DEFECTS)
]
"""All worlds, of which the fast set has one for every twelfth cause."""


def _mended(world: World) -> None:
    world.mend()
    if DEFECTS[world.name].relaunch:
        world.relaunch()


@pytest.mark.parametrize("name", ONE_FAST)
def test_the_defect_is_named_and_every_fix_with_api_calls_removes_it(aws: EmulatedAws, name: str) -> None:
    world, defect = build(aws, name), DEFECTS[name]
    report = report_on(aws, world.event)
    assert report.verdict == "cause-found"
    first = report.causes[0]
    assert (first.cause, first.certainty, first.still) == (world.cause, defect.certainty, defect.still)
    assert [culprit for culprit in world.culprits if culprit not in evidence(first) + first.culprit.id] == []
    assert first.fixes
    for tried, number in enumerate(_runnable(first)):
        if tried:  # the one before has mended this world
            world = build(aws, name)
            first = report_on(aws, world.event).causes[0]
        for command in first.fixes[number].commands:
            carry_out(world, command, first.fixes[number].account)
        world.relaunch()
        stands = {one.cause for one in report_on(aws, world.event).causes if one.still != "no"}
        assert world.cause not in stands, f"fix {number} of {name}"


def _runnable(cause: RankedCause) -> list[int]:
    """Which of the fixes are complete calls of an API."""
    return [
        number
        for number, fix in enumerate(cause.fixes)
        if fix.applicability != "fill-in" and fix.commands and all(isinstance(c.service, str) for c in fix.commands)
    ]


@pytest.mark.parametrize("name", ONE_FAST)
def test_the_mended_twin_with_the_same_text(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    _mended(world)
    report = report_on(aws, world.event)
    if DEFECTS[name].text_proves:
        first = report.causes[0]
        assert (first.cause, first.still, first.fixes) == (world.cause, "no", ())
        assert world.neutral_text
        report = report_on(aws, world.saying(world.neutral_text))
    assert accused(report) == {DEFECTS[name].told} - {None}
    assert world.cause in ruled_out(report) | {one.cause for one in report.not_applicable}


@pytest.mark.parametrize("name", SOME_FAST)
def test_a_task_that_started_since_takes_the_proof_away(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    sibling = world.add_sibling().rsplit("/", 1)[-1]
    report = report_on(aws, world.event)
    assert [cause for cause in report.causes if cause.certainty == "proven"] == []
    assert sibling in evidence(report.causes[0])
