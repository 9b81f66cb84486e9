from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import Deployment, NetworkAcl, Route, RouteTable, Subnet
from pull_doctor.network.vpc import Vpc
from tests.causes.factory import DEPLOYMENT, HUB_IMAGE, SERVICE, TASK, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import (
    ACCOUNT,
    ENDPOINT_VPC,
    LOCAL,
    NAT_VPC,
    OPEN_ACL,
    REGION,
    REGISTRY,
    TO_GATEWAY,
    TO_NAT,
    add,
    change,
    drop,
    having,
    routes,
)

CAUSE = "no-route-to-registry"
ISOLATED = World(vpc=replace(routes(NAT_VPC), nat_gateways=Known(())))


def test_a_subnet_without_a_route() -> None:
    found = problem(outcome(CAUSE, ISOLATED))
    assert found.culprit.id == "rtb-private"
    assert found.still == "yes"
    assert not found.text_proves
    assert not found.inferred
    assert len(found.traces) == 3
    private, public = found.fixes
    assert (private.applicability, public.applicability) == ("fill-in", "fill-in")
    created = [
        one.parameters["ServiceName"].rsplit("west-1.")[-1] for one in private.commands if isinstance(one, AwsCommand)
    ]
    assert created == ["ecr.api", "ecr.dkr", "s3"]
    assert parameters(found, 1)["NatGatewayId"] == "<nat-gateway-id>"


def test_endpoints_that_are_there_are_not_made_again() -> None:
    off = change(drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"), "endpoints", "vpce-dkr", private_dns=False)
    found = problem(outcome(CAUSE, World(vpc=off)))
    created = [one.parameters["ServiceName"] for one in found.fixes[0].commands if isinstance(one, AwsCommand)]
    assert created == ["com.amazonaws.eu-west-1.s3"]


def test_the_main_table_is_named_as_such() -> None:
    world = replace(ISOLATED, vpc=drop(ISOLATED.vpc, "route_tables", "rtb-private"))
    found = problem(outcome(CAUSE, world))
    assert found.culprit.id == "rtb-main"
    assert any("main one of vpc-1" in one.text for one in found.evidence)


def test_a_nat_gateway_that_is_there_is_the_fix() -> None:
    found = problem(outcome(CAUSE, replace(ISOLATED, vpc=routes(NAT_VPC))))
    assert found.fixes[0].applicability == "your-call"
    assert parameters(found)["NatGatewayId"] == "nat-1"
    assert parameters(found, 1)["VpcEndpointType"] == "Interface"
    for useless in ({"state": "failed"}, {"private": True}):
        vpc = change(routes(NAT_VPC), "nat_gateways", "nat-1", **useless)
        assert "nat-1" not in str(problem(outcome(CAUSE, replace(ISOLATED, vpc=vpc))).fixes)


GOOD = RouteTable("rtb-good", False, ("subnet-good",), (LOCAL, TO_NAT), "stack network")  # noqa: FBT003 - `main`


def beside_a_good_one(vpc: Vpc) -> World:
    """A service of two subnets, one of which has a way out by a table of its own."""
    vpc = add(vpc, "subnets", Subnet("subnet-good", "vpc-1", "eu-west-1c", "10.0.4.0/24"))
    vpc = add(vpc, "route_tables", GOOD)
    service = replace(SERVICE, deployments=(replace(DEPLOYMENT, subnets=("subnet-task", "subnet-good")),))
    return World(vpc=add(vpc, "network_acls", NetworkAcl("acl-good", ("subnet-good",), OPEN_ACL)), service=service)


def test_a_neighbour_that_works_is_the_fix() -> None:
    found = problem(outcome(CAUSE, beside_a_good_one(drop(NAT_VPC, "route_tables", "rtb-private"))))
    assert "the path works from subnet-good." in found.explanation
    assert parameters(found) == {"RouteTableId": "rtb-good", "SubnetId": "subnet-task"}
    assert found.fixes[0].managed_by == "stack network"
    leave = parameters(found, 1)["networkConfiguration"]["awsvpcConfiguration"]
    assert leave == {"subnets": ["subnet-good"], "securityGroups": ["sg-task"], "assignPublicIp": "DISABLED"}


def test_a_neighbours_route_is_the_model_for_a_subnet_with_a_table_of_its_own() -> None:
    found = problem(outcome(CAUSE, beside_a_good_one(routes(NAT_VPC))))
    assert "as in subnet-good" in found.fixes[0].text
    route = {"RouteTableId": "rtb-private", "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}
    assert parameters(found) == route
    assert any("subnet-good of the service: rtb-good sends 0.0.0.0/0 to nat-1" in one.text for one in found.evidence)


def test_a_neighbour_is_a_model_by_its_way_out_and_no_refuge_unless_its_whole_path_works() -> None:
    world = beside_a_good_one(drop(NAT_VPC, "route_tables", "rtb-private"))
    found = problem(outcome(CAUSE, replace(world, vpc=drop(world.vpc, "network_acls", "acl-good"))))
    assert "cannot be followed to its end from subnet-good" in found.explanation
    assert parameters(found) == {"RouteTableId": "rtb-good", "SubnetId": "subnet-task"}
    assert not any("out of the service" in fix.text for fix in found.fixes)


def test_another_registry_gets_no_endpoints_for_a_fix() -> None:
    vpc = replace(routes(ENDPOINT_VPC, TO_GATEWAY), nat_gateways=Known(()))
    found = problem(outcome(CAUSE, World(vpc=vpc, failures=(failure(image=HUB_IMAGE),))))
    assert "registry-1.docker.io" in found.explanation
    assert [one.operation for one in found.fixes[0].commands if isinstance(one, AwsCommand)] == ["CreateRoute"]


def test_only_sign_in_before_platform_version_1_4_needs_no_way() -> None:
    api_only = drop(ENDPOINT_VPC, "endpoints", "vpce-api")
    old = World(vpc=api_only, task=replace(TASK, platform_version="1.3.0"))
    assert "way to" in ok(outcome(CAUSE, old))
    assert "ecr" in ok(outcome(CAUSE, replace(old, task=TASK)))


@pytest.mark.parametrize("vpc", [NAT_VPC, ENDPOINT_VPC])
def test_a_subnet_with_a_way(vpc: object) -> None:
    assert "subnet-task" in ok(outcome(CAUSE, replace(World(), vpc=vpc)))  # type: ignore[arg-type] # two Vpcs


@pytest.mark.parametrize("fact", ["endpoints", "dns_support"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied", f"ec2:Describe{fact}")
    vpc = having(ENDPOINT_VPC, **{fact: unread})
    assert f"the {fact}" in missing(outcome(CAUSE, World(vpc=vpc)))


@pytest.mark.parametrize("fact", ["route_tables", "nat_gateways"])
def test_a_way_that_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied", f"ec2:Describe{fact}")
    assert missing(outcome(CAUSE, World(vpc=having(NAT_VPC, **{fact: unread})))) == (f"the {fact}",)


def test_an_opaque_way_is_not_visible() -> None:
    world = World(vpc=routes(NAT_VPC, Route("0.0.0.0/0", "tgw-1", "active")))
    assert missing(outcome(CAUSE, world)) == ("the way behind tgw-1",)


@pytest.mark.parametrize(
    "vpc",
    [
        change(NAT_VPC, "nat_gateways", "nat-1", state="failed"),
        routes(NAT_VPC, replace(TO_NAT, state="blackhole")),
        change(NAT_VPC, "security_groups", "sg-task", egress=()),
        change(NAT_VPC, "network_acls", "acl-task", entries=()),
        change(ENDPOINT_VPC, "endpoints", "vpce-dkr", private_dns=False),
        change(ENDPOINT_VPC, "endpoints", "vpce-dkr", state="pending"),
        drop(ENDPOINT_VPC, "endpoints", "vpce-dkr"),
    ],
)
def test_a_way_that_another_cause_closes_is_a_way(vpc: object) -> None:
    ok(outcome(CAUSE, replace(World(), vpc=vpc)))  # type: ignore[arg-type] # a list of Vpcs


def test_mended_by_other_subnets() -> None:
    moved = Deployment("ecs-svc/2", "PRIMARY", ("subnet-good",), ("sg-task",), False)  # noqa: FBT003 - assign_public_ip
    service = replace(SERVICE, deployments=(moved, replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, replace(ISOLATED, service=service))).still == "no"
    unread = Unknown("service web", "denied")
    assert problem(outcome(CAUSE, ISOLATED, service=unread)).still == "unknown"
    assert problem(outcome(CAUSE, replace(ISOLATED, service=None))).still == "unknown"


def test_a_private_address_is_not_mended_by_a_way_to_the_internet() -> None:
    led = replace(TIMEOUT, host=REGISTRY, address="10.9.0.7")
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC), failures=(failure(led),))))
    assert [one.text for one in found.fixes] == ["route 10.9.0.7 to the network that has it"]
    assert parameters(found)["TransitGatewayId"] == "<transit-gateway-id>"


def test_an_ipv6_address_is_not_mended_by_a_way_over_ipv4() -> None:
    host = f"{ACCOUNT}.dkr-ecr.{REGION}.on.aws"
    led = replace(TIMEOUT, host=host, address="2600:1f18::1")
    world = World(vpc=routes(NAT_VPC, TO_NAT), failures=(failure(led, f"{host}/team/app:v1.4.2"),))
    found = problem(outcome(CAUSE, world))
    created = [one.operation for one in found.fixes[0].commands if isinstance(one, AwsCommand)]
    assert created == ["CreateEgressOnlyInternetGateway", "CreateRoute"]
    assert isinstance(found.fixes[0].commands[1], AwsCommand)
    assert found.fixes[0].commands[1].parameters["DestinationIpv6CidrBlock"] == "::/0"
