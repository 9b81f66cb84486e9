"""Walks by routes and gateways, hop by hop: one change at a time, and what the path then ends in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import (
    NatGateway,
    Route,
    VpcEndpoint,
)
from pull_doctor.network.flows import Flow
from tests.network.factory import (
    API,
    DKR,
    ENDPOINT_VPC,
    HUB,
    LOCAL,
    NAT_VPC,
    PUBLIC_VPC,
    PULLER,
    S3,
    TO_IGW,
    TO_NAT,
    WITH_PUBLIC_IP,
    add,
    change,
    drop,
    hops_of,
    routes,
    walked,
)
from tests.network.ways import BY_ENDPOINT, BY_GATEWAY, BY_IGW, BY_NAT, UNREAD, assert_ends

# Healthy ways


@pytest.mark.parametrize("flow", [API, DKR, S3, HUB])
def test_by_nat_gateway(flow: Flow) -> None:
    trace = walked(NAT_VPC, flow)
    assert hops_of(trace) == BY_NAT
    assert (trace.disposition, trace.phase, trace.host) == ("reached", flow.phase, flow.host)


def test_by_interface_endpoint() -> None:
    trace = walked(ENDPOINT_VPC, DKR)
    assert hops_of(trace) == BY_ENDPOINT
    assert trace.disposition == "reached"
    assert walked(ENDPOINT_VPC, API).disposition == "reached"


def test_s3_by_gateway_endpoint() -> None:
    trace = walked(ENDPOINT_VPC, S3)
    assert hops_of(trace) == BY_GATEWAY
    assert trace.disposition == "reached"


def test_by_internet_gateway_and_public_address() -> None:
    trace = walked(PUBLIC_VPC, DKR, WITH_PUBLIC_IP)
    assert hops_of(trace) == BY_IGW
    assert trace.disposition == "reached"


# Routes


def test_a_subnet_without_a_table_of_its_own_follows_the_main_one() -> None:
    vpc = drop(NAT_VPC, "route_tables", "rtb-private")
    why = assert_ends(vpc, DKR, "no-route-to-registry", ("route", "rtb-main"))
    assert "main one of vpc-1" in why
    main = change(vpc, "route_tables", "rtb-main", routes=(LOCAL, TO_NAT))
    assert hops_of(walked(main, DKR))[3] == ("route", "rtb-main", "ok")
    assert walked(main, DKR).disposition == "reached"


def test_a_table_of_its_own_hides_the_main_one() -> None:
    vpc = change(routes(NAT_VPC), "route_tables", "rtb-main", routes=(LOCAL, TO_NAT))
    why = assert_ends(vpc, DKR, "no-route-to-registry", ("route", "rtb-private"))
    assert "main" not in why


def test_no_table_at_all_is_not_told() -> None:
    vpc = replace(NAT_VPC, route_tables=Known(()))
    assert_ends(vpc, DKR, "undetermined", ("route", None))


def test_split_defaults_are_a_default() -> None:
    halves = (Route("0.0.0.0/1", "nat-1", "active"), Route("128.0.0.0/1", "nat-1", "active"))
    assert hops_of(walked(routes(NAT_VPC, *halves), DKR)) == BY_NAT
    assert_ends(routes(NAT_VPC, halves[0]), DKR, "undetermined", ("route", "rtb-private"))


def test_a_half_default_is_decided_by_the_dialled_address() -> None:
    vpc = routes(NAT_VPC, Route("0.0.0.0/1", "nat-1", "active"))
    assert walked(vpc, replace(DKR, address="52.1.2.3")).disposition == "reached"
    assert_ends(vpc, replace(DKR, address="203.0.114.1"), "no-route-to-registry", ("route", "rtb-private"))


def test_an_ipv6_default_is_no_way_for_ipv4() -> None:
    assert_ends(
        routes(NAT_VPC, Route("::/0", "igw-1", "active")), DKR, "no-route-to-registry", ("route", "rtb-private")
    )


def test_a_part_that_goes_elsewhere_leaves_it_open() -> None:
    vpc = routes(NAT_VPC, TO_NAT, Route("52.0.0.0/8", "tgw-1", "active"))
    assert_ends(vpc, DKR, "undetermined", ("route", "rtb-private"))
    assert walked(vpc, replace(DKR, address="3.1.2.3")).disposition == "reached"


def test_the_route_of_vpc_lattice_is_for_no_registry() -> None:
    vpc = routes(NAT_VPC, TO_NAT, Route("pl-lattice", "VpcLattice", "active"))
    assert [walked(vpc, flow).disposition for flow in (DKR, S3, HUB)] == ["reached"] * 3


def test_a_prefix_list_that_is_not_read_leaves_it_open() -> None:
    vpc = routes(NAT_VPC, Route("pl-own", "tgw-1", "active"))
    assert_ends(vpc, DKR, "undetermined", ("route", "rtb-private"))


@pytest.mark.parametrize(
    "target", ["tgw-1", "pcx-1", "vgw-1", "eni-9", "i-9", "lgw-1", "vpce-gwlb", "cagw-1", "arn:aws:networkmanager::1:x"]
)
@pytest.mark.parametrize("flow", [DKR, S3, HUB])
def test_an_opaque_target_is_never_a_cause(target: str, flow: Flow) -> None:
    trace = walked(routes(NAT_VPC, Route("0.0.0.0/0", target, "active")), flow)
    assert trace.disposition == "undetermined"
    assert hops_of(trace) == [*BY_NAT[:4], ("internet", target, "unknown")]
    missing = trace.hops[-1].missing
    assert missing is not None
    assert missing.why == "not-visible"


def test_a_blackhole_is_its_targets_cause_where_that_can_be_read() -> None:
    blackhole = replace(TO_NAT, state="blackhole")
    deleted = change(routes(NAT_VPC, blackhole), "nat_gateways", "nat-1", state="deleted")
    assert_ends(deleted, DKR, "nat-gateway-unusable", ("route", "rtb-private"))
    assert_ends(drop(deleted, "nat_gateways", "nat-1"), DKR, "blackhole-route", ("route", "rtb-private"))
    other = routes(NAT_VPC, Route("0.0.0.0/0", "tgw-1", "blackhole"))
    assert_ends(other, DKR, "blackhole-route", ("route", "rtb-private"))


def test_a_blackhole_to_an_internet_gateway_shows_also_what_lies_behind() -> None:
    dead = routes(NAT_VPC, replace(TO_IGW, state="blackhole"))
    detached = change(dead, "internet_gateways", "igw-1", vpcs=())
    assert_ends(detached, DKR, "internet-gateway-detached", ("route", "rtb-private"), WITH_PUBLIC_IP)
    gone = drop(dead, "internet_gateways", "igw-1")
    assert_ends(gone, DKR, "blackhole-route", ("route", "rtb-private"), WITH_PUBLIC_IP)
    assert hops_of(walked(gone, DKR))[-1] == ("public-address", "eni-task", "fail")
    assert_ends(replace(dead, internet_gateways=UNREAD), DKR, "undetermined", ("route", "rtb-private"), WITH_PUBLIC_IP)


def test_a_blackhole_to_an_endpoint_is_the_endpoints_where_that_is_out_of_order() -> None:
    dead = routes(NAT_VPC, Route("0.0.0.0/0", "vpce-gwlb", "blackhole"))
    assert_ends(dead, HUB, "blackhole-route", ("route", "rtb-private"))
    failed = VpcEndpoint("vpce-gwlb", "GatewayLoadBalancer", "com.amazonaws.vpce.eu-west-1.vpce-svc-1", "failed")
    assert_ends(add(dead, "endpoints", failed), HUB, "endpoint-not-available", ("endpoint", "vpce-gwlb"))
    working = replace(failed, state="available")
    assert_ends(add(dead, "endpoints", working), HUB, "blackhole-route", ("route", "rtb-private"))


def test_a_filtered_route_carries_nothing() -> None:
    vpc = routes(NAT_VPC, Route("0.0.0.0/0", "tgw-1", "filtered"))
    assert "state of the route is filtered" in assert_ends(vpc, DKR, "blackhole-route", ("route", "rtb-private"))
    # It tells nothing of its target, which is not to blame.
    for target in ("nat-1", "igw-1", "vpce-gwlb"):
        vpc = routes(NAT_VPC, Route("0.0.0.0/0", target, "filtered"))
        assert_ends(vpc, DKR, "blackhole-route", ("route", "rtb-private"), WITH_PUBLIC_IP)
    beside = routes(NAT_VPC, Route("0.0.0.0/0", "10.0.3.7", "filtered", propagated=True), TO_NAT)
    assert hops_of(walked(beside, DKR)) == BY_NAT


def test_a_route_of_a_route_server_leads_to_where_sight_ends() -> None:
    vpc = routes(NAT_VPC, Route("0.0.0.0/0", "10.0.3.7", "active", propagated=True))
    assert_ends(vpc, DKR, "undetermined", ("internet", "10.0.3.7"))


def test_a_blackhole_elsewhere_does_not_matter() -> None:
    vpc = routes(NAT_VPC, TO_NAT, Route("10.9.0.0/16", "pcx-1", "blackhole"))
    assert hops_of(walked(vpc, DKR)) == BY_NAT


# NAT gateways, internet gateways, public addresses


@pytest.mark.parametrize(
    "members", [{"state": "failed"}, {"state": "pending"}, {"state": "deleting"}, {"private": True}], ids=str
)
def test_a_nat_gateway_that_is_of_no_use(members: dict[str, object]) -> None:
    vpc = change(NAT_VPC, "nat_gateways", "nat-1", **members)
    assert_ends(vpc, DKR, "nat-gateway-unusable", ("nat-gateway", "nat-1"))


def test_a_nat_gateway_without_a_way_out_itself() -> None:
    why = assert_ends(routes(NAT_VPC, table="rtb-public"), DKR, "nat-gateway-unusable", ("nat-gateway", "nat-1"))
    assert "rtb-public" in why
    behind = routes(NAT_VPC, Route("0.0.0.0/0", "igw-1", "blackhole"), table="rtb-public")
    assert_ends(behind, DKR, "nat-gateway-unusable", ("nat-gateway", "nat-1"))
    in_a_loop = routes(NAT_VPC, TO_NAT, table="rtb-public")
    why = assert_ends(in_a_loop, DKR, "nat-gateway-unusable", ("nat-gateway", "nat-1"))
    assert "the gateway itself" in why
    by_another = routes(NAT_VPC, Route("0.0.0.0/0", "nat-2", "active"), table="rtb-public")
    assert_ends(by_another, DKR, "undetermined", ("nat-gateway", "nat-1"))
    opaque = routes(NAT_VPC, Route("0.0.0.0/0", "tgw-1", "active"), table="rtb-public")
    assert_ends(opaque, DKR, "undetermined", ("nat-gateway", "nat-1"))


def test_a_nat_gateway_whose_way_out_is_a_prefix_list_is_not_told() -> None:
    vpc = routes(NAT_VPC, Route("pl-own", "igw-1", "active"), table="rtb-public")
    assert_ends(vpc, DKR, "undetermined", ("nat-gateway", "nat-1"))


def test_a_nat_gateways_way_out_is_judged_for_the_dialled_address() -> None:
    half = routes(NAT_VPC, Route("0.0.0.0/1", "igw-1", "active"), table="rtb-public")
    assert_ends(half, DKR, "undetermined", ("nat-gateway", "nat-1"))
    assert walked(half, replace(DKR, address="52.1.2.3")).disposition == "reached"
    assert_ends(half, replace(DKR, address="203.0.114.1"), "nat-gateway-unusable", ("nat-gateway", "nat-1"))


def test_a_nat_gateway_whose_table_is_not_shown_is_not_told() -> None:
    tables = drop(drop(NAT_VPC, "route_tables", "rtb-main"), "route_tables", "rtb-public")
    assert_ends(tables, DKR, "undetermined", ("nat-gateway", "nat-1"))


def test_a_nat_gateways_subnet_may_follow_the_main_table() -> None:
    vpc = drop(NAT_VPC, "route_tables", "rtb-public")
    assert_ends(vpc, DKR, "nat-gateway-unusable", ("nat-gateway", "nat-1"))
    vpc = change(vpc, "route_tables", "rtb-main", routes=(LOCAL, TO_IGW))
    assert walked(vpc, DKR).disposition == "reached"


def test_a_regional_nat_gateway_has_no_subnet() -> None:
    regional = NatGateway("nat-1", "available", False, None, regional=True)  # noqa: FBT003 - `private`
    trace = walked(replace(NAT_VPC, nat_gateways=Known((regional,))), DKR)
    assert hops_of(trace) == BY_NAT[:5]
    assert trace.disposition == "reached"


def test_a_nat_gateway_that_is_not_shown_is_not_told() -> None:
    assert_ends(drop(NAT_VPC, "nat_gateways", "nat-1"), DKR, "undetermined", ("nat-gateway", "nat-1"))


def test_an_internet_gateway_that_is_not_attached() -> None:
    for vpc in (
        drop(PUBLIC_VPC, "internet_gateways", "igw-1"),
        change(PUBLIC_VPC, "internet_gateways", "igw-1", vpcs=("vpc-2",)),
    ):
        assert_ends(vpc, DKR, "internet-gateway-detached", ("internet-gateway", "igw-1"), WITH_PUBLIC_IP)
    behind_nat = drop(NAT_VPC, "internet_gateways", "igw-1")
    assert "igw-1" in assert_ends(behind_nat, DKR, "nat-gateway-unusable", ("nat-gateway", "nat-1"))


def test_no_public_address() -> None:
    why = assert_ends(PUBLIC_VPC, DKR, "no-public-ip", ("public-address", "eni-task"))
    assert "igw-1" in why
    gone = replace(PULLER, interface=None)
    assert "subnet-task" in assert_ends(PUBLIC_VPC, DKR, "no-public-ip", ("public-address", None), gone)
    unread = replace(PULLER, has_public_ip=UNREAD)
    assert_ends(PUBLIC_VPC, DKR, "undetermined", ("public-address", "eni-task"), unread)
