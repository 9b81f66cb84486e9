"""Walks to an endpoint inside the VPC: routes narrower than ``local``, and the ACL of the dialled interface."""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.facts.values import NetworkInterface, Route
from tests.network.factory import DKR, ENDPOINT_VPC, LOCAL, TO_GATEWAY, add, change, hops_of, routes, walked
from tests.network.ways import BY_ENDPOINT, assert_ends

TWO = add(
    change(
        ENDPOINT_VPC,
        "endpoints",
        "vpce-dkr",
        subnets=("subnet-endpoint", "subnet-public"),
        interfaces=("eni-dkr", "eni-other"),
    ),
    "endpoint_interfaces",
    NetworkInterface("eni-other", "subnet-public", ("sg-endpoint",), "10.0.3.12", None),
)


def test_the_acl_of_the_dialled_interface_alone_counts() -> None:
    vpc = change(TWO, "network_acls", "acl-endpoint", entries=())
    at = ("endpoint-network-acl", "acl-endpoint")
    assert_ends(vpc, replace(DKR, address="10.0.2.12"), "network-acl-blocks", at)
    assert walked(vpc, replace(DKR, address="10.0.3.12")).disposition == "reached"
    assert_ends(vpc, DKR, "undetermined", at)


def test_a_firewall_between_two_subnets_is_the_end_of_sight() -> None:
    vpc = routes(ENDPOINT_VPC, Route("10.0.2.0/24", "vpce-firewall", "active"), TO_GATEWAY)
    assert_ends(vpc, DKR, "undetermined", ("internet", "vpce-firewall"))
    elsewhere = routes(ENDPOINT_VPC, Route("10.0.9.0/24", "vpce-firewall", "active"), TO_GATEWAY)
    assert hops_of(walked(elsewhere, DKR)) == BY_ENDPOINT


def test_a_dead_route_between_two_subnets_drops_what_it_takes() -> None:
    vpc = routes(ENDPOINT_VPC, Route("10.0.2.0/24", "eni-gone", "blackhole"), TO_GATEWAY)
    assert_ends(vpc, DKR, "blackhole-route", ("route", "rtb-private"))


def test_an_endpoint_with_interfaces_on_both_sides_of_a_firewall() -> None:
    vpc = routes(TWO, Route("10.0.2.0/24", "vpce-firewall", "active"), TO_GATEWAY)
    assert_ends(vpc, DKR, "undetermined", ("route", "rtb-private"))
    assert walked(vpc, replace(DKR, address="10.0.3.12")).disposition == "reached"


def test_a_local_route_that_was_given_another_target() -> None:
    dead = Route(LOCAL.destination, "eni-gone", "blackhole")
    vpc = change(ENDPOINT_VPC, "route_tables", "rtb-private", routes=(dead, TO_GATEWAY))
    assert_ends(vpc, DKR, "blackhole-route", ("route", "rtb-private"))
