from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import (
    CONTAINER_INSTANCE,
    EC2_TASK,
    IMAGE,
    INSTANCE,
    SILENT,
    TASK,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, problem
from tests.ranked_worlds import ranked

CAUSE = "host-storage-full"
NO_SPACE = Symptom("unpack", "disk-full")
WORLD = World(task=EC2_TASK, failures=(failure(NO_SPACE),))
MANAGED = replace(EC2_TASK, launch_type="MANAGED_INSTANCES", capacity_provider="mi-large")


def test_the_text_proves_it_of_the_instance() -> None:
    found = problem(outcome(CAUSE, WORLD))
    assert (found.culprit.id, found.text_proves, found.still) == ("i-1", True, "unknown")
    assert IMAGE in found.evidence[0].text
    (finding,) = ranked(WORLD).findings
    assert (finding.row.cause, finding.certainty) == (CAUSE, "proven")


def test_the_first_fix_looks_before_it_deletes() -> None:
    unused, _ = problem(outcome(CAUSE, WORLD)).fixes
    lines = [str(one) for one in unused.commands]
    assert lines[0] == "aws ssm start-session --region eu-west-1 --target i-1"
    assert [one.split()[1:3] for one in lines[1:]] == [
        ["df", "-h"],
        ["df", "-i"],
        ["docker", "system"],
        ["docker", "system"],
    ]
    assert "--force" not in lines[-1]
    assert unused.effect


def test_a_machine_on_premises_has_no_session_and_no_launch_template() -> None:
    host = replace(CONTAINER_INSTANCE, instance="mi-0123")
    world = replace(WORLD, task=replace(EC2_TASK, launch_type="EXTERNAL"), container_instance=host)
    found = problem(outcome(CAUSE, world))
    assert found.culprit.id == "mi-0123"
    assert not any("aws " in str(line) for line in found.fixes[0].commands)
    assert found.fixes[0].commands
    assert "launch template" not in str(found.fixes)


def test_on_managed_instances_the_capacity_provider_has_the_setting() -> None:
    (fix,) = problem(outcome(CAUSE, replace(WORLD, task=MANAGED))).fixes
    assert "storageSizeGiB" in fix.text
    assert "mi-large" in fix.text
    assert fix.commands == ()


def test_windows_is_given_no_lines_of_linux() -> None:
    windows = replace(CONTAINER_INSTANCE, attributes=(("ecs.os-type", "windows"),))
    found = problem(outcome(CAUSE, replace(WORLD, container_instance=windows)))
    assert not any(fix.commands for fix in found.fixes)


@pytest.mark.parametrize(
    ("state", "still"), [("running", "unknown"), ("stopped", "unknown"), ("shutting-down", "no"), ("terminated", "no")]
)
def test_an_instance_that_is_gone_has_no_disk_any_more(state: str, still: str) -> None:
    assert problem(outcome(CAUSE, replace(WORLD, instance=replace(INSTANCE, state=state)))).still == still


def test_an_unread_host_takes_nothing_from_the_text() -> None:
    unread = Unknown("the container instance", "denied", "ecs:DescribeContainerInstances")
    found = problem(outcome(CAUSE, WORLD, container_instance=unread, instance=unread))
    assert found.culprit.id == CONTAINER_INSTANCE.arn
    assert (found.text_proves, found.still) == (True, "unknown")
    assert "ssm" not in str(found.fixes)


def test_only_the_text_tells() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, replace(WORLD, failures=(failure(TIMEOUT),))))
    assert "i-1" in missing(outcome(CAUSE, replace(WORLD, failures=(failure(SILENT),))))[0]


@pytest.mark.parametrize("symptom", [NO_SPACE, SILENT, TIMEOUT])
def test_on_fargate_there_is_no_host(symptom: Any) -> None:
    assert isinstance(outcome(CAUSE, replace(WORLD, task=TASK, failures=(failure(symptom),))), NotApplicable)
