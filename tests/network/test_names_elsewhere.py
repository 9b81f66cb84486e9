"""Names that led to an address which nothing here accounts for, and rules that do or do not forward."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import ResolverRule, Route
from pull_doctor.network.vpc import Puller, Vpc
from tests.network.factory import (
    DKR,
    ENDPOINT_VPC,
    HUB,
    NAT_VPC,
    PUBLIC_VPC,
    PULLER,
    TO_NAT,
    WITH_PUBLIC_IP,
    having,
    routes,
    walked,
)
from tests.network.ways import assert_ends

FAR = replace(DKR, address="10.9.0.7")
FORWARD = ResolverRule("rslvr-rr-1", "amazonaws.com", "FORWARD", ("10.9.0.53",))
OTHERS = Known(("10.9.0.53",))


@pytest.mark.parametrize(("vpc", "puller"), [(NAT_VPC, PULLER), (PUBLIC_VPC, WITH_PUBLIC_IP)], ids=["nat", "igw"])
def test_a_way_to_the_internet_is_none_to_a_private_address(vpc: Vpc, puller: Puller) -> None:
    others = having(vpc, custom_resolvers=OTHERS)
    assert "no route is seen to lead" in assert_ends(others, FAR, "undetermined", ("name", None), puller)
    # Amazon's own resolver leads the name elsewhere by now.
    assert walked(vpc, FAR, puller).disposition == "reached"


def test_nobody_is_blamed_for_the_public_way_that_a_private_address_did_not_take() -> None:
    private = replace(HUB, host="registry.corp.example", address="10.9.0.7")
    for vpc in (PUBLIC_VPC, having(PUBLIC_VPC, custom_resolvers=OTHERS)):
        for flow in (FAR, private):
            assert_ends(vpc, flow, "undetermined", ("name", None))


def test_a_private_address_that_no_route_takes_has_no_way() -> None:
    assert_ends(routes(NAT_VPC), FAR, "no-route-to-registry", ("route", "rtb-private"))


def test_a_private_address_behind_a_transit_gateway_is_followed_to_there() -> None:
    hub = routes(NAT_VPC, TO_NAT, Route("10.0.0.0/8", "tgw-1", "active"))
    assert_ends(hub, FAR, "undetermined", ("internet", "tgw-1"))


def test_a_rule_for_everything_beside_the_one_that_every_vpc_has() -> None:
    own = ResolverRule("rslvr-autodefined-rr-internet-resolver", "", "RECURSIVE")
    everything = replace(FORWARD, domain="")
    for rules in ((own, everything), (everything, own)):
        vpc = having(NAT_VPC, resolver_rules=Known(rules))
        assert_ends(vpc, DKR, "undetermined", ("name", "rslvr-rr-1"))
    assert walked(having(NAT_VPC, resolver_rules=Known((own,))), DKR).disposition == "reached"


def test_a_rule_forwards_without_dns_hostnames_too_even_what_an_endpoint_would_serve() -> None:
    for vpc in (NAT_VPC, ENDPOINT_VPC):
        off = having(vpc, resolver_rules=Known((FORWARD,)), dns_hostnames=Known(value=False))
        assert_ends(off, DKR, "undetermined", ("name", "rslvr-rr-1"))
    unsupported = having(NAT_VPC, resolver_rules=Known((FORWARD,)), dns_support=Known(value=False))
    assert walked(unsupported, DKR).disposition == "vpc-dns-off"


def test_a_rule_is_not_blamed_for_a_name_that_an_endpoint_answers_before_it() -> None:
    vpc = having(ENDPOINT_VPC, resolver_rules=Known((FORWARD,)))
    assert walked(vpc, FAR).disposition == "reached"
    narrow = having(ENDPOINT_VPC, resolver_rules=Known((replace(FORWARD, domain=DKR.host),)))
    assert walked(narrow, FAR).disposition == "resolver-rule-misroutes"
