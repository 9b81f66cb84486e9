import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest

from pull_doctor.report.document import from_json, to_document, to_json
from pull_doctor.report.model import UNSET, Report
from pull_doctor.report.text import render_text
from tests.report.factory import REPORTS, cannot_tell, no_defect, no_route, not_a_pull_failure, s3_missing

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/report.schema.json").read_text(encoding="utf-8"))
every_report = pytest.mark.parametrize("build", REPORTS.values(), ids=REPORTS)


@every_report
def test_documents_follow_the_schema(build: Callable[[], Report]) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(to_document(build()))


def test_the_schema_refuses_other_shapes() -> None:
    document = to_document(s3_missing())
    document["causes"][0]["traces"][0]["hops"][0]["verdict"] = "good"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(document)


@every_report
def test_a_saved_report_comes_back_the_same(build: Callable[[], Report]) -> None:
    report = build()
    text = to_json(report)
    again = from_json(text)
    assert again == report
    assert to_json(again) == text
    assert render_text(again) == render_text(report)


def test_absent_null_and_empty_are_three_things() -> None:
    task = replace(no_defect().task, service=None, group=UNSET)
    document = to_document(replace(no_defect(), task=task))
    assert document["task"]["service"] is None
    assert "group" not in document["task"]
    assert document["puller"]["public-ip"] is None
    assert document["causes"] == []
    assert document["incident"] is None
    assert "duration-ms" not in document
    assert from_json(json.dumps(document)).task.service is None


def test_a_report_on_a_service_whose_task_never_was_comes_back_the_same() -> None:
    report = replace(no_defect(), task=replace(no_defect().task, arn=UNSET))
    assert "arn" not in to_document(report)["task"]
    assert from_json(to_json(report)) == report


def test_what_a_text_does_not_prove_is_absent() -> None:
    symptom = to_document(cannot_tell())["failures"][0]["symptom"]
    assert symptom["address"] == "10.1.3.27"
    assert not {"host", "http-status", "digest"} & set(symptom)
    missing = to_document(cannot_tell())["not-checked"][0]["missing"][0]
    assert missing["action"] == "ec2:DescribeVpcEndpoints"
    assert "detail" not in missing


def test_a_hop_without_a_resource_says_null() -> None:
    hops = to_document(no_route())["causes"][0]["traces"][1]["hops"]
    assert hops[0]["resource"] is None
    assert hops[1]["resource"]["id"] == "sg-0c55a1b2d3e4f5061"


def test_times_are_utc() -> None:
    stopped = datetime(2025, 11, 21, 11, 14, 7, tzinfo=timezone(timedelta(hours=2)))
    report = replace(not_a_pull_failure(), task=replace(not_a_pull_failure().task, stopped_at=stopped))
    assert to_document(report)["task"]["stopped-at"] == "2025-11-21T09:14:07Z"
    assert from_json(to_json(report)).task.stopped_at == datetime(2025, 11, 21, 9, 14, 7, tzinfo=UTC)


def test_members_of_a_later_version_are_passed_over() -> None:
    document = to_document(no_defect()) | {"later": 1}
    assert from_json(json.dumps(document)) == no_defect()


def broken(**members: object) -> str:
    return json.dumps(to_document(no_defect()) | members)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "its schema is null"),
        ("5", "its schema is null"),
        (broken(schema="pull-doctor/report/2"), "pull-doctor/report/2"),
        ('{"schema": "pull-doctor/report/1"}', "report.verdict"),
        (broken(title=5), "report.title"),
        (broken(verdict="fine"), "report.verdict"),
        (broken(causes="none"), "report.causes"),
        (broken(task=None), "report.task"),
        (broken(**{"facts-read-at": "2025-11-21T09:14:07"}), "report.facts_read_at"),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        from_json(text)
    assert "\n" not in str(caught.value)


def test_names_are_kebab_case_but_parameters_are_the_api_s() -> None:
    command = to_document(s3_missing())["causes"][0]["fixes"][0]["commands"][0]
    assert command["parameters"]["VpcEndpointType"] == "Gateway"
    assert {"tool-version", "verdict-reason", "not-applicable"} <= set(to_document(no_defect()))
