from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand, Problem
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import HostedZone, ZoneRecord
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import HUB_IMAGE, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, REGION, REGISTRY, TO_NAT, change, having, routes

CAUSE = "vpc-dns-off"
OFF = Known(value=False)
OTHERS = Known(("10.9.0.53",))
TIMED_OUT = Symptom("resolve", "network-timeout", host=REGISTRY, address="34.255.83.146")
LOOKUP = Symptom("resolve", "dns-failure", host=REGISTRY, resolver="10.0.0.2")
HOSTNAMES = World(vpc=having(ENDPOINT_VPC, dns_hostnames=OFF), failures=(failure(TIMED_OUT),))
SUPPORT = World(vpc=having(NAT_VPC, dns_support=OFF), failures=(failure(LOOKUP),))


def turned_on(found: Problem) -> list[str]:
    return [name for one in found.fixes[0].commands if isinstance(one, AwsCommand) for name in list(one.parameters)[1:]]


def test_hostnames_off_where_an_endpoint_is_relied_on() -> None:
    found = problem(outcome(CAUSE, HOSTNAMES))
    assert (found.culprit.id, found.inferred, found.fixes[0].applicability) == ("vpc-1", (), "exact")
    assert "hostnames" in found.title
    assert turned_on(found) == ["EnableDnsHostnames"]


@pytest.mark.parametrize("image", [None, HUB_IMAGE])
def test_support_off_leaves_every_name_unresolved(image: str | None) -> None:
    world = replace(SUPPORT, failures=(failure(LOOKUP, image),)) if image else SUPPORT
    found = problem(outcome(CAUSE, world))
    assert (found.culprit.id, found.inferred) == ("vpc-1", ())
    assert "answers for no name" in found.explanation
    assert turned_on(found) == ["EnableDnsSupport"]


def test_without_endpoints_only_support_is_turned_on() -> None:
    vpc = having(SUPPORT.vpc, dns_hostnames=OFF)
    assert turned_on(problem(outcome(CAUSE, replace(SUPPORT, vpc=vpc)))) == ["EnableDnsSupport"]
    with_endpoints = having(ENDPOINT_VPC, dns_support=OFF, dns_hostnames=OFF)
    found = problem(outcome(CAUSE, replace(SUPPORT, vpc=with_endpoints)))
    assert turned_on(found) == ["EnableDnsSupport", "EnableDnsHostnames"]


def test_a_nat_gateway_needs_no_hostnames() -> None:
    assert "DNS support on" in ok(outcome(CAUSE, replace(HOSTNAMES, vpc=having(NAT_VPC, dns_hostnames=OFF))))
    both = replace(routes(HOSTNAMES.vpc, TO_NAT), nat_gateways=NAT_VPC.nat_gateways)
    assert "DNS support on" in ok(outcome(CAUSE, replace(HOSTNAMES, vpc=both)))


def test_both_are_on() -> None:
    assert ok(outcome(CAUSE, replace(HOSTNAMES, vpc=ENDPOINT_VPC))) == "vpc-1 has DNS support and DNS hostnames on"


def test_other_resolvers_answer_without_dns_support() -> None:
    assert "vpc-1" in ok(outcome(CAUSE, replace(SUPPORT, vpc=having(SUPPORT.vpc, custom_resolvers=OTHERS))))


def test_hostnames_that_are_off_make_no_lookup_fail() -> None:
    assert missing(outcome(CAUSE, replace(HOSTNAMES, failures=(failure(LOOKUP),)))) == ("why the lookup failed",)


def test_a_name_that_resolved_speaks_against_support_that_is_off_now() -> None:
    found = problem(outcome(CAUSE, replace(HOSTNAMES, vpc=having(ENDPOINT_VPC, dns_support=OFF))))
    assert "since" in found.inferred[0]
    assert "answers for no name" not in found.explanation


def test_without_an_address_other_resolvers_may_lead_to_the_endpoint() -> None:
    silent = replace(HOSTNAMES, failures=(failure(replace(TIMED_OUT, address=None)),))
    assert problem(outcome(CAUSE, silent)).inferred == ()
    assert problem(outcome(CAUSE, replace(silent, vpc=having(silent.vpc, custom_resolvers=OTHERS)))).inferred


@pytest.mark.parametrize("fact", ["dns_support", "dns_hostnames", "endpoints", "route_tables"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    vpc = having(HOSTNAMES.vpc, **{fact: unread})
    if fact == "dns_support":  # one attribute that is off is enough
        problem(outcome(CAUSE, replace(HOSTNAMES, vpc=vpc)))
        vpc = having(vpc, dns_hostnames=Known(value=True))
    assert f"the {fact}" in missing(outcome(CAUSE, replace(HOSTNAMES, vpc=vpc)))


OWN_ZONE = HostedZone(
    "Z1",
    f"ecr.{REGION}.amazonaws.com",
    ACCOUNT,
    (
        ZoneRecord(f"api.ecr.{REGION}.amazonaws.com", "A", ("10.0.2.11",)),
        ZoneRecord(f"*.dkr.ecr.{REGION}.amazonaws.com", "A", ("10.0.2.12",)),
    ),
)


def by_zone(zone: HostedZone) -> World:
    """A VPC whose endpoints a hosted zone leads to, with DNS hostnames off."""
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False)
    vpc = change(vpc, "endpoints", "vpce-api", private_dns=False)
    return replace(HOSTNAMES, vpc=having(vpc, dns_hostnames=OFF, hosted_zones=Known((zone,))))


def test_hostnames_off_where_a_hosted_zone_is_relied_on() -> None:
    world = by_zone(OWN_ZONE)
    found = problem(outcome(CAUSE, world))
    assert turned_on(found) == ["EnableDnsHostnames"]
    assert "Z1" in found.explanation
    assert "Z1" in {one.id for evidence in found.evidence for one in evidence.resources}
    assert ok(outcome("endpoint-private-dns-off", world))


def test_a_zone_without_the_name_has_no_part_in_it() -> None:
    world = by_zone(replace(OWN_ZONE, name="corp.example", records=()))
    assert problem(outcome("endpoint-private-dns-off", world)).title
    assert ok(outcome(CAUSE, world))


def test_a_zone_that_does_not_show_its_records_leaves_it_open() -> None:
    world = by_zone(replace(OWN_ZONE, owner="999988887777", records=None))
    assert missing(outcome(CAUSE, world)) == ("the records of hosted zone Z1",)
    assert missing(outcome("endpoint-private-dns-off", world))
