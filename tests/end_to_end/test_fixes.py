"""Every printed fix is carried out from its structured command, and removes its cause."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess

import pytest

from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import DEFECTS, accused, carry_out, evidence, report_on, ruled_out
from tests.worlds import World, build

EXACT = {
    "endpoint-security-group",
    "public-subnet-without-public-ip",
    "role-without-permission",
    "s3-endpoint-missing",
    "private-dns-off",
    "dns-hostnames-off",
    "dns-support-off",
    "s3-endpoint-policy",
    "dkr-endpoint-policy",
    "egress-to-endpoints-only",
    "acl-without-replies",
    "execution-role-trusts-ec2",
    "pinned-digest-deleted",
    "foreign-repository-lets-look",
    "cache-without-rights",
    "secret-key-admits-nobody",
}


def _removed(aws: EmulatedAws, world: World, cause: str) -> bool:
    """Whether the failed task's cause no longer stands, and the service's next task is not accused at all."""
    stands = {one.cause for one in report_on(aws, world.event).causes if one.still != "no"}
    world.relaunch()
    return cause not in stands and cause not in accused(report_on(aws, world.event))


@pytest.mark.parametrize("name", sorted(EXACT))
def test_the_first_fix_is_exact(aws: EmulatedAws, name: str) -> None:
    first = report_on(aws, build(aws, name).event).causes[0]
    assert first.fixes[0].applicability == "exact"
    assert first.fixes[0].commands


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if number % 2 else []) for number, name in enumerate(sorted(DEFECTS))],
)
def test_every_fix_with_api_calls_removes_its_cause(aws: EmulatedAws, name: str) -> None:
    first = report_on(aws, build(aws, name).event).causes[0]
    runnable = [
        number
        for number, fix in enumerate(first.fixes)
        if fix.applicability != "fill-in" and fix.commands and all(isinstance(c.service, str) for c in fix.commands)
    ]
    if name != "image-tag-missing":  # its fix reads the manifest in one line and puts it in the next
        assert runnable
    for number in runnable:
        world = build(aws, name)
        fix = report_on(aws, world.event).causes[0].fixes[number]
        for command in fix.commands:
            carry_out(world, command, fix.account)
        assert _removed(aws, world, DEFECTS[name]), f"fix {number} of {name}"


@pytest.mark.parametrize("name", ["no-public-ip", "no-way-to-secrets-manager", "ipv6-only-without-dns64"])
def test_a_subnet_that_works_is_named_and_can_be_left_alone_in_the_service(aws: EmulatedAws, name: str) -> None:
    world = build(aws, name)
    builder, ecs = world.builder, world.builder.client("ecs")
    gateways = builder.client("ec2").describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [world.vpc]}])
    known = [one["NatGatewayId"] for one in gateways["NatGateways"]]
    nat = known[0] if known else builder.nat_gateway(builder.internet_gateway())
    good = builder.subnet("10.0.9.0/24", "c", builder.table(NatGatewayId=nat))
    network = {"subnets": [world.subnet, good], "securityGroups": [builder.task_group], "assignPublicIp": "DISABLED"}
    ecs.update_service(
        cluster=world.cluster, service=world.workload, networkConfiguration={"awsvpcConfiguration": network}
    )
    world.relaunch()
    first = report_on(aws, world.event).causes[0]
    assert first.cause == world.cause
    assert f"the path works from {good}" in first.explanation
    assert good in evidence(first)
    assert len(first.fixes) == 2
    carry_out(world, first.fixes[1].commands[0])
    assert _removed(aws, world, first.cause)


@pytest.mark.skipif(shutil.which("jq") is None, reason="the printed command runs jq, which is not installed")
def test_the_dual_stack_name_in_a_new_revision_of_the_task_definition(aws: EmulatedAws) -> None:
    world = build(aws, "ipv6-only-without-dns64")
    ecs = world.builder.client("ecs")
    read, register, deploy = report_on(aws, world.event).causes[0].fixes[0].commands
    program = shlex.split(read.cli.partition(" | ")[2].removesuffix(" > task-definition.json"))
    before = ecs.describe_task_definition(taskDefinition=world.workload)["taskDefinition"]
    done = subprocess.run(program, input=json.dumps(before, default=str), capture_output=True, text=True, check=True)  # noqa: S603 - the printed command is what the test is about
    assert register.cli.endswith(" --cli-input-json file://task-definition.json")
    ecs.register_task_definition(**json.loads(done.stdout))
    carry_out(world, deploy)
    new = ecs.describe_task_definition(taskDefinition=world.workload)["taskDefinition"]["containerDefinitions"][0]
    assert new["image"].startswith(f"{world.account}.dkr-ecr.{world.region}.on.aws/team/")
    world.relaunch()
    report = report_on(aws, world.event)
    assert accused(report) == set()
    assert "ipv6-only-subnet" in ruled_out(report)


def test_the_gateway_endpoint_of_another_table_is_associated_not_made_again(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing")
    world.builder.s3_endpoint(world.builder.table())
    fix = report_on(aws, world.event).causes[0].fixes[0]
    assert [command.operation for command in fix.commands] == ["ModifyVpcEndpoint"]
    carry_out(world, fix.commands[0])
    assert _removed(aws, world, "s3-endpoint-missing")
