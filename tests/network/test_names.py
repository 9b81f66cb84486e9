"""Where a name leads: to an endpoint, past it, or out of sight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import Route
from pull_doctor.network.endpoints import missing_way
from pull_doctor.network.vpc import Vpc
from tests.network.factory import (
    API_ENDPOINT,
    DKR,
    DKR_ENDPOINT,
    ENDPOINT_VPC,
    GATEWAY,
    HUB,
    LAYERS,
    NAT_VPC,
    PLACE,
    REGION,
    S3,
    TO_GATEWAY,
    TO_NAT,
    add,
    change,
    drop,
    having,
    hops_of,
    https_from,
    interface_endpoint,
    routes,
    walked,
)
from tests.network.ways import BY_ENDPOINT, BY_NAT, UNREAD, assert_ends

BY_NAT_TOO = replace(routes(ENDPOINT_VPC, TO_NAT, TO_GATEWAY), nat_gateways=NAT_VPC.nat_gateways)
OTHERS = Known(("10.9.0.53", "10.9.1.53"))
PUBLIC = replace(DKR, address="34.255.83.146")
AT_THE_ENDPOINT = replace(DKR, address="10.0.2.12")
UNANSWERING = [
    {"state": "pending"},
    {"state": "failed"},
    {"subnets": (), "interfaces": ()},
    {"state": "partial", "subnets": (), "interfaces": ()},
]


def idle(vpc: Vpc, **members: object) -> Vpc:
    return change(vpc, "endpoints", "vpce-dkr", **members)


# Endpoints that do not answer


@pytest.mark.parametrize("members", UNANSWERING, ids=str)
def test_an_endpoint_that_does_not_answer_beside_a_nat_gateway(members: dict[str, object]) -> None:
    vpc = idle(BY_NAT_TOO, **members)
    assert hops_of(walked(vpc, PUBLIC))[1:] == BY_NAT[1:]
    assert_ends(vpc, DKR, "undetermined", ("name", "vpce-dkr"))


@pytest.mark.parametrize("members", UNANSWERING, ids=str)
def test_an_endpoint_that_does_not_answer_is_the_cause_where_no_other_way_leads_out(members: dict[str, object]) -> None:
    vpc = idle(ENDPOINT_VPC, **members)
    assert walked(vpc, DKR).disposition == "endpoint-not-available"
    assert_ends(vpc, PUBLIC, "endpoint-not-available", ("route", "rtb-private"))


def test_an_endpoint_whose_address_was_dialled_is_the_cause_whatever_else_leads_out() -> None:
    vpc = idle(BY_NAT_TOO, state="failed")
    assert_ends(vpc, AT_THE_ENDPOINT, "endpoint-not-available", ("endpoint", "vpce-dkr"))


def test_a_partial_endpoint_is_not_told() -> None:
    vpc = idle(ENDPOINT_VPC, state="partial")
    assert "some of its interfaces" in assert_ends(vpc, DKR, "undetermined", ("endpoint", "vpce-dkr"))


def test_an_endpoint_that_answers_goes_before_one_that_does_not() -> None:
    empty = replace(DKR_ENDPOINT, id="vpce-empty", subnets=(), interfaces=())
    vpc = replace(ENDPOINT_VPC, endpoints=Known((API_ENDPOINT, empty, DKR_ENDPOINT, GATEWAY)))
    assert hops_of(walked(vpc, DKR)) == BY_ENDPOINT


def test_a_failed_s3_interface_endpoint_without_another_way() -> None:
    vpc = add(drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"), "endpoints", interface_endpoint("s3", 13))
    assert walked(change(vpc, "endpoints", "vpce-s3", state="failed"), S3).disposition == "endpoint-not-available"


# Several endpoints


def test_another_endpoint_of_the_service_may_serve() -> None:
    silent = replace(DKR_ENDPOINT, id="vpce-silent", private_dns=False, dns_names=())
    vpc = replace(ENDPOINT_VPC, endpoints=Known((API_ENDPOINT, silent, DKR_ENDPOINT, GATEWAY)))
    assert hops_of(walked(vpc, DKR)) == BY_ENDPOINT


def test_private_dns_off_on_the_one_that_would_serve_is_the_cause_beside_one_for_another_name() -> None:
    fips = replace(
        DKR_ENDPOINT,
        id="vpce-fips",
        service=f"com.amazonaws.{REGION}.ecr-fips.dkr",
        dns_names=(f"*.dkr.ecr-fips.{REGION}.amazonaws.com",),
    )
    off = replace(DKR_ENDPOINT, private_dns=False, dns_names=("vpce-dkr-1.dkr.ecr.eu-west-1.vpce.amazonaws.com",))
    vpc = replace(ENDPOINT_VPC, endpoints=Known((API_ENDPOINT, off, fips, GATEWAY)))
    assert_ends(vpc, PUBLIC, "endpoint-private-dns-off", ("route", "rtb-private"))


def test_a_name_that_the_endpoint_lacks_is_the_cause_whatever_its_private_dns() -> None:
    flow = replace(PUBLIC, host=f"111122223333.dkr-ecr.{REGION}.on.aws")
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False, dns_names=())
    for one in (ENDPOINT_VPC, vpc):
        assert_ends(one, flow, "endpoint-lacks-name", ("route", "rtb-private"))


def test_a_service_name_is_known_by_its_end() -> None:
    china = replace(PLACE, partition="aws-cn", region="cn-north-1")
    host = "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn"
    api = replace(
        API_ENDPOINT, service="cn.com.amazonaws.cn-north-1.ecr.api", dns_names=(), service_region="cn-north-1"
    )
    flow = replace(DKR, host=host, region="cn-north-1")
    vpc = replace(ENDPOINT_VPC, endpoints=Known((api,)))
    assert missing_way(flow, vpc, china) == "ecr-dkr-endpoint-missing"
    dkr = replace(api, id="vpce-cn", service="cn.com.amazonaws.cn-north-1.ecr.dkr", private_dns=False)
    assert missing_way(flow, replace(vpc, endpoints=Known((api, dkr))), china) == "endpoint-private-dns-off"


# What lets out to the public is not asked of a subnet that lives on endpoints


@pytest.mark.parametrize(
    "broken",
    [
        drop(ENDPOINT_VPC, "endpoints", "vpce-dkr"),
        change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False),
        change(ENDPOINT_VPC, "endpoints", "vpce-dkr", state="failed"),
        having(ENDPOINT_VPC, dns_hostnames=Known(value=False)),
    ],
)
def test_a_group_that_lets_out_to_the_endpoints_alone_is_not_accused(broken: Vpc) -> None:
    tight = change(broken, "security_groups", "sg-task", egress=(https_from("10.0.0.0/16"),))
    trace = walked(tight, PUBLIC)
    assert trace.disposition == walked(broken, PUBLIC).disposition
    assert {hop.cause for hop in trace.hops if hop.cause} == {trace.disposition}


def test_a_group_that_lets_nothing_out_to_a_nat_gateway_is_still_judged() -> None:
    tight = change(BY_NAT_TOO, "security_groups", "sg-task", egress=(https_from("10.0.0.0/16"),))
    off = change(tight, "endpoints", "vpce-dkr", private_dns=False)
    assert walked(off, PUBLIC).disposition == "security-group-egress-blocks"


LATER = {
    "no egress": lambda vpc: change(vpc, "security_groups", "sg-task", egress=()),
    "no ingress": lambda vpc: change(vpc, "security_groups", "sg-endpoint", ingress=()),
    "acl": lambda vpc: change(vpc, "network_acls", "acl-endpoint", entries=()),
}


@pytest.mark.parametrize("later", LATER)
def test_what_lies_behind_a_name_that_leads_past_the_endpoint_is_seen_too(later: str) -> None:
    for first in (
        having(ENDPOINT_VPC, dns_hostnames=Known(value=False)),
        having(ENDPOINT_VPC, custom_resolvers=OTHERS),
        change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False),
    ):
        trace, alone = walked(LATER[later](first), PUBLIC), walked(LATER[later](ENDPOINT_VPC), AT_THE_ENDPOINT)
        causes = [hop.cause for hop in trace.hops if hop.cause]
        assert causes == [walked(first, PUBLIC).disposition, alone.disposition]


# Other resolvers


def test_other_resolvers_lead_a_served_name_out_of_sight() -> None:
    for resolvers in (OTHERS, UNREAD):
        assert_ends(having(ENDPOINT_VPC, custom_resolvers=resolvers), DKR, "undetermined", ("name", "vpc-1"))


def test_an_endpoints_own_address_shows_that_other_resolvers_led_there() -> None:
    vpc = having(ENDPOINT_VPC, custom_resolvers=OTHERS)
    assert hops_of(walked(vpc, AT_THE_ENDPOINT)) == BY_ENDPOINT


def test_other_resolvers_that_led_past_the_endpoint() -> None:
    vpc = having(ENDPOINT_VPC, custom_resolvers=OTHERS)
    assert_ends(vpc, PUBLIC, "custom-dns-breaks-name", ("route", "rtb-private"))
    assert walked(having(BY_NAT_TOO, custom_resolvers=OTHERS), PUBLIC).disposition == "reached"
    assert_ends(having(vpc, custom_resolvers=UNREAD), PUBLIC, "undetermined", ("name", "vpc-1"))


def test_a_public_address_is_from_before_where_amazons_resolver_leads_to_an_endpoint() -> None:
    assert hops_of(walked(ENDPOINT_VPC, PUBLIC)) == BY_ENDPOINT


def test_other_resolvers_matter_to_no_name_that_no_endpoint_serves() -> None:
    vpc = having(NAT_VPC, custom_resolvers=OTHERS)
    for flow in (DKR, HUB, S3):
        assert hops_of(walked(vpc, flow)) == BY_NAT


def test_dns_support_off_breaks_no_name_that_other_resolvers_answer() -> None:
    off = having(NAT_VPC, dns_support=Known(value=False))
    assert walked(having(off, custom_resolvers=OTHERS), HUB).disposition == "reached"
    assert_ends(having(off, custom_resolvers=UNREAD), HUB, "undetermined", ("name", "vpc-1"))


def test_the_attributes_are_named_before_the_resolvers() -> None:
    vpc = having(ENDPOINT_VPC, custom_resolvers=OTHERS, dns_hostnames=Known(value=False))
    assert_ends(vpc, PUBLIC, "vpc-dns-off", ("route", "rtb-private"))


# Private addresses


def test_a_private_address_elsewhere_is_not_the_endpoints() -> None:
    closed = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=())
    central = routes(closed, TO_GATEWAY, Route("10.9.0.0/16", "tgw-1", "active"))
    trace = walked(central, replace(DKR, address="10.9.0.7"))
    assert trace.disposition == "undetermined"
    assert hops_of(trace)[-1] == ("internet", "tgw-1", "unknown")


def test_a_private_address_of_the_vpc_that_no_endpoint_has_is_not_told() -> None:
    closed = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=())
    assert_ends(closed, replace(DKR, address="10.0.1.99"), "undetermined", ("name", None))


def test_layers_have_names_that_only_the_endpoint_of_s3_serves() -> None:
    vpc = add(ENDPOINT_VPC, "endpoints", replace(interface_endpoint("s3", 13), id="vpce-s3-interface"))
    assert hops_of(walked(vpc, S3))[0] == ("name", "vpce-s3-interface", "ok")
    assert hops_of(walked(vpc, replace(S3, host=LAYERS.replace(".s3.", ".s3.dualstack."))))[0] == (
        "name",
        "vpc-1",
        "ok",
    )
