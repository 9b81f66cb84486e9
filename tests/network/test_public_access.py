"""VPC Block Public Access on every way out, with its exclusions, and where it proves nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import AccessExclusion, BlockPublicAccess, NatGateway
from pull_doctor.network.vpc import Puller, Vpc
from tests.network.factory import (
    DKR,
    ENDPOINT_VPC,
    HUB,
    NAT_VPC,
    PUBLIC_VPC,
    PULLER,
    S3,
    WITH_PUBLIC_IP,
    change,
    hops_of,
    walked,
)
from tests.network.ways import BY_IGW, BY_NAT, UNREAD, assert_ends

EVERYTHING, INWARD = "block-bidirectional", "block-ingress"
BLOCKED = ("public-access", "111122223333")
REGIONAL = NatGateway("nat-1", "available", False, None, regional=True)  # noqa: FBT003 - `private`


def blocking(vpc: Vpc, mode: str, *exclusions: tuple[str, str]) -> Vpc:
    options = BlockPublicAccess(mode, tuple(AccessExclusion(*one) for one in exclusions))
    return replace(vpc, block_public_access=Known(options))


def test_nothing_is_said_where_nothing_is_blocked() -> None:
    assert hops_of(walked(blocking(NAT_VPC, "off"), HUB)) == BY_NAT


@pytest.mark.parametrize(("vpc", "puller"), [(NAT_VPC, PULLER), (PUBLIC_VPC, WITH_PUBLIC_IP)])
def test_everything_blocked_stops_every_gateway(vpc: Vpc, puller: Puller) -> None:
    why = assert_ends(blocking(vpc, EVERYTHING), HUB, "public-access-blocked", BLOCKED, puller)
    assert "block-bidirectional" in why


def test_ingress_blocked_stops_a_public_address_alone() -> None:
    assert_ends(blocking(PUBLIC_VPC, INWARD), HUB, "public-access-blocked", BLOCKED, WITH_PUBLIC_IP)
    trace = walked(blocking(NAT_VPC, INWARD), HUB)
    assert (trace.disposition, hops_of(trace)) == ("reached", [*BY_NAT, (*BLOCKED, "ok")])


def test_endpoints_are_not_affected() -> None:
    for flow in (DKR, S3):
        assert walked(blocking(ENDPOINT_VPC, EVERYTHING), flow).disposition == "reached"


@pytest.mark.parametrize("mode", [EVERYTHING, INWARD])
@pytest.mark.parametrize("excluded", ["vpc-1", "subnet-task"])
def test_an_exclusion_for_both_directions_opens_a_public_address(mode: str, excluded: str) -> None:
    vpc = blocking(PUBLIC_VPC, mode, (excluded, "allow-bidirectional"))
    trace = walked(vpc, HUB, WITH_PUBLIC_IP)
    assert (trace.disposition, hops_of(trace)) == ("reached", BY_IGW)


def test_an_exclusion_elsewhere_opens_nothing() -> None:
    vpc = blocking(NAT_VPC, EVERYTHING, ("vpc-2", "allow-bidirectional"), ("subnet-endpoint", "allow-egress"))
    assert_ends(vpc, HUB, "public-access-blocked", BLOCKED)


@pytest.mark.parametrize("mode", ["allow-bidirectional", "allow-egress"])
def test_a_nat_gateway_is_let_out_by_its_own_subnets_exclusion_and_the_pullers(mode: str) -> None:
    both = blocking(NAT_VPC, EVERYTHING, ("subnet-public", mode), ("subnet-task", mode))
    assert walked(both, HUB).disposition == "reached"
    whole = blocking(NAT_VPC, EVERYTHING, ("vpc-1", mode))
    assert walked(whole, HUB).disposition == "reached"
    pullers_alone = blocking(NAT_VPC, EVERYTHING, ("subnet-task", mode))
    assert_ends(pullers_alone, HUB, "public-access-blocked", BLOCKED)
    # That the puller's subnet needs one too is not documented.
    nats_alone = blocking(NAT_VPC, EVERYTHING, ("subnet-public", mode))
    assert_ends(nats_alone, HUB, "undetermined", BLOCKED)


def test_an_exclusion_outwards_may_not_do_for_a_public_address() -> None:
    vpc = blocking(PUBLIC_VPC, EVERYTHING, ("subnet-task", "allow-egress"))
    assert_ends(vpc, HUB, "undetermined", BLOCKED, WITH_PUBLIC_IP)
    # It changes nothing where what comes in is blocked alone.
    inward = blocking(PUBLIC_VPC, INWARD, ("subnet-task", "allow-egress"))
    assert_ends(inward, HUB, "public-access-blocked", BLOCKED, WITH_PUBLIC_IP)


def test_a_regional_nat_gateway_hangs_on_the_vpcs_exclusion() -> None:
    regional = replace(NAT_VPC, nat_gateways=Known((REGIONAL,)))
    assert_ends(blocking(regional, EVERYTHING), HUB, "public-access-blocked", BLOCKED)
    assert walked(blocking(regional, EVERYTHING, ("vpc-1", "allow-egress")), HUB).disposition == "reached"


def with_block(shown: str | None, **more: Any) -> Puller:
    return replace(WITH_PUBLIC_IP, subnet=replace(PULLER.subnet, gateway_block=shown, **more))


def test_what_ec2_shows_for_the_subnet_stands_in_for_settings_that_are_not_read() -> None:
    unread = replace(PUBLIC_VPC, block_public_access=UNREAD)
    assert_ends(unread, HUB, "public-access-blocked", BLOCKED, with_block(EVERYTHING))
    assert walked(unread, HUB, with_block("off")).disposition == "reached"
    assert_ends(unread, HUB, "undetermined", ("public-access", None), with_block(None))


@pytest.mark.parametrize(("mode", "shown"), [("off", EVERYTHING), (EVERYTHING, "off"), (INWARD, EVERYTHING)])
def test_what_ec2_shows_in_two_ways_proves_nothing(mode: str, shown: str) -> None:
    assert_ends(blocking(PUBLIC_VPC, mode), HUB, "undetermined", ("public-access", None), with_block(shown))


def test_what_agrees_is_proven() -> None:
    vpc = blocking(PUBLIC_VPC, EVERYTHING)
    assert_ends(vpc, HUB, "public-access-blocked", BLOCKED, with_block(EVERYTHING))
    let_out = blocking(NAT_VPC, EVERYTHING, ("vpc-1", "allow-egress"))
    assert walked(change(let_out, "subnets", "subnet-public", gateway_block=INWARD), HUB).disposition == "reached"


def test_the_setting_of_a_shared_subnets_account_is_not_visible() -> None:
    shared = with_block("off", owner="444455556666")
    assert_ends(blocking(PUBLIC_VPC, EVERYTHING), HUB, "undetermined", ("public-access", None), shared)
