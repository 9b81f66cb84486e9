"""Every reader against one full answer of AWS, and against the ways in which an answer fails to come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from pull_doctor.facts import questions as q
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.permissions import actions_of
from pull_doctor.facts.readers import READERS
from tests.facts.answers_of_aws import CASES
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, Answer, AwsError, World
from tests.facts.case import PLANTED, Case

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: type(case.question).__name__)
paged_case = pytest.mark.parametrize(
    "case", [case for case in CASES if case.token], ids=lambda case: type(case.question).__name__
)


def with_tokens(case: Case) -> Sequence[Answer]:
    """The pages, each but the last with the token that asks for the next."""
    token = case.token
    if token is None:
        return list(case.pages)
    truncated = {"IsTruncated": True} if token == "Marker" else {}
    return [page | {token: f"page-{n}"} | truncated for n, page in enumerate(case.pages[:-1], 2)] + [case.pages[-1]]


def world_of(case: Case, answers: Sequence[Answer]) -> World:
    return World({case.operation: answers, **case.more})


def asked(case: Case, answers: Sequence[Answer]) -> Known[Any] | Unknown:
    return ask(Aws(world_of(case, answers).session()), case.question)


def test_every_question_has_a_reader_and_a_case() -> None:
    kinds = {
        kind
        for kind in vars(q).values()
        if isinstance(kind, type) and issubclass(kind, q.Question) and kind not in (q.Question, q.OfAVpc)
    }
    assert set(READERS) == kinds
    of_no_aws_api = {q.RegistryImage, q.RegistryManifest}
    assert {type(case.question) for case in CASES} == kinds - of_no_aws_api


@every_case
def test_what_aws_has_is_known_whole(case: Case) -> None:
    world = world_of(case, with_tokens(case))
    aws = Aws(world.session())

    assert READERS[type(case.question)].read(aws, case.question) == case.value

    answered = {case.operation: case.pages, **case.more}
    assert Counter(world.operations()) == {operation: len(pages) for operation, pages in answered.items()}
    assert aws.calls == len(world.operations())


@every_case
def test_the_declared_actions_are_those_that_are_called(case: Case) -> None:
    world = world_of(case, with_tokens(case))
    ask(Aws(world.session()), case.question)
    called = {f"{service}:{operation}" for service, operation, _ in world.calls}
    assert called == set(actions_of(type(case.question)))


@every_case
def test_nothing_planted_in_a_task_reaches_a_value(case: Case) -> None:
    assert PLANTED not in repr(asked(case, with_tokens(case)))


def test_the_markers_are_planted() -> None:
    planted = {case.operation for case in CASES if PLANTED in repr((case.pages, case.more))}
    of_ecs = {"DescribeServices", "DescribeServiceRevisions", "DescribeTaskDefinition", "DescribeTasks"}
    others = {"DescribeContainerInstances", "DescribeSecret", "DescribeParameters", "DescribeKey"}
    assert planted == of_ecs | others | {"ListHostedZonesByVPC"}


@pytest.mark.parametrize(
    ("case", "gone"),
    [(case, error) for case in CASES for error in case.gone],
    ids=lambda each: type(each.question).__name__ if isinstance(each, Case) else str(each),
)
def test_aws_s_own_not_found_is_known_absence(case: Case, gone: AwsError) -> None:
    assert asked(case, [gone]) == Known(case.absent)


@every_case
@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (AwsError("UnauthorizedOperation", status=403), "denied"),
        pytest.param(AwsError("AccessDeniedException"), "denied", marks=pytest.mark.slow),
        (AwsError("RequestLimitExceeded", status=503), "throttled"),
        (ReadTimeoutError(endpoint_url="https://aws"), "timed-out"),
        pytest.param(ConnectTimeoutError(endpoint_url="https://aws"), "timed-out", marks=pytest.mark.slow),
        pytest.param(EndpointConnectionError(endpoint_url="https://aws"), "timed-out", marks=pytest.mark.slow),
        (AwsError("InternalError", status=500), "crashed"),
    ],
    ids=str,
)
def test_a_failed_read_is_unknown_never_absent(case: Case, failure: BaseException, why: str) -> None:
    fact = asked(case, [failure])
    assert isinstance(fact, Unknown)
    assert (fact.fact, fact.why, fact.account, fact.region) == (case.question.fact, why, OWN_ACCOUNT, REGION)
    assert fact.action in actions_of(type(case.question))


@paged_case
def test_a_missing_page_is_unknown_never_a_shorter_list(case: Case) -> None:
    fact = asked(case, [with_tokens(case)[0], AwsError("Throttling")])
    assert isinstance(fact, Unknown)
    assert fact.why == "throttled"


@every_case
def test_an_empty_answer_without_its_members_is_unknown(case: Case) -> None:
    assert isinstance(asked(case, [{}]), Unknown)
