"""Every read of every world is refused in every way: a report goes out, and it accuses nobody it would not accuse.

The worlds are built in the emulated AWS and their answers remembered, so that the matrix replays them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pull_doctor.intake.event import read_event
from pull_doctor.report.model import Report
from pull_doctor.report.text import render_text
from tests.emulated.aws import EmulatedAws
from tests.emulated.front import Kind
from tests.end_to_end.harness import accused
from tests.end_to_end.refusals import RESTS_ON, diagnosis, standing
from tests.worlds import build
from tests.worlds.recording import Recording, paged

ONE_OF_A_FAMILY = ("dkr-endpoint-policy", "boundary-without-ecr")
"""The worlds of each kind of defect that the fast set denies reads to, besides the first one."""


def _said(report: Report) -> str:
    return " ".join(render_text(report).split())


@pytest.mark.slow
@pytest.mark.parametrize("name", RESTS_ON)
def test_a_refused_read_changes_nothing_that_does_not_rest_on_it(
    aws: EmulatedAws, name: str, measured: Callable[[str], None]
) -> None:
    _refuse_each(aws, name, ["denied", "throttled", "timed-out", "second-page-missing"], measured)


@pytest.mark.parametrize("name", ["private-subnet-without-route", *ONE_OF_A_FAMILY])
def test_a_denied_read_changes_nothing_that_does_not_rest_on_it(
    aws: EmulatedAws, name: str, measured: Callable[[str], None]
) -> None:
    _refuse_each(aws, name, ["denied"], measured)


def _refuse_each(aws: EmulatedAws, name: str, kinds: list[Kind], measured: Callable[[str], None]) -> None:
    world = build(aws, name)
    recording = Recording(aws, world.account)
    intake = read_event(world.event)
    whole = diagnosis(recording, intake)
    actions = sorted(recording.actions)
    runs = 0
    for action in actions:
        for kind in kinds:
            if kind == "second-page-missing" and not paged(action):
                continue
            recording.faults = {action: kind}
            report = diagnosis(recording, intake)
            runs += 1
            context = f"{name}: {action} {kind}"
            assert render_text(report), context
            assert accused(report) <= accused(whole), context
            assert all(standing(whole).get(cause, -1) >= rank for cause, rank in standing(report).items()), context
            if kind != "second-page-missing":  # a list of one known id has no second page
                assert action in _said(report), f"{context} is not said"
            if action not in RESTS_ON[name]:
                assert standing(report) == standing(whole), context
                assert [c.cause for c in report.causes[:1]] == [c.cause for c in whole.causes[:1]], context
            elif kind == "denied":
                assert standing(report) != standing(whole), f"{context}: the answer does not rest on it after all"
    measured(f"refused reads, {name}: {len(actions)} reads, {runs} refusals")
