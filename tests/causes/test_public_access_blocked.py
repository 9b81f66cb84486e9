from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import AccessExclusion, BlockPublicAccess, NatGateway, NetworkAcl, RouteTable, Subnet
from pull_doctor.network.vpc import Vpc
from pull_doctor.ranking import rank
from tests.causes.factory import DEPLOYMENT, READ_AT, SERVICE, TASK, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import (
    ENDPOINT_VPC,
    LOCAL,
    NAT_VPC,
    OPEN_ACL,
    PUBLIC_VPC,
    TO_IGW,
    TO_NAT,
    add,
    change,
    having,
    routes,
)
from tests.network.test_walk_ipv6 import ALONE_SUBNET, TO_EIGW, V6_WAY, with_ipv6

CAUSE = "public-access-blocked"
PUBLIC = replace(SERVICE, deployments=(replace(DEPLOYMENT, assign_public_ip=True),))
DUAL_STACK_IMAGE = "111122223333.dkr-ecr.eu-west-1.on.aws/team/app:v1.4.2"


def blocking(vpc: Vpc, mode: str = "block-bidirectional", *exclusions: str, **members: Any) -> Vpc:
    excluded = tuple(AccessExclusion(one, "allow-egress") for one in exclusions)
    members = {"managed_by": "account"} | members
    return having(vpc, block_public_access=Known(BlockPublicAccess(mode, excluded, **members)))


def calls(found: Any, index: int = 0) -> list[tuple[str, dict[str, Any]]]:
    commands = [one for one in found.fixes[index].commands if isinstance(one, AwsCommand)]
    return [(one.operation, one.parameters) for one in commands]


def test_a_nat_gateway_that_is_stopped() -> None:
    found = problem(outcome(CAUSE, World(vpc=blocking(NAT_VPC), failures=(failure(TIMEOUT),))))
    assert (found.culprit.type, found.culprit.id) == ("AWS::EC2::VPCBlockPublicAccessOptions", TASK.place.account)
    assert "block-bidirectional" in found.explanation
    assert any("nat-1" in one.text for one in found.evidence)
    assert (found.still, found.inferred) == ("yes", ())
    create = "CreateVpcBlockPublicAccessExclusion"
    outwards = {"InternetGatewayExclusionMode": "allow-egress"}
    assert calls(found) == [
        (create, {"SubnetId": "subnet-task", **outwards}),
        (create, {"SubnetId": "subnet-public", **outwards}),
    ]
    assert calls(found, 1) == [("ModifyVpcBlockPublicAccessOptions", {"InternetGatewayBlockMode": "block-ingress"})]
    assert "every NAT gateway of account" in (found.fixes[1].effect or "")


def test_a_subnet_that_is_excluded_needs_no_second_exclusion() -> None:
    found = problem(outcome(CAUSE, World(vpc=blocking(NAT_VPC, "block-bidirectional", "subnet-task"))))
    assert [parameters["SubnetId"] for _, parameters in calls(found)] == ["subnet-public"]


def test_a_regional_nat_gateway_needs_the_vpcs_exclusion() -> None:
    regional = NatGateway("nat-1", "available", False, None, regional=True)  # noqa: FBT003 - `private`
    found = problem(outcome(CAUSE, World(vpc=blocking(replace(NAT_VPC, nat_gateways=Known((regional,)))))))
    assert [parameters.get("VpcId") for _, parameters in calls(found)] == ["vpc-1"]


@pytest.mark.parametrize("mode", ["block-bidirectional", "block-ingress"])
def test_a_public_address_of_the_tasks_own(mode: str) -> None:
    found = problem(outcome(CAUSE, World(vpc=blocking(PUBLIC_VPC, mode), service=PUBLIC)))
    ((_, parameters),) = calls(found)
    assert parameters == {"SubnetId": "subnet-task", "InternetGatewayExclusionMode": "allow-bidirectional"}
    assert "is reached from it" in (found.fixes[0].effect or "")
    # What comes in blocked alone would stop this way too.
    assert len(found.fixes) == 1


def test_an_egress_only_gateway() -> None:
    world = World(
        vpc=blocking(V6_WAY),
        subnet=ALONE_SUBNET,
        failures=(failure(TIMEOUT, DUAL_STACK_IMAGE),),
    )
    found = problem(outcome(CAUSE, world))
    assert [parameters["InternetGatewayExclusionMode"] for _, parameters in calls(found)] == ["allow-egress"]


@pytest.mark.parametrize("state", ["pending", "failed", "deleted"])
def test_behind_a_nat_gateway_that_is_not_available(state: str) -> None:
    """It is told, and comes after the gateway."""
    vpc = change(blocking(NAT_VPC), "nat_gateways", "nat-1", state=state)
    if state == "deleted":
        vpc = routes(vpc, replace(TO_NAT, state="blackhole"))
    world = World(vpc=vpc, failures=(failure(TIMEOUT),))
    found = problem(outcome(CAUSE, world))
    assert [parameters["InternetGatewayExclusionMode"] for _, parameters in calls(found)] == ["allow-egress"] * 2
    first, second = rank(world.views(), READ_AT).findings
    assert (first.row.cause, first.certainty, first.next) == ("nat-gateway-unusable", "proven", False)
    assert (second.row.cause, second.certainty, second.next) == (CAUSE, "possible", True)
    ways = rank(replace(world, vpc=change(NAT_VPC, "nat_gateways", "nat-1", state=state)).views(), READ_AT)
    assert [one.row.cause for one in ways.findings] == ["nat-gateway-unusable"]


def test_behind_an_egress_only_gateway_that_is_gone() -> None:
    gone = with_ipv6(NAT_VPC, replace(TO_EIGW, state="blackhole"))
    world = World(vpc=blocking(gone), subnet=ALONE_SUBNET, failures=(failure(TIMEOUT, DUAL_STACK_IMAGE),))
    found = problem(outcome(CAUSE, world))
    assert [parameters["InternetGatewayExclusionMode"] for _, parameters in calls(found)] == ["allow-egress"]


def test_a_subnet_of_the_service_that_is_excluded() -> None:
    vpc = add(blocking(PUBLIC_VPC), "subnets", Subnet("subnet-b", "vpc-1", "eu-west-1b", "10.0.20.0/24"))
    exclusion = AccessExclusion("subnet-b", "allow-bidirectional")
    vpc = having(vpc, block_public_access=Known(BlockPublicAccess("block-bidirectional", (exclusion,), "account")))
    vpc = add(vpc, "route_tables", RouteTable("rtb-b", False, ("subnet-b",), (LOCAL, TO_IGW)))  # noqa: FBT003 - `main`
    vpc = add(vpc, "network_acls", NetworkAcl("acl-b", ("subnet-b",), OPEN_ACL))
    both = replace(PUBLIC.deployments[0], subnets=("subnet-task", "subnet-b"))
    world = World(vpc=vpc, service=replace(PUBLIC, deployments=(both,)), failures=(failure(TIMEOUT),))
    found = problem(outcome(CAUSE, world))
    assert found.explanation.endswith("Of the service's other subnets, the path works from subnet-b.")
    assert "subnet-b of the service: rtb-b sends 0.0.0.0/0 to igw-1" in [one.text for one in found.evidence]
    ((operation, asked),) = calls(found, 1)
    assert operation == "UpdateService"
    assert asked["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-b"],
        "securityGroups": ["sg-task"],
        "assignPublicIp": "ENABLED",
    }


def test_a_declarative_policy_is_not_the_accounts_to_change() -> None:
    found = problem(outcome(CAUSE, World(vpc=blocking(NAT_VPC, managed_by="declarative-policy"))))
    assert "declarative policy" in found.explanation
    assert len(found.fixes) == 1
    assert "the policy must allow exclusions" in (found.fixes[0].effect or "")


@pytest.mark.parametrize(
    ("world", "says"),
    [
        (World(), "subnet-task"),
        (World(vpc=blocking(NAT_VPC, "block-ingress")), "lets the NAT gateway"),
        (World(vpc=blocking(NAT_VPC, "block-bidirectional", "vpc-1")), "lets the NAT gateway"),
        (World(vpc=blocking(ENDPOINT_VPC)), "subnet-task"),
        (World(vpc=blocking(routes(NAT_VPC))), "subnet-task"),
    ],
)
def test_a_way_that_it_does_not_stop(world: World, says: str) -> None:
    assert says in ok(outcome(CAUSE, world))


def test_what_is_not_read_leaves_it_open() -> None:
    unread = Unknown("VPC Block Public Access of the account", "denied")
    assert missing(outcome(CAUSE, World(vpc=having(NAT_VPC, block_public_access=unread)))) == (unread.fact,)
    # Endpoints are not affected by it.
    assert ok(outcome(CAUSE, World(vpc=having(ENDPOINT_VPC, block_public_access=unread))))


def test_a_service_that_has_left_the_subnet() -> None:
    moved = replace(SERVICE, deployments=(DEPLOYMENT, replace(DEPLOYMENT, id="ecs-svc/2", subnets=("subnet-b",))))
    newest = replace(moved, deployments=(replace(moved.deployments[0], status="ACTIVE"), moved.deployments[1]))
    assert problem(outcome(CAUSE, World(vpc=blocking(NAT_VPC), service=newest))).still == "no"
