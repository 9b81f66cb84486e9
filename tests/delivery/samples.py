"""What the delivery tests share: a table, a failed task, a report, and a process that can be killed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from pull_doctor.causes.outcome import Evidence
from pull_doctor.delivery import evidence
from pull_doctor.delivery.diagnosis import Diagnosis
from pull_doctor.delivery.incidents import INDEX, LISTED, Incidents
from pull_doctor.delivery.outbox import Outbox
from pull_doctor.delivery.reporting import Done, Reporting
from pull_doctor.delivery.sink import Sink, SinkFailed, Thread
from pull_doctor.delivery.watch import Watch
from pull_doctor.ending import Ask
from pull_doctor.facts.answers import Answers
from pull_doctor.intake.symptom import Kind, Symptom
from pull_doctor.intake.task import Failure, Intake, Task
from pull_doctor.report.document import from_json
from pull_doctor.report.model import UNSET, FailurePart, Incident, RankedCause, Report, TaskPart
from pull_doctor.resource import Place, Resource

REGION = "eu-west-1"
ACCOUNT = "111122223333"
TABLE = "incidents"
BUCKET = "evidence"
START = 1_790_000_000.0
"""The wall clock when a test begins."""


@cache
def dynamodb() -> Any:
    """Make the client once; it makes one call at a time, as moto's conditional writes are not atomic by themselves."""
    client: Any = boto3.client("dynamodb", region_name=REGION)
    lock, call = threading.Lock(), client._make_api_call

    def one_at_a_time(*args: Any) -> Any:
        with lock:
            return call(*args)

    client._make_api_call = one_at_a_time
    return client


def make_table() -> Any:
    """Create the table in moto and return the client."""
    dynamodb().create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "incident", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "incident", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
            {"AttributeName": "status", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": [
                    {"AttributeName": "status", "KeyType": "HASH"},
                    {"AttributeName": "incident", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(LISTED)},
            }
        ],
    )
    return dynamodb()


def make_bucket() -> Any:
    """Create the bucket of evidence in moto and return the client."""
    client: Any = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


def make_intake(task_id: str = "t1", kind: Kind = "network-timeout", **task: Any) -> Intake:
    return Intake(
        task=Task(
            arn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/production/{task_id}",
            id=task_id,
            place=Place("aws", ACCOUNT, REGION),
            **{
                "cluster": "production",
                "service": "web",
                "family": "web",
                "task_definition": "web:87",
                "failed_at": datetime.fromtimestamp(START - 7, UTC),
                **task,
            },
        ),
        failures=(Failure("app", "app", "x.example/web:1", None, "CannotPull", Symptom("download", kind)),),
    )


def make_report(cause: str = "s3-endpoint-missing", **members: Any) -> Report:
    subnet = Resource("AWS::EC2::Subnet", "subnet-1")
    report = Report(
        verdict="cause-found",
        verdict_reason="The subnet has no way to S3.",
        title="web cannot download image layers: no S3 endpoint",
        tool_version="0.1.0",
        task=TaskPart(
            arn=f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/production/t1",
            cluster="production",
            account=ACCOUNT,
            region=REGION,
            service="web",
            task_definition="web:87",
        ),
        failures=(
            FailurePart("app", "app", "CannotPull", Symptom("download", "network-timeout"), image="x.example/web:1"),
        ),
        causes=(
            RankedCause(
                cause=cause,
                failures=("app",),
                certainty="proven",
                still="yes",
                title="subnet-1 has no way to S3",
                explanation="Layers come from S3.",
                culprit=subnet,
                evidence=(Evidence("rtb-1 has no route to S3", "fact", (subnet,)),),
            ),
        ),
    )
    return replace(report, **members)


class Killed(BaseException):
    """The process is gone, as after a time-out or a lack of memory."""


@dataclass
class Process:
    """Counts the steps of everything that goes out, and dies at one of them; the dead do nothing more."""

    dies_at: int | None = None
    steps: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        self.steps.append(name)
        if self.dies_at is not None and len(self.steps) > self.dies_at:
            raise Killed(name)

    @property
    def last(self) -> str:
        return self.steps[self.dies_at] if self.dies_at is not None and len(self.steps) > self.dies_at else ""

    def watch(self, client: Any) -> None:
        """Make every call of this client two steps: before it reaches AWS, and after AWS did it."""

        client.meta.events.register(
            "before-call", lambda model, **_: self.step(f"before {model.name}"), unique_id="before"
        )
        client.meta.events.register(
            "after-call", lambda model, **_: self.step(f"after {model.name}"), unique_id="after"
        )

    def unwatch(self, client: Any) -> None:
        client.meta.events.unregister("before-call", unique_id="before")
        client.meta.events.unregister("after-call", unique_id="after")


@dataclass
class FakeSink:
    """Keeps what it got; refuses as often as told."""

    name: str
    refuses: int = 0
    process: Process | None = None
    got: list[str] = field(default_factory=list)
    asked: int = 0
    crashes_with: Exception | None = None
    threads: list[Thread] = field(default_factory=list)

    def deliver(self, report: Report, report_json: str, *, thread: Thread, deadline: float) -> str:
        del deadline
        assert report.incident or report.sample
        self.asked += 1
        self.threads.append(thread)
        if self.crashes_with:
            raise self.crashes_with
        if self.process:
            self.process.step(f"before {self.name}")
        if self.refuses:
            self.refuses -= 1
            raise SinkFailed("busy")
        self.got.append(report_json)
        if self.process:
            self.process.step(f"after {self.name}")
        return f"{self.name}-{len(self.got)}"

    @property
    def incidents(self) -> list[Incident]:
        """The incidents that it was told of, message by message."""
        return [incident for text in self.got if (incident := from_json(text).incident)]


@dataclass
class World:
    """A table, a bucket, two sinks, a clock, and a diagnosis that counts how often it ran."""

    client: Any = field(default_factory=make_table)
    s3: Any = field(default_factory=make_bucket)
    now: float = START
    sns: FakeSink = field(default_factory=lambda: FakeSink("sns"))
    slack: FakeSink = field(default_factory=lambda: FakeSink("slack"))
    diagnosed: Counter[str] = field(default_factory=Counter)
    cause: str = "s3-endpoint-missing"
    culprit: str = "subnet-1"
    answers: Answers = field(default_factory=Answers)
    muted: bool = False
    reports: dict[str, Any] = field(default_factory=dict)
    """Members of every report that is made."""

    @property
    def incidents(self) -> Incidents:
        return Incidents(self.client, TABLE)

    @property
    def evidence(self) -> evidence.EvidenceBucket:
        return evidence.EvidenceBucket(self.s3, BUCKET)

    @property
    def sinks(self) -> dict[str, Sink]:
        return {"sns": self.sns, "slack": self.slack}

    def diagnose(self, intake: Intake) -> Diagnosis:
        self.diagnosed[intake.task.id] += 1
        # No two diagnoses give the same bytes, so that a repeated one shows.
        made = make_report(self.cause, duration_ms=self.diagnosed.total(), **self.reports)
        task = replace(made.task, cluster=intake.task.cluster, service=intake.task.service or UNSET)
        culprit = Resource("AWS::EC2::Subnet", self.culprit)
        causes = tuple(replace(cause, culprit=culprit) for cause in made.causes)
        report = replace(made, task=task, causes=causes)
        return Diagnosis(report, self.answers, datetime.fromtimestamp(self.now, UTC), muted=self.muted)

    def invocation(self, sinks: Mapping[str, Sink] | None = None, **members: Any) -> Reporting:
        return Reporting(
            **{
                "incidents": self.incidents,
                "outbox": Outbox(self.incidents, self.sinks if sinks is None else sinks, 1e6),
                "evidence": self.evidence,
                "diagnose": self.diagnose,
                "lease_until": self.now + 62,
                "now": lambda: self.now,
                **members,
            }
        )

    def fail(
        self,
        task: str = "t1",
        kind: Kind = "network-timeout",
        *,
        event: str = "e1",
        invocation: Reporting | None = None,
        **members: Any,
    ) -> Done:
        """Let a task fail now, and the function handle its event."""
        intake = make_intake(task, kind, **{"failed_at": datetime.fromtimestamp(self.now - 7, UTC), **members})
        return (invocation or self.invocation()).report(intake, {"id": event}, event)

    def watch(self, ask: Ask, **members: Any) -> Watch:
        return Watch(
            **{
                "incidents": self.incidents,
                "outbox": Outbox(self.incidents, self.sinks, 1e6),
                "evidence": self.evidence,
                "ask": ask,
                "diagnose": self.diagnose,
                "lease_until": self.now + 62,
                "until": 1e6,
                "now": lambda: self.now,
                **members,
            }
        )
