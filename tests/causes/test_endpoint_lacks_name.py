from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import World, failure, outcome
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

CAUSE = "endpoint-lacks-name"
CLASSIC = f"{REGISTRY}/team/app:v1.4.2"
FIPS = f"{ACCOUNT}.dkr.ecr-fips.{REGION}.amazonaws.com"
DUAL_STACK = f"{ACCOUNT}.dkr-ecr.{REGION}.on.aws"
ELSEWHERE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"


def world(host: str, vpc: object = ENDPOINT_VPC) -> World:
    symptom = Symptom("resolve", "network-timeout", host=host, address="34.255.83.146")
    return replace(World(failures=(failure(symptom, f"{host}/team/app:v1.4.2"),)), vpc=vpc)  # type: ignore[arg-type] # a Vpc


@pytest.mark.parametrize("host", [FIPS, DUAL_STACK])
def test_a_name_that_the_endpoint_does_not_serve(host: str) -> None:
    found = problem(outcome(CAUSE, world(host)))
    assert found.culprit.id == "vpce-dkr"
    assert host in found.explanation
    assert found.fixes[0].applicability == "your-call"
    assert f"image {CLASSIC}" in (found.fixes[0].effect or "")


def test_a_fips_name_has_an_endpoint_of_its_own() -> None:
    found = problem(outcome(CAUSE, world(FIPS)))
    assert parameters(found, 1)["ServiceName"] == f"com.amazonaws.{REGION}.ecr-fips.dkr"
    assert parameters(found, 1)["SecurityGroupIds"] == ["sg-endpoint"]
    assert len(problem(outcome(CAUSE, world(DUAL_STACK))).fixes) == 1


def test_another_region() -> None:
    found = problem(outcome(CAUSE, world(ELSEWHERE)))
    assert len(found.traces) == 2
    assert f"once the image is in {REGION}" in (found.fixes[0].effect or "")


def test_only_the_api_lacks_the_name() -> None:
    remote = replace(
        DKR_ENDPOINT,
        id="vpce-remote",
        service="com.amazonaws.us-east-1.ecr.dkr",
        service_region="us-east-1",
        dns_names=("*.dkr.ecr.us-east-1.amazonaws.com",),
    )
    found = problem(outcome(CAUSE, world(ELSEWHERE, add(ENDPOINT_VPC, "endpoints", remote))))
    assert found.culprit.id == "vpce-api"
    assert found.fixes[0].commands == ()


@pytest.mark.parametrize(
    ("host", "vpc"),
    [
        (REGISTRY, ENDPOINT_VPC),
        (DUAL_STACK, NAT_VPC),
        (DUAL_STACK, change(ENDPOINT_VPC, "endpoints", "vpce-dkr", dns_names=(f"*.dkr-ecr.{REGION}.on.aws",))),
        (DUAL_STACK, replace(routes(ENDPOINT_VPC, TO_NAT), nat_gateways=NAT_VPC.nat_gateways)),
    ],
)
def test_a_name_that_has_a_way(host: str, vpc: object) -> None:
    assert ok(outcome(CAUSE, world(host, vpc)))


def test_one_of_two_endpoints_is_enough() -> None:
    fips = replace(
        DKR_ENDPOINT, id="vpce-fips", service=f"com.amazonaws.{REGION}.ecr-fips.dkr", dns_names=(f"*{FIPS[12:]}",)
    )
    assert ok(outcome(CAUSE, world(FIPS, add(ENDPOINT_VPC, "endpoints", fips))))


@pytest.mark.parametrize("fact", ["endpoints", "route_tables"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, world(FIPS, having(ENDPOINT_VPC, **{fact: unread}))))


def test_private_dns_off_too_is_not_said_to_be_on() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False)
    found = problem(outcome(CAUSE, world(FIPS, vpc)))
    assert "private DNS on" not in found.explanation
    assert isinstance(vpc.endpoints, Known)
