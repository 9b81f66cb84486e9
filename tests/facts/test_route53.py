"""What the readers of Route 53 make of answers that are unlike the usual one, and of refusals on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws, ReaderRole
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.facts.answers_of_route53 import API, ASSOCIATION, DKR, GROUP, OTHER_ACCOUNT, alias, record, rule, zone
from tests.facts.botocore_world import OWN_ACCOUNT, Answer, AwsError, World
from tests.facts.case import HERE, put

DENIED = AwsError("AccessDeniedException", status=403)


def zones(*found: dict[str, Any]) -> list[Answer]:
    return [{"HostedZoneSummaries": list(found), "MaxItems": "100"}]


def records(*found: dict[str, Any]) -> list[Answer]:
    return [{"ResourceRecordSets": list(found), "IsTruncated": False, "MaxItems": "300"}]


def known(fact: Known[Any] | Unknown) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def unknown(fact: Known[Any] | Unknown) -> Unknown:
    assert isinstance(fact, Unknown), fact
    return fact


@pytest.mark.parametrize("name", ["corp.", "ws.com.", "ecr.eu-central-1.amazonaws.com.", f"x.{API}."])
def test_only_a_zone_that_a_host_is_in_is_asked_for_its_records(name: str) -> None:
    world = World({"ListHostedZonesByVPC": zones(zone(name, "Z1"))})
    found = known(ask(Aws(world.session()), q.HostedZones(*HERE, "vpc-1", (API,))))
    assert found == (v.HostedZone("Z1", name[:-1], OWN_ACCOUNT, ()),)
    assert world.operations() == ["ListHostedZonesByVPC"]


@pytest.mark.parametrize("name", ["amazonaws.com.", f"{API}.", "Ecr.EU-west-1.amazonaws.com.", "."])
def test_a_zone_that_a_host_is_in_is_asked_for_its_records(name: str) -> None:
    world = World({"ListHostedZonesByVPC": zones(zone(name, "Z1")), "ListResourceRecordSets": records()})
    ask(Aws(world.session()), q.HostedZones(*HERE, "vpc-1", (API,)))
    assert world.calls[-1][1:] == ("ListResourceRecordSets", {"HostedZoneId": "Z1", "MaxItems": "300"})


def test_the_vpc_s_own_region_is_asked_for_although_route_53_is_global() -> None:
    world = World({"ListHostedZonesByVPC": zones()})
    assert known(ask(Aws(world.session()), q.HostedZones(*HERE, "vpc-1", ()))) == ()
    assert world.calls[-1][2] == {"VPCId": "vpc-1", "VPCRegion": "eu-west-1"}


def test_of_a_record_s_values_only_addresses_and_names_are_kept() -> None:
    kept = (record(API, "A", "10.0.0.1"), record(API, "AAAA", "fd00::1"), record(API, "CNAME", "x.example."))
    dropped = (record(API, "TXT", '"token"'), record(API, "CAA", '0 issue "token"'))
    fact = put(
        q.HostedZones(*HERE, "vpc-1", (API,)),
        ListHostedZonesByVPC=zones(zone("amazonaws.com.", "Z1")),
        ListResourceRecordSets=records(*kept, *dropped),
    )
    assert [(each.type, each.values) for each in known(fact)[0].records] == [
        ("A", ("10.0.0.1",)),
        ("AAAA", ("fd00::1",)),
        ("CNAME", ("x.example",)),
        ("TXT", ()),
        ("CAA", ()),
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (f"{DKR}.", DKR),
        (r"\052.dkr.ecr.eu-west-1.amazonaws.com.", "*.dkr.ecr.eu-west-1.amazonaws.com"),
        (r"\052.amazonaws.com.", "*.amazonaws.com"),
        ("ecr.eu-west-1.amazonaws.com.", "ecr.eu-west-1.amazonaws.com"),
        (r"\052.sts.eu-west-1.amazonaws.com.", None),
        (f"444455556666.{DKR.partition('.')[2]}.", None),
        (f"x.{DKR}.", None),
    ],
)
def test_only_records_that_can_answer_for_a_host_are_kept(name: str, kept: str | None) -> None:
    fact = put(
        q.HostedZones(*HERE, "vpc-1", (DKR,)),
        ListHostedZonesByVPC=zones(zone("amazonaws.com.", "Z1")),
        ListResourceRecordSets=records(record(name, "A", "10.0.0.1")),
    )
    assert [each.name for each in known(fact)[0].records] == ([kept] if kept else [])


def test_a_page_of_records_that_is_refused_leaves_the_zones_unknown() -> None:
    first = {"ResourceRecordSets": [alias(f"{API}.", "x.")], "IsTruncated": True, "MaxItems": "300"}
    next_page = {"NextRecordName": f"{DKR}.", "NextRecordType": "A"}
    fact = put(
        q.HostedZones(*HERE, "vpc-1", (API,)),
        ListHostedZonesByVPC=zones(zone("amazonaws.com.", "Z1")),
        ListResourceRecordSets=[first | next_page, AwsError("AccessDenied", status=403)],
    )
    assert (unknown(fact).why, unknown(fact).action) == ("denied", "route53:ListResourceRecordSets")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (records(record(API, "A", "10.0.0.1")), (v.ZoneRecord(API, "A", ("10.0.0.1",)),)),
        ([AwsError("AccessDenied", status=403)], None),
    ],
)
def test_another_account_s_zone_is_read_with_its_reader_role(
    answer: Sequence[Answer], found: tuple[v.ZoneRecord, ...] | None
) -> None:
    own = World({"ListHostedZonesByVPC": zones(zone("amazonaws.com.", "Z1", OwningAccount=OTHER_ACCOUNT))})
    other = World({"ListResourceRecordSets": answer})
    aws = Aws(own.session(), reader_roles={OTHER_ACCOUNT: ReaderRole("arn:aws:iam::444455556666:role/reads")})
    aws._clients[OTHER_ACCOUNT, "route53", "eu-west-1"] = Aws(other.session()).client("route53", "eu-west-1")
    assert known(ask(aws, q.HostedZones(*HERE, "vpc-1", (API,))))[0].records == found
    assert other.operations() == ["ListResourceRecordSets"]


def test_only_the_rules_of_this_vpc_are_asked_for() -> None:
    world = World({"ListResolverRuleAssociations": [{"ResolverRuleAssociations": []}]})
    assert known(ask(Aws(world.session()), q.ResolverRules(*HERE, "vpc-1"))) == ()
    assert world.calls[0][2]["Filters"] == [{"Name": "VPCId", "Values": ["vpc-1"]}]


@pytest.mark.parametrize("status", ["CREATING", "DELETING", "SOMETHING-NEW"])
def test_a_rule_that_is_being_associated_leaves_the_rules_unknown(status: str) -> None:
    answer = {"ResolverRuleAssociations": [{**ASSOCIATION, "Status": status}]}
    fact = put(q.ResolverRules(*HERE, "vpc-1"), ListResolverRuleAssociations=[answer])
    assert unknown(fact).detail == f"the association rslvr-rrassoc-1 is in the state {status}"


def test_a_rule_that_may_not_be_read_leaves_the_rules_unknown() -> None:
    answer = {"ResolverRuleAssociations": [ASSOCIATION]}
    fact = put(q.ResolverRules(*HERE, "vpc-1"), ListResolverRuleAssociations=[answer], GetResolverRule=[DENIED])
    assert (unknown(fact).why, unknown(fact).action) == ("denied", "route53resolver:GetResolverRule")


def firewall(domains: Sequence[Answer], metadata: Answer = DENIED) -> Known[Any] | Unknown:
    return put(
        q.DnsFirewallOf(*HERE, "vpc-1"),
        ListFirewallRuleGroupAssociations=[{"FirewallRuleGroupAssociations": [GROUP]}],
        ListFirewallRules=[{"FirewallRules": [rule(10, "rslvr-fdl-1", "BLOCK", BlockResponse="NODATA")]}],
        ListFirewallDomains=domains,
        GetFirewallDomainList=[metadata],
    )


MANAGED = {"FirewallDomainList": {"Id": "rslvr-fdl-1", "ManagedOwnerName": "Route 53 Resolver DNS Firewall"}}


@pytest.mark.parametrize(
    ("domains", "metadata"),
    [
        ([AwsError("ResourceNotFoundException")], DENIED),
        ([AwsError("ValidationException")], MANAGED),
        ([DENIED], MANAGED),
        ([{"Domains": []}], DENIED),
    ],
)
def test_domains_that_cannot_be_seen_are_unknown_of_their_rule_alone(
    domains: Sequence[Answer], metadata: Answer
) -> None:
    (found,) = known(firewall(domains, metadata)).rules
    assert (found.domain_list, found.domains) == ("rslvr-fdl-1", None)


@pytest.mark.parametrize("metadata", [DENIED, {"FirewallDomainList": {"Id": "rslvr-fdl-1", "DomainCount": 1}}])
def test_a_list_of_one_s_own_that_may_not_be_read_leaves_the_firewall_unknown(metadata: Answer) -> None:
    fact = unknown(firewall([DENIED], metadata))
    assert (fact.why, fact.action) == ("denied", "route53resolver:ListFirewallDomains")


def test_a_page_of_domains_that_is_missing_leaves_the_firewall_unknown() -> None:
    fact = unknown(firewall([{"Domains": ["a.example."], "NextToken": "2"}, AwsError("ThrottlingException")]))
    assert fact.why == "throttled"


@pytest.mark.parametrize("status", ["UPDATING", "DELETING"])
def test_a_group_that_is_being_changed_leaves_the_firewall_unknown(status: str) -> None:
    answer = {"FirewallRuleGroupAssociations": [{**GROUP, "Status": status}]}
    fact = put(q.DnsFirewallOf(*HERE, "vpc-1"), ListFirewallRuleGroupAssociations=[answer])
    assert unknown(fact).detail == f"the association rslvr-frgassoc-1 is in the state {status}"


def test_a_list_of_two_rules_is_read_once() -> None:
    world = World(
        {
            "ListFirewallRuleGroupAssociations": [{"FirewallRuleGroupAssociations": [GROUP]}],
            "ListFirewallRules": [{"FirewallRules": [rule(n, "rslvr-fdl-1", "ALERT") for n in (2, 1)]}],
            "ListFirewallDomains": [{"Domains": ["a.example."]}],
        }
    )
    found = known(ask(Aws(world.session()), q.DnsFirewallOf(*HERE, "vpc-1")))
    assert [(each.priority, each.domains) for each in found.rules] == [(1, ("a.example",)), (2, ("a.example",))]
    assert world.operations().count("ListFirewallDomains") == 1
