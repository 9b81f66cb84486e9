"""Walks behind NAT gateways of every kind, by prefix lists of customers, and to where sight ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import (
    BlockPublicAccess,
    GroupRule,
    NatGateway,
    NetworkAcl,
    PrefixList,
    Route,
    RouteTable,
    Subnet,
)
from pull_doctor.network.vpc import Vpc
from tests.network.factory import (
    DKR,
    ENDPOINT_VPC,
    HUB,
    LOCAL,
    NAT_VPC,
    REGION,
    S3,
    S3_CIDRS,
    TO_GATEWAY,
    TO_IGW,
    TO_NAT,
    add,
    change,
    entry,
    having,
    hops_of,
    routes,
    walked,
)
from tests.network.ways import BY_ENDPOINT, BY_NAT, UNREAD, assert_ends

AT_NAT = ("nat-gateway", "nat-1")
TO_LIST = Route("pl-own", "nat-1", "active")


def with_list(vpc: Vpc, *cidrs: str) -> Vpc:
    return replace(vpc, prefix_lists={"pl-own": Known(PrefixList("pl-own", "own", cidrs))})


# NAT gateways


def regional(*ways: Route, **members: object) -> Vpc:
    nat = NatGateway("nat-1", "available", False, None, regional=True, route_table="rtb-regional")  # noqa: FBT003 - `private`
    table = RouteTable("rtb-regional", False, (), (LOCAL, *ways))  # noqa: FBT003 - RouteTable's `main`
    return change(
        add(replace(NAT_VPC, nat_gateways=Known((nat,))), "route_tables", table), "nat_gateways", "nat-1", **members
    )


def test_a_regional_nat_gateway_goes_by_its_own_table() -> None:
    assert hops_of(walked(regional(TO_IGW), HUB)) == BY_NAT[:5]
    assert "rtb-regional" in assert_ends(regional(), HUB, "nat-gateway-unusable", AT_NAT)
    assert_ends(regional(Route("0.0.0.0/0", "tgw-1", "active")), HUB, "undetermined", AT_NAT)
    assert_ends(regional(TO_IGW, route_table="rtb-hidden"), HUB, "undetermined", AT_NAT)
    # What EC2 names is not a table: AWS gives the gateway its way out.
    assert walked(regional(route_table="nat-1"), HUB).disposition == "reached"


def test_a_private_nat_gateway_has_no_way_to_the_internet() -> None:
    private = change(NAT_VPC, "nat_gateways", "nat-1", private=True)
    assert "private NAT gateway" in assert_ends(private, HUB, "nat-gateway-unusable", AT_NAT)
    nowhere = routes(private, table="rtb-public")
    assert "no route to the internet" in assert_ends(nowhere, HUB, "nat-gateway-unusable", AT_NAT)


def test_a_private_nat_gateway_may_lead_on_to_a_network_that_has_one() -> None:
    private = change(NAT_VPC, "nat_gateways", "nat-1", private=True)
    vpc = routes(private, Route("0.0.0.0/0", "tgw-1", "active"), table="rtb-public")
    trace = walked(vpc, HUB)
    assert trace.disposition == "undetermined"
    missing = next(hop.missing for hop in trace.hops if hop.missing)
    assert (missing.why, missing.resource) == ("not-visible", "tgw-1")


@pytest.mark.parametrize("state", ["pending", "failed", "deleted"])
def test_behind_a_nat_gateway_that_is_out_of_order_the_rest_is_judged(state: str) -> None:
    vpc = change(NAT_VPC, "nat_gateways", "nat-1", state=state)
    assert hops_of(walked(vpc, HUB)) == [*BY_NAT[:4], (*AT_NAT, "fail"), *BY_NAT[5:]]
    vpc = having(vpc, block_public_access=Known(BlockPublicAccess("block-bidirectional")))
    trace = walked(vpc, HUB)
    assert [(hop.step, hop.cause) for hop in trace.hops if hop.cause] == [
        ("nat-gateway", "nat-gateway-unusable"),
        ("public-access", "public-access-blocked"),
    ]
    assert trace.disposition == "nat-gateway-unusable"
    dead = walked(routes(vpc, replace(TO_NAT, state="blackhole")), HUB)
    assert [hop.step for hop in dead.hops if hop.cause] == ["route", "public-access"]
    private = change(vpc, "nat_gateways", "nat-1", private=True)
    assert "public-access" not in [hop.step for hop in walked(private, HUB).hops]


def test_a_nat_gateway_in_another_zone_works() -> None:
    far = add(NAT_VPC, "subnets", Subnet("subnet-far", "vpc-1", f"{REGION}c", "10.0.4.0/24"))
    far = add(far, "network_acls", NetworkAcl("acl-far", ("subnet-far",), acl_entries()))
    far = change(far, "route_tables", "rtb-public", subnets=("subnet-public", "subnet-far"))
    vpc = change(far, "nat_gateways", "nat-1", subnet="subnet-far")
    assert hops_of(walked(vpc, HUB))[-1] == ("nat-network-acl", "acl-far", "ok")


def acl_entries(**without: bool) -> tuple:  # type: ignore[type-arg] # entries of one kind
    ways = {
        "in": entry(1, egress=False, allow=True, ports=(443, 443), cidr="10.0.0.0/16"),
        "out": entry(2, egress=True, allow=True, ports=(443, 443)),
        "back_in": entry(3, egress=False, allow=True, ports=(1024, 65535)),
        "back_out": entry(4, egress=True, allow=True, ports=(1024, 65535), cidr="10.0.0.0/16"),
    }
    return tuple(one for name, one in ways.items() if not without.get(name))


@pytest.mark.parametrize(
    ("lacking", "says"),
    [
        ("in", "tcp 443 in from 10.0.1.10"),
        ("out", "tcp 443 out to public addresses"),
        ("back_in", "tcp 1024-65535 in from public addresses"),
        ("back_out", "tcp 32768-60999 out to 10.0.1.10"),
    ],
)
def test_the_acl_of_the_nat_gateways_subnet_lets_four_ways_through(lacking: str, says: str) -> None:
    assert walked(change(NAT_VPC, "network_acls", "acl-public", entries=acl_entries()), HUB).disposition == "reached"
    vpc = change(NAT_VPC, "network_acls", "acl-public", entries=acl_entries(**{lacking: True}))
    if lacking == "in":  # the wider rule for what comes back covers it too
        vpc = change(vpc, "network_acls", "acl-public", entries=acl_entries(**{"in": True, "back_in": True}))
    why = assert_ends(vpc, HUB, "network-acl-blocks", ("nat-network-acl", "acl-public"))
    assert says in why


# Prefix lists of customers


def test_a_list_with_a_default_is_a_default() -> None:
    vpc = routes(NAT_VPC, TO_LIST)
    assert hops_of(walked(with_list(vpc, "0.0.0.0/0"), HUB)) == BY_NAT
    assert_ends(with_list(vpc, "192.168.0.0/16"), HUB, "no-route-to-registry", ("route", "rtb-private"))
    assert_ends(with_list(vpc, "52.0.0.0/8"), HUB, "undetermined", ("route", "rtb-private"))
    assert walked(with_list(vpc, "52.0.0.0/8"), replace(HUB, address="52.1.2.3")).disposition == "reached"


@pytest.mark.parametrize("answer", [UNREAD, Known(None)])
def test_a_list_that_could_not_be_read_leaves_it_open(answer: object) -> None:
    vpc = replace(routes(NAT_VPC, TO_NAT, Route("pl-own", "tgw-1", "active")), prefix_lists={"pl-own": answer})  # type: ignore[dict-item] # either kind of answer
    assert_ends(vpc, HUB, "undetermined", ("route", "rtb-private"))
    missing = walked(vpc, HUB).hops[-1].missing
    assert missing is not None
    assert missing.resource == "pl-own"
    assert missing.why == ("denied" if answer is UNREAD else "not-visible")


def test_a_list_of_other_addresses_does_not_matter() -> None:
    vpc = with_list(routes(NAT_VPC, TO_NAT, Route("pl-own", "tgw-1", "active")), "10.20.0.0/16")
    assert hops_of(walked(vpc, HUB)) == BY_NAT


def test_a_nat_gateways_way_out_by_a_list() -> None:
    vpc = routes(NAT_VPC, Route("pl-own", "igw-1", "active"), table="rtb-public")
    assert walked(with_list(vpc, "0.0.0.0/1", "128.0.0.0/1"), HUB).disposition == "reached"
    assert_ends(with_list(vpc, "10.20.0.0/16"), HUB, "nat-gateway-unusable", AT_NAT)
    # A list that was not read may take what a default would carry.
    beside = routes(NAT_VPC, TO_IGW, Route("pl-own", "tgw-1", "active"), table="rtb-public")
    assert_ends(beside, HUB, "undetermined", AT_NAT)


def test_a_list_in_the_pullers_group() -> None:
    rule = GroupRule("tcp", (443, 443), (), (), ("pl-own",))
    vpc = change(NAT_VPC, "security_groups", "sg-task", egress=(rule,))
    at_group = ("security-group", "sg-task")
    assert_ends(vpc, HUB, "undetermined", at_group)
    assert walked(with_list(vpc, "0.0.0.0/0"), HUB).hops[1].why == "sg-task allows tcp 443 to pl-own"
    assert_ends(with_list(vpc, "10.0.0.0/8"), HUB, "security-group-egress-blocks", at_group)
    assert_ends(with_list(vpc, "52.0.0.0/8"), HUB, "undetermined", at_group)
    # The list of S3 itself lets nothing else out, also where it was read with the others.
    s3_alone = change(vpc, "security_groups", "sg-task", egress=(replace(rule, prefix_lists=("pl-s3",)),))
    read = having(s3_alone, prefix_lists={"pl-s3": Known(PrefixList("pl-s3", "pl-s3", S3_CIDRS))})  # type: ignore[arg-type] # a mapping of facts
    assert_ends(read, HUB, "security-group-egress-blocks", at_group)
    assert walked(read, S3).disposition == "reached"


def test_a_list_in_the_endpoints_group() -> None:
    rule = GroupRule("tcp", (443, 443), (), (), ("pl-own",))
    vpc = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=(rule,))
    at_group = ("endpoint-security-group", "sg-endpoint")
    assert_ends(vpc, DKR, "undetermined", at_group)
    assert hops_of(walked(with_list(vpc, "10.0.1.0/24"), DKR)) == BY_ENDPOINT
    assert_ends(with_list(vpc, "10.0.9.0/24"), DKR, "endpoint-security-group-blocks", at_group)


def test_a_nat_gateway_whose_table_has_s3s_gateway_alone_is_not_accused_for_s3() -> None:
    vpc = routes(NAT_VPC, replace(TO_GATEWAY, target="vpce-other"), table="rtb-public")
    assert_ends(vpc, S3, "undetermined", AT_NAT)
    assert_ends(vpc, HUB, "nat-gateway-unusable", AT_NAT)


# Where sight ends


@pytest.mark.parametrize(
    ("target", "kind", "where"),
    [
        ("tgw-1", "AWS::EC2::TransitGateway", "route tables"),
        ("pcx-1", "AWS::EC2::VPCPeeringConnection", "the other VPC"),
        ("vgw-1", "AWS::EC2::VPNGateway", "VPN or Direct Connect"),
        ("eni-9", "AWS::EC2::NetworkInterface", "source/destination check"),
        ("i-9", "AWS::EC2::Instance", "runs and forwards"),
        ("vpce-gwlb", "AWS::EC2::VPCEndpoint", "firewall or appliance"),
        ("lgw-1", "AWS::EC2::LocalGateway", "Outpost"),
        ("cagw-1", "AWS::EC2::CarrierGateway", "carrier"),
        ("arn:aws:networkmanager::1:core-network/x", "AWS::NetworkManager::CoreNetwork", "segments"),
        ("arn:aws-us-gov:networkmanager::1:core-network/x", "AWS::NetworkManager::CoreNetwork", "segments"),
        ("10.0.9.9", "AWS::EC2::Route", "that address"),
    ],
)
def test_every_end_of_sight_says_what_it_is_and_where_to_look(target: str, kind: str, where: str) -> None:
    hop = walked(routes(NAT_VPC, Route("0.0.0.0/0", target, "active")), HUB).hops[-1]
    assert hop.resource is not None
    assert (hop.step, hop.resource.type, hop.resource.id) == ("internet", kind, target)
    assert hop.missing is not None
    assert (hop.missing.why, hop.missing.resource) == ("not-visible", target)
    assert hop.missing.detail is not None
    assert where in hop.missing.detail
    assert f"0.0.0.0/0 to {target}" in hop.missing.detail


def test_layers_may_have_a_gateway_endpoint_where_endpoints_are_not_read() -> None:
    other_resolvers = having(routes(NAT_VPC), custom_resolvers=Known(("10.9.0.53",)))
    layers = replace(S3, address="52.218.1.2")
    assert walked(other_resolvers, layers).disposition == "no-route-to-registry"
    assert_ends(having(other_resolvers, endpoints=UNREAD), layers, "undetermined", ("route", "rtb-private"))
