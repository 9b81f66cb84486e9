"""Who pulls on hosts: the instance with its own role, a managed instance, a machine that AWS does not show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.report.model import PullerPart, Report
from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import report_on, ruled_out
from tests.worlds import World, build
from tests.worlds.defects import DEFECTS, broken_world
from tests.worlds.harmless import HARMLESS

OF_THE_NETWORK = {row.cause for row in CATALOGUE if row.realm == "network"}


def puller_of(report: Report) -> PullerPart:
    assert isinstance(report.puller, PullerPart)
    return report.puller


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("route-removed-by-the-instance-role", "-instance"),
        ("route-removed-on-ec2", "-execution"),
        ("route-removed-on-managed-instances", "-execution"),
    ],
)
def test_the_instance_pulls_with_the_role_that_the_task_gives_it_or_its_own(
    aws: EmulatedAws, name: str, role: str
) -> None:
    world = build(aws, name)
    assert world.builder.host
    puller = puller_of(report_on(aws, world.event))
    assert (puller.kind, puller.subnet, puller.role) == ("instance", world.subnet, world.role)
    assert world.role.endswith(role)


def outside(aws: EmulatedAws, name: str) -> World:
    """The account with this defect, or none of it, and its task on a machine on premises."""
    planted = (DEFECTS | HARMLESS)[name]
    return broken_world(aws, [replace(planted, host="bridge", launch_type="EXTERNAL")])


@pytest.mark.parametrize(
    "name",
    [
        "route-removed",
        "egress-closed",
        "endpoint-group-closed",
        "s3-endpoint-removed",
        "private-dns-off",
        "dkr-endpoint-policy",
        "nat-by-halves",
    ],
)
def test_outside_aws_no_defect_of_the_accounts_network_is_blamed(aws: EmulatedAws, name: str) -> None:
    world = outside(aws, name)
    report = report_on(aws, world.event)
    assert (report.causes, report.verdict) == ((), "undetermined")
    assert not OF_THE_NETWORK & ruled_out(report)
    for one in report.not_checked:
        assert {missing.why for missing in one.missing} == {"not-visible"}, one
    assert {one.cause for one in report.not_checked} >= OF_THE_NETWORK - {one.cause for one in report.not_applicable}
    assert puller_of(report).kind == "on-premises"
    (note,) = report.notes
    assert world.image.partition("/")[0] in note.text
    assert [one.id for one in note.resources] == [world.event["detail"]["containerInstanceArn"]]


@pytest.mark.parametrize("name", ["role-without-image", "tag-not-pushed", "repository-missing"])
def test_outside_aws_rights_and_images_are_judged_as_ever(aws: EmulatedAws, name: str) -> None:
    first = report_on(aws, outside(aws, name).event).causes[0]
    assert (first.cause, first.certainty) == (DEFECTS[name].cause, DEFECTS[name].certainty)
