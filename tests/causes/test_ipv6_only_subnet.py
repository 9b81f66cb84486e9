from dataclasses import replace
from typing import Any

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts.values import Route
from pull_doctor.network.vpc import Vpc
from tests.causes.factory import HUB_IMAGE, INTERFACE, SERVICE, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import NAT_VPC, TO_NAT, drop
from tests.network.test_walk_ipv6 import ALONE_SUBNET, OWN, TO_EIGW, TO_NAT64, V6_WAY, with_ipv6

CAUSE = "ipv6-only-subnet"
DUAL_STACK_IMAGE = "111122223333.dkr-ecr.eu-west-1.on.aws/team/app:v1.4.2"
TRANSLATED = replace(ALONE_SUBNET, dns64=True)


def alone(vpc: Vpc = V6_WAY, **more: Any) -> World:
    interface = replace(INTERFACE, private_ip=None, ipv6=(OWN,))
    members: dict[str, Any] = {"subnet": ALONE_SUBNET, "failures": (failure(TIMEOUT),)}
    return World(vpc=vpc, interface=interface, **(members | more))


def calls(found: Any, index: int) -> list[tuple[str, dict[str, Any]]]:
    commands = [one for one in found.fixes[index].commands if isinstance(one, AwsCommand)]
    return [(one.operation, one.parameters) for one in commands]


def test_a_classic_name_without_dns64() -> None:
    found = problem(outcome(CAUSE, alone()))
    assert found.culprit.id == "subnet-task"
    assert "DNS64 is off for subnet-task" in found.explanation
    assert "111122223333.dkr-ecr.eu-west-1.on.aws/team/app" in found.fixes[0].text
    route = {"RouteTableId": "rtb-private", "DestinationIpv6CidrBlock": "64:ff9b::/96", "NatGatewayId": "nat-1"}
    assert calls(found, 1) == [
        ("ModifySubnetAttribute", {"SubnetId": "subnet-task", "EnableDns64": {"Value": True}}),
        ("CreateRoute", route),
    ]
    assert found.fixes[1].applicability == "your-call"


def test_dns64_without_its_route() -> None:
    found = problem(outcome(CAUSE, alone(subnet=TRANSLATED)))
    assert "DNS64 is on for subnet-task" in found.explanation
    assert [operation for operation, _ in calls(found, 1)] == ["CreateRoute"]
    astray = with_ipv6(NAT_VPC, replace(TO_EIGW, destination="64:ff9b::/96"))
    assert [operation for operation, _ in calls(problem(outcome(CAUSE, alone(astray, subnet=TRANSLATED))), 1)] == [
        "ReplaceRoute"
    ]


def test_without_a_nat_gateway_the_fix_has_a_hole() -> None:
    found = problem(outcome(CAUSE, alone(drop(V6_WAY, "nat_gateways", "nat-1"))))
    assert found.fixes[1].applicability == "fill-in"


def test_a_fips_name_has_its_own_dual_stack_form() -> None:
    image = "111122223333.dkr.ecr-fips.us-east-1.amazonaws.com/team/app:v1.4.2"
    found = problem(outcome(CAUSE, alone(failures=(failure(TIMEOUT, image),))))
    assert "111122223333.dkr-ecr-fips.us-east-1.on.aws/team/app" in found.fixes[0].text


def test_dns64_with_its_route_is_a_way() -> None:
    assert "subnet-task" in ok(outcome(CAUSE, alone(with_ipv6(NAT_VPC, TO_EIGW, TO_NAT64), subnet=TRANSLATED)))


def test_a_dual_stack_name_needs_no_ipv4() -> None:
    found = outcome(CAUSE, alone(failures=(failure(TIMEOUT, DUAL_STACK_IMAGE),)))
    assert "subnet-task" in ok(found)


def test_another_registry_may_have_ipv6() -> None:
    facts = missing(outcome(CAUSE, alone(failures=(failure(TIMEOUT, HUB_IMAGE),))))
    assert any("whether registry-1.docker.io has an IPv6 address" in one for one in facts)


def test_what_lies_behind_another_network_is_not_told() -> None:
    central = with_ipv6(NAT_VPC, Route("::/0", "tgw-1", "active"))
    assert missing(outcome(CAUSE, alone(central, subnet=TRANSLATED)))


def test_a_subnet_with_ipv4_has_not_this_defect() -> None:
    assert isinstance(outcome(CAUSE, World(vpc=with_ipv6(NAT_VPC, TO_NAT))), NotApplicable)


def test_a_service_that_has_left_the_subnet() -> None:
    moved = replace(SERVICE, deployments=(replace(SERVICE.deployments[0], id="ecs-svc/2", subnets=("subnet-b",)),))
    assert problem(outcome(CAUSE, alone(service=moved))).still == "no"
