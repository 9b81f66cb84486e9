import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts.values import NetworkAcl, Route, RouteTable, Subnet
from pull_doctor.network.vpc import Vpc
from tests.causes.factory import HUB_IMAGE, IMAGE, INTERFACE, SERVICE, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, model, ok, problem
from tests.network.factory import LOCAL, NAT_VPC, OPEN_ACL, TO_NAT, add, drop
from tests.network.test_walk_ipv6 import ALONE_SUBNET, OWN, TO_EIGW, TO_NAT64, V6_WAY, with_ipv6

CAUSE = "ipv6-only-subnet"
DUAL_STACK_IMAGE = "111122223333.dkr-ecr.eu-west-1.on.aws/team/app:v1.4.2"
TRANSLATED = replace(ALONE_SUBNET, dns64=True)


def alone(vpc: Vpc = V6_WAY, **more: Any) -> World:
    interface = replace(INTERFACE, private_ip=None, ipv6=(OWN,))
    members: dict[str, Any] = {"subnet": ALONE_SUBNET, "failures": (failure(TIMEOUT),)}
    return World(vpc=vpc, interface=interface, **(members | more))


def calls(found: Any, index: int) -> list[tuple[str, dict[str, Any]]]:
    commands = [one for one in found.fixes[index].commands if isinstance(one, AwsCommand)]
    return [(one.operation, one.parameters) for one in commands]


def test_a_classic_name_without_dns64() -> None:
    found = problem(outcome(CAUSE, alone()))
    assert found.culprit.id == "subnet-task"
    assert "DNS64 is off for subnet-task" in found.explanation
    assert "111122223333.dkr-ecr.eu-west-1.on.aws/team/app" in found.fixes[0].text
    read, register, deploy = found.fixes[0].commands
    assert "--task-definition web:87 " in str(read)
    assert "register-task-definition --region eu-west-1" in str(register)
    assert isinstance(deploy, AwsCommand)
    assert deploy.parameters == {"cluster": "prod", "service": "web", "taskDefinition": "web"}
    route = {"RouteTableId": "rtb-private", "DestinationIpv6CidrBlock": "64:ff9b::/96", "NatGatewayId": "nat-1"}
    assert calls(found, 1) == [
        ("ModifySubnetAttribute", {"SubnetId": "subnet-task", "EnableDns64": {"Value": True}}),
        ("CreateRoute", route),
    ]
    assert found.fixes[1].applicability == "your-call"


def test_dns64_without_its_route() -> None:
    found = problem(outcome(CAUSE, alone(subnet=TRANSLATED)))
    assert "DNS64 is on for subnet-task" in found.explanation
    assert [operation for operation, _ in calls(found, 1)] == ["CreateRoute"]
    astray = with_ipv6(NAT_VPC, replace(TO_EIGW, destination="64:ff9b::/96"))
    found = problem(outcome(CAUSE, alone(astray, subnet=TRANSLATED)))
    # The dual-stack name has no way there: the subnet has no other route for IPv6.
    assert len(found.fixes) == 1
    assert [operation for operation, _ in calls(found, 0)] == ["ReplaceRoute"]


def test_a_way_by_ipv6_that_is_not_seen_is_said() -> None:
    found = problem(outcome(CAUSE, alone(with_ipv6(NAT_VPC, Route("::/0", "tgw-1", "active")))))
    assert "on.aws" in found.fixes[0].text
    assert "whether subnet-task has a way to it by IPv6 is not seen" in (found.fixes[0].effect or "")


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_new_revision_has_the_new_name_and_all_the_rest() -> None:
    read = str(problem(outcome(CAUSE, alone())).fixes[0].commands[0])
    program = shlex.split(read.partition(" | ")[2].removesuffix(" > task-definition.json"))
    before = {
        "family": "web",
        "containerDefinitions": [
            {"name": "app", "image": IMAGE, "environment": [{"name": "A", "value": "x | y"}]},
            {"name": "proxy", "image": "nginx:1.27"},
        ],
        **dict.fromkeys(set(shape("TaskDefinition")) - set(shape("RegisterTaskDefinitionRequest")), "AWS's own"),
    }
    ran = subprocess.run(program, input=json.dumps(before), capture_output=True, text=True, check=True)  # noqa: S603 - the printed command is what the test is about
    new = json.loads(ran.stdout)
    assert new == {
        "family": "web",
        "containerDefinitions": [
            {"name": "app", "image": DUAL_STACK_IMAGE, "environment": [{"name": "A", "value": "x | y"}]},
            {"name": "proxy", "image": "nginx:1.27"},
        ],
    }


def shape(name: str) -> list[str]:
    """The members of one of ECS's shapes."""
    return list(model("ecs").shape_for(name).members)  # type: ignore[attr-defined] # a structure


def test_other_subnets_of_the_service_are_the_second_way() -> None:
    vpc = add(V6_WAY, "subnets", Subnet("subnet-b", "vpc-1", "eu-west-1b", "10.0.20.0/24"))
    table = RouteTable("rtb-b", False, ("subnet-b",), (LOCAL, TO_NAT))  # noqa: FBT003 - `main`
    vpc = add(vpc, "route_tables", table)
    vpc = add(vpc, "network_acls", NetworkAcl("acl-b", ("subnet-b",), OPEN_ACL))
    both = replace(SERVICE, deployments=(replace(SERVICE.deployments[0], subnets=("subnet-task", "subnet-b")),))
    found = problem(outcome(CAUSE, alone(vpc, service=both)))
    assert "the path works from subnet-b" in found.explanation
    ((operation, asked),) = calls(found, 1)
    assert operation == "UpdateService"
    assert asked["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-b"],
        "securityGroups": ["sg-task"],
        "assignPublicIp": "DISABLED",
    }


def test_without_a_nat_gateway_the_fix_has_a_hole() -> None:
    found = problem(outcome(CAUSE, alone(drop(V6_WAY, "nat_gateways", "nat-1"))))
    assert found.fixes[1].applicability == "fill-in"


def test_a_fips_name_has_its_own_dual_stack_form() -> None:
    image = "111122223333.dkr.ecr-fips.us-east-1.amazonaws.com/team/app:v1.4.2"
    found = problem(outcome(CAUSE, alone(failures=(failure(TIMEOUT, image),))))
    assert "111122223333.dkr-ecr-fips.us-east-1.on.aws/team/app" in found.fixes[0].text


def test_dns64_with_its_route_is_a_way() -> None:
    assert "subnet-task" in ok(outcome(CAUSE, alone(with_ipv6(NAT_VPC, TO_EIGW, TO_NAT64), subnet=TRANSLATED)))


def test_a_dual_stack_name_needs_no_ipv4() -> None:
    found = outcome(CAUSE, alone(failures=(failure(TIMEOUT, DUAL_STACK_IMAGE),)))
    assert "subnet-task" in ok(found)


def test_another_registry_may_have_ipv6() -> None:
    facts = missing(outcome(CAUSE, alone(failures=(failure(TIMEOUT, HUB_IMAGE),))))
    assert any("whether registry-1.docker.io has an IPv6 address" in one for one in facts)


def test_what_lies_behind_another_network_is_not_told() -> None:
    central = with_ipv6(NAT_VPC, Route("::/0", "tgw-1", "active"))
    assert missing(outcome(CAUSE, alone(central, subnet=TRANSLATED)))


def test_a_subnet_with_ipv4_has_not_this_defect() -> None:
    assert isinstance(outcome(CAUSE, World(vpc=with_ipv6(NAT_VPC, TO_NAT))), NotApplicable)


def test_a_service_that_has_left_the_subnet() -> None:
    moved = replace(SERVICE, deployments=(replace(SERVICE.deployments[0], id="ecs-svc/2", subnets=("subnet-b",)),))
    assert problem(outcome(CAUSE, alone(service=moved))).still == "no"
