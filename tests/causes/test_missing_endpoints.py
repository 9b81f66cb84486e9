"""The two missing endpoints of ECR, ecr.api and ecr.dkr, which share their logic."""

from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import TASK, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import (
    ACCOUNT,
    ENDPOINT_VPC,
    NAT_VPC,
    REGION,
    REGISTRY,
    TO_NAT,
    change,
    drop,
    having,
    routes,
)

API, DKR = "ecr-api-endpoint-missing", "ecr-dkr-endpoint-missing"
SIGN_IN = Symptom("sign-in", "network-timeout", host=f"api.ecr.{REGION}.amazonaws.com", address="34.255.83.146")
MANIFEST = Symptom("resolve", "network-timeout", host=REGISTRY, address="34.255.83.146")
WITHOUT_API = World(vpc=drop(ENDPOINT_VPC, "endpoints", "vpce-api"), failures=(failure(SIGN_IN),))
WITHOUT_DKR = World(vpc=drop(ENDPOINT_VPC, "endpoints", "vpce-dkr"), failures=(failure(MANIFEST),))
BOTH = pytest.mark.parametrize(
    ("cause", "world", "service", "sibling"),
    [(API, WITHOUT_API, "ecr.api", "vpce-dkr"), (DKR, WITHOUT_DKR, "ecr.dkr", "vpce-api")],
)


@BOTH
def test_one_of_the_two_is_missing(cause: str, world: World, service: str, sibling: str) -> None:
    found = problem(outcome(cause, world))
    assert (found.culprit.id, found.inferred) == ("vpc-1", ())
    assert service in found.title
    assert any(sibling in one.text for one in found.evidence)
    (fix,) = found.fixes
    assert fix.applicability == "exact"
    assert parameters(found) == {
        "VpcId": "vpc-1",
        "VpcEndpointType": "Interface",
        "ServiceName": f"com.amazonaws.{REGION}.{service}",
        "SubnetIds": ["subnet-endpoint"],
        "SecurityGroupIds": ["sg-endpoint"],
        "PrivateDnsEnabled": True,
    }


@BOTH
def test_a_model_whose_group_keeps_the_task_out_is_the_readers_call(
    cause: str, world: World, service: str, sibling: str
) -> None:
    closed = change(world.vpc, "security_groups", "sg-endpoint", ingress=())
    (fix,) = problem(outcome(cause, replace(world, vpc=closed))).fixes
    assert (fix.applicability, sibling in fix.text, service in fix.text) == ("your-call", True, True)


@BOTH
def test_the_twins_have_it_or_need_none(cause: str, world: World, service: str, sibling: str) -> None:
    assert service in ok(outcome(cause, replace(world, vpc=ENDPOINT_VPC)))
    assert "vpc-1" in ok(outcome(cause, replace(world, vpc=NAT_VPC)))
    by_nat = replace(routes(world.vpc, TO_NAT), nat_gateways=NAT_VPC.nat_gateways)
    assert ok(outcome(cause, replace(world, vpc=by_nat)))
    neither = drop(world.vpc, "endpoints", sibling)
    assert "depend" in ok(outcome(cause, replace(world, vpc=neither)))


@BOTH
def test_one_under_another_name_or_out_of_order_is_another_cause(
    cause: str, world: World, service: str, sibling: str
) -> None:
    own = "vpce-api" if sibling == "vpce-dkr" else "vpce-dkr"
    for members in ({"private_dns": False}, {"state": "failed"}, {"dns_names": ("other.example",)}):
        vpc = change(ENDPOINT_VPC, "endpoints", own, **members)
        assert f"{own} (com.amazonaws.{REGION}.{service})" in ok(outcome(cause, replace(world, vpc=vpc)))


def test_old_platform_versions_sign_in_elsewhere() -> None:
    old = replace(WITHOUT_API, task=replace(TASK, platform_version="1.3.0"))
    assert "1.3.0" in ok(outcome(API, old))
    windows = replace(TASK, platform_version="1.0.0", platform_family="WINDOWS_SERVER_2022_CORE")
    problem(outcome(API, replace(WITHOUT_API, task=windows)))
    problem(outcome(DKR, replace(WITHOUT_DKR, task=old.task)))


def test_the_main_table_is_named_as_such() -> None:
    vpc = drop(WITHOUT_DKR.vpc, "route_tables", "rtb-private")
    found = problem(outcome(DKR, replace(WITHOUT_DKR, vpc=vpc)))
    assert any("main one of vpc-1" in one.text for one in found.evidence)


def test_a_fips_name_needs_the_fips_endpoint() -> None:
    host = f"{ACCOUNT}.dkr.ecr-fips.{REGION}.amazonaws.com"
    fips = replace(WITHOUT_DKR, failures=(failure(replace(MANIFEST, host=host), f"{host}/team/app:1"),))
    assert parameters(problem(outcome(DKR, fips)))["ServiceName"] == f"com.amazonaws.{REGION}.ecr-fips.dkr"


def test_the_service_is_named_as_its_neighbour() -> None:
    vpc = change(
        WITHOUT_DKR.vpc, "endpoints", "vpce-api", service=f"cn.com.amazonaws.{REGION}.ecr.api", managed_by="stack net"
    )
    found = problem(outcome(DKR, replace(WITHOUT_DKR, vpc=vpc)))
    assert parameters(found)["ServiceName"] == f"cn.com.amazonaws.{REGION}.ecr.dkr"
    assert found.fixes[0].managed_by == "stack net"


def test_dns_hostnames_are_turned_on_first() -> None:
    vpc = having(WITHOUT_DKR.vpc, dns_hostnames=Known(value=False))
    (fix,) = problem(outcome(DKR, replace(WITHOUT_DKR, vpc=vpc))).fixes
    assert [one.operation for one in fix.commands if isinstance(one, AwsCommand)] == [
        "ModifyVpcAttribute",
        "CreateVpcEndpoint",
    ]
    assert fix.applicability == "exact"


def test_an_image_of_another_region_gets_no_endpoint_of_this_one() -> None:
    host = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
    far = replace(WITHOUT_DKR, failures=(failure(replace(MANIFEST, host=host), f"{host}/team/app:1"),))
    (fix,) = problem(outcome(DKR, far)).fixes
    assert fix.commands == ()
    assert "us-east-1" in fix.text


@BOTH
@pytest.mark.parametrize("fact", ["endpoints", "route_tables"])
def test_what_is_not_read_leaves_it_open(cause: str, world: World, service: str, sibling: str, fact: str) -> None:
    assert service
    assert sibling
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(cause, replace(world, vpc=having(world.vpc, **{fact: unread}))))


@BOTH
@pytest.mark.parametrize(
    "fact", ["dns_support", "dns_hostnames", "custom_resolvers", "security_groups", "network_acls"]
)
def test_what_it_does_not_rest_on(cause: str, world: World, service: str, sibling: str, fact: str) -> None:
    assert service
    assert sibling
    problem(outcome(cause, replace(world, vpc=having(world.vpc, **{fact: Unknown(f"the {fact}", "denied")}))))
