"""Calls that hang, in real time: an attempt ends before Lambda ends it, and the retry sends what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra import asset
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.emulated.runtime_api import function
from tests.end_to_end.running import another, on_lambda, receivers
from tests.worlds import build

pytestmark = on_lambda

READS = (
    "ec2:DescribeSubnets",
    "ec2:DescribeNetworkInterfaces",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeServices",
    "ecr:DescribeImages",
    "iam:SimulatePrincipalPolicy",
    "ecs:ListTasks",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "hanging", "slack_hangs"),
    [
        ("the topic", ("sns:Publish",), False),
        ("Slack", (), True),
        ("the bucket", ("s3:PutObject",), False),
        ("the first write", ("dynamodb:PutItem",), False),
        ("every later write", ("dynamodb:UpdateItem",), False),
        ("everything but the table", (*READS, "sns:Publish", "s3:PutObject", "secretsmanager:GetSecretValue"), True),
    ],
)
def test_what_hangs_in_the_first_attempt_is_made_up_for_by_the_retry(
    aws: EmulatedAws,
    deployed: Deployed,
    tmp_path: Path,
    measured: Callable[[str], None],
    name: str,
    hanging: tuple[str, ...],
    *,
    slack_hangs: bool,
) -> None:
    asset.build(tmp_path / "code")
    workload = f"hanging-{name.replace(' ', '-')}"
    event = another(build(aws, "image-tag-missing").event, workload)
    with (
        receivers(aws, deployed) as got,
        function(aws, deployed, tmp_path / "code", tmp_path, pauses=(1, 62)) as running,
        ExitStack() as faults,
    ):
        for action in hanging:
            faults.enter_context(aws.fault(action, "timed-out"))
        got.slack.trouble = "hangs" if slack_hangs else None

        def mend() -> None:
            spent.append(time.monotonic() - began)
            faults.close()
            got.slack.trouble = None

        spent: list[float] = []
        began = time.monotonic()
        running.send(event, then=mend)
        running.wait(200)
        hows = [attempt.how for attempt in running.of(event)]
        assert hows[-1] == "returned", running.log[-3000:]
        assert "timed-out" not in hows, f"{name}: {spent}"
        assert got.counts(workload) == {"sns": 1, "slack": 1}, running.log[-3000:]
        assert got.kept_events() == []
        got.forget(workload)
        measured(f"hanging: {name}: the first attempt ended after {spent[0]:.0f} s, attempts {hows}")
