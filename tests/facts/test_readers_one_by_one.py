"""What single readers ask for, and what they make of answers that are unlike the usual one."""

from __future__ import annotations

from typing import Any

import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.facts.answers_of_ec2 import CASES
from tests.facts.botocore_world import AwsError, World
from tests.facts.case import (
    HERE,
    REPOSITORY,
    ROLE,
    TASK_DEFINITION,
    TASKS,
    put,
)


@pytest.mark.parametrize("kind", [q.Subnets, q.RouteTables, q.NetworkAcls, q.SecurityGroups, q.VpcEndpoints])
def test_a_vpc_is_asked_for_whole(kind: Any) -> None:
    case = next(case for case in CASES if isinstance(case.question, kind))
    world = World({case.operation: case.pages[-1:]})
    ask(Aws(world.session()), case.question)
    assert world.calls[0][2]["Filters"] == [{"Name": "vpc-id", "Values": ["vpc-1"]}]


def test_only_the_interfaces_of_endpoints_are_asked_for() -> None:
    case = next(case for case in CASES if isinstance(case.question, q.EndpointInterfaces))
    world = World({case.operation: case.pages[-1:]})
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


def test_a_blackhole_may_no_longer_name_its_target() -> None:
    table = {"RouteTableId": "rtb-1", "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "State": "blackhole"}]}
    fact = put(q.RouteTables(*HERE, "vpc-1"), DescribeRouteTables=[{"RouteTables": [table]}])
    assert isinstance(fact, Known)
    assert fact.value[0].routes == (v.Route("0.0.0.0/0", "a target that is gone", "blackhole"),)


def test_a_route_tells_whether_it_was_made_or_propagated() -> None:
    everywhere = {"DestinationCidrBlock": "0.0.0.0/0"}
    found = [
        everywhere | {"IpAddress": "10.0.3.7", "Origin": "Advertisement", "State": "filtered"},
        everywhere | {"GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation", "State": "active"},
        everywhere | {"NatGatewayId": "nat-1", "Origin": "CreateRoute", "State": "active"},
    ]
    table = {"RouteTableId": "rtb-1", "Routes": found}
    fact = put(q.RouteTables(*HERE, "vpc-1"), DescribeRouteTables=[{"RouteTables": [table]}])
    assert isinstance(fact, Known)
    assert fact.value[0].routes == (
        v.Route("0.0.0.0/0", "10.0.3.7", "filtered", propagated=True),
        v.Route("0.0.0.0/0", "vgw-1", "active", propagated=True),
        v.Route("0.0.0.0/0", "nat-1", "active"),
    )


def test_private_dns_that_is_not_told_is_not_off() -> None:
    endpoint = {"VpcEndpointId": "vpce-1", "VpcEndpointType": "Interface", "State": "available"}
    assert isinstance(put(q.VpcEndpoints(*HERE, "vpc-1"), DescribeVpcEndpoints=[{"VpcEndpoints": [endpoint]}]), Unknown)


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


def test_a_service_that_is_being_deleted_is_still_there() -> None:
    answer = {"services": [{"status": "DRAINING", "desiredCount": 0}], "failures": []}
    fact = put(q.OneService(*HERE, "prod", "web"), DescribeServices=[answer])
    assert fact == Known(v.Service((), status="DRAINING", desired=0))


SERVICE: dict[str, Any] = {"services": [{"status": "ACTIVE"}], "failures": []}
DEFINITION: dict[str, Any] = {"taskDefinition": {"family": "web", "revision": 7, "containerDefinitions": []}}
TAGS = [{"key": "team", "value": "payments"}, {"key": "cost", "value": "1"}, {"key": "mute"}, {"key": "Team"}]


@pytest.mark.parametrize(
    ("question", "operation", "answer", "tagged"),
    [
        (
            q.OneService(*HERE, "prod", "web"),
            "DescribeServices",
            SERVICE,
            {"services": [{"status": "ACTIVE", "tags": TAGS}]},
        ),
        (q.OneTaskDefinition(*HERE, TASK_DEFINITION), "DescribeTaskDefinition", DEFINITION, {"tags": TAGS}),
    ],
)
def test_only_the_tags_that_the_settings_name_are_asked_for_and_kept(
    question: q.Question[Any], operation: str, answer: dict[str, Any], tagged: dict[str, Any]
) -> None:
    with_tags = answer | tagged

    def tags(answer: dict[str, Any], *keys: str) -> tuple[Any, Any]:
        world = World({operation: [answer]})
        fact = ask(Aws(world.session(), tag_keys=frozenset(keys)), question)
        assert isinstance(fact, Known)
        assert world.operations() == [operation]
        return fact.value.tags, world.calls[0][2].get("include")

    assert tags(with_tags) == (None, None)
    assert tags(with_tags, "team", "mute", "owner") == ((("team", "payments"), ("mute", "")), ["TAGS"])
    assert tags(answer, "team") == ((), ["TAGS"])


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


def test_a_vpc_without_an_option_set_has_none() -> None:
    for found in ({"DhcpOptionsId": "default"}, {}):
        answer = {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"} | found]}
        fact = put(q.OneVpc(*HERE, "vpc-1"), DescribeVpcs=[answer])
        assert fact == Known(v.VpcDetails(("10.0.0.0/16",), None))


def test_an_answer_about_no_vpc_is_unknown() -> None:
    fact = put(q.OneVpc(*HERE, "vpc-1"), DescribeVpcs=[{"Vpcs": []}])
    assert isinstance(fact, Unknown)
    assert fact.detail == "EC2 answered neither vpc-1 nor that there is none"
