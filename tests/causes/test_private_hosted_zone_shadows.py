from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import HostedZone, Route, ZoneRecord
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import HUB_IMAGE, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, REGION, REGISTRY, TO_NAT, change, having, routes

CAUSE = "private-hosted-zone-shadows"
DOMAIN = f"dkr.ecr.{REGION}.amazonaws.com"
LOOKUP = Symptom("resolve", "dns-failure", host=REGISTRY, resolver="10.0.0.2")
ZONE = HostedZone("Z1", DOMAIN, ACCOUNT, ())
OFF = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False)


def world(zone: HostedZone = ZONE, symptom: Symptom = LOOKUP, vpc: object = NAT_VPC, image: str | None = None) -> World:
    failed = failure(symptom, image or f"{REGISTRY}/team/app:1")
    return World(vpc=having(vpc, hosted_zones=Known((zone,))), failures=(failed,))  # type: ignore[arg-type] # a Vpc


def leading_to(address: str) -> HostedZone:
    return replace(ZONE, records=(ZoneRecord(f"*.{DOMAIN}", "A", (address,)),))


def test_a_zone_without_the_name() -> None:
    found = problem(outcome(CAUSE, world()))
    assert (found.culprit.id, found.inferred, found.still) == ("Z1", (), "yes")
    assert "hides" in found.title
    assert [trace.phase for trace in found.traces] == ["resolve"]
    (off,) = found.fixes
    assert isinstance(off.commands[0], AwsCommand)
    assert off.commands[0].operation == "DisassociateVPCFromHostedZone"


def test_the_record_that_the_zone_lacks() -> None:
    found = problem(outcome(CAUSE, world(vpc=OFF)))
    (change,) = parameters(found)["ChangeBatch"]["Changes"]
    assert change["ResourceRecordSet"]["Name"] == REGISTRY
    assert change["ResourceRecordSet"]["ResourceRecords"] == [{"Value": "10.0.2.12"}]


def test_a_zone_above_another_registry() -> None:
    zone = HostedZone("Z2", "docker.io", ACCOUNT, ())
    lookup = replace(LOOKUP, host="registry-1.docker.io")
    found = problem(outcome(CAUSE, world(zone, lookup, image=HUB_IMAGE)))
    assert "registry-1.docker.io" in found.explanation


@pytest.mark.parametrize("address", ["10.0.2.99", "10.9.0.7"])
def test_a_record_that_led_to_where_nothing_serves(address: str) -> None:
    led = replace(TIMEOUT, host=REGISTRY, address=address)
    found = problem(outcome(CAUSE, world(leading_to(address), led)))
    assert address in found.explanation
    assert "astray" in found.title
    assert len(found.inferred) == 1


def test_a_record_of_another_services_endpoint() -> None:
    found = problem(outcome(CAUSE, world(leading_to("10.0.2.11"), vpc=OFF)))
    assert any("vpce-api" in one.text for one in found.evidence)
    assert found.inferred == ()


def test_a_text_that_tells_of_no_lookup() -> None:
    assert len(problem(outcome(CAUSE, world(symptom=TIMEOUT))).inferred) == 1


@pytest.mark.parametrize(
    ("zone", "vpc"), [(leading_to("10.0.2.12"), OFF), (replace(ZONE, name="example.com"), NAT_VPC)]
)
def test_a_zone_that_leads_well_or_does_not_matter(zone: HostedZone, vpc: object) -> None:
    assert "vpc-1" in ok(outcome(CAUSE, world(zone, vpc=vpc)))


def test_a_zone_for_all_of_aws_hides_what_no_endpoint_serves() -> None:
    found = problem(outcome(CAUSE, world(replace(ZONE, name="amazonaws.com"), vpc=ENDPOINT_VPC)))
    assert [trace.phase for trace in found.traces] == ["download"]


def test_two_zones_are_not_taken_for_one() -> None:
    api = HostedZone("Z2", f"api.ecr.{REGION}.amazonaws.com", ACCOUNT, ())
    both = replace(world(), vpc=having(NAT_VPC, hosted_zones=Known((ZONE, api))))
    found = problem(outcome(CAUSE, both))
    assert found.culprit.id == "Z1"
    assert api.name not in found.explanation
    assert any("Z2" in one.text for one in found.evidence)


def test_a_zone_that_private_dns_goes_before() -> None:
    above = replace(ZONE, name=f"ecr.{REGION}.amazonaws.com")
    assert "no lookup" in ok(outcome(CAUSE, world(above, vpc=ENDPOINT_VPC)))


def test_a_name_that_was_resolved_was_not_hidden() -> None:
    led = replace(TIMEOUT, host=REGISTRY, address="52.1.2.3")
    assert ok(outcome(CAUSE, world(symptom=led)))


def test_a_central_endpoint_is_never_an_accusation() -> None:
    central = routes(NAT_VPC, TO_NAT, Route("10.9.0.0/16", "tgw-1", "active"))
    led = replace(TIMEOUT, host=REGISTRY, address="10.9.0.7")
    for symptom in (led, replace(led, address=None), LOOKUP):
        assert ok(outcome(CAUSE, world(leading_to("10.9.0.7"), symptom, vpc=central)))


def test_records_that_another_account_does_not_show() -> None:
    assert missing(outcome(CAUSE, world(replace(ZONE, owner="999988887777", records=None))))


def test_zones_that_are_not_read() -> None:
    unread = Unknown("the hosted zones", "denied")
    masked = replace(world(), vpc=having(NAT_VPC, hosted_zones=unread))
    assert missing(outcome(CAUSE, masked)) == (unread.fact,)
