from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import HostedZone, Route, ZoneRecord
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import DEPLOYMENT, SERVICE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import (
    ACCOUNT,
    ENDPOINT_VPC,
    LOCAL,
    NAT_VPC,
    PUBLIC_VPC,
    TO_GATEWAY,
    TO_IGW,
    TO_NAT,
    change,
    drop,
    having,
    routes,
)

CAUSE = "blackhole-route"
DEAD = Route("0.0.0.0/0", "eni-9", "blackhole")
NARROW = Route("34.255.0.0/16", "pcx-9", "blackhole")
API_TIMEOUT = Symptom("sign-in", "network-timeout", host="api.ecr.eu-west-1.amazonaws.com", address="34.255.83.146")
TOLD = (failure(API_TIMEOUT),)


def test_a_route_to_an_instance_that_is_gone() -> None:
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, DEAD))))
    assert found.culprit.id == "rtb-private"
    assert "eni-9 no longer takes traffic" in found.explanation
    assert any("0.0.0.0/0 -> eni-9 (blackhole)" in one.text for one in found.evidence)
    assert found.fixes[0].applicability == "your-call"
    assert parameters(found)["NatGatewayId"] == "nat-1"


def test_a_nat_gateway_that_is_not_shown_any_more() -> None:
    vpc = drop(routes(NAT_VPC, replace(TO_NAT, state="blackhole")), "nat_gateways", "nat-1")
    found = problem(outcome(CAUSE, World(vpc=vpc)))
    assert "nat-1 is not among the NAT gateways" in found.explanation
    assert found.fixes[0].applicability == "fill-in"
    operations = [one.operation for one in found.fixes[0].commands if isinstance(one, AwsCommand)]
    assert operations == ["CreateNatGateway", "ReplaceRoute"]


def test_an_internet_gateway_that_is_not_there_any_more() -> None:
    vpc = routes(PUBLIC_VPC, Route("0.0.0.0/0", "igw-old", "blackhole"))
    found = problem(outcome(CAUSE, World(vpc=vpc)))
    assert parameters(found) == {
        "RouteTableId": "rtb-private",
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": "igw-1",
    }
    none = replace(vpc, internet_gateways=Known(()))
    found = problem(outcome(CAUSE, World(vpc=none)))
    operations = [one.operation for one in found.fixes[0].commands if isinstance(one, AwsCommand)]
    assert operations == ["CreateInternetGateway", "AttachInternetGateway", "ReplaceRoute"]


def test_a_route_that_is_filtered() -> None:
    """Of a Route Server: what it put into the table cannot be replaced, and a route that is made wins over it."""
    advertised = Route("0.0.0.0/0", "10.0.3.7", "filtered", propagated=True)
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, advertised))))
    assert found.title == "route to the registry is out of use"
    assert "filtered: EC2 does not use it, and no other route takes the address" in found.explanation
    assert "drops" not in found.explanation
    (command,) = found.fixes[0].commands
    assert isinstance(command, AwsCommand)
    assert (command.operation, command.parameters["NatGatewayId"]) == ("CreateRoute", "nat-1")
    assert "to nat-1" in ok(outcome(CAUSE, World(vpc=routes(NAT_VPC, advertised, TO_NAT))))


def test_a_propagated_blackhole_gets_a_route_over_it() -> None:
    dead = replace(NARROW, target="vgw-9", propagated=True)
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, TO_NAT, dead), failures=TOLD)))
    (command,) = found.fixes[0].commands
    assert isinstance(command, AwsCommand)
    assert (command.operation, command.parameters["DestinationCidrBlock"]) == ("CreateRoute", "34.255.0.0/16")


def test_a_narrow_route_is_taken_out_where_a_wider_one_works() -> None:
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, TO_NAT, NARROW), failures=TOLD)))
    (command,) = found.fixes[0].commands
    assert isinstance(command, AwsCommand)
    assert (command.operation, parameters(found)) == (
        "DeleteRoute",
        {"RouteTableId": "rtb-private", "DestinationCidrBlock": "34.255.0.0/16"},
    )
    assert [trace.phase for trace in found.traces] == ["sign-in"]


def test_a_narrow_route_stays_where_the_wider_one_is_of_no_use() -> None:
    failed = change(routes(NAT_VPC, TO_NAT, NARROW), "nat_gateways", "nat-1", state="failed")
    assert "DeleteRoute" not in str(problem(outcome(CAUSE, World(vpc=failed, failures=TOLD))).fixes)
    alone = World(vpc=routes(NAT_VPC, NARROW), failures=TOLD)
    assert parameters(problem(outcome(CAUSE, alone)))["DestinationCidrBlock"] == "34.255.0.0/16"
    by_gateway = World(vpc=routes(PUBLIC_VPC, TO_IGW, NARROW), failures=TOLD)
    assert "DeleteRoute" not in str(problem(outcome(CAUSE, by_gateway)).fixes)
    public = replace(SERVICE, deployments=(replace(DEPLOYMENT, assign_public_ip=True),))
    assert "DeleteRoute" in str(problem(outcome(CAUSE, replace(by_gateway, service=public))).fixes)


def test_a_blackhole_elsewhere_is_not_to_blame() -> None:
    assert "to nat-1" in ok(
        outcome(CAUSE, World(vpc=routes(NAT_VPC, TO_NAT, Route("10.9.0.0/16", "pcx-9", "blackhole"))))
    )
    assert "subnet-task" in ok(outcome(CAUSE, World(vpc=routes(NAT_VPC))))


def test_the_route_of_the_prefix_list_of_s3() -> None:
    dead = Route("pl-s3", "vpce-gone", "blackhole")
    found = problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, TO_NAT, dead))))
    assert [trace.phase for trace in found.traces] == ["download"]
    assert "pl-s3 to vpce-gone" in found.explanation
    assert parameters(found) == {"RouteTableId": "rtb-private", "DestinationPrefixListId": "pl-s3"}


def test_a_route_whose_target_can_be_read_is_the_targets() -> None:
    vpc = change(routes(NAT_VPC, replace(TO_NAT, state="blackhole")), "nat_gateways", "nat-1", state="deleted")
    ok(outcome(CAUSE, World(vpc=vpc)))
    detached = change(routes(NAT_VPC, replace(TO_IGW, state="blackhole")), "internet_gateways", "igw-1", vpcs=())
    ok(outcome(CAUSE, World(vpc=detached)))


def test_a_dead_part_of_the_addresses_leaves_it_open() -> None:
    assert missing(outcome(CAUSE, World(vpc=routes(NAT_VPC, TO_NAT, NARROW))))


@pytest.mark.parametrize("fact", ["route_tables", "nat_gateways", "endpoints"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    vpc = routes(NAT_VPC, replace(TO_NAT, state="blackhole"))
    assert f"the {fact}" in missing(outcome(CAUSE, World(vpc=having(vpc, **{fact: unread}))))


def test_mended_by_other_subnets() -> None:
    moved = replace(DEPLOYMENT, id="ecs-svc/2", subnets=("subnet-good",))
    service = replace(SERVICE, deployments=(moved, replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, World(vpc=routes(NAT_VPC, DEAD), service=service))).still == "no"


@pytest.mark.parametrize(
    ("destination", "operation", "more"),
    [("10.0.2.0/24", "DeleteRoute", {}), ("10.0.0.0/16", "ReplaceRoute", {"LocalTarget": True})],
)
def test_a_dead_route_inside_the_vpc_is_given_back_to_it(
    destination: str, operation: str, more: dict[str, bool]
) -> None:
    dead = Route(destination, "eni-9", "blackhole")
    kept = [one for one in (LOCAL, TO_GATEWAY) if one.destination != destination]
    vpc = change(ENDPOINT_VPC, "route_tables", "rtb-private", routes=(dead, *kept))
    found = problem(outcome(CAUSE, World(vpc=vpc)))
    (command,) = found.fixes[0].commands
    assert isinstance(command, AwsCommand)
    expected = {"RouteTableId": "rtb-private", "DestinationCidrBlock": destination, **more}
    assert (command.operation, parameters(found)) == (operation, expected)


@pytest.mark.parametrize(
    ("target", "member"), [("pcx-9", "VpcPeeringConnectionId"), ("tgw-9", "TransitGatewayId")], ids=str
)
def test_a_dead_route_to_another_network_is_not_mended_by_a_way_to_the_internet(target: str, member: str) -> None:
    dead = Route("10.9.0.0/16", target, "blackhole")
    central = ZoneRecord("*.dkr.ecr.eu-west-1.amazonaws.com", "A", ("10.9.0.7",))
    zone = HostedZone("Z1", "dkr.ecr.eu-west-1.amazonaws.com", ACCOUNT, (central,))
    vpc = having(routes(NAT_VPC, TO_NAT, dead), hosted_zones=Known((zone,)))
    found = problem(outcome(CAUSE, World(vpc=vpc)))
    assert set(parameters(found)) == {"RouteTableId", "DestinationCidrBlock", member}
    assert found.fixes[0].applicability == "fill-in"
