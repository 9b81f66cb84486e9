"""Walks over IPv6 beside IPv4: which family decides, and what carries IPv6 out of a VPC."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import AclEntry, EgressOnlyGateway, GroupRule, Route, Subnet
from pull_doctor.network.flows import Flow
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Vpc
from tests.network.factory import (
    ACCOUNT,
    DKR,
    ENDPOINT_VPC,
    GATEWAY,
    HUB,
    NAT_VPC,
    PUBLIC_VPC,
    PULLER,
    REGION,
    S3,
    SUBNET,
    TO_IGW,
    TO_NAT,
    change,
    hops_of,
    routes,
    walked,
)
from tests.network.ways import UNREAD, assert_ends

OWN = "2600:1f18::10"
RANGE = "2600:1f18::/64"
DUAL = replace(PULLER, subnet=replace(SUBNET, ipv6_cidr=RANGE), ipv6=Known((OWN,)))
ALONE_SUBNET = Subnet("subnet-task", "vpc-1", f"{REGION}a", None, ACCOUNT, RANGE)
ALONE = replace(DUAL, subnet=ALONE_SUBNET, private_ip=None)
TRANSLATED = replace(ALONE, subnet=replace(ALONE_SUBNET, dns64=True))
ON_AWS = Flow("resolve", f"{ACCOUNT}.dkr-ecr.{REGION}.on.aws", "ecr.dkr", REGION, families=(4, 6))
CLASSIC = replace(DKR, families=(4,))
TO_EIGW = Route("::/0", "eigw-1", "active")
TO_NAT64 = Route("64:ff9b::/96", "nat-1", "active")
EVERYWHERE = GroupRule("-1", None, ("0.0.0.0/0", "::/0"))
OPEN = (
    AclEntry(100, True, True, "-1", "0.0.0.0/0"),  # noqa: FBT003 - egress, allow
    AclEntry(100, False, True, "-1", "0.0.0.0/0"),  # noqa: FBT003 - the same
    AclEntry(101, True, True, "-1", "::/0"),  # noqa: FBT003 - the same
    AclEntry(101, False, True, "-1", "::/0"),  # noqa: FBT003 - the same
)
V6_HOPS = [
    ("name", "vpc-1", "ok"),
    ("security-group", "sg-task", "ok"),
    ("network-acl", "acl-task", "ok"),
    ("route", "rtb-private", "ok"),
    ("internet-gateway", "eigw-1", "ok"),
    ("public-address", "eni-task", "ok"),
]


def with_ipv6(vpc: Vpc, *more: Route) -> Vpc:
    """The VPC with IPv6 let through everywhere, an egress-only gateway, and these routes."""
    vpc = change(vpc, "security_groups", "sg-task", egress=(EVERYWHERE,))
    for acl in ("acl-task", "acl-public", "acl-endpoint"):
        vpc = change(vpc, "network_acls", acl, entries=OPEN)
    own = Route("2600:1f18::/56", "local", "active")  # a VPC's IPv6 addresses are public ones
    return replace(routes(vpc, own, *more), egress_only_gateways=Known((EgressOnlyGateway("eigw-1", ("vpc-1",)),)))


BOTH = with_ipv6(NAT_VPC, TO_NAT, TO_EIGW)
V6_WAY = with_ipv6(NAT_VPC, TO_EIGW)


# Which family decides


def test_ipv4_suffices() -> None:
    assert "nat-1" in str(hops_of(walked(BOTH, ON_AWS, DUAL)))
    assert walked(with_ipv6(NAT_VPC, TO_NAT), ON_AWS, DUAL).disposition == "reached"


def test_ipv6_suffices() -> None:
    trace = walked(V6_WAY, ON_AWS, DUAL)
    assert (trace.disposition, hops_of(trace)) == ("reached", V6_HOPS)


def test_both_broken_is_broken_as_ipv4_is() -> None:
    assert_ends(with_ipv6(NAT_VPC), ON_AWS, "no-route-to-registry", ("route", "rtb-private"), DUAL)


def test_one_broken_and_the_other_not_visible_is_not_told() -> None:
    vpc = with_ipv6(NAT_VPC, Route("::/0", "tgw-1", "active"))
    trace = walked(vpc, replace(HUB, families=(4, 6)), DUAL)
    assert (trace.disposition, hops_of(trace)[-1]) == ("undetermined", ("internet", "tgw-1", "unknown"))


def test_a_name_of_ipv4_alone_is_not_helped_by_ipv6() -> None:
    assert_ends(V6_WAY, CLASSIC, "no-route-to-registry", ("route", "rtb-private"), DUAL)


def test_a_name_of_families_not_known_may_have_ipv6() -> None:
    trace = walked(V6_WAY, HUB, DUAL)
    assert trace.disposition == "undetermined"
    assert [hop.why for hop in trace.hops if hop.missing] == [f"whether {HUB.host} has an IPv6 address is not known"]
    # Without a way over IPv6 it is cut off whatever it has.
    assert walked(with_ipv6(NAT_VPC), HUB, DUAL).disposition == "no-route-to-registry"


def test_a_puller_that_may_have_ipv6_is_not_told() -> None:
    perhaps = replace(DUAL, ipv6=UNREAD)
    trace = walked(V6_WAY, ON_AWS, perhaps)
    assert trace.disposition == "undetermined"
    assert UNREAD in [hop.missing for hop in trace.hops]
    assert walked(BOTH, ON_AWS, perhaps).disposition == "reached"
    assert walked(V6_WAY, ON_AWS, PULLER).disposition == "no-route-to-registry"


def test_the_address_in_the_text_decides() -> None:
    by_ipv4, by_ipv6 = replace(ON_AWS, address="52.1.2.3"), replace(ON_AWS, address="2600:1f00::1")
    assert walked(V6_WAY, by_ipv4, DUAL).disposition == "no-route-to-registry"
    assert walked(V6_WAY, by_ipv6, DUAL).disposition == "reached"
    why = assert_ends(with_ipv6(NAT_VPC, TO_NAT), by_ipv6, "no-route-to-registry", ("route", "rtb-private"), DUAL)
    assert "2600:1f00::1" in why


# What carries IPv6


def test_an_egress_only_gateway_that_is_not_shown_is_not_told() -> None:
    gone = replace(V6_WAY, egress_only_gateways=Known(()))
    assert_ends(gone, ON_AWS, "undetermined", ("internet-gateway", "eigw-1"), ALONE)
    elsewhere = replace(V6_WAY, egress_only_gateways=Known((EgressOnlyGateway("eigw-1", ("vpc-2",)),)))
    assert_ends(elsewhere, ON_AWS, "undetermined", ("internet-gateway", "eigw-1"), ALONE)
    assert_ends(
        replace(V6_WAY, egress_only_gateways=UNREAD), ON_AWS, "undetermined", ("internet-gateway", "eigw-1"), ALONE
    )


def test_an_internet_gateway_needs_no_public_ipv4_address_for_ipv6() -> None:
    vpc = with_ipv6(PUBLIC_VPC, Route("::/0", "igw-1", "active"))
    assert walked(vpc, ON_AWS, ALONE).disposition == "reached"
    detached = replace(vpc, internet_gateways=Known(()))
    assert_ends(detached, ON_AWS, "internet-gateway-detached", ("internet-gateway", "igw-1"), ALONE)


def test_split_defaults_over_ipv6() -> None:
    halves = (Route("2000::/4", "eigw-1", "active"), Route("3000::/4", "eigw-1", "active"))
    assert hops_of(walked(with_ipv6(NAT_VPC, *halves), ON_AWS, ALONE)) == V6_HOPS
    assert walked(with_ipv6(NAT_VPC, halves[0]), ON_AWS, ALONE).disposition == "undetermined"


def test_a_dead_default_over_ipv6() -> None:
    dead = with_ipv6(NAT_VPC, replace(TO_EIGW, state="blackhole"))
    assert_ends(dead, ON_AWS, "blackhole-route", ("route", "rtb-private"), ALONE)


def test_rules_for_ipv4_let_no_ipv6_through() -> None:
    group = change(V6_WAY, "security_groups", "sg-task", egress=(GroupRule("-1", None, ("0.0.0.0/0",)),))
    why = assert_ends(group, ON_AWS, "security-group-egress-blocks", ("security-group", "sg-task"), ALONE)
    assert "public IPv6 addresses" in why
    acl = change(V6_WAY, "network_acls", "acl-task", entries=OPEN[:2])
    assert_ends(acl, ON_AWS, "network-acl-blocks", ("network-acl", "acl-task"), ALONE)


def test_a_nat_gateway_carries_no_ipv6_of_its_own() -> None:
    vpc = with_ipv6(NAT_VPC, Route("::/0", "nat-1", "active"))
    assert_ends(vpc, ON_AWS, "undetermined", ("nat-gateway", "nat-1"), ALONE)


# A subnet of IPv6 alone


def test_a_name_of_ipv4_alone_in_a_subnet_of_ipv6_alone() -> None:
    assert_ends(V6_WAY, CLASSIC, "ipv6-only-subnet", ("name", "subnet-task"), ALONE)
    # Nothing says that another registry's name has no IPv6 address.
    assert_ends(V6_WAY, HUB, "undetermined", ("name", "subnet-task"), ALONE)


def test_dns64_with_a_nat_gateway_is_a_way() -> None:
    vpc = with_ipv6(NAT_VPC, TO_EIGW, TO_NAT64)
    trace = walked(vpc, CLASSIC, TRANSLATED)
    assert trace.disposition == "reached"
    assert hops_of(trace)[3:5] == [("route", "rtb-private", "ok"), ("nat-gateway", "nat-1", "ok")]
    assert walked(vpc, HUB, TRANSLATED).disposition == "reached"
    assert walked(vpc, CLASSIC, replace(ALONE)).disposition == "ipv6-only-subnet"
    # One of the two families would fail, and which one the name has is not known.
    assert walked(with_ipv6(NAT_VPC, TO_NAT64), HUB, TRANSLATED).disposition == "undetermined"


@pytest.mark.parametrize("more", [(), (TO_EIGW,), (Route("::/0", "igw-1", "active"),)])
def test_dns64_without_a_route_to_a_nat_gateway(more: tuple[Route, ...]) -> None:
    why = assert_ends(with_ipv6(NAT_VPC, *more), CLASSIC, "ipv6-only-subnet", ("route", "rtb-private"), TRANSLATED)
    assert "64:ff9b::/96" in why


def test_dns64_behind_what_is_not_visible() -> None:
    central = with_ipv6(NAT_VPC, Route("::/0", "tgw-1", "active"))
    assert_ends(central, CLASSIC, "undetermined", ("internet", "tgw-1"), TRANSLATED)


def test_a_translated_way_hangs_on_the_nat_gateways_own_way_over_ipv4() -> None:
    vpc = with_ipv6(NAT_VPC, TO_NAT64)
    no_way = change(vpc, "route_tables", "rtb-public", routes=(TO_EIGW,))
    assert_ends(no_way, CLASSIC, "nat-gateway-unusable", ("nat-gateway", "nat-1"), TRANSLATED)
    acl = change(vpc, "network_acls", "acl-public", entries=OPEN[:2])
    why = assert_ends(acl, CLASSIC, "network-acl-blocks", ("nat-network-acl", "acl-public"), TRANSLATED)
    assert OWN in why
    half = change(vpc, "route_tables", "rtb-public", routes=(Route("52.0.0.0/8", "igw-1", "active"),))
    dialled = replace(CLASSIC, address="64:ff9b::3401:203")  # 52.1.2.3
    assert walked(half, dialled, TRANSLATED).disposition == "reached"
    assert walked(half, replace(CLASSIC, address="64:ff9b::0301:203"), TRANSLATED).disposition == "nat-gateway-unusable"


def test_a_translated_address_in_a_subnet_with_ipv4_is_a_missing_route() -> None:
    dialled = replace(CLASSIC, address="64:ff9b::3401:203")
    dual = replace(DUAL, subnet=replace(DUAL.subnet, dns64=True))
    assert walked(BOTH, dialled, dual).disposition == "no-route-to-registry"
    # Without an address either way suffices.
    assert walked(with_ipv6(NAT_VPC, TO_NAT64), CLASSIC, dual).disposition == "reached"


def test_an_ipv4_address_in_the_text_of_a_subnet_of_ipv6_alone() -> None:
    """It leads nowhere from there, so that what the name has besides it decides."""
    dialled = "52.1.2.3"
    assert walked(V6_WAY, replace(CLASSIC, address=dialled), ALONE).disposition == "ipv6-only-subnet"
    assert walked(V6_WAY, replace(HUB, address=dialled), ALONE).disposition == "undetermined"
    assert walked(V6_WAY, replace(ON_AWS, address=dialled), ALONE).disposition == "reached"
    translating = with_ipv6(NAT_VPC, TO_NAT64)
    assert walked(translating, replace(CLASSIC, address=dialled), TRANSLATED).disposition == "reached"
    why = assert_ends(
        V6_WAY, replace(CLASSIC, address=dialled), "ipv6-only-subnet", ("route", "rtb-private"), TRANSLATED
    )
    assert dialled not in why


# Endpoints


def endpoint_vpc(**members: object) -> Vpc:
    vpc = with_ipv6(ENDPOINT_VPC, Route("pl-s3", "vpce-s3", "active"))
    vpc = change(vpc, "subnets", "subnet-endpoint", ipv6_cidr="2600:1f18:0:1::/64")
    vpc = change(vpc, "security_groups", "sg-endpoint", ingress=(EVERYWHERE,))
    names = (*ENDPOINT_NAMES, f"*.dkr-ecr.{REGION}.on.aws")
    return change(vpc, "endpoints", "vpce-dkr", dns_names=names, **members)


ENDPOINT_NAMES = (f"*.dkr.ecr.{REGION}.amazonaws.com",)


def ends(trace: Trace) -> tuple[str, list[str]]:
    return trace.disposition, [hop.why for hop in trace.hops if hop.verdict != "ok"]


def test_a_dual_stack_endpoint_serves_its_dual_stack_names() -> None:
    vpc = endpoint_vpc(ip_type="dualstack")
    assert walked(vpc, ON_AWS, ALONE).disposition == "reached"
    # Whether it has IPv6 for the classic name is not documented.
    assert walked(vpc, CLASSIC, ALONE).disposition == "undetermined"
    closed = change(vpc, "security_groups", "sg-endpoint", ingress=(GroupRule("-1", None, ("10.0.0.0/8",)),))
    assert walked(closed, ON_AWS, ALONE).disposition == "endpoint-security-group-blocks"
    assert walked(closed, ON_AWS, DUAL).disposition == "reached"


@pytest.mark.parametrize("ip_type", ["ipv4", None])
def test_an_endpoint_of_ipv4_is_none_for_a_subnet_of_ipv6_alone(ip_type: str | None) -> None:
    vpc = endpoint_vpc(ip_type=ip_type)
    assert ends(walked(vpc, CLASSIC, ALONE))[0] == "ipv6-only-subnet"
    assert ends(walked(vpc, CLASSIC, TRANSLATED))[0] == "undetermined"
    assert walked(vpc, CLASSIC, DUAL).disposition == "reached"


def test_an_endpoint_of_ipv6_alone_is_reached_over_ipv6() -> None:
    vpc = endpoint_vpc(ip_type="ipv6")
    assert walked(vpc, CLASSIC, DUAL).disposition == "reached"
    assert walked(vpc, CLASSIC, PULLER).disposition == "undetermined"


def test_a_gateway_endpoint_serves_the_families_of_its_type() -> None:
    vpc = with_ipv6(ENDPOINT_VPC, Route("pl-s3", "vpce-s3", "active"))
    over_ipv6 = replace(S3, families=(4, 6))
    assert walked(vpc, over_ipv6, ALONE).disposition == "s3-endpoint-missing"
    dual = change(vpc, "endpoints", GATEWAY.id, ip_type="dualstack")
    assert hops_of(walked(dual, over_ipv6, ALONE))[-1] == ("endpoint", "vpce-s3", "ok")
    assert walked(dual, S3, PULLER).disposition == "reached"
    alone = change(vpc, "endpoints", GATEWAY.id, ip_type="ipv6")
    assert walked(alone, S3, PULLER).disposition == "undetermined"


def test_an_address_that_is_not_known_stands_for_its_subnet() -> None:
    vpc = with_ipv6(NAT_VPC, TO_NAT64)
    part = (*OPEN[:2], OPEN[2], replace(OPEN[3], cidr="2600:1f18::/80"))
    unknown = replace(TRANSLATED, ipv6=UNREAD)
    assert walked(vpc, CLASSIC, unknown).disposition == "reached"
    acl = change(vpc, "network_acls", "acl-public", entries=part)
    assert walked(acl, CLASSIC, TRANSLATED).disposition == "reached"
    assert walked(acl, CLASSIC, unknown).disposition == "undetermined"


def test_an_ipv6_address_is_no_public_ipv4_address() -> None:
    assert walked(with_ipv6(PUBLIC_VPC, TO_IGW), CLASSIC, DUAL).disposition == "no-public-ip"
