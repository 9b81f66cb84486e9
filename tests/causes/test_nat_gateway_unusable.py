from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NatGateway, Route, RouteTable
from tests.causes.factory import DEPLOYMENT, SERVICE, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import (
    ENDPOINT_VPC,
    LOCAL,
    NAT_VPC,
    PUBLIC_VPC,
    TO_IGW,
    TO_NAT,
    add,
    change,
    drop,
    having,
    routes,
)

CAUSE = "nat-gateway-unusable"
SECOND = NatGateway("nat-2", "available", False, "subnet-public")  # noqa: FBT003 - `private`


def with_nat(**members: Any) -> World:
    return World(vpc=change(NAT_VPC, "nat_gateways", "nat-1", **members), failures=(failure(TIMEOUT),))


@pytest.mark.parametrize("state", ["failed", "deleting", "deleted"])
def test_a_gateway_that_is_not_available(state: str) -> None:
    found = problem(outcome(CAUSE, with_nat(state=state)))
    assert found.culprit.id == "nat-1"
    assert state in found.title
    assert not found.inferred
    assert any("rtb-private" in one.text for one in found.evidence)
    (fix,) = found.fixes
    assert fix.applicability == "fill-in"
    assert [one.operation for one in fix.commands if isinstance(one, AwsCommand)] == [
        "CreateNatGateway",
        "ReplaceRoute",
    ]
    assert parameters(found)["SubnetId"] == "subnet-public"


def test_another_gateway_that_works_is_the_fix() -> None:
    world = with_nat(state="failed")
    found = problem(outcome(CAUSE, replace(world, vpc=add(world.vpc, "nat_gateways", SECOND))))
    assert found.fixes[0].applicability == "your-call"
    assert parameters(found) == {
        "RouteTableId": "rtb-private",
        "DestinationCidrBlock": "0.0.0.0/0",
        "NatGatewayId": "nat-2",
    }
    for useless in ({"state": "failed"}, {"private": True}, {"subnet": "subnet-task"}):
        members: dict[str, Any] = useless
        vpc = add(world.vpc, "nat_gateways", replace(SECOND, **members))
        assert "nat-2" not in str(problem(outcome(CAUSE, replace(world, vpc=vpc))).fixes)


def test_a_pending_gateway_is_waited_for() -> None:
    (fix,) = problem(outcome(CAUSE, with_nat(state="pending"))).fixes
    assert not fix.commands
    assert "wait until nat-1" in fix.text


def test_a_private_gateway_has_no_way_out() -> None:
    found = problem(outcome(CAUSE, with_nat(private=True)))
    assert "private" in found.title
    assert any(one.text == "nat-1 is available and private" for one in found.evidence)


def test_a_route_to_a_deleted_gateway_is_a_blackhole() -> None:
    world = with_nat(state="deleted")
    found = problem(outcome(CAUSE, replace(world, vpc=routes(world.vpc, replace(TO_NAT, state="blackhole")))))
    assert found.culprit.id == "nat-1"
    assert "state of the route is blackhole" in found.explanation
    assert not found.inferred


def test_a_blackhole_to_an_available_gateway_is_doubted() -> None:
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, replace(TO_NAT, state="blackhole")))))
    assert "nat-1" in found.inferred[0]
    assert parameters(found)["NatGatewayId"] == "nat-1"


def test_a_subnet_without_a_way_out_gets_the_route() -> None:
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, table="rtb-public"))))
    assert found.title == "NAT gateway has no way to the internet itself"
    assert any("rtb-public" in one.text for one in found.evidence)
    assert found.fixes[0].applicability == "exact"
    assert parameters(found) == {
        "RouteTableId": "rtb-public",
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": "igw-1",
    }


def test_a_main_table_without_a_way_out_is_a_decision() -> None:
    found = problem(outcome(CAUSE, World(vpc=drop(NAT_VPC, "route_tables", "rtb-public"))))
    assert (found.fixes[0].applicability, parameters(found)["RouteTableId"]) == ("your-call", "rtb-main")


def test_a_dead_way_out_is_replaced() -> None:
    dead = replace(TO_IGW, target="igw-old", state="blackhole")
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, dead, table="rtb-public"))))
    (command,) = found.fixes[0].commands
    assert isinstance(command, AwsCommand)
    assert (command.operation, parameters(found)["GatewayId"]) == ("ReplaceRoute", "igw-1")


def test_a_gateway_that_leads_to_itself() -> None:
    world = World(vpc=change(NAT_VPC, "nat_gateways", "nat-1", subnet="subnet-task"))
    found = problem(outcome(CAUSE, world))
    assert "the gateway itself" in found.explanation
    assert found.fixes[0].applicability == "fill-in"
    tables = change(NAT_VPC, "route_tables", "rtb-private", subnets=(), main=True)
    tables = drop(tables, "route_tables", "rtb-main")
    by_main = change(tables, "nat_gateways", "nat-1", subnet="subnet-endpoint")
    found = problem(outcome(CAUSE, World(vpc=by_main)))
    assert parameters(found) == {"RouteTableId": "rtb-public", "SubnetId": "subnet-endpoint"}


def test_a_detached_internet_gateway_behind_it() -> None:
    vpc = change(NAT_VPC, "internet_gateways", "igw-1", vpcs=())
    found = problem(outcome(CAUSE, World(vpc=vpc)))
    assert "igw-1 is not attached to vpc-1" in found.explanation
    assert "GatewayId" not in parameters(found)


@pytest.mark.parametrize(
    "world",
    [
        World(),
        World(vpc=replace(NAT_VPC, nat_gateways=Known((replace(SECOND, id="nat-1", subnet=None, regional=True),)))),
    ],
)
def test_a_gateway_that_works(world: World) -> None:
    assert "nat-1 is available" in ok(outcome(CAUSE, world))


@pytest.mark.parametrize("vpc", [ENDPOINT_VPC, PUBLIC_VPC])
def test_a_broken_gateway_that_no_route_uses_is_not_to_blame(vpc: object) -> None:
    idle = replace(World(), vpc=vpc)  # type: ignore[arg-type] # two Vpcs
    broken = replace(idle, vpc=replace(idle.vpc, nat_gateways=Known((replace(SECOND, state="failed"),))))
    assert "no path" in ok(outcome(CAUSE, broken))


def test_a_gateway_that_is_not_shown_is_not_told() -> None:
    assert missing(outcome(CAUSE, World(vpc=drop(NAT_VPC, "nat_gateways", "nat-1")))) == ("NAT gateway nat-1",)


@pytest.mark.parametrize("fact", ["nat_gateways", "route_tables", "internet_gateways"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, World(vpc=having(NAT_VPC, **{fact: unread}))))


def test_mended_by_other_subnets() -> None:
    moved = replace(DEPLOYMENT, id="ecs-svc/2", subnets=("subnet-good",))
    service = replace(SERVICE, deployments=(moved, replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, replace(with_nat(state="failed"), service=service))).still == "no"
    halves = routes(NAT_VPC, Route("0.0.0.0/1", "nat-1", "active"), Route("128.0.0.0/1", "nat-1", "active"))
    failed = change(halves, "nat_gateways", "nat-1", state="failed")
    assert problem(outcome(CAUSE, World(vpc=failed))).still == "yes"
    assert LOCAL in next(one.routes for one in failed.route_tables.value if one.main)  # type: ignore[union-attr] # known here


def test_a_regional_gateway_gets_the_route_in_its_own_table() -> None:
    regional = NatGateway("nat-1", "available", False, None, regional=True, route_table="rtb-regional")  # noqa: FBT003 - `private`
    table = RouteTable("rtb-regional", False, (), (LOCAL,))  # noqa: FBT003 - RouteTable's `main`
    vpc = add(replace(NAT_VPC, nat_gateways=Known((regional,))), "route_tables", table)
    found = problem(outcome(CAUSE, World(vpc=vpc, failures=(failure(TIMEOUT),))))
    assert "rtb-regional" in found.explanation
    (fix,) = found.fixes
    assert fix.applicability == "exact"
    assert parameters(found) == {
        "RouteTableId": "rtb-regional",
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": "igw-1",
    }
