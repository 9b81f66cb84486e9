"""Every printed fix is carried out from its structured command, and removes its cause."""

from __future__ import annotations

import pytest

from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import DEFECTS, accused, carry_out, report_on
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


@pytest.mark.parametrize("name", sorted(DEFECTS))
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
        for command in report_on(aws, world.event).causes[0].fixes[number].commands:
            carry_out(world, command)
        assert _removed(aws, world, DEFECTS[name]), f"fix {number} of {name}"


def test_the_gateway_endpoint_of_another_table_is_associated_not_made_again(aws: EmulatedAws) -> None:
    world = build(aws, "s3-endpoint-missing")
    world.builder.s3_endpoint(world.builder.table())
    fix = report_on(aws, world.event).causes[0].fixes[0]
    assert [command.operation for command in fix.commands] == ["ModifyVpcEndpoint"]
    carry_out(world, fix.commands[0])
    assert _removed(aws, world, "s3-endpoint-missing")
