"""What all forms say of an incident: whose it is, why it is told again, and what its retries ask for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pull_doctor.intake.symptom import Symptom
from pull_doctor.report import words
from pull_doctor.report.model import UNSET, Incident, Report, Status
from pull_doctor.report.subject import subject
from pull_doctor.resource import Resource, make
from tests.report.factory import AGAIN, CLOSINGS, PLACE, REPORTS, again, ended, no_route, s3_missing, tag_missing


def changed(report: Report, **members: object) -> Report:
    assert report.incident
    return replace(report, incident=replace(report.incident, **members))  # type: ignore[arg-type] # names of members


def incident(report: Report) -> Incident:
    assert report.incident
    return report.incident


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("recovered", "recovered: service orders-web (prod), after 42 min and 118 failed tasks"),
        ("rolled-back", "rolled back: service orders-api (prod), after 42 min and 118 failed tasks"),
        ("withdrawn-deleted", "withdrawn: service orders-web (prod), after 42 min and 118 failed tasks"),
        ("quiet", "quiet: task family nightly (prod), for 24 h after 118 failed tasks"),
    ],
)
def test_an_end_is_one_line_for_a_phone(name: str, line: str) -> None:
    assert words.closing_headline(CLOSINGS[name]()) == line
    assert words.headline(CLOSINGS[name]()) == line


def test_an_end_speaks_of_what_is_known_only() -> None:
    report = CLOSINGS["recovered"]()
    bare = replace(report.task, service=None, task_definition=UNSET, group=UNSET)
    said = words.closing_headline(replace(changed(report, ended=UNSET, occurrences=1), task=bare))
    assert said == "recovered: task 7f3c2d91b0a84e5f9c6a1d2e3f405162 (prod), 1 failed task"


def test_what_is_open_has_no_end() -> None:
    for build in (*REPORTS.values(), *AGAIN.values()):
        assert words.ends(build()) is None
        assert words.closing_headline(build()) == ""


def test_a_sample_is_marked_in_its_headline() -> None:
    assert words.headline(replace(no_route(), sample=True, title="anything")) == "test: anything"
    assert words.headline(replace(no_route(), sample=True, title="test: anything")) == "test: anything"


def test_a_report_says_why_it_is_told_again() -> None:
    assert words.occasion(no_route()) == ""
    assert words.occasion(CLOSINGS["recovered"]()) == ""
    assert words.occasion(REPORTS["no-defect"]()) == ""
    assert words.occasion(AGAIN["reminder"]()) == "still failing: 118 tasks since 2025-11-21 03:04 UTC"
    assert words.occasion(AGAIN["new-cause"]()) == "another answer than the last report of this incident gave"
    unknown = replace(AGAIN["new-cause"](), verdict="undetermined")
    assert words.occasion(unknown) == "a symptom that this incident did not show before"


def test_a_reminder_counts_its_tasks_once() -> None:
    assert words.seen(AGAIN["reminder"]()) == "still failing: 118 tasks since 2025-11-21 03:04 UTC"
    assert words.seen(AGAIN["grouped"]()) == "118 tasks stopped since 03:04 UTC"
    assert words.seen(REPORTS["no-defect"]()) == ""


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ((), ""),
        (("billing",), "2 services, same NAT gateway nat-1"),
        (("staging/billing",), "2 services in 2 clusters, same NAT gateway nat-1"),
        (("a/x", "a/y", "b/orders-web"), "4 services in 3 clusters, same NAT gateway nat-1"),
    ],
)
def test_a_group_is_counted_with_its_clusters(others: tuple[str, ...], said: str) -> None:
    cause = replace(no_route().causes[0], culprit=make(PLACE, "AWS::EC2::NatGateway", "nat-1"))
    report = again(replace(no_route(), causes=(cause,)), "first", *others)
    assert words.group(report) == said
    assert words.group_names(report) == ", ".join(("orders-web", *others) if others else ())
    family = replace(report, task=replace(report.task, service=UNSET))
    assert words.group(family) == said.replace("services", "task families")


def test_the_end_of_one_names_the_others_that_go_on() -> None:
    report = CLOSINGS["recovered-others-go-on"]()
    assert words.group(report) == "still open: 3 services in 2 clusters, same route table rtb-09d8c7b6a5f4e3d21"
    assert words.group_names(report) == "billing, staging/orders-web, search"
    one = changed(report, workloads=("orders-web", "billing"))
    assert words.group(one) == "still open: 1 service, same route table rtb-09d8c7b6a5f4e3d21"
    assert words.group(CLOSINGS["recovered"]()) == ""


def test_of_a_large_group_only_the_first_are_named() -> None:
    report = again(no_route(), "first", *(f"s{number}" for number in range(40)))
    assert words.group(report).startswith("41 services, ")
    assert words.group_names(report).startswith("orders-web, s0, ")
    assert words.group_names(report).endswith("s8, and 31 more")


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("AWS::IAM::Role", "arn:aws:iam::123456789012:role/path/web-execution", "role path/web-execution"),
        ("AWS::ECR::Repository", "team/web", "repository team/web"),
        ("AWS::SecretsManager::Secret", "arn:aws:secretsmanager:eu-west-1:1:secret:hub-Ab1Cd2", "secret hub-Ab1Cd2"),
        ("Registry", "quay.io", "registry quay.io"),
        ("AWS::New::Thing", "thing-1", "resource thing-1"),
    ],
)
def test_a_resource_is_named_by_kind_and_name(kind: str, name: str, said: str) -> None:
    assert words.named(Resource(kind, name)) == said


def test_the_time_of_failures_is_whole_across_midnight() -> None:
    one = incident(CLOSINGS["recovered"]())
    assert words.span(one) == "118 tasks failed from 2025-11-21 08:34 to 09:14 UTC"
    day_before = replace(one, first_seen=one.first_seen - timedelta(days=1))
    assert words.span(day_before) == "118 tasks failed from 2025-11-20 08:34 to 2025-11-21 09:14 UTC"
    assert words.span(replace(one, occurrences=1)) == "1 task failed at 2025-11-21 09:14 UTC"


def test_retries_are_counted_with_their_registry() -> None:
    said = words.retries(again(tag_missing(), "reminder"))
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert said == (
        f"118 failed tasks since 2025-11-21 04:52 UTC, about 19 an hour: each starts the pull from {host} anew."
    )


def test_of_docker_hub_it_is_said_what_counts_and_what_does_not() -> None:
    report = again(no_route(), "reminder")
    assert "counts against Docker Hub's limit of pulls" in words.retries(report)
    assert "One that does not reach Docker Hub does not count." in words.retries(report)
    assert "of this report got that far" not in words.retries(report)
    later = replace(report.failures[0], symptom=Symptom("download", "network-timeout"))
    assert "; the task of this report got that far." in words.retries(replace(report, failures=(later,)))
    assert "Docker Hub" not in words.retries(again(s3_missing(), "reminder"))


def test_no_rate_is_made_up_of_a_short_time() -> None:
    assert "an hour" not in words.retries(changed(again(no_route(), "reminder"), first_seen=no_route().task.stopped_at))
    assert "an hour" not in words.retries(changed(again(no_route(), "reminder"), occurrences=2))


def test_a_task_that_asks_no_registry_costs_no_pull() -> None:
    report = again(no_route(), "reminder")
    early = replace(report.failures[0], symptom=Symptom("prepare", "role-assume-failure"))
    assert words.retries(replace(report, failures=(early,))) == ""
    assert words.retries(replace(report, failures=())) == ""
    assert words.retries(replace(report, failures=(replace(report.failures[0], image=UNSET),))) == ""
    assert words.retries(changed(report, occurrences=1)) == ""
    assert words.retries(replace(report, incident=None)) == ""


@pytest.mark.parametrize("status", ["recovered", "rolled-back", "withdrawn", "quiet"])
def test_a_subject_that_is_cut_still_says_how_it_ended(status: Status) -> None:
    report = ended(no_route(), status, "it is over")
    long = replace(report, task=replace(report.task, service="s" * 255))
    assert subject(long).startswith(status.replace("-", " ") + ": service sss")
    assert len(subject(long)) == 99
