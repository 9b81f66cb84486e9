"""What the report says of the task and its puller: absent is not known, ``None`` is known not to be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pull_doctor.assemble import task_part
from pull_doctor.report.model import UNSET, PullerPart
from tests.causes.factory import TASK, World
from tests.ranked_worlds import concluded


@pytest.mark.parametrize(
    ("launch_type", "kind"),
    [
        ("FARGATE", "task"),
        ("EC2", "instance"),
        ("MANAGED_INSTANCES", "instance"),
        ("EXTERNAL", "on-premises"),
        (None, "unknown"),
    ],
)
def test_the_launch_type_says_who_pulls(launch_type: str | None, kind: str) -> None:
    puller = concluded(World(task=replace(TASK, launch_type=launch_type))).puller
    assert isinstance(puller, PullerPart)
    assert puller.kind == kind


def test_a_task_of_no_service_is_not_one_whose_group_is_not_said() -> None:
    assert task_part(TASK).service == "web"
    assert task_part(replace(TASK, group="family:web", service=None)).service is None
    assert task_part(replace(TASK, group=None, service=None)).service is UNSET
