"""Every read of every world is refused in every way: a report goes out, and it accuses nobody it would not accuse.

The worlds are built in the emulated AWS and their answers remembered, so that the matrix replays them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from pull_doctor.facts.aws import Aws
from pull_doctor.intake.event import read_event
from pull_doctor.intake.task import Intake
from pull_doctor.pipeline import diagnose
from pull_doctor.report.model import Report
from pull_doctor.report.text import render_text
from tests.emulated.aws import EmulatedAws
from tests.emulated.front import Kind
from tests.end_to_end.harness import OFFLINE, accused
from tests.worlds import build
from tests.worlds.defects import DEFECTS as BROKEN
from tests.worlds.defects import ONE_OF_EACH
from tests.worlds.healthy import Defect
from tests.worlds.recording import Recording, paged

SETS = 150


CERTAINTIES = ("possible", "likely", "proven")

_SINCE = {"sts:GetCallerIdentity", "ecs:ListTasks"}
"""What every finding rests on: whose credentials these are, and whether a task has started since."""


def _rests_on(defect: Defect) -> set[str]:
    # What is never more than likely does not sink where counter-evidence could not be read.
    since = _SINCE if defect.certainty == "proven" else _SINCE - {"ecs:ListTasks"}
    return {*since, *defect.rests_on}


RESTS_ON: dict[str, set[str]] = {
    "private-subnet-without-route": {*_SINCE, "ec2:DescribeSubnets", "ec2:DescribeRouteTables"},
    "public-subnet-without-public-ip": {
        *_SINCE,
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ecs:DescribeServices",
    },
    "endpoint-security-group": {
        *_SINCE,
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeSecurityGroups",
    },
    "s3-endpoint-missing": {
        *_SINCE,
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeVpcEndpoints",
    },
    "role-without-permission": {
        *_SINCE,
        "ecs:DescribeTaskDefinition",
        "iam:SimulatePrincipalPolicy",
        "ecr:GetRepositoryPolicy",
    },
    "image-tag-missing": {*_SINCE, "ecr:DescribeImages"},
    "healthy": set(),
    **{name: _rests_on(BROKEN[name]) for name in ONE_OF_EACH},
}
"""The reads without which a world's cause is not, or not as certainly, named; no other read may change it."""


def _standing(report: Report) -> dict[str, int]:
    return {cause.cause: CERTAINTIES.index(cause.certainty) for cause in report.causes}


def _said(report: Report) -> str:
    return " ".join(render_text(report).split())


def _diagnose(recording: Recording, intake: Intake) -> Report:
    return diagnose(intake, Aws(recording.session, registry=OFFLINE), deadline=time.monotonic() + 20)


@pytest.mark.slow
@pytest.mark.parametrize("name", RESTS_ON)
def test_a_refused_read_changes_nothing_that_does_not_rest_on_it(
    aws: EmulatedAws, name: str, measured: Callable[[str], None]
) -> None:
    _refuse_each(aws, name, ["denied", "throttled", "timed-out", "second-page-missing"], measured)


@pytest.mark.parametrize("name", RESTS_ON)
def test_a_denied_read_changes_nothing_that_does_not_rest_on_it(
    aws: EmulatedAws, name: str, measured: Callable[[str], None]
) -> None:
    _refuse_each(aws, name, ["denied"], measured)


def _refuse_each(aws: EmulatedAws, name: str, kinds: list[Kind], measured: Callable[[str], None]) -> None:
    recording = Recording(aws)
    intake = read_event(build(aws, name).event)
    whole = _diagnose(recording, intake)
    actions = sorted(recording.actions)
    runs = 0
    for action in actions:
        for kind in kinds:
            if kind == "second-page-missing" and not paged(action):
                continue
            recording.faults = {action: kind}
            report = _diagnose(recording, intake)
            runs += 1
            context = f"{name}: {action} {kind}"
            assert render_text(report), context
            assert accused(report) <= accused(whole), context
            assert all(_standing(whole).get(cause, -1) >= rank for cause, rank in _standing(report).items()), context
            if kind != "second-page-missing":  # a list of one known id has no second page
                assert action in _said(report), f"{context} is not said"
            if action not in RESTS_ON[name]:
                assert _standing(report) == _standing(whole), context
                assert [c.cause for c in report.causes[:1]] == [c.cause for c in whole.causes[:1]], context
            elif kind == "denied":
                assert _standing(report) != _standing(whole), f"{context}: the answer does not rest on it after all"
    measured(f"refused reads, {name}: {len(actions)} reads, {runs} refusals")


@pytest.mark.slow
@pytest.mark.parametrize("name", RESTS_ON)
def test_any_set_of_refused_reads_accuses_nobody_new(
    aws: EmulatedAws, name: str, measured: Callable[[str], None]
) -> None:
    recording = Recording(aws)
    intake = read_event(build(aws, name).event)
    whole = _diagnose(recording, intake)
    chance = random.Random(name)  # noqa: S311 - the same sets in every run
    kinds: list[Kind] = ["denied", "throttled", "timed-out"]
    for _ in range(SETS):
        chosen = chance.sample(sorted(recording.actions), chance.randint(2, 6))
        recording.faults = {action: chance.choice(kinds) for action in chosen}
        report = _diagnose(recording, intake)
        assert render_text(report)
        assert accused(report) <= accused(whole), recording.faults
        assert all(_standing(whole).get(cause, -1) >= rank for cause, rank in _standing(report).items())
    measured(f"refused reads, {name}: {SETS} random sets of 2 to 6")
