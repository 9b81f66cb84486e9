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
from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.delivery.sns import MAX_ATTRIBUTES, MAX_BYTES, Sns, attributes, message
from pull_doctor.facts.fact import Unknown
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import UNSET, Excluded, Incident, NotChecked, Note, Report
from pull_doctor.report.sample import sample_report
from pull_doctor.report.subject import subject
from pull_doctor.report.text import render_text
from tests.delivery.answers import ANSWERS, TIMEOUTS, answering, failing
from tests.delivery.samples import ACCOUNT, REGION, START, make_report

OPEN = Incident(
    "key", "open", 3, datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START, UTC), workloads=("web",)
)
MACHINES = ("sqs", "lambda", "firehose", "http", "https")


def deliver(client: Any, report: Report) -> None:
    sink = Sns(client, "arn:aws:sns:eu-west-1:111122223333:reports")
    assert sink.deliver(report, to_json(report), thread=Thread(), deadline=0) is None  # type: ignore[func-returns-value] # no receipt


def publish(report: Report) -> dict[str, Any]:
    """Deliver to a stubbed SNS and return the parameters that it got."""
    client = boto3.client("sns", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    got: dict[str, Any] = {}
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: got.update(params))
    with Stubber(client) as stub:
        stub.add_response("publish", {"MessageId": "m"}, None)
        deliver(client, report)
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


def owned(**incident: Any) -> Report:
    report = make_report(incident=replace(OPEN, **incident))
    return replace(report, task=replace(report.task, owner="team payments"))


def test_the_owner_and_the_end_are_attributes() -> None:
    got = attributes(owned(status="rolled-back"))
    assert (got["owner"], got["status"], got["schema"]) == ("team payments", "rolled-back", "pull-doctor/report/1")
    assert "aside" not in got
    assert "sample" not in got
    assert len(got) == MAX_ATTRIBUTES


def test_an_aside_with_everything_known_still_has_ten_attributes() -> None:
    # A queue with raw delivery would lose the message with one more.
    got = attributes(owned(aside=True))
    assert len(got) == MAX_ATTRIBUTES
    assert got["aside"] == "true"
    assert "schema" not in got
    assert attributes(make_report(incident=replace(OPEN, aside=True)))["schema"] == "pull-doctor/report/1"


@pytest.mark.parametrize("owner", ["", "  ", "\n"])
def test_an_empty_owner_is_left_out(owner: str) -> None:
    report = make_report()
    assert "owner" not in attributes(replace(report, task=replace(report.task, owner=owner)))


def test_the_sample_is_marked() -> None:
    got = publish(sample_report(ACCOUNT, REGION, "pull-doctor"))
    values = {name: value["StringValue"] for name, value in got["MessageAttributes"].items()}
    assert (values["sample"], values["verdict"]) == ("true", "not-a-pull-failure")
    assert all(values.values())
    bodies = json.loads(got["Message"])
    assert bodies["sms"].startswith("test: ")
    assert json.loads(bodies["sqs"])["sample"] is True


def test_a_text_message_tells_the_end() -> None:
    report = make_report(incident=replace(OPEN, status="recovered", occasion="end"))
    assert "recovered" in json.loads(publish(report)["Message"])["sms"]


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


def longest(letter: str) -> Report:
    """The last report of an incident in which everything that can be long is longer than it ever is."""
    report = huge(failures=40, ruled_out=60, evidence=200, unchecked=60, letter=letter)
    incident = replace(
        OPEN,
        status="recovered",
        workloads=tuple(f"production/{letter * 200}-{n}" for n in range(1_000)),
        ending=letter * 5_000,
        differences=tuple(Note(letter * 2_000) for _ in range(100)),
    )
    reads = tuple(Unknown(f"fact {n}", "denied", detail=letter * 2_000) for n in range(300))
    return replace(report, incident=incident, unread=reads, notes=(Note(letter * 9_000),) * 200)


@pytest.mark.parametrize("status", ["open", "recovered"])
@pytest.mark.parametrize("letter", ["a", '"', "\x01", "\U0001f40b"])
def test_the_longest_report_fits_and_says_what_it_leaves_out(letter: str, status: Any) -> None:
    report = longest(letter)
    assert report.incident
    got = publish(replace(report, incident=replace(report.incident, status=status)))
    assert len(got["Message"].encode()) <= MAX_BYTES
    sent = from_json(json.loads(got["Message"])["sqs"])
    for left_out in ("reads that failed", "other workloads", "other notes"):
        assert left_out in sent.notes[-1].text
    assert len(sent.notes) == 1
    assert "Could not check" not in json.loads(got["Message"])["email"]
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


@pytest.mark.parametrize("code", ["AuthorizationError", "Throttling", "KMSDisabled", "InternalError"])
def test_a_refusal_is_named_by_its_code_alone(code: str) -> None:
    client = boto3.client("sns", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("publish", code, "secret words")
        with pytest.raises(SinkFailed, match=rf"^SNS refused the report: {code}$"):
            deliver(client, make_report())


def test_no_answer_is_a_failed_sink() -> None:
    client = boto3.client(
        "sns", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x", endpoint_url="http://127.0.0.1:9"
    )
    with pytest.raises(SinkFailed, match="EndpointConnectionError"):
        deliver(client, make_report())


@pytest.mark.parametrize("answer", ANSWERS, ids=ascii)
def test_only_an_answer_of_sns_confirms(answer: tuple[int, bytes]) -> None:
    with pytest.raises(SinkFailed, match=r"^SNS [\w ]+(: [\w. -]+)?$") as failed:
        deliver(answering("sns", *answer), make_report())
    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize("error", TIMEOUTS, ids=lambda error: type(error).__name__)
def test_a_time_out_is_a_failed_sink(error: Exception) -> None:
    with pytest.raises(SinkFailed, match=type(error).__name__):
        deliver(failing("sns", error), make_report())
