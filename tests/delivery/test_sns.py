from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st

from pull_doctor.causes.outcome import Evidence
from pull_doctor.delivery.sink import SinkFailed
from pull_doctor.delivery.sns import MAX_BYTES, Sns, attributes, message
from pull_doctor.facts.fact import Unknown
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import UNSET, Excluded, Incident, NotChecked, Report
from pull_doctor.report.subject import subject
from pull_doctor.report.text import render_text
from tests.delivery.samples import ACCOUNT, REGION, START, make_report

OPEN = Incident(
    "key", "open", 3, datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START, UTC), workloads=("web",)
)
MACHINES = ("sqs", "lambda", "firehose", "http", "https")


def publish(report: Report) -> dict[str, Any]:
    """Deliver to a stubbed SNS and return the parameters that it got."""
    client = boto3.client("sns", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    got: dict[str, Any] = {}
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: got.update(params))
    with Stubber(client) as stub:
        stub.add_response("publish", {"MessageId": "m"}, None)
        Sns(client, "arn:aws:sns:eu-west-1:111122223333:reports").deliver(report, to_json(report), deadline=0)
    return got


def test_each_protocol_gets_its_body() -> None:
    report = make_report(incident=OPEN)
    got = publish(report)
    bodies = json.loads(got["Message"])

    assert got["MessageStructure"] == "json"
    assert bodies["default"] == bodies["email"] == render_text(report)
    assert bodies["sms"] == report.title
    for machine in MACHINES:
        assert bodies[machine] == to_json(report)
    assert bodies.keys() == {"default", "email", "sms", *MACHINES}
    assert got["Subject"] == subject(report)


def test_the_attributes_are_the_contracts() -> None:
    got = publish(make_report(incident=OPEN))["MessageAttributes"]
    assert got == {
        name: {"DataType": "String", "StringValue": value}
        for name, value in {
            "schema": "pull-doctor/report/1",
            "verdict": "cause-found",
            "cause": "s3-endpoint-missing",
            "certainty": "proven",
            "status": "open",
            "cluster": "production",
            "service": "web",
            "account": ACCOUNT,
            "region": REGION,
        }.items()
    }


@pytest.mark.parametrize("definition", ["web:87", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:87"])
@pytest.mark.parametrize("service", [None, UNSET, ""])
def test_without_a_service_the_family_is_the_attribute(definition: str, service: Any) -> None:
    report = make_report()
    got = attributes(replace(report, task=replace(report.task, service=service, task_definition=definition)))
    assert got["family"] == "web"
    assert "service" not in got


def test_what_is_not_known_is_left_out_and_never_empty() -> None:
    report = make_report()
    report = replace(report, task=replace(report.task, service=UNSET, task_definition=UNSET, cluster=""))
    got = attributes(report)
    assert got.keys() == {"schema", "verdict", "cause", "certainty", "account", "region"}
    assert all(got.values())


@pytest.mark.parametrize("verdict", ["undetermined", "no-defect-found"])
def test_a_possible_cause_is_not_the_cause(verdict: Any) -> None:
    report = make_report()
    possible = replace(report.causes[0], certainty="possible")
    got = attributes(replace(report, verdict=verdict, causes=(possible,)))
    assert got["cause"] == "undetermined"
    assert "certainty" not in got


def huge(failures: int, ruled_out: int, evidence: int, unchecked: int, letter: str) -> Report:
    report = make_report(incident=OPEN)
    cause = replace(
        report.causes[0],
        evidence=tuple(Evidence(letter * 500, "fact", report.causes[0].evidence[0].resources) for _ in range(evidence)),
    )
    return replace(
        report,
        causes=(cause, *[replace(cause, certainty="possible")] * 3),
        failures=tuple(replace(report.failures[0], id=f"c{n}", message=letter * 1024) for n in range(failures)),
        not_applicable=tuple(Excluded(f"na-{n}", ("app",), letter * 300) for n in range(ruled_out)),
        ruled_out=tuple(Excluded(f"ro-{n}", ("app",), letter * 300) for n in range(ruled_out)),
        not_checked=tuple(
            NotChecked(f"nc-{n}", ("app",), (Unknown("x", "denied", detail=letter * 300),)) for n in range(unchecked)
        ),
    )


@settings(max_examples=25)
@given(
    st.integers(0, 40),
    st.integers(0, 60),
    st.integers(0, 200),
    st.integers(0, 60),
    st.sampled_from(["a", '"', "\\", "é", "\U0001f40b"]),
)
def test_a_message_fits_whatever_the_report_holds(
    failures: int, ruled_out: int, evidence: int, unchecked: int, letter: str
) -> None:
    report = huge(failures, ruled_out, evidence, unchecked, letter)
    got = publish(report)
    size = (
        len(got["Message"].encode())
        + len(got["Subject"])
        + sum(len(f"{name}String{value['StringValue']}") for name, value in got["MessageAttributes"].items())
    )
    assert size <= MAX_BYTES
    sent = from_json(json.loads(got["Message"])["sqs"])
    assert (sent.verdict, sent.title, sent.task) == (report.verdict, report.title, report.task)
    assert sent.causes[0].cause == report.causes[0].cause
    if sent != report:
        assert "Left out" in sent.notes[-1].text
        assert "Left out" in json.loads(got["Message"])["email"]


def test_what_is_left_out_is_named_and_the_cause_stays() -> None:
    report = huge(failures=1, ruled_out=80, evidence=1, unchecked=1, letter="a")
    body = json.loads(publish(report)["Message"])["https"]
    assert "not-applicable" not in json.loads(body)
    sent = from_json(body)
    assert sent.causes == report.causes
    assert "causes that do not apply" in sent.notes[-1].text
    assert "the incident key" in sent.notes[-1].text


def test_the_text_is_shortened_together_with_the_json() -> None:
    report = huge(failures=40, ruled_out=60, evidence=200, unchecked=60, letter="a")
    bodies = json.loads(publish(report)["Message"])
    assert bodies["email"] == render_text(from_json(bodies["sqs"]))


def test_a_report_that_cannot_be_shortened_any_more_is_said_so() -> None:
    with pytest.raises(SinkFailed, match="shortest"):
        message(make_report(), to_json(make_report()), room=100)


def test_a_refusal_is_named_by_its_code_alone() -> None:
    client = boto3.client("sns", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("publish", "AuthorizationError", "secret words")
        with pytest.raises(SinkFailed, match=r"^SNS refused the report: AuthorizationError$"):
            Sns(client, "arn:aws:sns:eu-west-1:111122223333:reports").deliver(make_report(), "{}", deadline=0)


def test_no_answer_is_a_failed_sink() -> None:
    client = boto3.client(
        "sns", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x", endpoint_url="http://127.0.0.1:9"
    )
    with pytest.raises(SinkFailed, match="EndpointConnectionError"):
        Sns(client, "arn:aws:sns:eu-west-1:111122223333:reports").deliver(make_report(), "{}", deadline=0)
