"""Which zone, rule, or DNS Firewall rule decides about a name."""

from __future__ import annotations

import pytest

from pull_doctor.facts.values import DnsFirewall, FirewallRule, HostedZone, ResolverRule, ZoneRecord
from pull_doctor.network.lookups import answers_of, delegated, firewall_rule, forwarding_rule, matches, zone_of

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
REGION = "eu-west-1.amazonaws.com"


def zone(name: str, *records: ZoneRecord, owner: str = "111122223333") -> HostedZone:
    return HostedZone(f"Z-{name}", name, owner, records)


def record(name: str, *values: str, kind: str = "A") -> ZoneRecord:
    return ZoneRecord(name, kind, values)


def test_the_most_specific_zone_answers() -> None:
    zones = (zone("amazonaws.com"), zone(f"dkr.ecr.{REGION}"), zone("eu-central-1.amazonaws.com"))
    found = zone_of(HOST, zones)
    assert found is not None
    assert found.name == f"dkr.ecr.{REGION}"
    assert zone_of("zonaws.com", zones) is None
    assert zone_of(f"x{REGION}", (zone(REGION),)) is None


def test_the_zone_of_an_endpoints_private_dns_is_none_of_the_customers() -> None:
    assert zone_of(HOST, (zone(f"dkr.ecr.{REGION}", owner="vpce.amazonaws.com"),)) is None


@pytest.mark.parametrize(
    ("records", "answer"),
    [
        ((), ()),
        ((record(HOST, "10.0.2.12"),), ("10.0.2.12",)),
        ((record(HOST, "10.0.2.12", "10.0.4.12"), record(f"*.{REGION}", "10.9.9.9")), ("10.0.2.12", "10.0.4.12")),
        ((record(f"*.dkr.ecr.{REGION}", "10.0.2.12"),), ("10.0.2.12",)),
        ((record(f"*.dkr.ecr.{REGION}", "10.0.2.12"), record(f"*.{REGION}", "10.9.9.9")), ("10.0.2.12",)),
        # A name that exists, with whatever record, is not the wildcard's any more; nor is what lies below one.
        ((record(HOST, kind="TXT"), record(f"*.dkr.ecr.{REGION}", "10.0.2.12")), ()),
        ((record(f"ecr.{REGION}", kind="TXT"), record(f"*.{REGION}", "10.9.9.9")), ()),
        ((record(HOST, "vpce-1.ecr.vpce.amazonaws.com", kind="CNAME"),), ("vpce-1.ecr.vpce.amazonaws.com",)),
        ((record(REGION, "10.0.2.12"),), ()),
    ],
)
def test_what_a_zone_answers(records: tuple[ZoneRecord, ...], answer: tuple[str, ...]) -> None:
    assert answers_of(HOST, zone(REGION, *records)) == answer


def test_a_part_of_a_zone_that_other_name_servers_answer() -> None:
    assert delegated(HOST, zone(REGION, record(f"ecr.{REGION}", "ns.example.com", kind="NS")))
    assert not delegated(HOST, zone(REGION, record(REGION, "ns.example.com", kind="NS")))
    assert not delegated(HOST, zone(REGION, record(f"s3.{REGION}", "ns.example.com", kind="NS")))


FORWARD_ALL = ResolverRule("rslvr-rr-all", "", "FORWARD", ("10.9.0.53",))
FORWARD_AWS = ResolverRule("rslvr-rr-aws", "amazonaws.com", "FORWARD", ("10.9.0.53",))
KEEP_REGION = ResolverRule("rslvr-rr-keep", REGION, "SYSTEM")


def test_the_most_specific_rule_decides() -> None:
    assert forwarding_rule(HOST, (FORWARD_ALL, FORWARD_AWS), None) == FORWARD_AWS
    assert forwarding_rule(HOST, (FORWARD_ALL, FORWARD_AWS, KEEP_REGION), None) is None
    assert forwarding_rule("registry-1.docker.io", (FORWARD_ALL, FORWARD_AWS, KEEP_REGION), None) == FORWARD_ALL
    assert forwarding_rule("registry-1.docker.io", (FORWARD_AWS,), None) is None


def test_a_rule_goes_before_a_zone_of_the_same_name_and_behind_one_of_a_longer_name() -> None:
    assert forwarding_rule(HOST, (FORWARD_AWS,), "amazonaws.com") == FORWARD_AWS
    assert forwarding_rule(HOST, (FORWARD_AWS,), f"dkr.ecr.{REGION}") is None


def rule(action: str, *domains: str, **more: str) -> FirewallRule:
    return FirewallRule(
        "rslvr-frg-1", 100, action, f"rslvr-fdl-{action}", None, domains or None, more.get("query_type")
    )


@pytest.mark.parametrize(
    ("domain", "host", "expected"),
    [
        (HOST, HOST, True),
        (HOST.upper(), HOST, True),
        (REGION, HOST, False),
        (f"*.{REGION}", HOST, True),
        (f"*.{REGION}", REGION, False),
        ("*", HOST, True),
        ("*.docker.io", "registry-1.docker.io", True),
        ("*.docker.io", "mydocker.io", False),
    ],
)
def test_domains_of_a_list(domain: str, host: str, *, expected: bool) -> None:
    assert matches(host, domain) is expected


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ((), "pass"),
        ((rule("BLOCK", "*.example.com"),), "pass"),
        ((rule("BLOCK", "*.amazonaws.com"),), "block"),
        ((rule("ALLOW", HOST), rule("BLOCK", "*")), "pass"),
        ((rule("ALERT", "*"), rule("BLOCK", "*")), "pass"),
        ((rule("BLOCK", "*"), rule("ALLOW", HOST)), "block"),
        ((rule("BLOCK", "*", query_type="AAAA"),), "pass"),
        ((rule("BLOCK", "*", query_type="A"),), "block"),
        # A list that is not shown may have the name: what it would change is open.
        ((rule("BLOCK"),), "unknown"),
        ((rule("BLOCK"), rule("ALLOW", HOST)), "unknown"),
        ((rule("ALLOW"), rule("BLOCK", "*")), "unknown"),
        ((rule("BLOCK"), rule("BLOCK", "*")), "block"),
        ((rule("ALLOW", HOST), rule("BLOCK")), "pass"),
        ((rule("ALLOW"),), "pass"),
    ],
)
def test_the_first_rule_that_has_the_name_decides(rules: tuple[FirewallRule, ...], verdict: str) -> None:
    assert firewall_rule(HOST, DnsFirewall(rules), "A")[0] == verdict
