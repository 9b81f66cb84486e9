from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import HostedZone, Route, ZoneRecord
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import DEPLOYMENT, SERVICE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import (
    ACCOUNT,
    DKR_ENDPOINT,
    ENDPOINT_VPC,
    NAT_VPC,
    REGION,
    REGISTRY,
    TO_NAT,
    add,
    change,
    having,
    routes,
)

CAUSE = "endpoint-private-dns-off"
DOMAIN = f"dkr.ecr.{REGION}.amazonaws.com"
TIMED_OUT = Symptom("resolve", "network-timeout", host=REGISTRY, address="34.255.83.146", port=443)
VPC = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False, managed_by="stack net")
OFF = World(vpc=VPC, failures=(failure(TIMED_OUT),))
WITHOUT_ADDRESS = replace(OFF, failures=(failure(replace(TIMED_OUT, address=None)),))


def test_private_dns_off() -> None:
    found = problem(outcome(CAUSE, OFF))
    assert (found.culprit.id, found.still, found.inferred) == ("vpce-dkr", "yes", ())
    (fix,) = found.fixes
    assert (fix.applicability, fix.managed_by) == ("exact", "stack net")
    assert parameters(found) == {"VpcEndpointId": "vpce-dkr", "PrivateDnsEnabled": True}


def test_without_an_address_it_is_proven_too_where_no_zone_replaces_it() -> None:
    assert problem(outcome(CAUSE, WITHOUT_ADDRESS)).inferred == ()
    zone = HostedZone("Z1", DOMAIN, ACCOUNT, (ZoneRecord(f"*.{DOMAIN}", "A", ("10.0.2.12",)),))
    for world in (OFF, WITHOUT_ADDRESS):
        replaced = replace(world, vpc=having(VPC, hosted_zones=Known((zone,))))
        assert "vpce-dkr" in ok(outcome(CAUSE, replaced))
        elsewhere = replace(zone, name="example.com", records=())
        problem(outcome(CAUSE, replace(world, vpc=having(VPC, hosted_zones=Known((elsewhere,))))))


def test_zones_that_are_not_read_may_replace_it() -> None:
    unread = Unknown("the hosted zones", "denied")
    for world in (OFF, WITHOUT_ADDRESS):
        assert missing(outcome(CAUSE, replace(world, vpc=having(VPC, hosted_zones=unread)))) == ("the hosted zones",)


def test_dns_hostnames_are_turned_on_first_where_they_are_off() -> None:
    vpc = change(having(VPC, dns_hostnames=Known(value=False)), "endpoints", "vpce-api", private_dns=False)
    (fix,) = problem(outcome(CAUSE, replace(OFF, vpc=vpc))).fixes
    operations = [
        (one.operation, one.parameters.get("VpcEndpointId")) for one in fix.commands if not isinstance(one, str)
    ]
    assert operations == [
        ("ModifyVpcAttribute", None),
        ("ModifyVpcEndpoint", "vpce-api"),
        ("ModifyVpcEndpoint", "vpce-dkr"),
    ]


@pytest.mark.parametrize("vpc", [ENDPOINT_VPC, NAT_VPC])
def test_no_endpoint_has_it_off(vpc: object) -> None:
    assert "vpc-1" in ok(outcome(CAUSE, replace(OFF, vpc=vpc)))  # type: ignore[arg-type] # two Vpcs


def test_a_nat_gateway_does_without_the_endpoint() -> None:
    vpc = replace(routes(VPC, TO_NAT), nat_gateways=NAT_VPC.nat_gateways)
    assert "vpce-dkr" in ok(outcome(CAUSE, replace(OFF, vpc=vpc)))


def test_another_endpoint_that_serves_the_name() -> None:
    vpc = add(VPC, "endpoints", replace(DKR_ENDPOINT, id="vpce-second"))
    assert "vpce-dkr" in ok(outcome(CAUSE, replace(OFF, vpc=vpc)))


def test_an_address_of_the_endpoint_shows_that_a_hosted_zone_leads_there() -> None:
    inside = replace(OFF, failures=(failure(replace(TIMED_OUT, address="10.0.2.12")),))
    assert "vpce-dkr" in ok(outcome(CAUSE, inside))


def test_a_central_way_is_not_visible() -> None:
    vpc = routes(VPC, Route("10.0.0.0/8", "tgw-1", "active"))
    assert missing(outcome(CAUSE, replace(WITHOUT_ADDRESS, vpc=vpc)))
    by_transit = routes(VPC, Route("0.0.0.0/0", "tgw-1", "active"))
    assert missing(outcome(CAUSE, replace(OFF, vpc=by_transit))) == ("the way behind tgw-1",)


@pytest.mark.parametrize("fact", ["endpoints", "route_tables"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, replace(OFF, vpc=having(VPC, **{fact: unread}))))


@pytest.mark.parametrize(
    "fact", ["dns_support", "dns_hostnames", "custom_resolvers", "security_groups", "network_acls"]
)
def test_what_it_does_not_rest_on(fact: str) -> None:
    problem(outcome(CAUSE, replace(OFF, vpc=having(VPC, **{fact: Unknown(f"the {fact}", "denied")}))))


def test_mended_by_other_subnets() -> None:
    moved = replace(DEPLOYMENT, id="ecs-svc/2", subnets=("subnet-good",))
    service = replace(SERVICE, deployments=(moved, replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, replace(OFF, service=service))).still == "no"
