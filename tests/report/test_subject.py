from dataclasses import replace

import pytest

from pull_doctor.report.model import UNSET
from pull_doctor.report.subject import subject
from tests.report.factory import REPORTS, no_route


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("no-route", "orders-web cannot start: subnet has no route to the registry"),
        ("cannot-tell", "orders-api: no cause proven; 2 facts could not be established"),
        ("not-a-pull-failure", "orders-api: the task did not stop for a failed image pull"),
    ],
)
def test_the_subject_says_what_failed_and_why(name: str, line: str) -> None:
    assert subject(REPORTS[name]()) == line


def test_a_workload_without_a_service_goes_by_its_family() -> None:
    report = no_route()
    task = replace(report.task, service=None, task_definition="arn:aws:ecs:eu-west-1:1:task-definition/nightly:3")
    assert subject(replace(report, task=task)).startswith("nightly cannot start: ")
    bare = replace(task, task_definition=UNSET, group=UNSET)
    assert subject(replace(report, task=bare)).startswith("task 7f3c2d91b0a84e5f9c6a1d2e3f405162 cannot start: ")


def test_a_long_subject_is_cut_and_says_so() -> None:
    line = subject(replace(no_route(), title="é" * 200))
    assert len(line) == 99
    assert line.endswith("eee...")
