"""Walks through network ACLs and security groups, hop by hop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import (
    GroupRule,
    NetworkInterface,
    SecurityGroup,
)
from pull_doctor.network.flows import Flow
from tests.network.factory import (
    API,
    DKR,
    ENDPOINT_VPC,
    NAT_VPC,
    OPEN_ACL,
    PULLER,
    S3,
    S3_CIDRS,
    TO_NAT,
    add,
    change,
    drop,
    entry,
    hops_of,
    https_from,
    routes,
    walked,
)
from tests.network.ways import BY_ENDPOINT, UNREAD, assert_ends

# Filters


@pytest.mark.parametrize(
    ("acl", "step", "kept"),
    [
        ("acl-task", "network-acl", "ingress"),
        ("acl-task", "network-acl", "egress"),
        ("acl-public", "nat-network-acl", "ingress"),
        ("acl-public", "nat-network-acl", "egress"),
    ],
)
def test_an_acl_denies_what_no_rule_allows_on_the_way_to_the_nat(acl: str, step: str, kept: str) -> None:
    vpc = change(NAT_VPC, "network_acls", acl, entries=(OPEN_ACL[kept == "ingress"],))
    why = assert_ends(vpc, DKR, "network-acl-blocks", (step, acl))
    assert f"{acl} rule * denies" in why


@pytest.mark.parametrize("acl", ["acl-task", "acl-endpoint"])
@pytest.mark.parametrize("kept", ["ingress", "egress"])
def test_an_acl_denies_what_no_rule_allows_on_the_way_to_an_endpoint(acl: str, kept: str) -> None:
    vpc = change(ENDPOINT_VPC, "network_acls", acl, entries=(OPEN_ACL[kept == "ingress"],))
    step = "network-acl" if acl == "acl-task" else "endpoint-network-acl"
    assert_ends(vpc, DKR, "network-acl-blocks", (step, acl))


def test_the_first_matching_rule_by_number_decides() -> None:
    deny = entry(90, egress=True, allow=False, ports=(443, 443))
    vpc = change(NAT_VPC, "network_acls", "acl-task", entries=(*OPEN_ACL, deny))
    assert "acl-task rule 90 denies tcp 443 out to" in assert_ends(
        vpc, DKR, "network-acl-blocks", ("network-acl", "acl-task")
    )
    later = change(NAT_VPC, "network_acls", "acl-task", entries=(replace(deny, number=110), *OPEN_ACL))
    assert walked(later, DKR).disposition == "reached"


def test_a_udp_deny_does_not_matter() -> None:
    deny = entry(1, egress=True, allow=False, protocol="17")
    vpc = change(NAT_VPC, "network_acls", "acl-task", entries=(deny, *OPEN_ACL))
    assert walked(vpc, DKR).disposition == "reached"


def test_the_replies_need_the_pullers_ports() -> None:
    narrow = (OPEN_ACL[0], entry(100, egress=False, allow=True, ports=(32768, 60999)))
    vpc = change(NAT_VPC, "network_acls", "acl-task", entries=narrow)
    assert walked(vpc, DKR).disposition == "reached"
    windows = replace(PULLER, reply_ports=(49152, 65535))
    assert_ends(vpc, DKR, "undetermined", ("network-acl", "acl-task"), windows)
    only_443 = (OPEN_ACL[0], entry(100, egress=False, allow=True, ports=(443, 443)))
    why = assert_ends(
        change(NAT_VPC, "network_acls", "acl-task", entries=only_443),
        DKR,
        "network-acl-blocks",
        ("network-acl", "acl-task"),
    )
    assert "denies tcp 32768-60999 in from" in why


def test_a_deny_of_some_addresses_leaves_it_open() -> None:
    deny = entry(1, egress=True, allow=False, cidr="52.0.0.0/8")
    vpc = change(NAT_VPC, "network_acls", "acl-task", entries=(deny, *OPEN_ACL))
    assert_ends(vpc, DKR, "undetermined", ("network-acl", "acl-task"))
    assert_ends(vpc, replace(DKR, address="52.1.2.3"), "network-acl-blocks", ("network-acl", "acl-task"))


def test_the_nat_gateways_acl_is_judged_for_the_dialled_address() -> None:
    deny = entry(1, egress=True, allow=False, cidr="52.0.0.0/8")
    vpc = change(NAT_VPC, "network_acls", "acl-public", entries=(deny, *OPEN_ACL))
    assert_ends(vpc, DKR, "undetermined", ("nat-network-acl", "acl-public"))
    assert_ends(vpc, replace(DKR, address="52.1.2.3"), "network-acl-blocks", ("nat-network-acl", "acl-public"))
    assert walked(vpc, replace(DKR, address="3.1.2.3")).disposition == "reached"


def test_no_acl_filters_inside_one_subnet() -> None:
    closed = change(ENDPOINT_VPC, "network_acls", "acl-task", entries=())
    here = change(closed, "endpoints", "vpce-dkr", subnets=("subnet-task",))
    here = change(here, "endpoint_interfaces", "eni-dkr", subnet="subnet-task", private_ip="10.0.1.12")
    trace = walked(here, DKR)
    assert hops_of(trace) == [BY_ENDPOINT[0], BY_ENDPOINT[1], BY_ENDPOINT[3], BY_ENDPOINT[4]]
    assert trace.disposition == "reached"


def test_an_endpoint_in_both_subnets_leaves_a_closed_acl_open() -> None:
    closed = change(ENDPOINT_VPC, "network_acls", "acl-task", entries=())
    both = change(
        closed, "endpoints", "vpce-dkr", subnets=("subnet-endpoint", "subnet-task"), interfaces=("a", "eni-dkr")
    )
    both = add(both, "endpoint_interfaces", NetworkInterface("a", "subnet-task", (), "10.0.1.12", None))
    assert_ends(both, DKR, "undetermined", ("network-acl", "acl-task"))


def test_an_endpoint_in_another_zone_serves_the_whole_vpc() -> None:
    zones = {one.id: one.zone for one in ENDPOINT_VPC.subnets.value} if isinstance(ENDPOINT_VPC.subnets, Known) else {}
    assert zones["subnet-task"] != zones["subnet-endpoint"]
    assert walked(ENDPOINT_VPC, DKR).disposition == "reached"


@pytest.mark.parametrize("flow", [DKR, S3])
def test_groups_without_any_outbound_rule_block(flow: Flow) -> None:
    vpc = change(NAT_VPC, "security_groups", "sg-task", egress=())
    assert_ends(vpc, flow, "security-group-egress-blocks", ("security-group", "sg-task"))


def test_egress_to_the_endpoints_group_is_no_egress_to_s3() -> None:
    vpc = change(
        ENDPOINT_VPC, "security_groups", "sg-task", egress=(GroupRule("tcp", (443, 443), (), ("sg-endpoint",)),)
    )
    assert walked(vpc, DKR).disposition == "reached"
    assert_ends(vpc, S3, "security-group-egress-blocks", ("security-group", "sg-task"))


def test_egress_to_the_prefix_list_of_s3() -> None:
    rule = GroupRule("tcp", (443, 443), (), (), ("pl-s3",))
    vpc = change(ENDPOINT_VPC, "security_groups", "sg-task", egress=(rule,))
    assert walked(vpc, S3).disposition == "reached"
    assert_ends(vpc, API, "security-group-egress-blocks", ("security-group", "sg-task"))
    other = change(vpc, "security_groups", "sg-task", egress=(replace(rule, prefix_lists=("pl-own",)),))
    assert_ends(other, API, "undetermined", ("security-group", "sg-task"))
    unread = replace(vpc, s3_prefix_list=UNREAD)
    assert_ends(unread, S3, "undetermined", ("security-group", "sg-task"))


def test_egress_to_the_addresses_of_s3() -> None:
    vpc = change(ENDPOINT_VPC, "security_groups", "sg-task", egress=(https_from(*S3_CIDRS),))
    assert walked(vpc, S3).disposition == "reached"
    some = change(ENDPOINT_VPC, "security_groups", "sg-task", egress=(https_from(S3_CIDRS[0]),))
    assert_ends(some, S3, "undetermined", ("security-group", "sg-task"))


@pytest.mark.parametrize(
    "rule",
    [
        https_from("10.0.1.10/32"),
        https_from("0.0.0.0/0"),
        GroupRule("tcp", (443, 443), (), ("sg-task",)),
        GroupRule("-1", None, (), ("sg-task",)),
        GroupRule("tcp", (1, 1024), ("10.0.1.0/24",)),
    ],
)
def test_the_endpoints_group_lets_in(rule: GroupRule) -> None:
    vpc = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=(rule,))
    assert walked(vpc, DKR).disposition == "reached"


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (GroupRule("-1", None, (), ("sg-endpoint",)),),
        (https_from("10.0.2.0/24"),),
        (GroupRule("udp", (443, 443), ("0.0.0.0/0",)),),
        (GroupRule("tcp", (80, 80), ("0.0.0.0/0",)),),
    ],
)
def test_the_endpoints_group_keeps_out(rules: tuple[GroupRule, ...]) -> None:
    vpc = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=rules)
    why = assert_ends(vpc, DKR, "endpoint-security-group-blocks", ("endpoint-security-group", "sg-endpoint"))
    assert "10.0.1.10" in why


def test_the_endpoints_group_lets_in_a_prefix_list_that_is_not_read() -> None:
    rule = GroupRule("tcp", (443, 443), (), (), ("pl-own",))
    vpc = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=(rule,))
    assert_ends(vpc, DKR, "undetermined", ("endpoint-security-group", "sg-endpoint"))


def test_one_of_several_groups_of_an_endpoint_suffices() -> None:
    vpc = change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=())
    vpc = add(vpc, "security_groups", SecurityGroup("sg-more", (https_from("10.0.0.0/16"),), ()))
    vpc = change(vpc, "endpoints", "vpce-dkr", groups=("sg-endpoint", "sg-more"))
    assert walked(vpc, DKR).disposition == "reached"


def test_a_group_that_is_not_shown_leaves_it_open() -> None:
    vpc = drop(ENDPOINT_VPC, "security_groups", "sg-endpoint")
    assert_ends(vpc, DKR, "undetermined", ("endpoint-security-group", None))
    vpc = drop(NAT_VPC, "security_groups", "sg-task")
    assert_ends(vpc, DKR, "undetermined", ("security-group", None))


def test_a_broken_endpoint_is_not_bypassed_by_a_working_nat() -> None:
    vpc = replace(routes(ENDPOINT_VPC, TO_NAT), nat_gateways=NAT_VPC.nat_gateways)
    vpc = change(vpc, "security_groups", "sg-endpoint", ingress=())
    assert walked(vpc, DKR).disposition == "endpoint-security-group-blocks"
