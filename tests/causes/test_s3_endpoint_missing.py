from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import Route
from tests.causes.factory import DEPLOYMENT, DOWNLOAD_TIMEOUT, SERVICE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import DKR_ENDPOINT, ENDPOINT_VPC, NAT_VPC, TO_NAT, change, drop, having, routes

CAUSE = "s3-endpoint-missing"
TIMED_OUT = (failure(DOWNLOAD_TIMEOUT),)
WITHOUT = World(vpc=drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"), failures=TIMED_OUT)
ELSEWHERE = World(
    vpc=routes(change(ENDPOINT_VPC, "endpoints", "vpce-s3", route_tables=("rtb-public",), managed_by="stack net")),
    failures=TIMED_OUT,
)


def test_no_gateway_endpoint() -> None:
    found = problem(outcome(CAUSE, WITHOUT))
    assert found.culprit.id == "rtb-private"
    assert any("vpce-api" in one.text and "vpce-dkr" in one.text for one in found.evidence)
    (fix,) = found.fixes
    assert fix.applicability == "exact"
    assert parameters(found) == {
        "VpcId": "vpc-1",
        "VpcEndpointType": "Gateway",
        "ServiceName": "com.amazonaws.eu-west-1.s3",
        "RouteTableIds": ["rtb-private"],
    }


def test_a_gateway_endpoint_on_another_table() -> None:
    found = problem(outcome(CAUSE, ELSEWHERE))
    assert parameters(found) == {"VpcEndpointId": "vpce-s3", "AddRouteTableIds": ["rtb-private"]}
    assert (found.fixes[0].applicability, found.fixes[0].managed_by) == ("exact", "stack net")


def test_the_main_table_gets_the_endpoint() -> None:
    world = replace(WITHOUT, vpc=drop(WITHOUT.vpc, "route_tables", "rtb-private"))
    assert parameters(problem(outcome(CAUSE, world)))["RouteTableIds"] == ["rtb-main"]


def test_a_fips_endpoint_is_named_too() -> None:
    fips = replace(
        DKR_ENDPOINT,
        service="com.amazonaws.eu-west-1.ecr-fips.dkr",
        dns_names=("*.dkr.ecr-fips.eu-west-1.amazonaws.com",),
    )
    world = replace(WITHOUT, vpc=replace(WITHOUT.vpc, endpoints=Known((fips,))))
    assert any(
        "vpce-dkr (com.amazonaws.eu-west-1.ecr-fips.dkr)" in e.text for e in problem(outcome(CAUSE, world)).evidence
    )


@pytest.mark.parametrize(
    "vpc",
    [
        ENDPOINT_VPC,
        NAT_VPC,
        replace(drop(routes(ENDPOINT_VPC, TO_NAT), "endpoints", "vpce-s3"), nat_gateways=NAT_VPC.nat_gateways),
    ],
)
def test_a_way_to_s3(vpc: object) -> None:
    ok(outcome(CAUSE, replace(WITHOUT, vpc=vpc)))  # type: ignore[arg-type] # a list of Vpcs


def test_no_ecr_endpoints_is_another_cause() -> None:
    ok(outcome(CAUSE, replace(WITHOUT, vpc=replace(WITHOUT.vpc, endpoints=Known(())))))


@pytest.mark.parametrize("fact", ["endpoints", "route_tables"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, replace(WITHOUT, vpc=having(WITHOUT.vpc, **{fact: unread}))))


@pytest.mark.parametrize("fact", ["s3_prefix_list", "network_acls", "security_groups", "nat_gateways", "dns_hostnames"])
def test_what_it_does_not_rest_on(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    problem(outcome(CAUSE, replace(WITHOUT, vpc=having(WITHOUT.vpc, **{fact: unread}))))


def test_an_opaque_way_leaves_it_open() -> None:
    vpc = drop(routes(ENDPOINT_VPC, Route("0.0.0.0/0", "tgw-1", "active")), "endpoints", "vpce-s3")
    world = replace(WITHOUT, vpc=vpc)
    assert missing(outcome(CAUSE, world)) == ("the way behind tgw-1",)


def test_mended_by_other_subnets() -> None:
    moved = replace(DEPLOYMENT, id="ecs-svc/2", subnets=("subnet-good",))
    service = replace(SERVICE, deployments=(moved, replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, replace(WITHOUT, service=service))).still == "no"
