from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.permissions import actions_of
from pull_doctor.facts.readers import READERS
from tests.facts.answers_of_aws import CASES, DIGEST, ENDPOINT, PLANTED, REPOSITORY, ROLE, TASK_DEFINITION, TASKS, Case
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, Answer, AwsError, World

HERE = (OWN_ACCOUNT, REGION)
ENDPOINTS_OF_VPC = [{"VpcEndpoints": [ENDPOINT]}]

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
    first: dict[str, Sequence[Answer]] = {case.first: ENDPOINTS_OF_VPC} if case.first else {}
    return World({**first, case.operation: answers})


def asked(case: Case, answers: Sequence[Answer]) -> Known[Any] | Unknown:
    return ask(Aws(world_of(case, answers).session()), case.question)


def put(question: q.Question[Any], **answers: Sequence[Answer]) -> Known[Any] | Unknown:
    return ask(Aws(World(answers).session()), question)


def test_every_question_has_a_reader_and_a_case() -> None:
    kinds = {
        kind
        for kind in vars(q).values()
        if isinstance(kind, type) and issubclass(kind, q.Question) and kind is not q.Question
    }
    assert set(READERS) == kinds
    assert {type(case.question) for case in CASES} == kinds


@every_case
def test_what_aws_has_is_known_whole(case: Case) -> None:
    world = world_of(case, with_tokens(case))
    aws = Aws(world.session())

    assert READERS[type(case.question)].read(aws, case.question) == case.value

    wanted = [case.first] * bool(case.first) + [case.operation] * len(case.pages)
    assert world.operations() == wanted
    assert aws.calls == len(wanted)


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
    planted = {case.operation for case in CASES if PLANTED in repr(case.pages)}
    assert planted == {"DescribeTaskDefinition", "DescribeTasks"}


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
        (AwsError("AccessDeniedException"), "denied"),
        (AwsError("RequestLimitExceeded", status=503), "throttled"),
        (ReadTimeoutError(endpoint_url="https://aws"), "timed-out"),
        (ConnectTimeoutError(endpoint_url="https://aws"), "timed-out"),
        (EndpointConnectionError(endpoint_url="https://aws"), "timed-out"),
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


@pytest.mark.parametrize("kind", [q.Subnets, q.RouteTables, q.NetworkAcls, q.SecurityGroups, q.VpcEndpoints])
def test_a_vpc_is_asked_for_whole(kind: Any) -> None:
    case = next(case for case in CASES if isinstance(case.question, kind))
    world = world_of(case, case.pages[-1:])
    ask(Aws(world.session()), case.question)
    assert world.calls[0][2]["Filters"] == [{"Name": "vpc-id", "Values": ["vpc-1"]}]


def test_only_the_interfaces_of_endpoints_are_asked_for() -> None:
    case = next(case for case in CASES if isinstance(case.question, q.EndpointInterfaces))
    world = world_of(case, case.pages[-1:])
    ask(Aws(world.session()), case.question)
    assert world.calls[0][2]["Filters"] == [
        {"Name": "vpc-id", "Values": ["vpc-1"]},
        {"Name": "interface-type", "Values": ["vpc_endpoint"]},
    ]


def test_a_route_to_something_new_is_unknown_not_left_out() -> None:
    table = {"RouteTableId": "rtb-1", "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "State": "active"}]}
    fact = put(q.RouteTables(*HERE, "vpc-1"), DescribeRouteTables=[{"RouteTables": [table]}])
    assert isinstance(fact, Unknown)
    assert fact.why == "crashed"


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ({"Managed-By": "TERRAFORM"}, "Terraform"),
        ({"managed_by": "terraform", "terraform-workspace": "prod"}, "Terraform workspace prod"),
        ({"ManagedBy": "terraform", "aws:cloudformation:stack-name": "net"}, "CloudFormation stack net"),
        ({"managed-by": "pulumi", "workspace": "prod"}, None),
        ({"Terraform": "false"}, None),
    ],
)
def test_tags_tell_what_owns_a_resource(tags: dict[str, str], owner: str | None) -> None:
    table = {
        "RouteTableId": "rtb-1",
        "Routes": [],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    fact = put(q.RouteTables(*HERE, "vpc-1"), DescribeRouteTables=[{"RouteTables": [table]}])
    assert isinstance(fact, Known)
    assert fact.value[0].managed_by == owner


def test_another_region_s_prefix_list_is_not_s3_s() -> None:
    other = {"PrefixListId": "pl-1", "PrefixListName": "com.amazonaws.eu-west-1.dynamodb", "Cidrs": []}
    assert put(q.S3PrefixList(*HERE), DescribePrefixLists=[{"PrefixLists": [other]}]) == Known(None)


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ({"services": [], "failures": [{"arn": "web", "reason": "MISSING"}]}, True),
        ({"services": [{"status": "INACTIVE"}], "failures": []}, True),
        ({"services": [], "failures": [{"arn": "web", "reason": "SOMETHING_ELSE"}]}, False),
        ({"services": [], "failures": []}, False),
    ],
)
def test_a_service_is_gone_only_if_ecs_says_so(answer: dict[str, Any], *, known: bool) -> None:
    fact = put(q.OneService(*HERE, "prod", "web"), DescribeServices=[answer])
    assert (fact == Known(None)) is known
    assert isinstance(fact, Unknown) is not known


def test_a_refused_task_definition_is_not_a_deleted_one() -> None:
    refused = AwsError("ClientException", "Revision must be a number.")
    assert isinstance(put(q.OneTaskDefinition(*HERE, TASK_DEFINITION), DescribeTaskDefinition=[refused]), Unknown)


def test_running_tasks_of_a_family() -> None:
    world = World({"ListTasks": [{"taskArns": []}]})
    assert ask(Aws(world.session()), q.RunningTasks(*HERE, "prod", None, "web")) == Known(())
    assert {name: world.calls[0][2].get(name) for name in ("family", "serviceName", "desiredStatus")} == {
        "family": "web",
        "serviceName": None,
        "desiredStatus": "RUNNING",
    }


def test_siblings_that_ecs_could_not_read_are_unknown() -> None:
    answer = {"tasks": [], "failures": [{"arn": TASKS[0], "reason": "INTERNAL"}]}
    assert isinstance(put(q.Siblings(*HERE, "prod", TASKS), DescribeTasks=[answer]), Unknown)


def test_the_digest_decides() -> None:
    world = World({"DescribeImages": [AwsError("RepositoryNotFoundException")]})
    question = q.EcrImageOf(OWN_ACCOUNT, "us-east-1", "444455556666", "web", "1", DIGEST)
    assert ask(Aws(world.session()), question) == Known(v.EcrLookup("repository"))
    assert world.calls[0][2] == {
        "registryId": "444455556666",
        "repositoryName": "web",
        "imageIds": [{"imageDigest": DIGEST}],
    }


def test_tags_beyond_five_pages_are_said_to_be_left_unread() -> None:
    page = {"imageDetails": [{"imageDigest": DIGEST, "imageTags": ["1"]}]}
    pages = [page | {"nextToken": str(n)} for n in range(9)]
    world = World({"DescribeImages": pages})
    fact = ask(Aws(world.session()), q.EcrTagsOf(*HERE, OWN_ACCOUNT, "web"))
    assert isinstance(fact, Known)
    assert (len(fact.value.images), fact.value.complete) == (5, False)
    assert world.operations() == ["DescribeImages"] * 5


def simulate(*results: dict[str, Any]) -> Known[Any] | Unknown:
    question = q.Simulation(*HERE, ROLE, ("ecr:BatchGetImage",), REPOSITORY)
    return put(question, SimulatePrincipalPolicy=[{"EvaluationResults": results}])


def test_the_older_form_of_a_simulation_is_understood() -> None:
    result = {
        "EvalActionName": "ecr:BatchGetImage",
        "EvalResourceName": REPOSITORY,
        "EvalDecision": "implicitDeny",
        "MissingContextValues": ["aws:SourceVpc"],
        "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
    }
    wanted = v.Simulated("ecr:BatchGetImage", "implicitDeny", (), ("aws:SourceVpc",), boundary_allows=False)
    assert simulate(result) == Known((wanted,))


def test_a_simulation_that_leaves_an_action_out_is_unknown() -> None:
    assert isinstance(simulate(), Unknown)
    assert isinstance(simulate({"EvalActionName": "ecr:Other", "EvalDecision": "allowed"}), Unknown)


def test_a_decision_of_an_unknown_name_is_unknown() -> None:
    assert isinstance(simulate({"EvalActionName": "ecr:BatchGetImage", "EvalDecision": "maybe"}), Unknown)
