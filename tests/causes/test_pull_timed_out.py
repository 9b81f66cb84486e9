from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import EcrLookup
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Failure
from tests.causes.factory import (
    CONTAINER_INSTANCE,
    EC2_TASK,
    INSTANCE,
    SILENT,
    TASK,
    THERE,
    TIMEOUT,
    World,
    failure,
    outcome,
    sibling,
)
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ENDPOINT_VPC, NAT_VPC, drop, having, routes
from tests.ranked_worlds import ranked

CAUSE = "pull-timed-out"
WHOLE = "DockerTimeoutError: Could not transition to pulled; timed out after waiting 2h0m0s"
MANIFEST = "DockerTimeoutError: Could not transition to MANIFEST_PULLED; timed out after waiting 1m0s"
BEGIN = "DockerTimeoutError: Could not transition to pullBegin; timed out after waiting 5m0s"
IDLE = "CannotPullContainerError: inactivity time exceeded timeout while pulling image"


def saying(text: str) -> Failure:
    return replace(failure(read_symptom(text)), message=text)


WORLD = World(task=EC2_TASK, failures=(saying(WHOLE),))


def test_the_way_is_open_so_the_pull_was_slow() -> None:
    found = problem(outcome(CAUSE, WORLD))
    assert (found.culprit.id, found.text_proves, found.still) == ("i-1", False, "unknown")
    assert "2h0m0s" in found.evidence[0].text
    assert "api.ecr.eu-west-1.amazonaws.com" in found.evidence[1].text
    assert "concluded" in found.inferred[0]
    (finding,) = ranked(WORLD).findings
    assert (finding.row.cause, finding.certainty) == (CAUSE, "likely")


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        (WHOLE, "ECS_IMAGE_PULL_TIMEOUT"),
        (MANIFEST, "ECS_MANIFEST_PULL_TIMEOUT"),
        (IDLE, "ECS_IMAGE_PULL_INACTIVITY_TIMEOUT"),
        (BEGIN, None),
    ],
)
def test_the_setting_is_the_one_whose_limit_the_text_tells(text: str, setting: str | None) -> None:
    fixes = problem(outcome(CAUSE, replace(WORLD, failures=(saying(text),)))).fixes
    named = [fix for fix in fixes if "ECS_" in fix.text]
    assert len(named) == (1 if setting else 0)
    for fix in named:
        assert f"{setting}=" in fix.text
        assert f"echo {setting}=" in str(fix.commands[1])


def test_a_pull_that_did_not_begin_is_not_too_large() -> None:
    world = replace(WORLD, failures=(saying(BEGIN),))
    found = problem(outcome(CAUSE, world))
    assert "the registry answered too slowly, or that the container runtime hung" in found.explanation
    (fix,) = found.fixes
    assert "smaller" not in fix.text
    assert "sudo systemctl status docker ecs" in fix.commands
    managed = problem(outcome(CAUSE, replace(world, task=replace(EC2_TASK, launch_type="MANAGED_INSTANCES"))))
    assert [fix.commands for fix in managed.fixes] == [()]


def test_no_size_of_the_image_holds_its_manifest_up() -> None:
    found = problem(outcome(CAUSE, replace(WORLD, failures=(saying(MANIFEST),))))
    assert "the manifest came too slowly" in found.explanation
    assert "smaller" not in found.fixes[0].text
    assert "smaller" in problem(outcome(CAUSE, WORLD)).fixes[0].text


def test_a_closed_way_is_the_cause_itself() -> None:
    closed = replace(WORLD, vpc=routes(NAT_VPC))
    assert "no-route-to-registry" in ok(outcome(CAUSE, closed))
    found = ranked(closed).findings
    assert found[0].row.cause == "no-route-to-registry"
    assert CAUSE not in {one.row.cause for one in found}


def test_a_way_to_the_layers_does_not_matter_for_the_manifest() -> None:
    without_s3 = replace(WORLD, vpc=drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3"))
    assert "s3-endpoint-missing" in ok(outcome(CAUSE, without_s3))
    problem(outcome(CAUSE, replace(without_s3, failures=(saying(MANIFEST),))))
    without_dkr = replace(WORLD, vpc=drop(ENDPOINT_VPC, "endpoints", "vpce-dkr"), failures=(saying(MANIFEST),))
    assert "ecr-dkr-endpoint-missing" in ok(outcome(CAUSE, without_dkr))


def test_a_way_that_is_not_seen_leaves_it_open() -> None:
    unread = Unknown("the route tables of vpc-1", "denied", "ec2:DescribeRouteTables")
    assert missing(outcome(CAUSE, replace(WORLD, vpc=having(NAT_VPC, route_tables=unread)))) == (unread.fact,)
    assert missing(outcome(CAUSE, WORLD, traces=unread)) == (unread.fact,)


def test_a_nat_gateway_is_named_only_where_the_pull_goes_through_one() -> None:
    assert "NAT gateway" in problem(outcome(CAUSE, WORLD)).fixes[0].text
    assert "NAT gateway" not in problem(outcome(CAUSE, replace(WORLD, vpc=ENDPOINT_VPC))).fixes[0].text


def test_a_large_image_is_told() -> None:
    large = EcrLookup(None, replace(THERE, size=9 * 2**30))
    assert "9.0 GiB compressed" in str(problem(outcome(CAUSE, replace(WORLD, lookup=large))).evidence)
    assert "GiB" not in str(problem(outcome(CAUSE, WORLD, ecr_image=Known(EcrLookup(None, THERE)))).evidence)


def test_a_task_that_started_since_on_the_same_host_is_named() -> None:
    world = replace(WORLD, siblings=(sibling(container_instance=CONTAINER_INSTANCE.arn),))
    (finding,) = ranked(world).findings
    assert any("sibling" in doubt for doubt in finding.inferred)


def test_managed_instances_have_no_setting_of_ones_own() -> None:
    world = replace(WORLD, task=replace(EC2_TASK, launch_type="MANAGED_INSTANCES"))
    (fix,) = problem(outcome(CAUSE, world)).fixes
    assert fix.commands == ()


def test_an_instance_that_is_gone_is_slow_no_more() -> None:
    gone = Known(replace(INSTANCE, state="terminated"))
    assert problem(outcome(CAUSE, WORLD, instance=gone)).still == "no"


def test_only_the_text_tells() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, replace(WORLD, failures=(failure(TIMEOUT),))))
    assert "i-1" in missing(outcome(CAUSE, replace(WORLD, failures=(failure(SILENT),))))[0]
    assert isinstance(outcome(CAUSE, replace(WORLD, task=TASK)), NotApplicable)
