from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.delivery.state import AWAY, REMINDER, SKEW, WINDOW, State, answer_of, culprit_of
from pull_doctor.report.model import Report
from pull_doctor.resource import Resource
from tests.delivery.samples import ACCOUNT, REGION, make_report

TIMEOUT = frozenset({"network-timeout"})
OPEN = State(
    status="open",
    opened=1000.0,
    diagnosed=1000.0,
    reported=1000.0,
    report="{}",
    kinds=TIMEOUT,
    answers={answer_of(make_report()): 1000.0},
    told=answer_of(make_report()),
)
ENDED = replace(OPEN, status="recovered", ended=2000.0)


@pytest.mark.parametrize(
    ("seen", "failed_at", "due"),
    [
        (2000.0, 1999.0, True),
        (2000.0, None, True),
        (2500.0, 2000.0 - SKEW, False),
        (2500.0, 2001.0 - SKEW, True),
        (1999.0, 1998.0, False),
    ],
)
def test_after_the_end_only_a_later_failure_is_due(seen: float, failed_at: float | None, due: bool) -> None:  # noqa: FBT001 - the expected value
    assert ENDED.due(seen, failed_at, TIMEOUT) is due


def test_within_the_window_only_a_new_kind_is_due() -> None:
    assert State().due(0.0, None, TIMEOUT)
    assert not OPEN.due(1000.0 + WINDOW, None, TIMEOUT)
    assert OPEN.due(1001.0 + WINDOW, None, TIMEOUT)
    assert OPEN.due(1001.0, None, frozenset({"image-not-found"}))
    assert not OPEN.due(1001.0, None, frozenset({"undetermined"}))


def _blaming(culprit: Resource, cause: str = "s3-endpoint-missing") -> Report:
    report = make_report(cause)
    return replace(report, causes=(replace(report.causes[0], culprit=culprit),))


def test_the_occasions() -> None:
    same, other = make_report(), make_report("no-route-to-registry")
    assert State().occasion(same, TIMEOUT, 1000.0, REMINDER) == "first"
    assert ENDED.occasion(same, TIMEOUT, 3000.0, REMINDER) == "first"
    assert OPEN.occasion(same, TIMEOUT, 2000.0, REMINDER) is None
    assert OPEN.occasion(same, TIMEOUT, 1000.0 + REMINDER, REMINDER) == "reminder"
    assert OPEN.occasion(other, TIMEOUT, 1000.0 + REMINDER, REMINDER) == "new-cause"
    seen = replace(OPEN, answers={**OPEN.answers, answer_of(other): 2000.0})
    assert seen.occasion(other, TIMEOUT, 2000.0 + AWAY, REMINDER) is None
    assert seen.occasion(other, TIMEOUT, 2001.0 + AWAY, REMINDER) == "new-cause"
    assert seen.occasion(same, TIMEOUT, 2001.0 + AWAY, REMINDER) is None, "it is what was told last"


def test_a_resource_that_each_task_has_of_its_own_makes_no_new_answer() -> None:
    first = _blaming(Resource("AWS::EC2::NetworkInterface", "eni-1"))
    second = _blaming(Resource("AWS::EC2::NetworkInterface", "eni-2"))
    assert answer_of(first) == answer_of(second)
    assert answer_of(_blaming(Resource("AWS::EC2::Subnet", "s-1"))) != answer_of(first)


def test_a_resource_without_an_arn_is_told_apart_by_account_and_region() -> None:
    assert culprit_of(_blaming(Resource("Registry", "docker.io"))) == f"Registry/docker.io/{ACCOUNT}/{REGION}"
    assert culprit_of(_blaming(Resource("AWS::EC2::Subnet", "s-1", "arn:s-1"))) == "arn:s-1"
    assert culprit_of(make_report(verdict="undetermined")) is None
