"""The text of a pull that crashed while layers came: a sign of a closed way to S3, and of nothing else."""

from dataclasses import replace

import pytest

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Task
from tests.causes.factory import EC2_TASK, TASK, World, failure
from tests.network.factory import ENDPOINT_VPC, drop, routes
from tests.ranked_worlds import concluded

CRASH = read_symptom(
    "CannotPullContainerError: pull command failed: panic: runtime error: invalid memory address or nil pointer "
    "dereference"
)
TASKS = [TASK, replace(TASK, platform_version="1.3.0"), EC2_TASK, replace(EC2_TASK, launch_type="MANAGED_INSTANCES")]
CLOSED = drop(routes(ENDPOINT_VPC), "endpoints", "vpce-s3")


@pytest.mark.parametrize("task", TASKS)
def test_a_closed_way_to_the_layers_is_likely(task: Task) -> None:
    first = concluded(World(task=task, vpc=CLOSED, failures=(failure(CRASH),))).causes[0]
    assert (first.cause, first.certainty) == ("s3-endpoint-missing", "likely")


@pytest.mark.parametrize("task", TASKS)
def test_the_twin_accuses_nobody_and_says_that_the_way_was_checked(task: Task) -> None:
    report = concluded(World(task=task, failures=(failure(CRASH),)))
    assert (report.causes, report.verdict) == ((), "no-defect-found")


def test_it_is_covered_by_the_way_to_the_layers_alone() -> None:
    covering = {row.realm for row in CATALOGUE if row.covers(CRASH) and row.cause != "container-agent-outdated"}
    assert covering == {"network"}
