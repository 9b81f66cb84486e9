"""Walks to endpoints and to S3, hop by hop, and which neighbouring cause is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import (
    Route,
    RouteTable,
    VpcEndpoint,
)
from tests.network.factory import (
    API,
    API_ENDPOINT,
    DKR,
    DKR_ENDPOINT,
    ENDPOINT_VPC,
    GATEWAY,
    HUB,
    LAYERS,
    LOCAL,
    NAT_VPC,
    REGION,
    S3,
    TO_GATEWAY,
    TO_IGW,
    TO_NAT,
    add,
    change,
    drop,
    having,
    hops_of,
    interface_endpoint,
    routes,
    walked,
)
from tests.network.ways import BY_ENDPOINT, BY_GATEWAY, BY_NAT, UNREAD, assert_ends

# Endpoints and names


@pytest.mark.parametrize("state", ["pending", "pendingacceptance", "rejected", "failed", "deleting"])
def test_an_endpoint_that_is_not_available(state: str) -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", state=state)
    assert state in assert_ends(vpc, DKR, "endpoint-not-available", ("endpoint", "vpce-dkr"))
    gateway = change(ENDPOINT_VPC, "endpoints", "vpce-s3", state=state)
    assert_ends(gateway, S3, "endpoint-not-available", ("endpoint", "vpce-s3"))


def test_an_available_endpoint_beside_one_that_is_going_away() -> None:
    leaving = replace(DKR_ENDPOINT, id="vpce-old", state="deleting")
    vpc = replace(ENDPOINT_VPC, endpoints=Known((API_ENDPOINT, leaving, DKR_ENDPOINT, GATEWAY)))
    assert hops_of(walked(vpc, DKR)) == BY_ENDPOINT


def test_an_endpoint_without_an_interface() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", subnets=(), interfaces=())
    trace = walked(vpc, DKR)
    assert trace.disposition == "endpoint-not-available"


def test_an_endpoint_without_private_dns() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False)
    assert_ends(vpc, DKR, "endpoint-private-dns-off", ("route", "rtb-private"))
    by_nat = replace(routes(vpc, TO_NAT, TO_GATEWAY), nat_gateways=NAT_VPC.nat_gateways)
    assert walked(by_nat, DKR).disposition == "reached"


@pytest.mark.parametrize("attribute", ["dns_hostnames", "dns_support"])
def test_private_dns_needs_the_vpcs_dns_attributes(attribute: str) -> None:
    vpc = having(ENDPOINT_VPC, **{attribute: Known(value=False)})
    assert walked(vpc, DKR).disposition == "vpc-dns-off"


def test_dns_hostnames_do_not_matter_without_endpoints() -> None:
    assert walked(replace(NAT_VPC, dns_hostnames=Known(value=False)), DKR).disposition == "reached"


def test_dns_support_off_is_a_cause_of_its_own() -> None:
    vpc = replace(NAT_VPC, dns_support=Known(value=False))
    assert_ends(vpc, HUB, "vpc-dns-off", ("name", "vpc-1"))


@pytest.mark.parametrize(
    "host",
    [
        f"111122223333.dkr.ecr-fips.{REGION}.amazonaws.com",
        f"111122223333.dkr-ecr.{REGION}.on.aws",
        "111122223333.dkr.ecr.us-east-1.amazonaws.com",
    ],
)
def test_an_endpoint_that_does_not_serve_the_name(host: str) -> None:
    region = "us-east-1" if "us-east-1" in host else REGION
    flow = replace(DKR, host=host, region=region)
    assert_ends(ENDPOINT_VPC, flow, "endpoint-lacks-name", ("route", "rtb-private"))


def test_an_endpoint_of_another_region_serves_that_regions_name() -> None:
    host = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
    remote = replace(
        interface_endpoint("ecr.dkr", 13, service_region="us-east-1", dns_names=("*.dkr.ecr.us-east-1.amazonaws.com",)),
        id="vpce-remote",
        service="com.amazonaws.us-east-1.ecr.dkr",
    )
    trace = walked(add(ENDPOINT_VPC, "endpoints", remote), replace(DKR, host=host, region="us-east-1"))
    assert hops_of(trace)[0] == ("name", "vpce-remote", "ok")
    assert trace.disposition == "reached"


def test_a_name_that_is_not_among_the_dns_entries() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", dns_names=(f"*.dkr-ecr.{REGION}.on.aws",))
    assert_ends(vpc, DKR, "endpoint-lacks-name", ("route", "rtb-private"))


@pytest.mark.parametrize("name", [f"dkr.ecr.{REGION}.amazonaws.com", f"*.DKR.ECR.{REGION}.amazonaws.com"])
def test_a_name_of_the_dns_entries_in_other_writing(name: str) -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", dns_names=(name,))
    assert walked(vpc, DKR).disposition == "reached"


def test_a_star_covers_one_label() -> None:
    deep = replace(DKR, host=f"a.b.dkr.ecr.{REGION}.amazonaws.com")
    assert walked(ENDPOINT_VPC, deep).disposition == "endpoint-lacks-name"


def test_an_endpoint_that_shows_only_its_own_names_serves_the_classic_ones() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", dns_names=("vpce-dkr-1.dkr.ecr.eu-west-1.vpce.amazonaws.com",))
    assert walked(vpc, DKR).disposition == "reached"


def test_a_private_address_is_an_endpoint_interfaces() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False)
    trace = walked(vpc, replace(DKR, address="10.0.2.12"))
    assert hops_of(trace) == BY_ENDPOINT
    assert trace.address == "10.0.2.12"


def test_a_private_address_that_is_nobodys() -> None:
    vpc = replace(ENDPOINT_VPC, endpoints=Known(()), endpoint_interfaces=Known(()))
    assert_ends(vpc, replace(DKR, address="10.0.2.99"), "undetermined", ("name", None))


def test_a_private_address_outside_the_vpc_is_walked_to() -> None:
    flow = replace(DKR, address="10.9.0.7")
    vpc = replace(
        NAT_VPC,
        route_tables=Known(
            (RouteTable("rtb-main", main=True, subnets=(), routes=(LOCAL, Route("10.9.0.0/16", "tgw-1", "active"))),)
        ),
    )
    trace = walked(vpc, flow)
    assert trace.disposition == "undetermined"
    assert hops_of(trace)[-1] == ("internet", "tgw-1", "unknown")


def test_a_private_address_outside_the_vpc_is_of_before_where_an_endpoint_serves_the_name() -> None:
    flow = replace(DKR, address="10.9.0.7")
    closed = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=())
    assert walked(ENDPOINT_VPC, flow).disposition == "reached"
    assert walked(closed, flow).disposition == "endpoint-security-group-blocks"
    elsewhere = replace(closed, custom_resolvers=Known(("10.9.0.2",)))
    assert walked(elsewhere, flow).disposition == "custom-dns-breaks-name"


def test_a_public_address_is_walked_to() -> None:
    trace = walked(NAT_VPC, replace(DKR, address="52.1.2.3"))
    assert hops_of(trace) == [("name", None, "ok"), *BY_NAT[1:]]
    assert "52.1.2.3" in trace.hops[0].why


# S3


def test_s3_by_a_gateway_of_another_table_is_missing() -> None:
    vpc = routes(change(ENDPOINT_VPC, "endpoints", "vpce-s3", route_tables=("rtb-public",)))
    assert_ends(vpc, S3, "s3-endpoint-missing", ("route", "rtb-private"))


def test_s3_by_the_one_of_several_gateways_that_is_on_the_table() -> None:
    other = replace(GATEWAY, id="vpce-other", route_tables=("rtb-public",))
    vpc = replace(ENDPOINT_VPC, endpoints=Known((API_ENDPOINT, DKR_ENDPOINT, other, GATEWAY)))
    for prefix_list in (ENDPOINT_VPC.s3_prefix_list, UNREAD):
        assert hops_of(walked(replace(vpc, s3_prefix_list=prefix_list), S3)) == BY_GATEWAY


def test_s3_by_a_gateway_that_is_not_read_accuses_nobody() -> None:
    vpc = replace(routes(ENDPOINT_VPC, TO_IGW, TO_GATEWAY), internet_gateways=NAT_VPC.internet_gateways)
    for address in ("52.218.1.2", "52.1.2.3"):
        flow = replace(S3, address=address)
        assert walked(vpc, flow).disposition == "reached"
        unread = replace(vpc, endpoints=UNREAD, s3_prefix_list=UNREAD)
        assert_ends(unread, flow, "undetermined", ("name", "vpc-1"))


def test_s3_by_nat() -> None:
    vpc = drop(routes(ENDPOINT_VPC, TO_NAT), "endpoints", "vpce-s3")
    assert hops_of(walked(replace(vpc, nat_gateways=NAT_VPC.nat_gateways), S3)) == BY_NAT


def test_s3_by_an_interface_endpoint() -> None:
    mine = interface_endpoint("s3", 13)
    vpc = add(drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"), "endpoints", mine)
    trace = walked(vpc, S3)
    assert hops_of(trace)[0] == ("name", "vpce-s3", "ok")
    assert trace.disposition == "reached"


def test_s3_by_an_interface_for_inbound_resolvers_only_is_missing() -> None:
    mine = interface_endpoint("s3", 13, inbound_resolver_only=True)
    vpc = add(drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"), "endpoints", mine)
    assert_ends(vpc, S3, "s3-endpoint-missing", ("route", "rtb-private"))
    with_gateway = add(ENDPOINT_VPC, "endpoints", replace(mine, id="vpce-in"))
    assert hops_of(walked(with_gateway, S3)) == BY_GATEWAY


def test_s3_of_another_region_does_not_pass_the_gateway() -> None:
    flow = replace(S3, host=LAYERS.replace(REGION, "us-east-1"), region="us-east-1")
    trace = walked(ENDPOINT_VPC, flow)
    assert trace.disposition != "reached"
    assert ("endpoint", "vpce-s3", "ok") not in hops_of(trace)


# Which neighbour is named


NOWHERE = routes(NAT_VPC)


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ((), {"ecr.api": "no-route-to-registry", "ecr.dkr": "no-route-to-registry", "s3": "no-route-to-registry"}),
        ((GATEWAY,), {"ecr.api": "no-route-to-registry", "ecr.dkr": "no-route-to-registry"}),
        ((API_ENDPOINT,), {"ecr.api": "reached", "ecr.dkr": "ecr-dkr-endpoint-missing", "s3": "no-route-to-registry"}),
        ((DKR_ENDPOINT,), {"ecr.api": "ecr-api-endpoint-missing", "ecr.dkr": "reached", "s3": "s3-endpoint-missing"}),
        ((API_ENDPOINT, DKR_ENDPOINT), {"ecr.api": "reached", "ecr.dkr": "reached", "s3": "s3-endpoint-missing"}),
    ],
)
def test_which_endpoint_is_missing(endpoints: tuple[VpcEndpoint, ...], expected: dict[str, str]) -> None:
    vpc = replace(NOWHERE, endpoints=Known(endpoints))
    found = {flow.service: walked(vpc, flow).disposition for flow in (API, DKR, S3) if flow.service in expected}
    assert found == expected


def test_another_registry_never_lacks_an_ecr_endpoint() -> None:
    assert_ends(routes(ENDPOINT_VPC, TO_GATEWAY), HUB, "no-route-to-registry", ("route", "rtb-private"))


def test_s3_lacks_no_endpoint_where_the_manifest_does_not_come_by_one() -> None:
    elsewhere = replace(S3, host=LAYERS.replace(REGION, "us-east-1"), region="us-east-1")
    assert walked(ENDPOINT_VPC, elsewhere).disposition == "no-route-to-registry"
    no_names = replace(drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"), dns_hostnames=Known(value=False))
    assert walked(no_names, S3).disposition == "no-route-to-registry"
    private_dns_off = change(
        drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"), "endpoints", "vpce-dkr", private_dns=False
    )
    assert walked(private_dns_off, S3).disposition == "no-route-to-registry"


def test_a_manifest_that_came_without_a_public_way_came_by_the_endpoint() -> None:
    isolated = drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3")
    downloading = replace(S3, after_manifest=True)
    for vpc in (
        change(isolated, "endpoints", "vpce-dkr", private_dns=False),
        replace(isolated, dns_hostnames=Known(value=False)),
    ):
        assert walked(vpc, downloading).disposition == "s3-endpoint-missing"
    assert walked(drop(isolated, "endpoints", "vpce-dkr"), downloading).disposition == "no-route-to-registry"
