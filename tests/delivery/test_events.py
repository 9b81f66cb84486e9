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

from infra.event_pattern import failure_pattern, role_pattern
from pull_doctor.delivery.events import MAX_BYTES, Events, resources
from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import Incident, Report
from pull_doctor.report.sample import sample_report
from pull_doctor.resource import Resource
from tests.delivery.answers import ANSWERS, TIMEOUTS, answering, failing
from tests.delivery.samples import ACCOUNT, REGION, START, make_report
from tests.delivery.test_sns import huge, longest

OPEN = Incident(
    "key", "open", 3, datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START, UTC), workloads=("web",)
)
TAKEN = {"FailedEntryCount": 0, "Entries": [{"EventId": "e1"}]}
GATEWAY = Resource("AWS::EC2::NatGateway", "nat-1", f"arn:aws:ec2:{REGION}:{ACCOUNT}:natgateway/nat-1")


def make_client() -> Any:
    return boto3.client("events", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")


def deliver(client: Any, report: Report) -> None:
    Events(client, "operations").deliver(report, to_json(report), thread=Thread(), deadline=0)


def put(report: Report, answer: dict[str, Any] | None = None) -> dict[str, Any]:
    """Deliver to a stubbed EventBridge and return the one entry that it got."""
    client = make_client()
    got: dict[str, Any] = {}
    client.meta.events.register("provide-client-params.eventbridge.PutEvents", lambda params, **_: got.update(params))
    with Stubber(client) as stub:
        stub.add_response("put_events", answer or TAKEN, None)
        deliver(client, report)
    (entry,) = got["Entries"]
    return dict(entry)


def test_the_event_is_the_contracts() -> None:
    report = make_report(incident=OPEN)
    assert put(report) == {
        "Source": "pull-doctor",
        "DetailType": "Pull Failure Diagnosed",
        "Detail": to_json(report),
        "Resources": [report.task.arn],
        "EventBusName": "operations",
    }


@pytest.mark.parametrize("status", ["recovered", "rolled-back", "withdrawn", "quiet"])
def test_an_end_is_its_own_detail_type(status: Any) -> None:
    assert put(make_report(incident=replace(OPEN, status=status)))["DetailType"] == "Pull Failure Resolved"


def test_an_aside_is_put_too_and_is_marked() -> None:
    entry = put(make_report(incident=replace(OPEN, aside=True)))
    assert json.loads(entry["Detail"])["incident"]["aside"] is True


def test_the_resources_are_the_task_and_what_is_blamed_once_each() -> None:
    report = make_report()
    blamed = replace(report.causes[0], culprit=GATEWAY)
    possible = replace(blamed, culprit=replace(GATEWAY, arn="arn:aws:ec2:::other"), certainty="possible")
    report = replace(report, causes=(blamed, replace(blamed, certainty="likely"), possible))
    assert resources(report) == [report.task.arn, GATEWAY.arn]


def test_the_sample_cannot_be_taken_for_a_failed_pull() -> None:
    entry = put(sample_report(ACCOUNT, REGION))
    detail = json.loads(entry["Detail"])
    assert entry["DetailType"] == "Pull Failure Diagnosed"
    assert (detail["sample"], detail["verdict"], detail["causes"]) == (True, "not-a-pull-failure", [])
    assert entry["Resources"] == []


def test_no_rule_of_the_stack_matches_its_own_events() -> None:
    source = put(make_report(incident=OPEN))["Source"]
    for pattern in (failure_pattern(), role_pattern()):
        assert source not in pattern["source"]


def size(entry: dict[str, Any]) -> int:
    texts = [entry["Source"], entry["DetailType"], entry["Detail"], *entry["Resources"]]
    return sum(len(text.encode()) for text in texts)


@settings(max_examples=15)
@given(
    st.integers(0, 40),
    st.integers(0, 200),
    st.integers(0, 600),
    st.integers(0, 200),
    st.sampled_from(["a", '"', "é", "\U0001f40b"]),
)
def test_an_event_fits_whatever_the_report_holds(
    failures: int, ruled_out: int, evidence: int, unchecked: int, letter: str
) -> None:
    report = huge(failures, ruled_out, evidence, unchecked, letter)
    entry = put(report)
    assert size(entry) <= MAX_BYTES < 256 * 1024
    sent = from_json(entry["Detail"])
    assert sent.causes[0].cause == report.causes[0].cause
    assert sent == report or "Left out, to fit into one event" in sent.notes[-1].text


@pytest.mark.parametrize("letter", ["a", '"', "\x01", "\U0001f40b"])
def test_the_longest_report_fits_and_says_what_it_leaves_out(letter: str) -> None:
    entry = put(longest(letter))
    assert size(entry) <= MAX_BYTES
    assert "Left out, to fit into one event" in from_json(entry["Detail"]).notes[-1].text


def test_a_report_that_cannot_be_shortened_any_more_is_said_so() -> None:
    with pytest.raises(SinkFailed, match="shortest"):
        put(make_report(title="x" * MAX_BYTES))


def test_an_entry_that_was_not_taken_is_a_failed_sink_though_the_answer_is_200() -> None:
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "secret words"}]}
    with pytest.raises(SinkFailed, match=r"^EventBridge did not take the report: ThrottlingException$"):
        put(make_report(), refused)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalException"])
def test_a_refusal_is_named_by_its_code_alone(code: str) -> None:
    client = make_client()
    with Stubber(client) as stub:
        stub.add_client_error("put_events", code, "secret words")
        with pytest.raises(SinkFailed, match=rf"^EventBridge refused the report: {code}$"):
            deliver(client, make_report())


@pytest.mark.parametrize("answer", ANSWERS, ids=ascii)
def test_only_an_answer_of_eventbridge_confirms(answer: tuple[int, bytes]) -> None:
    with pytest.raises(SinkFailed, match=r"^EventBridge [\w ]+(: [\w. -]+)?$") as failed:
        deliver(answering("events", *answer), make_report())
    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize("error", TIMEOUTS, ids=lambda error: type(error).__name__)
def test_a_time_out_is_a_failed_sink(error: Exception) -> None:
    with pytest.raises(SinkFailed, match=type(error).__name__):
        deliver(failing("events", error), make_report())
