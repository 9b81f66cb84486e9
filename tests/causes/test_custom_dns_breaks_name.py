from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import HostedZone, ZoneRecord
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import HUB_IMAGE, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, REGISTRY, TO_NAT, change, having, routes

CAUSE = "custom-dns-breaks-name"
OTHERS = Known(("10.9.0.53", "10.9.1.53"))
TIMED_OUT = Symptom("resolve", "network-timeout", host=REGISTRY, address="34.255.83.146")
LOOKUP = Symptom("resolve", "dns-failure", host=REGISTRY, resolver="10.9.1.53")
PAST = World(vpc=having(ENDPOINT_VPC, custom_resolvers=OTHERS), failures=(failure(TIMED_OUT),))
SILENT = World(vpc=having(NAT_VPC, custom_resolvers=OTHERS), failures=(failure(LOOKUP),))


def test_a_name_that_was_led_past_the_endpoint() -> None:
    found = problem(outcome(CAUSE, PAST))
    assert found.culprit.id == "vpc-1"
    assert "vpce-dkr" in found.explanation
    assert len(found.inferred) == 1
    assert any("10.9.0.53, 10.9.1.53" in one.text for one in found.evidence)


@pytest.mark.parametrize("image", [None, HUB_IMAGE])
def test_a_lookup_that_failed(image: str | None) -> None:
    symptom = replace(LOOKUP, host="registry-1.docker.io") if image else LOOKUP
    found = problem(outcome(CAUSE, replace(SILENT, failures=(failure(symptom, image or f"{REGISTRY}/team/app:1"),))))
    assert [one.source for one in found.evidence] == ["fact", "text"]
    assert len(found.inferred) == 1
    assert found.phases == ("resolve",)


def test_the_fixes_are_the_readers_call() -> None:
    first, second = problem(outcome(CAUSE, PAST)).fixes
    assert (first.applicability, first.commands) == ("your-call", ())
    assert second.applicability == "fill-in"
    assert [one.operation for one in second.commands if isinstance(one, AwsCommand)] == [
        "CreateDhcpOptions",
        "AssociateDhcpOptions",
    ]


def test_a_lookup_that_asked_somebody_else() -> None:
    amazon = replace(SILENT, failures=(failure(replace(LOOKUP, resolver="10.0.0.2")),))
    assert "10.0.0.2" in ok(outcome(CAUSE, amazon))
    for resolver in (None, "127.0.0.53"):
        unnamed = replace(SILENT, failures=(failure(replace(LOOKUP, resolver=resolver)),))
        problem(outcome(CAUSE, unnamed))


def test_a_host_that_may_not_exist_at_all() -> None:
    host = "registry.exmaple.com"
    lookup = failure(replace(LOOKUP, host=host), f"{host}/team/app:1")
    assert missing(outcome(CAUSE, replace(SILENT, failures=(lookup,)))) == (f"whether {host} exists",)


@pytest.mark.parametrize("world", [PAST, SILENT])
def test_amazons_resolver_alone(world: World) -> None:
    twin = replace(world, vpc=having(world.vpc, custom_resolvers=Known(())))
    assert "Amazon" in ok(outcome(CAUSE, twin))


def test_their_mere_presence_is_no_defect() -> None:
    timed_out = replace(SILENT, failures=(failure(TIMED_OUT),))
    assert "10.9.0.53" in ok(outcome(CAUSE, timed_out))
    by_nat = replace(routes(PAST.vpc, TO_NAT), nat_gateways=NAT_VPC.nat_gateways)
    all_shown = replace(PAST, vpc=change(by_nat, "endpoints", "vpce-api", private_dns=False))
    assert "10.9.0.53" in ok(outcome(CAUSE, all_shown))


def test_past_an_endpoint_that_a_hosted_zone_leads_to() -> None:
    zone = HostedZone("Z1", REGISTRY, ACCOUNT, (ZoneRecord(REGISTRY, "A", ("10.0.2.12",)),))
    off = change(PAST.vpc, "endpoints", "vpce-dkr", private_dns=False)
    found = problem(outcome(CAUSE, replace(PAST, vpc=having(off, hosted_zones=Known((zone,))))))
    assert "hosted zone Z1" in found.explanation


def test_without_an_address_where_the_name_led_is_not_told() -> None:
    silent = replace(PAST, failures=(failure(replace(TIMED_OUT, address=None)),))
    assert "the address of" in missing(outcome(CAUSE, silent))[0]


def test_the_endpoints_address_shows_that_the_name_led_there() -> None:
    inside = change(PAST.vpc, "endpoints", "vpce-api", private_dns=False)
    inside = replace(routes(inside, TO_NAT), nat_gateways=NAT_VPC.nat_gateways)
    world = replace(PAST, vpc=inside, failures=(failure(replace(TIMED_OUT, address="10.0.2.12")),))
    ok(outcome(CAUSE, world))


def test_resolvers_that_are_not_read() -> None:
    unread = Unknown("the DHCP options", "denied", "ec2:DescribeDhcpOptions")
    for world in (PAST, SILENT):
        assert missing(outcome(CAUSE, replace(world, vpc=having(world.vpc, custom_resolvers=unread)))) == (unread.fact,)


@pytest.mark.parametrize("fact", ["endpoints", "route_tables", "dns_hostnames"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, replace(PAST, vpc=having(PAST.vpc, **{fact: unread}))))
