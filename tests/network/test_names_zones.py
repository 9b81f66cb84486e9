"""Names that hosted zones, Resolver rules, and DNS Firewall lead or stop; and whose the dialled address was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import (
    DnsFirewall,
    FirewallRule,
    HostedZone,
    NetworkInterface,
    ResolverRule,
    Route,
    VpcEndpoint,
    ZoneRecord,
)
from pull_doctor.network.vpc import Vpc
from tests.network.factory import (
    ACCOUNT,
    API,
    DKR,
    ENDPOINT_VPC,
    HUB,
    NAT_VPC,
    REGION,
    REGISTRY,
    S3,
    S3_CIDRS,
    TO_GATEWAY,
    TO_NAT,
    add,
    change,
    drop,
    having,
    hops_of,
    routes,
    walked,
)
from tests.network.ways import BY_ENDPOINT, BY_NAT, UNREAD, assert_ends

DOMAIN = f"dkr.ecr.{REGION}.amazonaws.com"
OFF = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False)
CENTRAL = Route("10.9.0.0/16", "tgw-1", "active")
SHADOWS = "private-hosted-zone-shadows"


def zoned(vpc: Vpc, *records: ZoneRecord, name: str = DOMAIN, **more: Any) -> Vpc:
    zone = replace(HostedZone("Z1", name, ACCOUNT, records), **more)
    return having(vpc, hosted_zones=Known((zone,)))


def leads(*values: str, name: str = f"*.{DOMAIN}", kind: str = "A") -> ZoneRecord:
    return ZoneRecord(name, kind, values)


# Zones


@pytest.mark.parametrize("answer", ["10.0.2.12", "vpce-dkr-9x8y.dkr.ecr.eu-west-1.vpce.amazonaws.com"])
def test_a_zone_replaces_private_dns(answer: str) -> None:
    kind = "A" if answer[0] == "1" else "CNAME"
    trace = walked(zoned(OFF, leads(answer, kind=kind)), DKR)
    assert hops_of(trace) == [("name", "Z1", "ok"), *BY_ENDPOINT[1:]]
    assert trace.disposition == "reached"
    assert "vpce-dkr" in trace.hops[0].why


def test_what_stands_behind_a_zone_is_judged() -> None:
    closed = change(OFF, "security_groups", "sg-endpoint", ingress=())
    assert walked(zoned(closed, leads("10.0.2.12")), DKR).disposition == "endpoint-security-group-blocks"


def test_a_zone_without_a_record_hides_the_name_also_from_a_nat_gateway() -> None:
    for vpc, behind in ((NAT_VPC, BY_NAT), (OFF, None)):
        trace = walked(zoned(vpc), DKR)
        assert hops_of(trace)[0] == ("name", "Z1", "fail")
        assert (trace.disposition, trace.hops[0].cause) == (SHADOWS, SHADOWS)
        if behind:
            assert hops_of(trace)[1:] == behind[1:]
    assert walked(zoned(NAT_VPC, name="example.com"), DKR).disposition == "reached"
    assert walked(zoned(NAT_VPC), API).disposition == "reached"


def test_a_more_specific_zone_goes_before_private_dns_and_a_shorter_one_behind_it() -> None:
    assert walked(zoned(ENDPOINT_VPC, name=REGISTRY), DKR).disposition == SHADOWS
    for name in (DOMAIN, "amazonaws.com"):
        assert hops_of(walked(zoned(ENDPOINT_VPC, name=name), DKR)) == BY_ENDPOINT


def test_zones_need_both_attributes() -> None:
    off = having(zoned(NAT_VPC), dns_hostnames=Known(value=False))
    assert hops_of(walked(off, DKR)) == BY_NAT
    assert_ends(having(zoned(NAT_VPC), dns_hostnames=UNREAD), DKR, "undetermined", ("name", "Z1"))


def test_a_zone_that_leads_to_an_endpoint_of_another_service() -> None:
    trace = walked(zoned(OFF, leads("10.0.2.11")), DKR)
    assert trace.disposition == SHADOWS
    assert "vpce-api" in trace.hops[0].why


def test_a_zone_that_leads_to_a_customers_own_endpoint_service() -> None:
    own = VpcEndpoint(
        "vpce-own",
        "Interface",
        f"com.amazonaws.vpce.{REGION}.vpce-svc-1",
        "available",
        subnets=("subnet-endpoint",),
        groups=("sg-endpoint",),
        interfaces=("eni-own",),
    )
    vpc = add(
        add(OFF, "endpoints", own),
        "endpoint_interfaces",
        NetworkInterface("eni-own", "subnet-endpoint", (), "10.0.2.40", None),
    )
    assert walked(zoned(vpc, leads("10.0.2.40")), DKR).disposition == "reached"
    hub = zoned(vpc, leads("10.0.2.40", name="registry-1.docker.io"), name="docker.io")
    assert walked(hub, HUB).disposition == "reached"


def test_a_central_endpoint_is_never_an_accusation() -> None:
    vpc = zoned(routes(OFF, TO_GATEWAY, CENTRAL), leads("10.9.0.7"))
    trace = walked(vpc, DKR)
    assert trace.disposition == "undetermined"
    assert hops_of(trace)[-1] == ("internet", "tgw-1", "unknown")
    without_route = zoned(OFF, leads("10.9.0.7"))
    assert_ends(without_route, DKR, "undetermined", ("name", "Z1"))
    by_nat = zoned(NAT_VPC, leads("10.9.0.7"))
    assert_ends(by_nat, DKR, "undetermined", ("name", "Z1"))


@pytest.mark.parametrize("answer", ["10.0.2.99", "registry.example.com"])
def test_an_answer_that_is_nobodys_here_is_not_told(answer: str) -> None:
    assert_ends(zoned(OFF, leads(answer)), DKR, "undetermined", ("name", "Z1"))


def test_public_addresses_that_a_zone_keeps_may_be_old() -> None:
    trace = walked(zoned(NAT_VPC, leads("52.1.2.3")), DKR)
    assert hops_of(trace) == [("name", "Z1", "unknown"), *BY_NAT[1:]]


def test_records_that_are_not_shown() -> None:
    for vpc in (OFF, NAT_VPC):
        why = assert_ends(zoned(vpc, owner="999988887777", records=None), DKR, "undetermined", ("name", "Z1"))
        assert "999988887777" in why


@pytest.mark.parametrize("vpc", [ENDPOINT_VPC, OFF, NAT_VPC, routes(NAT_VPC)], ids=["on", "off", "nat", "nowhere"])
def test_the_zone_of_an_endpoints_private_dns_changes_nothing(vpc: Vpc) -> None:
    """AWS owns it, and shows no records of it; it is listed beside the endpoint for a while after that is gone."""
    names = (REGISTRY, DOMAIN, f"api.ecr.{REGION}.amazonaws.com", f"s3.{REGION}.amazonaws.com", "amazonaws.com")
    zones = tuple(HostedZone(f"Z{name}", name, "vpce.amazonaws.com", None) for name in names)
    for flow in (API, DKR, S3, replace(DKR, address="10.0.2.12"), replace(DKR, address="34.255.83.146")):
        assert walked(having(vpc, hosted_zones=Known(zones)), flow) == walked(vpc, flow)


@pytest.mark.parametrize("fact", ["dns_support", "dns_hostnames", "hosted_zones", "resolver_rules"])
def test_the_address_of_another_services_endpoint_accuses_nothing_on_the_way_to_it(fact: str) -> None:
    """A rule led the name there: unread, it leaves open whether the address is the one to look at."""
    rule = ResolverRule("rslvr-rr-1", "amazonaws.com", "FORWARD", ("10.9.0.53",))
    closed = having(change(ENDPOINT_VPC, "network_acls", "acl-task", entries=()), resolver_rules=Known((rule,)))
    told = replace(S3, address="10.0.2.12")
    assert walked(closed, told).disposition == "resolver-rule-misroutes"
    assert_ends(having(closed, **{fact: UNREAD}), told, "undetermined", ("name", "vpc-1"))


@pytest.mark.parametrize("vpc", [ENDPOINT_VPC, NAT_VPC, routes(ENDPOINT_VPC, TO_GATEWAY, CENTRAL)])
@pytest.mark.parametrize("address", [None, "10.0.2.12", "34.255.83.146"])
def test_zones_that_are_not_read_accuse_nobody(vpc: Vpc, address: str | None) -> None:
    for flow in (API, DKR, S3):
        trace = walked(having(vpc, hosted_zones=UNREAD), replace(flow, address=address))
        assert {hop.cause for hop in trace.hops} == {None}


def test_zones_that_are_not_read_end_sight_where_they_could_lead_elsewhere() -> None:
    central = routes(NAT_VPC, CENTRAL)
    for vpc in (OFF, central):
        assert_ends(having(vpc, hosted_zones=UNREAD), DKR, "undetermined", ("name", "vpc-1"))
    nowhere = walked(having(routes(NAT_VPC), hosted_zones=UNREAD), DKR)
    assert nowhere.disposition == "no-route-to-registry"
    assert walked(having(NAT_VPC, hosted_zones=UNREAD), DKR).disposition == "undetermined"


def test_a_private_registry_that_a_zone_leads_to() -> None:
    private = replace(HUB, host="harbor.corp.example")
    vpc = zoned(routes(NAT_VPC, TO_NAT, CENTRAL), leads("10.9.0.7", name=private.host), name="corp.example")
    assert hops_of(walked(vpc, private))[-1] == ("internet", "tgw-1", "unknown")
    assert walked(zoned(vpc, name="corp.example"), private).disposition == SHADOWS


def test_other_resolvers_may_not_know_the_zone() -> None:
    others = having(zoned(OFF, leads("10.0.2.12")), custom_resolvers=Known(("10.9.0.53",)))
    assert_ends(others, DKR, "undetermined", ("name", "vpc-1"))
    public = replace(DKR, address="34.255.83.146")
    assert walked(others, public).disposition == "custom-dns-breaks-name"
    assert hops_of(walked(zoned(OFF, leads("10.0.2.12")), public))[0] == ("name", "Z1", "ok")


def test_s3_is_missing_where_the_registry_comes_by_a_zone() -> None:
    isolated = drop(routes(OFF), "endpoints", "vpce-s3")
    assert walked(isolated, S3).disposition == "no-route-to-registry"
    assert walked(zoned(isolated, leads("10.0.2.12")), S3).disposition == "s3-endpoint-missing"


# DNS Firewall and Resolver rules


def walled(vpc: Vpc, action: str, *domains: str) -> Vpc:
    rule = FirewallRule("rslvr-frg-1", 100, action, "rslvr-fdl-1", "NXDOMAIN", domains or None)
    return having(vpc, dns_firewall=Known(DnsFirewall((rule,))))


@pytest.mark.parametrize("vpc", [NAT_VPC, ENDPOINT_VPC])
def test_dns_firewall_stops_a_name_wherever_it_leads(vpc: Vpc) -> None:
    trace = walked(walled(vpc, "BLOCK", f"*.{DOMAIN}"), DKR)
    assert hops_of(trace)[0] == ("name", "rslvr-frg-1", "fail")
    assert trace.disposition == "dns-firewall-blocks"
    assert hops_of(trace)[1:] == hops_of(walked(vpc, DKR))[1:]
    for action in ("ALLOW", "ALERT"):
        assert walked(walled(vpc, action, "*"), DKR).disposition == "reached"
    assert_ends(walled(vpc, "BLOCK"), DKR, "undetermined", ("name", "rslvr-frg-1"))
    shown = replace(DKR, address="52.1.2.3")
    assert walked(walled(vpc, "BLOCK", "*"), shown).disposition == walked(vpc, shown).disposition


def test_other_resolvers_may_pass_dns_firewall_by() -> None:
    others = having(walled(NAT_VPC, "BLOCK", "*"), custom_resolvers=Known(("10.9.0.53",)))
    assert_ends(others, DKR, "undetermined", ("name", "vpc-1"))


def test_dns_support_off_is_named_before_dns_firewall() -> None:
    off = having(walled(NAT_VPC, "BLOCK", "*"), dns_support=Known(value=False))
    assert walked(off, DKR).disposition == "vpc-dns-off"


def test_a_rule_forwards_out_of_sight_what_no_endpoint_or_zone_answers() -> None:
    rule = ResolverRule("rslvr-rr-1", "amazonaws.com", "FORWARD", ("10.9.0.53",))
    rules = Known((rule,))
    assert_ends(having(NAT_VPC, resolver_rules=rules), DKR, "undetermined", ("name", "rslvr-rr-1"))
    assert hops_of(walked(having(NAT_VPC, resolver_rules=rules), HUB)) == BY_NAT
    assert hops_of(walked(having(ENDPOINT_VPC, resolver_rules=rules), DKR)) == BY_ENDPOINT
    system = Known((rule, ResolverRule("rslvr-rr-2", f"{REGION}.amazonaws.com", "SYSTEM")))
    assert hops_of(walked(having(NAT_VPC, resolver_rules=system), DKR)) == BY_NAT
    zone = having(zoned(OFF, leads("10.0.2.12")), resolver_rules=rules)
    assert walked(zone, DKR).disposition == "reached"


# Whose address


def test_a_zone_or_a_rule_that_led_to_where_nothing_serves() -> None:
    stale = replace(DKR, address="10.0.2.99")
    assert walked(zoned(OFF, leads("10.0.2.99")), stale).disposition == SHADOWS
    far = replace(DKR, address="10.9.0.7")
    assert walked(zoned(NAT_VPC, leads("10.9.0.7")), far).disposition == SHADOWS
    hub = zoned(routes(NAT_VPC, TO_NAT, CENTRAL), leads("10.9.0.7"))
    assert walked(hub, far).disposition == "undetermined"
    rule = ResolverRule("rslvr-rr-1", "amazonaws.com", "FORWARD", ("10.9.0.53",))
    forwarded = having(NAT_VPC, resolver_rules=Known((rule,)))
    assert walked(forwarded, far).disposition == "resolver-rule-misroutes"
    wrong = replace(DKR, address="10.0.2.11")
    assert walked(zoned(OFF, leads("10.0.2.11")), wrong).disposition == SHADOWS


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("10.0.2.12", "its interface eni-dkr"),
        ("10.0.2.77", "one of its subnets"),
    ],
)
def test_an_address_of_an_endpoint(address: str, says: str) -> None:
    name = walked(ENDPOINT_VPC, replace(DKR, address=address)).hops[0]
    assert (name.resource.id if name.resource else None, name.verdict) == ("vpce-dkr", "ok")
    assert says in name.why


@pytest.mark.parametrize(
    ("flow", "address", "says"),
    [
        (S3, S3_CIDRS[0].replace(".0.0/17", ".1.2"), f"an address of Amazon S3 in {REGION}"),
        (DKR, S3_CIDRS[0].replace(".0.0/17", ".1.2"), f"an address of Amazon S3 in {REGION}"),
        (S3, "34.255.83.146", "not among those of Amazon S3"),
        (DKR, "34.255.83.146", "a public address,"),
    ],
)
def test_a_public_address_is_placed(flow: Any, address: str, says: str) -> None:
    trace = walked(NAT_VPC, replace(flow, address=address))
    assert says in trace.hops[0].why
    assert trace.disposition == "reached"


@pytest.mark.parametrize("address", ["169.254.169.253", "10.0.0.2", "10.9.0.53"])
def test_the_address_of_a_resolver_is_not_the_hosts(address: str) -> None:
    vpc = having(NAT_VPC, custom_resolvers=Known(("10.9.0.53",)))
    assert "resolver" in assert_ends(vpc, replace(DKR, address=address), "undetermined", ("name", "vpc-1"))
