"""What is said of the service's other subnets, whatever the cause, and which of their routes is the model for a fix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import Problem
from pull_doctor.causes.shared.network.neighbours import Neighbours, leave_subnet, neighbours
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NetworkAcl, Route, RouteTable, Subnet
from pull_doctor.network.flows import Flow
from pull_doctor.network.follow import follow
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from tests.causes.factory import DEPLOYMENT, HUB_IMAGE, SERVICE, World, failure, outcome
from tests.causes.helpers import parameters, problem
from tests.network.factory import (
    ENDPOINT_VPC,
    LOCAL,
    NAT_VPC,
    OPEN_ACL,
    PUBLIC_VPC,
    PULLER,
    TO_GATEWAY,
    TO_IGW,
    TO_NAT,
    WITH_PUBLIC_IP,
    add,
    change,
    drop,
    having,
    routes,
)

BY_NAT_2 = Route("0.0.0.0/0", "nat-2", "active")
OPAQUE = Route("0.0.0.0/0", "tgw-1", "active")


def beside(vpc: Vpc, **tables: tuple[Route, ...]) -> World:
    """The VPC with further subnets of the service, each with a table of these routes; the task's is the first."""
    return _in_service(_with_subnets(vpc, tables), tuple(tables))


def _with_subnets(vpc: Vpc, tables: dict[str, tuple[Route, ...]]) -> Vpc:
    for at, (name, own) in enumerate(tables.items()):
        subnet = Subnet(f"subnet-{name}", "vpc-1", "eu-west-1c", f"10.0.{20 + at}.0/24")
        vpc = add(vpc, "subnets", subnet)
        vpc = add(vpc, "route_tables", RouteTable(f"rtb-{name}", False, (subnet.id,), (LOCAL, *own)))  # noqa: FBT003 - `main`
        vpc = add(vpc, "network_acls", NetworkAcl(f"acl-{name}", (subnet.id,), OPEN_ACL))
    return vpc


def _in_service(vpc: Vpc, names: tuple[str, ...]) -> World:
    subnets = ("subnet-task", *(f"subnet-{name}" for name in names))
    return World(vpc=vpc, service=replace(SERVICE, deployments=(replace(DEPLOYMENT, subnets=subnets),)))


def told(cause: str, world: World) -> Problem:
    return problem(outcome(cause, world))


WITH_NAT_2 = replace(
    NAT_VPC,
    nat_gateways=Known((*NAT_VPC.nat_gateways.value, replace(NAT_VPC.nat_gateways.value[0], id="nat-2"))),  # type: ignore[union-attr] # this one is known
)
OTHERS = {"good": (BY_NAT_2,), "bad": (), "hub": (OPAQUE,)}
BLACKHOLE = replace(TO_NAT, target="nat-gone", state="blackhole")
DETACHED = replace(TO_IGW, target="igw-gone")
SENDS = "Of the service's other subnets, the path works from subnet-good"

ROUTE_LIKE: dict[str, tuple[Vpc, tuple[Route, ...]]] = {
    "no-route-to-registry": (routes(WITH_NAT_2), ()),
    "blackhole-route": (routes(WITH_NAT_2, BLACKHOLE), (BLACKHOLE,)),
    "nat-gateway-unusable": (change(WITH_NAT_2, "nat_gateways", "nat-1", state="failed"), (TO_NAT,)),
    "internet-gateway-detached": (routes(WITH_NAT_2, DETACHED), (DETACHED,)),
}


@pytest.mark.parametrize("cause", ROUTE_LIKE)
def test_a_route_that_fails_is_compared_with_those_of_the_other_subnets(cause: str) -> None:
    vpc, same = ROUTE_LIKE[cause]
    found = told(cause, beside(vpc, good=(BY_NAT_2,), bad=same, bad2=same, hub=(OPAQUE,)))
    assert found.explanation.endswith(
        f"{SENDS}, and fails in the same way from subnet-bad and subnet-bad2, "
        "and cannot be followed to its end from subnet-hub."
    )
    assert any("subnet-good of the service: rtb-good sends 0.0.0.0/0 to nat-2" in one.text for one in found.evidence)
    assert "as in subnet-good" in found.fixes[0].text
    assert parameters(found)["NatGatewayId"] == "nat-2"
    assert parameters(found)["RouteTableId"] == "rtb-private"


@pytest.mark.parametrize("cause", ROUTE_LIKE)
def test_where_all_subnets_fail_in_the_same_way_none_is_a_model(cause: str) -> None:
    vpc, same = ROUTE_LIKE[cause]
    found = told(cause, beside(vpc, bad=same))
    assert found.explanation.endswith("subnets, the path fails in the same way from subnet-bad.")
    assert "subnet-bad" not in str(found.fixes)
    assert not any("of the service" in one.text for one in found.evidence)


@pytest.mark.parametrize("cause", ROUTE_LIKE)
def test_a_service_of_one_subnet_has_no_others_to_speak_of(cause: str) -> None:
    assert "other subnets" not in told(cause, World(vpc=ROUTE_LIKE[cause][0])).explanation


def test_layers_are_compared_by_the_route_table_of_each_subnet() -> None:
    lacking = change(routes(ENDPOINT_VPC), "endpoints", "vpce-s3", route_tables=("rtb-good",))
    found = told("s3-endpoint-missing", beside(lacking, good=(TO_GATEWAY,), bad=()))
    assert found.explanation.endswith(f"{SENDS}, and fails in the same way from subnet-bad.")
    assert parameters(found) == {"VpcEndpointId": "vpce-s3", "AddRouteTableIds": ["rtb-private"]}


def test_an_acl_is_compared_with_those_of_the_other_subnets() -> None:
    closed = change(NAT_VPC, "network_acls", "acl-task", entries=())
    world = beside(closed, good=(TO_NAT,), bad=(TO_NAT,))
    world = replace(world, vpc=change(world.vpc, "network_acls", "acl-bad", entries=()))
    found = told("network-acl-blocks", world)
    assert found.explanation.endswith(f"{SENDS}, and fails in the same way from subnet-bad.")


def test_a_missing_endpoint_of_the_registry_is_missed_from_every_isolated_subnet() -> None:
    lacking = drop(ENDPOINT_VPC, "endpoints", "vpce-dkr")
    # The endpoints for other subnets serve this one too; the gateway for layers has its own table.
    found = told("ecr-dkr-endpoint-missing", beside(lacking, bad=(TO_GATEWAY,)))
    assert found.explanation.endswith("fails in the same way from subnet-bad.")


def test_another_defect_is_not_the_same_way() -> None:
    world = beside(routes(WITH_NAT_2), other=(BLACKHOLE,), good=(BY_NAT_2,))
    explanation = told("no-route-to-registry", world).explanation
    assert explanation.endswith(f"{SENDS}, and fails for another reason from subnet-other.")


def test_a_public_neighbour_is_a_model_only_for_tasks_with_a_public_address() -> None:
    world = beside(routes(PUBLIC_VPC), good=(TO_IGW,))
    with_address, without = _neighbours(world, WITH_PUBLIC_IP), _neighbours(world, PULLER)
    assert with_address.model
    assert with_address.model.route == TO_IGW
    assert without.model is None
    assert without.ends == (("subnet-good", "other"),)


def _neighbours(world: World, puller: Puller) -> Neighbours:
    one = world.failures[0]
    assert one.reference
    service = Known(world.service)
    return neighbours("no-route-to-registry", world.task, one.reference, one.symptom, puller, world.vpc, service)


def test_a_subnet_whose_whole_path_works_is_a_better_model_than_one_that_is_not_read_to_its_end() -> None:
    world = beside(routes(WITH_NAT_2), half=(TO_NAT,), good=(BY_NAT_2,))
    half_read = replace(world, vpc=drop(world.vpc, "network_acls", "acl-half"))
    others = _neighbours(half_read, PULLER)
    assert others.ends == (("subnet-half", "unknown"), ("subnet-good", "works"))
    assert others.model
    assert others.model.subnet == "subnet-good"


def test_the_subnets_that_are_left_to_the_service_are_those_from_which_the_path_does_not_fail() -> None:
    world = beside(routes(WITH_NAT_2), good=(BY_NAT_2,), bad=(), hub=(OPAQUE,))
    leave = leave_subnet(world.task, PULLER, Known(world.service), _neighbours(world, PULLER))
    assert leave
    assert "subnet-task and subnet-bad" in str(leave.effect)
    command = leave.commands[0]
    assert not isinstance(command, str)
    subnets = command.parameters["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    assert subnets == ["subnet-good", "subnet-hub"]
    nowhere = beside(routes(WITH_NAT_2), bad=(), hub=(OPAQUE,))
    assert leave_subnet(nowhere.task, PULLER, Known(nowhere.service), _neighbours(nowhere, PULLER)) is None


@pytest.mark.parametrize("fact", ["subnets", "route_tables", "network_acls", "nat_gateways", "security_groups"])
def test_what_is_not_read_neither_works_nor_fails(fact: str) -> None:
    world = beside(routes(WITH_NAT_2), good=(BY_NAT_2,))
    unread = having(world.vpc, **{fact: Unknown(fact, "denied")})
    assert _neighbours(replace(world, vpc=unread), PULLER).which("unknown") == ("subnet-good",)


def test_an_instance_pulls_by_its_own_subnet_whatever_the_service_uses() -> None:
    world = beside(routes(WITH_NAT_2), good=(BY_NAT_2,))
    assert _neighbours(world, replace(PULLER, kind="instance")) == Neighbours()


def test_the_paths_are_walked_once_for_each_other_subnet(monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[str] = []

    def counted(flows: tuple[Flow, ...], puller: Puller, vpc: Vpc) -> tuple[Trace, ...]:
        walked.append(puller.subnet.id)
        return follow(flows, puller, vpc)

    monkeypatch.setattr("pull_doctor.causes.shared.network.neighbours.follow", counted)
    world = beside(routes(WITH_NAT_2), **dict.fromkeys((f"n{at}" for at in range(15)), (BY_NAT_2,)))
    outcome("no-route-to-registry", replace(world, failures=(failure(image=HUB_IMAGE),)))
    assert walked == [f"subnet-n{at}" for at in range(15)]
    walked.clear()
    outcome("no-route-to-registry", replace(world, vpc=WITH_NAT_2))
    assert walked == []
