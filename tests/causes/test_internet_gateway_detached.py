from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import InternetGateway
from tests.causes.factory import DEPLOYMENT, SERVICE, World, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ENDPOINT_VPC, NAT_VPC, PUBLIC_VPC, TO_IGW, add, change, drop, having, routes

CAUSE = "internet-gateway-detached"
DETACHED = change(PUBLIC_VPC, "internet_gateways", "igw-1", vpcs=())
PUBLIC = replace(SERVICE, deployments=(replace(DEPLOYMENT, assign_public_ip=True),))


def operations(found: object) -> list[str]:
    fixes = found.fixes  # type: ignore[attr-defined] # a Problem
    return [one.operation for one in fixes[0].commands if isinstance(one, AwsCommand)]


@pytest.mark.parametrize("state", ["active", "blackhole"])
def test_a_gateway_that_is_attached_to_nothing(state: str) -> None:
    vpc = routes(DETACHED, replace(TO_IGW, state=state))
    found = problem(outcome(CAUSE, World(vpc=vpc, service=PUBLIC)))
    assert found.culprit.id == "igw-1"
    assert any(one.text == "igw-1 is attached to no VPC" for one in found.evidence)
    assert any("rtb-private" in one.text for one in found.evidence)
    assert not found.inferred
    assert found.fixes[0].applicability == "exact"
    assert parameters(found) == {"InternetGatewayId": "igw-1", "VpcId": "vpc-1"}


def test_the_vpcs_own_gateway_goes_into_the_route() -> None:
    vpc = add(DETACHED, "internet_gateways", InternetGateway("igw-2", ("vpc-1",)))
    found = problem(outcome(CAUSE, World(vpc=vpc)))
    assert found.fixes[0].applicability == "your-call"
    assert (operations(found), parameters(found)["GatewayId"]) == (["ReplaceRoute"], "igw-2")


@pytest.mark.parametrize(
    "vpc",
    [change(PUBLIC_VPC, "internet_gateways", "igw-1", vpcs=("vpc-2",)), drop(PUBLIC_VPC, "internet_gateways", "igw-1")],
)
def test_a_gateway_that_cannot_be_attached_is_not_told_to_be(vpc: object) -> None:
    found = problem(outcome(CAUSE, replace(World(), vpc=vpc)))  # type: ignore[arg-type] # two Vpcs
    assert found.fixes[0].applicability == "fill-in"
    assert operations(found) == ["CreateInternetGateway", "AttachInternetGateway", "ReplaceRoute"]
    assert "igw-1" not in str(found.fixes[0].commands)


def test_a_route_out_of_use_to_an_attached_gateway_is_doubted() -> None:
    found = problem(outcome(CAUSE, World(vpc=routes(PUBLIC_VPC, replace(TO_IGW, state="blackhole")))))
    assert "igw-1" in found.inferred[0]
    assert parameters(found)["GatewayId"] == "igw-1"


def test_a_gateway_that_is_attached() -> None:
    assert ok(outcome(CAUSE, World(vpc=PUBLIC_VPC))) == "igw-1 is attached to vpc-1"


@pytest.mark.parametrize("vpc", [NAT_VPC, ENDPOINT_VPC])
def test_a_detached_gateway_that_no_route_names_is_not_to_blame(vpc: object) -> None:
    idle = replace(World(), vpc=vpc)  # type: ignore[arg-type] # two Vpcs
    spare = replace(idle, vpc=add(idle.vpc, "internet_gateways", InternetGateway("igw-spare", ())))
    assert "subnet-task" in ok(outcome(CAUSE, spare))


@pytest.mark.parametrize("fact", ["internet_gateways", "route_tables"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, World(vpc=having(PUBLIC_VPC, **{fact: unread}))))


def test_mended_by_other_subnets() -> None:
    moved = replace(DEPLOYMENT, id="ecs-svc/2", subnets=("subnet-good",))
    service = replace(SERVICE, deployments=(moved, replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, World(vpc=DETACHED, service=service))).still == "no"
