"""Walks with facts that could not be read: they accuse nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import (
    GroupRule,
    PrefixList,
    Subnet,
)
from pull_doctor.network.flows import Flow
from pull_doctor.network.vpc import Vpc
from tests.network.factory import (
    API,
    DKR,
    ENDPOINT_VPC,
    HUB,
    NAT_VPC,
    PUBLIC_VPC,
    PULLER,
    REGION,
    S3,
    SUBNET,
    add,
    change,
    drop,
    having,
    https_from,
    routes,
    walked,
)
from tests.network.ways import FACTS, UNREAD, assert_ends

# Unknown facts


BROKEN = {
    "no-route": routes(NAT_VPC),
    "no-public-ip": PUBLIC_VPC,
    "s3-missing": drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"),
    "endpoint-group": change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=()),
    "nat-failed": change(NAT_VPC, "nat_gateways", "nat-1", state="failed"),
    "acl": change(ENDPOINT_VPC, "network_acls", "acl-endpoint", entries=()),
    "hostnames-off": replace(ENDPOINT_VPC, dns_hostnames=Known(value=False)),
}
NAMES = {"hosted_zones", "resolver_rules", "dns_firewall"}
"""What may lead or stop any name."""
HEALTHY = {
    "nat": NAT_VPC,
    "endpoints": ENDPOINT_VPC,
    "shared-subnet": add(NAT_VPC, "subnets", Subnet("subnet-x", "vpc-1", f"{REGION}c", None)),
}


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("world", [*BROKEN, *HEALTHY])
@pytest.mark.parametrize("flow", [API, DKR, S3, HUB])
def test_a_fact_that_is_not_read_accuses_nobody(world: str, fact: str, flow: Flow) -> None:
    vpc = (BROKEN | HEALTHY)[world]
    known, masked = walked(vpc, flow), walked(having(vpc, **{fact: UNREAD}), flow)
    causes = {hop.cause for hop in known.hops if hop.cause}
    assert {hop.cause for hop in masked.hops if hop.cause} <= causes
    if masked.disposition == "undetermined":
        assert any(hop.missing for hop in masked.hops)


@pytest.mark.parametrize(
    ("flow", "vpc", "needed"),
    [
        (
            HUB,
            NAT_VPC,
            {
                "route_tables",
                "network_acls",
                "security_groups",
                "nat_gateways",
                "internet_gateways",
                "dns_support",
                "block_public_access",
            }
            | NAMES,
        ),
        (
            DKR,
            ENDPOINT_VPC,
            {
                "subnets",
                "route_tables",
                "network_acls",
                "security_groups",
                "endpoints",
                "dns_support",
                "dns_hostnames",
                "custom_resolvers",
            }
            | NAMES,
        ),
    ],
)
def test_what_a_way_rests_on(flow: Flow, vpc: Vpc, needed: set[str]) -> None:
    found = {fact for fact in FACTS if walked(having(vpc, **{fact: UNREAD}), flow).disposition == "undetermined"}
    assert found == needed


def test_unknown_groups_of_the_puller_accuse_nobody() -> None:
    puller = replace(PULLER, groups=UNREAD)
    by_reference = change(
        ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=(GroupRule("-1", None, (), ("sg-task",)),)
    )
    for vpc in (NAT_VPC, ENDPOINT_VPC, by_reference):
        assert walked(vpc, DKR, puller).disposition == "undetermined"


def test_a_puller_without_an_address_stands_for_its_subnet() -> None:
    puller = replace(PULLER, private_ip=None)
    half = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=(https_from("10.0.1.0/25"),))
    assert walked(half, DKR).disposition == "reached"
    assert_ends(half, DKR, "undetermined", ("endpoint-security-group", "sg-endpoint"), puller)
    assert walked(ENDPOINT_VPC, DKR, puller).disposition == "reached"


def test_an_s3_prefix_list_that_aws_does_not_have() -> None:
    assert walked(replace(NAT_VPC, s3_prefix_list=Known(None)), S3).disposition == "reached"
    assert walked(replace(NAT_VPC, s3_prefix_list=Known(PrefixList("pl-s3", "x", ()))), S3).disposition == "reached"


def test_the_task_subnet_is_in_the_vpc() -> None:
    assert SUBNET in NAT_VPC.subnets.value if isinstance(NAT_VPC.subnets, Known) else False
