"""Which prefix lists are read: those that the way may hang on, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import GroupRule, NatGateway, Route
from pull_doctor.network.prefix_lists import named_on_the_way
from pull_doctor.network.vpc import Vpc
from tests.network.factory import ENDPOINT_VPC, GATEWAY, NAT_VPC, PULLER, TO_IGW, TO_NAT, add, change, having, routes

OWN = Route("pl-own", "nat-1", "active")


def named(vpc: Vpc, *services: str) -> tuple[str, ...]:
    return named_on_the_way(PULLER, vpc, services)


def listing(vpc: Vpc, group: str, direction: str, prefix_list: str) -> Vpc:
    rule = GroupRule("tcp", (443, 443), prefix_lists=(prefix_list,))
    return change(vpc, "security_groups", group, **{direction: (rule,)})


def test_a_vpc_that_names_none_has_none() -> None:
    assert named(NAT_VPC) == named(ENDPOINT_VPC, "ecr.dkr") == ()


def test_the_pullers_own_routes() -> None:
    assert named(routes(NAT_VPC, OWN, TO_NAT)) == ("pl-own",)
    assert named(routes(NAT_VPC, OWN, table="rtb-main")) == ()


def test_the_routes_of_the_nat_gateway_that_its_routes_lead_to() -> None:
    behind = routes(NAT_VPC, Route("pl-far", "igw-1", "active"), table="rtb-public")
    assert named(behind) == ("pl-far",)
    assert named(routes(behind, TO_IGW)) == ()
    regional = NatGateway("nat-1", "available", private=False, regional=True, route_table="rtb-public")
    assert named(having(behind, nat_gateways=Known((regional,)))) == ("pl-far",)
    assert named(having(behind, nat_gateways=Known((replace(regional, route_table=None),)))) == ()


@pytest.mark.parametrize("route", [Route("pl-dynamodb", "vpce-s3", "active"), Route("pl-any", "VpcLattice", "active")])
def test_a_route_to_a_gateway_endpoint_or_to_lattice_serves_others(route: Route) -> None:
    assert named(routes(add(NAT_VPC, "endpoints", GATEWAY), TO_NAT, route)) == ()


def test_amazon_s3s_own_is_read_elsewhere() -> None:
    to_s3 = routes(NAT_VPC, Route("pl-s3", "tgw-1", "active"))
    assert named(to_s3) == ()
    assert named(replace(to_s3, s3_prefix_list=Unknown("the S3 prefix list", "denied"))) == ("pl-s3",)


def test_the_rules_of_groups_in_the_direction_of_the_pull() -> None:
    assert named(listing(ENDPOINT_VPC, "sg-task", "egress", "pl-out")) == ("pl-out",)
    assert named(listing(ENDPOINT_VPC, "sg-task", "ingress", "pl-in")) == ()
    endpoint = listing(ENDPOINT_VPC, "sg-endpoint", "ingress", "pl-in")
    assert named(endpoint, "ecr.dkr", "s3") == ("pl-in",)
    assert named(endpoint, "s3") == ()
    assert named(listing(ENDPOINT_VPC, "sg-endpoint", "egress", "pl-out"), "ecr.dkr") == ()


def test_each_is_named_once() -> None:
    twice = listing(routes(NAT_VPC, OWN), "sg-task", "egress", "pl-own")
    assert named(twice) == ("pl-own",)


@pytest.mark.parametrize("fact", ["route_tables", "security_groups", "nat_gateways", "endpoints"])
def test_what_is_not_read_names_none(fact: str) -> None:
    vpc = listing(routes(NAT_VPC, OWN), "sg-task", "egress", "pl-out")
    left = set(named(having(vpc, **{fact: Unknown(f"the {fact}", "denied")})))
    assert left == {"pl-own", "pl-out"} - {"route_tables": {"pl-own"}, "security_groups": {"pl-out"}}.get(fact, set())
