"""The network causes on a way over IPv6: the same defects, and fixes that name IPv6."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, Problem
from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import GroupRule, Route
from pull_doctor.network.vpc import Vpc
from tests.causes.factory import INTERFACE, TIMEOUT, World, failure, outcome
from tests.causes.helpers import problem
from tests.network.factory import NAT_VPC, PUBLIC_VPC, change
from tests.network.test_walk_ipv6 import (
    ALONE_SUBNET,
    OPEN,
    OWN,
    RANGE,
    TO_EIGW,
    TO_NAT64,
    V6_WAY,
    endpoint_vpc,
    with_ipv6,
)

IMAGE = "111122223333.dkr-ecr.eu-west-1.on.aws/team/app:v1.4.2"
CLASSIC = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1.4.2"
GONE = replace(TO_EIGW, state="blackhole")


def found(cause: str, vpc: Vpc, image: str = IMAGE, *, dns64: bool = False, address: str | None = None) -> Problem:
    symptom = replace(TIMEOUT, address=address)
    subnet = replace(ALONE_SUBNET, dns64=dns64)
    interface = replace(INTERFACE, private_ip=None, ipv6=(OWN,))
    world = World(vpc=vpc, subnet=subnet, interface=interface, failures=(failure(symptom, image),))
    return problem(outcome(cause, world))


def calls(problem: Problem, index: int = 0) -> list[tuple[str, dict[str, Any]]]:
    commands = [one for one in problem.fixes[index].commands if isinstance(one, AwsCommand)]
    return [(one.operation, one.parameters) for one in commands]


def test_no_route() -> None:
    route = {"RouteTableId": "rtb-private", "DestinationIpv6CidrBlock": "::/0"}
    there = found("no-route-to-registry", with_ipv6(NAT_VPC))
    assert calls(there) == [("CreateRoute", {**route, "EgressOnlyInternetGatewayId": "eigw-1"})]
    new = found("no-route-to-registry", replace(with_ipv6(NAT_VPC), egress_only_gateways=Known(())))
    assert calls(new) == [
        ("CreateEgressOnlyInternetGateway", {"VpcId": "vpc-1"}),
        ("CreateRoute", {**route, "EgressOnlyInternetGatewayId": "<egress-only-gateway-id>"}),
    ]


def test_a_dead_route() -> None:
    gone = found("blackhole-route", replace(with_ipv6(NAT_VPC, GONE), egress_only_gateways=Known(())))
    assert [operation for operation, _ in calls(gone)] == ["CreateEgressOnlyInternetGateway", "ReplaceRoute"]
    covered = found(
        "blackhole-route", with_ipv6(NAT_VPC, TO_EIGW, replace(GONE, destination="2000::/3", target="tgw-1"))
    )
    route = {"RouteTableId": "rtb-private", "DestinationIpv6CidrBlock": "2000::/3"}
    assert calls(covered) == [("DeleteRoute", route)]
    # A default for IPv4 carries none of it.
    apart = with_ipv6(NAT_VPC, Route("0.0.0.0/0", "nat-1", "active"), replace(GONE, target="tgw-1"))
    assert [operation for operation, _ in calls(found("blackhole-route", apart))] == ["ReplaceRoute"]


def test_an_internet_gateway_that_is_gone() -> None:
    vpc = change(with_ipv6(PUBLIC_VPC, Route("::/0", "igw-1", "active")), "internet_gateways", "igw-1", vpcs=("vpc-2",))
    replaced = calls(found("internet-gateway-detached", vpc))[-1]
    assert replaced[1]["DestinationIpv6CidrBlock"] == "::/0"


def test_a_nat_gateway_that_translates() -> None:
    vpc = change(with_ipv6(NAT_VPC, TO_NAT64), "nat_gateways", "nat-1", state="failed")
    there = found("nat-gateway-unusable", vpc, CLASSIC, dns64=True)
    assert calls(there)[-1][1]["DestinationIpv6CidrBlock"] == "64:ff9b::/96"


def test_the_pullers_group() -> None:
    vpc = change(V6_WAY, "security_groups", "sg-task", egress=(GroupRule("-1", None, ("0.0.0.0/0",)),))
    ((_, parameters),) = calls(found("security-group-egress-blocks", vpc))
    assert parameters["IpPermissions"][0]["Ipv6Ranges"] == [{"CidrIpv6": "::/0"}]


def test_the_endpoints_group() -> None:
    vpc = change(endpoint_vpc(ip_type="dualstack"), "security_groups", "sg-endpoint", ingress=())
    there = found("endpoint-security-group-blocks", vpc)
    assert there.culprit.id
    assert RANGE in str(there.explanation) or OWN in str(there.evidence)


def test_the_pullers_acl() -> None:
    lacking = change(V6_WAY, "network_acls", "acl-task", entries=OPEN[:2])
    rules = [parameters for _, parameters in calls(found("network-acl-blocks", lacking))]
    assert [(rule["Egress"], rule["Ipv6CidrBlock"], rule["PortRange"]["To"]) for rule in rules] == [
        (True, "::/0", 443),
        (False, "::/0", 65535),
    ]
    dialled = found("network-acl-blocks", lacking, address="2600:1f00::1")
    assert "2600:1f00::1" in dialled.explanation


@pytest.mark.parametrize(
    ("entries", "needed"),
    [
        (OPEN[:2], [(False, RANGE), (True, RANGE)]),
        (OPEN[2:], [(True, "0.0.0.0/0"), (False, "0.0.0.0/0")]),
    ],
)
def test_the_acl_of_a_nat_gateway_that_translates(entries: Any, needed: list[tuple[bool, str]]) -> None:
    vpc = change(with_ipv6(NAT_VPC, TO_NAT64), "network_acls", "acl-public", entries=entries)
    rules = [parameters for _, parameters in calls(found("network-acl-blocks", vpc, CLASSIC, dns64=True))]
    assert [(rule["Egress"], rule.get("Ipv6CidrBlock") or rule["CidrBlock"]) for rule in rules] == needed


def test_the_acl_of_an_endpoints_subnet() -> None:
    vpc = change(endpoint_vpc(ip_type="dualstack"), "network_acls", "acl-endpoint", entries=OPEN[:2])
    rules = [parameters for _, parameters in calls(found("network-acl-blocks", vpc))]
    assert {rule["Ipv6CidrBlock"] for rule in rules} == {RANGE}
