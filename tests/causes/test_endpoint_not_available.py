from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import Route, VpcEndpoint
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import HUB_IMAGE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import (
    ENDPOINT_VPC,
    NAT_VPC,
    REGION,
    REGISTRY,
    TO_GATEWAY,
    TO_NAT,
    add,
    change,
    having,
    routes,
)

CAUSE = "endpoint-not-available"
TIMED_OUT = Symptom("resolve", "network-timeout", host=REGISTRY, address="34.255.83.146")


def world(address: str | None = "34.255.83.146", **members: Any) -> World:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", **(members or {"state": "failed"}))
    return World(vpc=vpc, failures=(failure(replace(TIMED_OUT, address=address)),))


def with_nat(one: World) -> World:
    return replace(one, vpc=replace(routes(one.vpc, TO_NAT, TO_GATEWAY), nat_gateways=NAT_VPC.nat_gateways))


@pytest.mark.parametrize("address", ["34.255.83.146", None, "10.0.2.12"])
@pytest.mark.parametrize("state", ["pending", "pendingacceptance", "rejected", "failed", "expired"])
def test_a_state_in_which_nothing_answers(state: str, address: str | None) -> None:
    found = problem(outcome(CAUSE, world(address, state=state)))
    assert found.culprit.id == "vpce-dkr"
    assert state in found.title
    assert any("vpce-dkr" in one.text for one in found.evidence)


@pytest.mark.parametrize(
    ("members", "operations"),
    [
        ({"state": "pending"}, []),
        ({"state": "failed"}, ["DeleteVpcEndpoints", "CreateVpcEndpoint"]),
        ({"subnets": (), "interfaces": ()}, ["ModifyVpcEndpoint"]),
    ],
)
def test_what_mends_it_follows_from_the_state(members: dict[str, Any], operations: list[str]) -> None:
    (fix,) = problem(outcome(CAUSE, world(**members))).fixes
    assert fix.applicability == "your-call"
    assert [one.operation for one in fix.commands if isinstance(one, AwsCommand)] == operations


def test_an_endpoint_without_an_interface_gets_one_in_the_tasks_subnet() -> None:
    found = problem(outcome(CAUSE, world(subnets=(), interfaces=())))
    assert "no network interface" in found.title
    assert parameters(found) == {"VpcEndpointId": "vpce-dkr", "AddSubnetIds": ["subnet-task"]}


def test_a_gateway_endpoint() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-s3", state="failed")
    layers = failure(Symptom("download", "network-timeout", address="52.218.1.2"))
    found = problem(outcome(CAUSE, World(vpc=vpc, failures=(layers,))))
    assert (found.culprit.id, found.fixes[0].commands) == ("vpce-s3", ())


def test_a_working_nat_gateway_beside_it() -> None:
    assert "vpce-dkr" in ok(outcome(CAUSE, with_nat(world())))
    assert "the address of" in missing(outcome(CAUSE, with_nat(world(None))))[0]
    problem(outcome(CAUSE, with_nat(world("10.0.2.12"))))


def test_every_endpoint_is_available() -> None:
    assert "vpc-1" in ok(outcome(CAUSE, replace(world(), vpc=ENDPOINT_VPC)))
    assert "vpc-1" in ok(outcome(CAUSE, replace(world(), vpc=NAT_VPC)))


def test_an_endpoint_that_is_being_deleted_is_not_there() -> None:
    assert "available" in ok(outcome(CAUSE, world(state="deleting")))


def test_an_endpoint_of_no_host_of_the_pull() -> None:
    logs = VpcEndpoint("vpce-logs", "Interface", f"com.amazonaws.{REGION}.logs", "failed", REGION)
    assert "vpce-logs" in ok(outcome(CAUSE, replace(world(), vpc=add(ENDPOINT_VPC, "endpoints", logs))))


def test_a_firewalls_endpoint_under_the_default_route() -> None:
    firewall = VpcEndpoint("vpce-fw", "GatewayLoadBalancer", "com.amazonaws.vpce.eu-west-1.vpce-svc-1", "failed")
    vpc = add(routes(NAT_VPC, Route("0.0.0.0/0", "vpce-fw", "blackhole")), "endpoints", firewall)
    hub = failure(Symptom("resolve", "network-timeout"), HUB_IMAGE)
    found = problem(outcome(CAUSE, World(vpc=vpc, failures=(hub,))))
    assert (found.culprit.id, found.fixes[0].commands) == ("vpce-fw", ())


@pytest.mark.parametrize("state", ["available", "partial"])
def test_a_partial_endpoint_is_not_told(state: str) -> None:
    found = outcome(CAUSE, world("10.0.2.12", state=state))
    assert (ok if state == "available" else missing)(found)


@pytest.mark.parametrize("fact", ["endpoints", "route_tables", "dns_support", "custom_resolvers"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    broken = world()
    assert f"the {fact}" in missing(outcome(CAUSE, replace(broken, vpc=having(broken.vpc, **{fact: unread}))))
