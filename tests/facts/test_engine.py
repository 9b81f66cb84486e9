from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import SharedAnswers, gather
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.readers import READERS, Reader
from pull_doctor.intake.task import Failure, Task
from pull_doctor.resource import Place
from tests.facts.answers_of_ec2 import INTERFACE, INTERFACE_VALUE, SUBNET, SUBNET_VALUE
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, Answer, AwsError, World

HERE = (OWN_ACCOUNT, REGION)
TASK = Task("arn", "id", Place("aws", OWN_ACCOUNT, REGION), "prod")
INTERFACE_QUESTION = q.OneInterface(*HERE, "eni-1")
SUBNETS = q.Subnets(*HERE, "vpc-1")
DNS = q.DnsSupport(*HERE, "vpc-1")
ANSWERS: dict[str, Sequence[Answer]] = {
    "DescribeNetworkInterfaces": [{"NetworkInterfaces": [INTERFACE]}],
    "DescribeSubnets": [{"Subnets": [SUBNET]}],
    "DescribeVpcAttribute": [{"EnableDnsSupport": {"Value": True}}],
}


class Steps:
    """A plan that asks one step after the other, whatever the answers."""

    def __init__(self, *steps: Sequence[q.Question[Any]]) -> None:
        self.steps = steps
        self.calls = 0

    def __call__(self, _task: Task, _failures: Sequence[Failure], answers: Answers) -> list[q.Question[Any]]:
        self.calls += 1
        for step in self.steps:
            if any(answers.get(question) is None for question in step):
                return list(step)
        return []


def soon(seconds: float = 10) -> float:
    return time.monotonic() + seconds


def run(aws: Aws, plan: Any, seconds: float = 10, **options: Any) -> Answers:
    return gather(TASK, (), aws, plan=plan, deadline=soon(seconds), **options)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[q.Question[Any]], Callable[[], Any]], None]:
    """Replaces the reader of a question by a function."""

    def replace(kind: type[q.Question[Any]], read: Callable[[], Any]) -> None:
        monkeypatch.setitem(READERS, kind, Reader(("x:Read",), lambda _aws, _question: read()))

    return replace


def test_asks_until_the_plan_has_nothing_new() -> None:
    world = World(ANSWERS)
    plan = Steps([INTERFACE_QUESTION], [SUBNETS, DNS])

    answers = run(Aws(world.session()), plan)

    assert answers.get(INTERFACE_QUESTION) == Known(INTERFACE_VALUE)
    assert answers.get(SUBNETS) == Known((SUBNET_VALUE,))
    assert answers.get(DNS) == Known(True)  # noqa: FBT003 - Known takes one value
    assert plan.calls == 3
    assert sorted(world.operations()) == [
        "DescribeNetworkInterfaces",
        "DescribeSubnets",
        "DescribeVpcAttribute",
        "GetCallerIdentity",
    ]


def test_a_question_that_is_planned_again_is_asked_once() -> None:
    world = World(ANSWERS)

    def plan(_task: Task, _failures: Sequence[Failure], _answers: Answers) -> list[q.Question[Any]]:
        return [SUBNETS, SUBNETS]

    assert len(run(Aws(world.session()), plan)) == 1
    assert world.operations() == ["GetCallerIdentity", "DescribeSubnets"]


def test_one_failed_read_leaves_the_others_known() -> None:
    world = World({**ANSWERS, "DescribeSubnets": [AwsError("UnauthorizedOperation", status=403)]})
    answers = run(Aws(world.session()), Steps([SUBNETS, DNS]))
    denied = answers.get(SUBNETS)
    assert isinstance(denied, Unknown)
    assert (denied.why, denied.action, denied.resource) == ("denied", "ec2:DescribeSubnets", "vpc-1")
    assert isinstance(answers.get(DNS), Known)


def test_a_crash_in_a_reader_is_that_fact_s_own(slow: Any, caplog: pytest.LogCaptureFixture) -> None:
    def crash() -> None:
        raise ZeroDivisionError("odd")

    slow(q.Subnets, crash)
    answers = run(Aws(World(ANSWERS).session()), Steps([SUBNETS, DNS]))
    crashed = answers.get(SUBNETS)
    assert isinstance(crashed, Unknown)
    assert (crashed.why, crashed.detail) == ("crashed", "odd")
    (logged,) = caplog.records
    assert logged.exc_info
    assert isinstance(logged.exc_info[1], ZeroDivisionError)
    assert isinstance(answers.get(DNS), Known)


def test_an_error_that_aws_answers_is_no_crash_of_ours_to_log(caplog: pytest.LogCaptureFixture) -> None:
    world = World({**ANSWERS, "DescribeSubnets": [AwsError("InternalError", status=500)]})
    fact = run(Aws(world.session()), Steps([SUBNETS])).get(SUBNETS)
    assert isinstance(fact, Unknown)
    assert fact.why == "crashed"
    assert caplog.records == []


def test_a_question_without_a_reader_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(READERS, q.Subnets)
    fact = run(Aws(World(ANSWERS).session()), Steps([SUBNETS])).get(SUBNETS)
    assert isinstance(fact, Unknown)
    assert fact.why == "crashed"


def test_a_read_that_hangs_never_holds_up_the_return(slow: Any) -> None:
    release = threading.Event()
    slow(q.Subnets, release.wait)
    later = q.VpcEndpoints(*HERE, "vpc-1")
    began = time.monotonic()

    answers = run(Aws(World(ANSWERS).session()), Steps([SUBNETS, DNS], [later]), seconds=2)

    took = time.monotonic() - began
    release.set()
    assert took < 4
    assert isinstance(answers.get(DNS), Known)
    hung = answers.get(SUBNETS)
    assert isinstance(hung, Unknown)
    assert (hung.why, hung.action) == ("timed-out", "x:Read")
    never_asked = answers.get(later)
    assert isinstance(never_asked, Unknown)
    assert (never_asked.why, never_asked.action) == ("timed-out", "ec2:DescribeVpcEndpoints")


def test_after_the_deadline_nothing_is_asked() -> None:
    world = World(ANSWERS)
    of_two_calls = q.BlockPublicAccessOf(*HERE)
    answers = run(Aws(world.session()), Steps([SUBNETS, of_two_calls]), seconds=-1)
    for question, action in ((SUBNETS, "ec2:DescribeSubnets"), (of_two_calls, None)):
        fact = answers.get(question)
        assert isinstance(fact, Unknown)
        assert (fact.why, fact.action) == ("timed-out", action)
    assert world.calls == []


def test_a_wave_is_asked_in_parallel(slow: Any) -> None:
    together = threading.Barrier(2, timeout=5)
    slow(q.Subnets, together.wait)
    slow(q.DnsSupport, together.wait)
    answers = run(Aws(World(ANSWERS).session()), Steps([SUBNETS, DNS]))
    assert isinstance(answers.get(SUBNETS), Known)
    assert isinstance(answers.get(DNS), Known)


def test_many_questions_with_few_workers() -> None:
    many = [q.Subnets(*HERE, f"vpc-{n}") for n in range(40)]
    answers = run(Aws(World(ANSWERS).session()), Steps(many), workers=2)
    assert all(isinstance(answers.get(question), Known) for question in many)


def test_nothing_of_another_account_is_asked() -> None:
    world = World(ANSWERS)
    theirs = q.Subnets("444455556666", REGION, "vpc-1")
    answers = run(Aws(world.session()), Steps([theirs, DNS]))
    assert answers.get(theirs) == Unknown(
        fact="the subnets of vpc-1",
        why="prerequisite",
        action="sts:AssumeRole",
        account="444455556666",
        region=REGION,
        detail=f"these are credentials of account {OWN_ACCOUNT}; the task ran in 444455556666",
    )
    assert isinstance(answers.get(DNS), Known)
    assert "DescribeSubnets" not in world.operations()


def test_without_knowing_whose_credentials_these_are_nothing_is_asked() -> None:
    world = World({**ANSWERS, "GetCallerIdentity": [AwsError("ExpiredToken", "The token is expired", status=403)]})
    fact = run(Aws(world.session()), Steps([SUBNETS])).get(SUBNETS)
    assert isinstance(fact, Unknown)
    assert (fact.why, fact.action, fact.fact) == ("prerequisite", "sts:GetCallerIdentity", "the subnets of vpc-1")
    assert "The token is expired" in str(fact.detail)
    assert world.operations() == ["GetCallerIdentity"]


def test_whose_credentials_these_are_is_asked_again_only_if_that_failed() -> None:
    me = {"Account": OWN_ACCOUNT, "UserId": "u", "Arn": "arn:aws:iam::1:user/u"}
    world = World({**ANSWERS, "GetCallerIdentity": [AwsError("Throttling"), me]})
    aws = Aws(world.session())
    assert isinstance(run(aws, Steps([DNS])).get(DNS), Unknown)
    assert isinstance(run(aws, Steps([DNS])).get(DNS), Known)
    assert isinstance(run(aws, Steps([DNS])).get(DNS), Known)
    assert world.operations().count("GetCallerIdentity") == 2


@pytest.mark.parametrize("setting", ["ec2:DescribeSubnets", "ec2:DescribeSub*"])
def test_what_the_settings_switch_off_is_not_asked(setting: str) -> None:
    world = World(ANSWERS)
    answers = run(Aws(world.session(), switched_off=frozenset({setting})), Steps([SUBNETS, DNS]))
    fact = answers.get(SUBNETS)
    assert isinstance(fact, Unknown)
    assert (fact.why, fact.action) == ("switched-off", "ec2:DescribeSubnets")
    assert isinstance(answers.get(DNS), Known)
    assert "DescribeSubnets" not in world.operations()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_storm_over_one_vpc_reads_it_once_a_minute() -> None:
    world, clock = World(ANSWERS), Clock()
    aws, memory = Aws(world.session()), SharedAnswers(clock=clock)
    for _ in range(5):
        answers = run(aws, Steps([INTERFACE_QUESTION], [SUBNETS]), memory=memory)
        assert answers.get(SUBNETS) == Known((SUBNET_VALUE,))
    assert world.operations().count("DescribeSubnets") == 1
    assert world.operations().count("DescribeNetworkInterfaces") == 5

    clock.now += 61
    run(aws, Steps([SUBNETS]), memory=memory)
    assert world.operations().count("DescribeSubnets") == 2


def test_what_could_not_be_read_is_not_remembered() -> None:
    world = World({**ANSWERS, "DescribeSubnets": [AwsError("Throttling"), {"Subnets": [SUBNET]}]})
    aws, memory = Aws(world.session()), SharedAnswers()
    assert isinstance(run(aws, Steps([SUBNETS]), memory=memory).get(SUBNETS), Unknown)
    assert isinstance(run(aws, Steps([SUBNETS]), memory=memory).get(SUBNETS), Known)


def test_an_answer_is_as_old_as_its_question(slow: Any) -> None:
    clock = Clock()
    memory = SharedAnswers(clock=clock)

    def read() -> tuple[v.Subnet, ...]:
        clock.now += 50
        return ()

    slow(q.Subnets, read)
    run(Aws(World(ANSWERS).session()), Steps([SUBNETS]), memory=memory)
    clock.now += 20
    assert memory.recall([SUBNETS]) == {}


def test_two_vpcs_are_two_questions() -> None:
    memory = SharedAnswers()
    memory.keep({SUBNETS: Known(())}, time.monotonic())
    assert memory.recall([q.Subnets(*HERE, "vpc-2"), q.Subnets("444455556666", REGION, "vpc-1")]) == {}
