from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NetworkAcl, NetworkInterface, RouteTable, Subnet
from tests.causes.factory import DEPLOYMENT, EC2_TASK, INSTANCE, SERVICE, TASK, World, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import (
    ENDPOINT_VPC,
    LOCAL,
    NAT_VPC,
    OPEN_ACL,
    PUBLIC_VPC,
    TO_IGW,
    TO_NAT,
    add,
    having,
    routes,
)

CAUSE = "no-public-ip"
PUBLIC = World(vpc=PUBLIC_VPC)
INTERFACE = NetworkInterface("eni-task", "subnet-task", ("sg-task",), "10.0.1.10", None)
ENABLED = replace(DEPLOYMENT, assign_public_ip=True)


def test_no_address_behind_an_internet_gateway() -> None:
    found = problem(outcome(CAUSE, PUBLIC))
    assert found.culprit.id == "prod/web"
    assert found.still == "yes"
    assert not found.inferred
    assert any("ecs-svc/1" in one.text and "assignPublicIp=DISABLED" in one.text for one in found.evidence)
    assert any("igw-1" in one.text for one in found.evidence)
    (fix,) = found.fixes
    assert fix.applicability == "exact"
    assert parameters(found)["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-task"],
        "securityGroups": ["sg-task"],
        "assignPublicIp": "ENABLED",
    }


def test_a_route_that_is_out_of_use_too() -> None:
    blackhole = replace(TO_IGW, state="blackhole")
    found = problem(outcome(CAUSE, World(vpc=routes(PUBLIC_VPC, blackhole))))
    assert "to igw-1, an internet gateway" in found.explanation
    assert any("state of the route is blackhole" in one.text for one in found.evidence)


def test_an_interface_alone_is_a_step_inferred() -> None:
    alone = replace(PUBLIC, service=None, task=replace(TASK, service=None, started_by=None))
    found = problem(outcome(CAUSE, alone))
    assert found.inferred
    assert found.culprit.id == "eni-task"
    assert [fix.applicability for fix in found.fixes] == ["your-call"]


def test_a_service_whose_deployment_is_gone_is_not_blamed_for_its_setting() -> None:
    replaced = replace(SERVICE, deployments=(replace(DEPLOYMENT, id="ecs-svc/2"),))
    found = problem(outcome(CAUSE, replace(PUBLIC, service=replaced)))
    assert found.inferred
    assert found.culprit.id == "eni-task"


def test_a_deleted_interface_is_told_by_the_deployment() -> None:
    assert problem(outcome(CAUSE, replace(PUBLIC, interface=None))).culprit.id == "prod/web"


def test_neither_interface_nor_deployment_tells() -> None:
    gone = replace(PUBLIC, interface=None, service=replace(SERVICE, deployments=()))
    assert missing(outcome(CAUSE, gone)) == ("the public IP address of the pulling interface",)


@pytest.mark.parametrize(
    "world",
    [
        replace(PUBLIC, service=replace(SERVICE, deployments=(ENABLED,))),
        replace(PUBLIC, interface=replace(INTERFACE, public_ip="203.0.113.9")),
        World(vpc=NAT_VPC),
        World(vpc=ENDPOINT_VPC),
    ],
)
def test_an_address_or_no_need_of_one(world: World) -> None:
    assert "subnet-task" in ok(outcome(CAUSE, world))


def test_a_subnet_of_the_service_that_needs_no_address() -> None:
    vpc = add(PUBLIC_VPC, "subnets", Subnet("subnet-b", "vpc-1", "eu-west-1b", "10.0.20.0/24"))
    vpc = add(vpc, "route_tables", RouteTable("rtb-b", False, ("subnet-b",), (LOCAL, TO_NAT)))  # noqa: FBT003 - `main`
    vpc = add(vpc, "network_acls", NetworkAcl("acl-b", ("subnet-b",), OPEN_ACL))
    both = replace(SERVICE, deployments=(replace(DEPLOYMENT, subnets=("subnet-task", "subnet-b")),))
    found = problem(outcome(CAUSE, World(vpc=vpc, service=both)))
    assert found.explanation.endswith("Of the service's other subnets, the path works from subnet-b.")
    assert "subnet-b of the service: rtb-b sends 0.0.0.0/0 to nat-1" in [one.text for one in found.evidence]
    networks = [parameters(found, at)["networkConfiguration"]["awsvpcConfiguration"] for at in (0, 1)]
    assert networks == [
        {"subnets": ["subnet-task", "subnet-b"], "securityGroups": ["sg-task"], "assignPublicIp": "ENABLED"},
        {"subnets": ["subnet-b"], "securityGroups": ["sg-task"], "assignPublicIp": "DISABLED"},
    ]
    same = World(vpc=routes(vpc, TO_IGW, table="rtb-b"), service=both)
    found = problem(outcome(CAUSE, same))
    assert found.explanation.endswith("the path fails in the same way from subnet-b.")
    assert len(found.fixes) == 1


@pytest.mark.parametrize("fact", ["route_tables", "endpoints"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread = Unknown(f"the {fact}", "denied")
    assert f"the {fact}" in missing(outcome(CAUSE, World(vpc=having(PUBLIC_VPC, **{fact: unread}))))


def test_the_internet_gateway_itself_does_not_matter() -> None:
    unread = Unknown("the internet gateways", "denied")
    problem(outcome(CAUSE, World(vpc=replace(PUBLIC_VPC, internet_gateways=unread))))


def test_mended_by_a_new_deployment() -> None:
    mended = replace(SERVICE, deployments=(replace(ENABLED, id="ecs-svc/2"), replace(DEPLOYMENT, status="ACTIVE")))
    assert problem(outcome(CAUSE, replace(PUBLIC, service=mended))).still == "no"
    assert problem(outcome(CAUSE, PUBLIC, service=Unknown("service web", "denied"))).still == "unknown"
    assert isinstance(PUBLIC.view().puller, Known)


def test_a_service_that_is_deleted_gets_no_command_for_it() -> None:
    gone = replace(PUBLIC, service=None)
    found = problem(outcome(CAUSE, gone))
    assert not any(fix.commands for fix in found.fixes)


def test_on_ec2_the_instance_needs_the_address_whatever_the_service_says() -> None:
    enabled = replace(SERVICE, deployments=(ENABLED,))
    for service in (SERVICE, enabled):
        found = problem(outcome(CAUSE, replace(PUBLIC, task=EC2_TASK, service=service)))
        assert found.title.startswith("instance has no public IP address")
        assert "Instance i-1 in subnet-task, which pulls for the task," in found.explanation
        assert (found.culprit.type, found.culprit.id, found.still) == ("AWS::EC2::Instance", "i-1", "yes")
        assert not found.inferred
        (fix,) = found.fixes
        _, associate = fix.commands
        assert isinstance(associate, AwsCommand)
        assert associate.parameters["NetworkInterfaceId"] == "eni-host"
        assert fix.applicability == "fill-in"
        assert not any("task's interface" in one.text or "assignPublicIp" in one.text for one in found.evidence)


def test_what_ecs_launches_itself_is_changed_by_its_capacity_provider() -> None:
    managed = replace(EC2_TASK, launch_type="MANAGED_INSTANCES", capacity_provider="managed")
    (fix,) = problem(outcome(CAUSE, replace(PUBLIC, task=managed))).fixes
    assert (fix.commands, fix.applicability) == ((), "your-call")
    assert "capacity provider managed" in fix.text


def test_on_ec2_the_instances_address_is_enough() -> None:
    addressed = replace(PUBLIC, task=EC2_TASK, instance=replace(INSTANCE, public_ip="203.0.113.9"))
    assert "instance i-1" in ok(outcome(CAUSE, addressed))
    stopped = replace(PUBLIC, task=EC2_TASK, instance=replace(INSTANCE, state="stopped"))
    assert missing(outcome(CAUSE, stopped)) == ("the public IP address of instance i-1",)
