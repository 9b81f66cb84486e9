from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from pull_doctor import handler
from pull_doctor.delivery.diagnosis import Diagnosis
from pull_doctor.delivery.evidence import EvidenceBucket
from pull_doctor.delivery.incidents import Incidents
from pull_doctor.delivery.sink import SinkFailed
from pull_doctor.delivery.sns import Sns
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.intake.event import NotAnEcsTaskEvent
from pull_doctor.intake.task import Intake
from pull_doctor.report.model import Report
from tests.delivery.samples import ACCOUNT, BUCKET, REGION, TABLE, FakeSink, make_bucket, make_report, make_table

CONTEXT: Any = SimpleNamespace(
    aws_request_id="request-1",
    invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:PullDoctor",
    get_remaining_time_in_millis=lambda: 60_000,
)


def event(task: str = "a" * 32, event_id: str = "event-1", **detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": "2026-11-03T09:14:09Z",
        "region": REGION,
        "detail": {
            "taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/production/{task}",
            "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/production",
            "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:87",
            "group": "service:web",
            "startedBy": "ecs-svc/1234567890123456789",
            "launchType": "FARGATE",
            "desiredStatus": "STOPPED",
            "lastStatus": "DEPROVISIONING",
            "stopCode": "TaskFailedToStart",
            "stoppedReason": "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to do "
            "request: Head https://x.dkr.ecr.eu-west-1.amazonaws.com/v2/web/manifests/1: dial tcp: i/o timeout",
            "stoppingAt": "2026-11-03T09:14:07.000Z",
            "containers": [{"name": "app", "image": "x.example/web:1", "lastStatus": "STOPPED", "reason": ""}],
            "overrides": {"containerOverrides": [{"name": "app", "environment": [{"name": "K", "value": "MARKER"}]}]},
            **detail,
        },
    }


class Deployed:
    """The handler's parts, with moto behind the table and the topic, and a diagnosis that is given."""

    def __init__(self, report: Report) -> None:
        self.topic = boto3.client("sns", region_name=REGION).create_topic(Name="reports")["TopicArn"]
        self.queue = boto3.client("sqs", region_name=REGION).create_queue(QueueName="inbox")["QueueUrl"]
        boto3.client("sns", region_name=REGION).subscribe(
            TopicArn=self.topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox",
            Attributes={"RawMessageDelivery": "true"},
        )
        self.slack = FakeSink("slack")
        self.deadlines: list[float] = []
        self.table = make_table()
        self.answer: Report | Exception = report
        self.parts = handler.Parts(
            incidents=Incidents(self.table, TABLE),
            sinks={"sns": Sns(boto3.client("sns", region_name=REGION), self.topic), "slack": self.slack},
            evidence=EvidenceBucket(make_bucket(), BUCKET),
            diagnose=self._diagnose,
            reread=self._diagnose,
            ask=lambda question: Unknown(question.fact, "denied") if self.unread else Known(None),
            now=lambda: 1_793_697_287.0,
        )
        self.unread = False

    def _diagnose(self, intake: Intake, deadline: float) -> Diagnosis:
        assert intake.task.service == "web"
        self.deadlines.append(deadline)
        if isinstance(self.answer, Exception):
            raise self.answer
        return Diagnosis(self.answer, Answers(), datetime(2026, 11, 3, 9, 14, 10, tzinfo=UTC))

    def handle(self, given: Any) -> Any:
        return handler.handle(given, CONTEXT, self.parts)

    def received(self) -> list[dict[str, Any]]:
        got = boto3.client("sqs", region_name=REGION).receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in got.get("Messages", [])]

    def items(self) -> int:
        return int(self.table.scan(TableName=TABLE)["Count"])


class Stdout:
    """Whatever standard output is at the moment: the logger was made before pytest took it."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "must-not-be-a-dimension")
    monkeypatch.setattr(handler.logger.registered_handler, "stream", Stdout())
    with mock_aws():
        yield Deployed(make_report())


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics(lines: list[dict[str, Any]]) -> dict[str, tuple[float, dict[str, str]]]:
    """Return each printed metric's value and dimensions."""
    found = {}
    for line in lines:
        for block in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert block["Namespace"] == "PullDoctor"
            (names,) = block["Dimensions"]
            for metric in block["Metrics"]:
                found[metric["Name"]] = (line[metric["Name"]][0], {name: line[name] for name in names})
    return found


def test_an_event_becomes_a_report_for_the_subscriber_and_slack(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.handle(event())
    (received,) = deployed.received()
    assert received["causes"][0]["cause"] == "s3-endpoint-missing"
    assert received["incident"]["key"] == f"{ACCOUNT}/{REGION}/production/service:web"
    assert received["incident"]["occurrences"] == 1
    assert [json.loads(each) for each in deployed.slack.got] == [received]

    counted = metrics(printed(capsys))
    assert counted == {
        "Reports": (1.0, {"cause": "s3-endpoint-missing"}),
        "SecondsFromStopToReport": (pytest.approx(1_793_697_287.0 - 1_793_697_247.0), {}),
    }


def test_a_second_event_of_the_task_sends_and_counts_nothing(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.handle(event())
    printed(capsys)
    deployed.handle(event(event_id="event-2", lastStatus="STOPPED"))
    assert metrics(printed(capsys)) == {}
    assert len(deployed.received()) == 1


def test_a_report_without_a_cause_is_counted_as_undetermined(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.answer = make_report(verdict="undetermined", causes=())
    deployed.handle(event())
    assert metrics(printed(capsys))["Reports"] == (1.0, {"cause": "undetermined"})


def test_what_is_undelivered_is_counted_and_raised_and_the_retry_brings_it(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.slack.refuses = 1
    with pytest.raises(handler.Undelivered, match=r"^slack: busy$"):
        deployed.handle(event())
    counted = metrics(printed(capsys))
    assert counted["Undelivered"] == (1.0, {})
    assert counted["Reports"] == (1.0, {"cause": "s3-endpoint-missing"})

    deployed.handle(event())
    assert metrics(printed(capsys)) == {}
    assert len(deployed.received()) == len(deployed.slack.got) == 1


def test_where_no_sink_took_the_report_no_time_is_recorded(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.slack.crashes_with = SinkFailed("down")
    deployed.parts.sinks["sns"].client.delete_topic(TopicArn=deployed.topic)  # type: ignore[attr-defined]  # it is Sns
    with pytest.raises(handler.Undelivered, match="SNS refused the report: NotFound"):
        deployed.handle(event())
    counted = metrics(printed(capsys))
    assert counted["Undelivered"] == (2.0, {})
    assert "SecondsFromStopToReport" not in counted


def test_what_is_no_pull_failure_is_counted_and_leaves_no_trace(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.handle(event(stopCode="UserInitiated", stoppedReason="Task stopped by user"))
    lines = printed(capsys)
    assert metrics(lines) == {"NotAPullFailure": (1.0, {})}
    assert any(line.get("message") == "not a pull failure" for line in lines)
    assert deployed.items() == 0
    assert deployed.received() == []


@pytest.mark.parametrize("given", [{}, {"detail-type": "EC2 Instance State-change Notification", "detail": {}}, [], 1])
def test_another_event_is_one_line_in_the_log_and_raised(
    deployed: Deployed, capsys: pytest.CaptureFixture[str], given: Any
) -> None:
    with pytest.raises(NotAnEcsTaskEvent):
        deployed.handle(given)
    (line,) = printed(capsys)
    assert line["message"] == "not an ECS task event"
    assert line["reason"]
    assert deployed.items() == 0


def settled(name: str = "SERVICE_STEADY_STATE") -> dict[str, Any]:
    return {
        "id": "settled-1",
        "detail-type": "ECS Service Action",
        "source": "aws.ecs",
        "resources": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/production/web"],
        "detail": {"eventName": name, "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/production"},
    }


@pytest.mark.parametrize("asked", [settled(), {"pull-doctor": "sweep"}])
def test_an_incident_that_is_over_is_told_once(
    deployed: Deployed, capsys: pytest.CaptureFixture[str], asked: dict[str, Any]
) -> None:
    deployed.handle(event())
    deployed.received()
    printed(capsys)
    deployed.handle(asked)
    deployed.handle(asked)
    (received,) = deployed.received()
    assert received["incident"]["status"] == "withdrawn"
    assert json.loads(deployed.slack.got[-1]) == received
    assert metrics(printed(capsys)) == {}, "no new cause was found"


def test_a_settled_service_without_an_incident_leaves_no_trace(deployed: Deployed) -> None:
    deployed.handle(settled())
    assert (deployed.items(), deployed.received()) == (0, [])


def test_an_end_that_a_sink_does_not_take_is_counted_and_raised_but_not_by_the_sweep(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.handle(event())
    printed(capsys)
    deployed.slack.refuses = 2
    with pytest.raises(handler.Undelivered, match=r"^slack: busy$"):
        deployed.handle(settled())
    assert metrics(printed(capsys))["Undelivered"] == (1.0, {})
    deployed.handle({"pull-doctor": "sweep"})
    assert metrics(printed(capsys))["Undelivered"] == (1.0, {})
    deployed.handle({"pull-doctor": "sweep"})
    assert json.loads(deployed.slack.got[-1])["incident"]["status"] == "withdrawn"


def test_a_sample_goes_to_every_sink_and_each_answer_is_returned(deployed: Deployed) -> None:
    deployed.slack.crashes_with = SinkFailed("down")
    assert deployed.handle({"pull-doctor": "test"}) == {"sinks": {"slack": "down", "sns": "ok"}}
    (received,) = deployed.received()
    assert (received["sample"], received["verdict"], received["incident"]) == (True, "not-a-pull-failure", None)
    assert (received["task"]["account"], received["task"]["region"]) == (ACCOUNT, REGION)
    assert deployed.items() == 0


def test_the_diagnosis_leaves_time_to_deliver(deployed: Deployed) -> None:
    before = time.monotonic()
    deployed.handle(event())
    (deadline,) = deployed.deadlines
    assert before + 60 - 20 <= deadline <= time.monotonic() + 60 - 20


def test_what_the_user_typed_into_the_task_is_not_logged(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.handle(event())
    assert "MARKER" not in capsys.readouterr().out


def test_a_crash_of_the_diagnosis_is_logged_as_json_with_the_request(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.answer = ValueError("no such thing")
    deployed.handle(event())
    crash = next(line for line in printed(capsys) if line.get("message") == "the diagnosis failed")
    assert crash["exception_name"] == "ValueError"
    assert crash["request_id"] == "request-1"
    assert deployed.received()[0]["verdict"] == "undetermined"


def test_the_function_starts_from_its_environment(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setenv("TOPIC_ARN", deployed.topic)
    monkeypatch.setenv("EVIDENCE_BUCKET", BUCKET)
    monkeypatch.setenv("SLACK_SECRET_NAME", "slack")
    monkeypatch.setenv("CHAT_TOPIC_ARN", deployed.topic)
    monkeypatch.setenv("EVENT_BUS", "reports")
    handler.parts.cache_clear()
    try:
        handler.lambda_handler(event(stopCode="UserInitiated"), CONTEXT)
        assert handler.parts().sinks.keys() == {"sns", "slack", "chat", "events"}
    finally:
        handler.parts.cache_clear()


def test_the_import_of_the_handler_is_lean() -> None:
    code = "import sys, pull_doctor.handler; print(*sys.modules)"
    source = Path(handler.__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    loaded = set(ran.stdout.split())
    assert "pull_doctor.handler" in loaded
    assert not loaded & {"typer", "rich", "click", "slack_sdk", "aws_xray_sdk", "pydantic", "moto"}
