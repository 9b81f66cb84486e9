"""What ECS's text alone tells of the registry itself, wherever the task runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Task
from tests.causes.factory import EC2_TASK, HUB_IMAGE, IMAGE, READ_AT, TASK, World, failure, sibling
from tests.network.factory import NAT_VPC, drop
from tests.ranked_worlds import ranked
from tests.worlds import limit_defects, texts

PRIVATE = "harbor.example.com/team/app:1"
TASKS = {
    "Fargate": TASK,
    "EC2": EC2_TASK,
    "Managed Instances": replace(EC2_TASK, launch_type="MANAGED_INSTANCES"),
    "Anywhere": replace(EC2_TASK, launch_type="EXTERNAL"),
}
UNKNOWN_AUTHORITY = "x509: certificate signed by unknown authority"
TOLD = [
    (image, text, cause)
    for image in (HUB_IMAGE, IMAGE, PRIVATE)
    for text, cause in (
        (limit_defects.manifest_answer(image, "429 Too Many Requests"), "registry-rate-limited"),
        (limit_defects.layers_answer(image, "429 Too Many Requests"), "registry-rate-limited"),
        (limit_defects.layers_answer(image, "503 Slow Down"), "registry-unavailable"),
        (limit_defects.manifest_answer(image, "500 Internal Server Error"), "registry-unavailable"),
        (limit_defects.daemon_failure(image, UNKNOWN_AUTHORITY), "registry-certificate-untrusted"),
        (limit_defects.manifest_failure(image, f"tls: {UNKNOWN_AUTHORITY}"), "registry-certificate-untrusted"),
    )
]


def world(image: str, text: str, task: Task = TASK) -> World:
    return World(task=task, failures=(replace(failure(read_symptom(text), image), message=text),))


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize(("image", "text", "cause"), TOLD)
def test_it_is_named_first_wherever_the_task_runs(task: Task, image: str, text: str, cause: str) -> None:
    first = ranked(world(image, text, task)).findings[0]
    assert first.row.cause == cause
    assert first.certainty in ("proven", "likely")


@pytest.mark.parametrize(("image", "text", "cause"), TOLD)
def test_a_task_that_started_since_takes_the_proof_away(image: str, text: str, cause: str) -> None:
    first = ranked(replace(world(image, text), siblings=(sibling(),))).findings[0]
    assert (first.row.cause, first.certainty) == (cause, "likely")


@pytest.mark.parametrize(("image", "text", "cause"), TOLD)
def test_a_timeout_of_the_same_registry_accuses_none_of_them(image: str, text: str, cause: str) -> None:
    del text
    found = ranked(world(image, texts.manifest_timeout(image))).findings
    assert cause not in {one.row.cause for one in found}


def test_a_broken_way_that_the_text_does_not_show_stays_behind() -> None:
    limited = world(HUB_IMAGE, texts.rate_limited("docker.io/library/nginx:1.27"))
    first, *others = ranked(replace(limited, vpc=drop(NAT_VPC, "nat_gateways", "nat-1")), READ_AT).findings
    assert (first.row.cause, first.certainty) == ("registry-rate-limited", "proven")
    assert {one.certainty for one in others} <= {"possible"}
