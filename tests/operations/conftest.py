"""A deployed stack in moto: table, queues, and bucket by CloudFormation, and a function that only notes its calls."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from pull_doctor import console
from pull_doctor.delivery.incidents import INDEX, LISTED, Incidents
from pull_doctor.operations.stack import STACK, Stack
from pull_doctor.report.document import to_json
from pull_doctor.report.model import Report

REGION = "eu-west-1"
_TEMPLATE = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [
                    {"AttributeName": "incident", "KeyType": "HASH"},
                    {"AttributeName": "item", "KeyType": "RANGE"},
                ],
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": "S"} for name in ("incident", "item", "status")
                ],
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": INDEX,
                        "KeySchema": [
                            {"AttributeName": "status", "KeyType": "HASH"},
                            {"AttributeName": "incident", "KeyType": "RANGE"},
                        ],
                        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(LISTED)},
                    }
                ],
            },
        },
        "Failed": {"Type": "AWS::SQS::Queue"},
        "Unsent": {"Type": "AWS::SQS::Queue"},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "evidence"}},
    },
    "Outputs": {
        "TableName": {"Value": {"Ref": "Table"}},
        "FailedQueueUrl": {"Value": {"Ref": "Failed"}},
        "UnsentQueueUrl": {"Value": {"Ref": "Unsent"}},
        "EvidenceBucketName": {"Value": {"Ref": "Bucket"}},
        "FunctionName": {"Value": "pull-doctor-function"},
    },
}


@cache
def _session() -> boto3.Session:
    """One session for all tests: each would read botocore's models anew."""
    return boto3.Session()


@dataclass
class Function:
    """Stands for Lambda: notes each call, and answers with what a test sets."""

    answer: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    refuses: Exception | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        if self.refuses:
            raise self.refuses
        failed = {"FunctionError": self.failure} if self.failure else {}
        return {"StatusCode": 202, "Payload": io.BytesIO(json.dumps(self.answer).encode())} | failed

    @property
    def events(self) -> list[Any]:
        return [json.loads(call["Payload"]) for call in self.calls]


@dataclass
class Account:
    """The account with the stack in it."""

    function: Function = field(default_factory=Function)
    outputs: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return _session().client(service, region_name=REGION)  # type: ignore[call-overload] # the stubs want a literal

    @property
    def table(self) -> Incidents:
        return Incidents(self.client("dynamodb"), self.outputs["TableName"])

    def incident(self, key: str, report: Report | None, tasks: tuple[float, ...], **members: Any) -> None:
        """Write an incident as the function leaves it, with the times of its failed tasks."""
        for number, seen in enumerate(tasks):
            self.table.first_seen(key, f"task-{number}", seen)
        lease = self.table.take(key, event="e", kinds=frozenset(), now=tasks[0], until=tasks[0] + 60)
        assert not hasattr(lease, "holder")
        state = {
            "status": "open",
            "opened": tasks[0],
            "reported": tasks[0] + 4,
            "cause": "s3-endpoint-missing",
            "title": "subnet-1 has no way to S3",
            "told": "s3-endpoint-missing",
            "report": to_json(report) if report else None,
        }
        lease.save(**state | members)  # type: ignore[union-attr] # nobody else is there to hold the lease
        lease.release()  # type: ignore[union-attr] # the same

    def put(self, queue: str, body: Any, **attributes: str) -> None:
        self.client("sqs").send_message(
            QueueUrl=self.outputs[queue],
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def visible(self, queue: str) -> list[str]:
        """The bodies that anybody could receive now; they stay."""
        messages = self.client("sqs").receive_message(
            QueueUrl=self.outputs[queue], MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [message["Body"] for message in messages.get("Messages", [])]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        made = Account()
        formation = made.client("cloudformation")
        formation.create_stack(StackName=STACK, TemplateBody=json.dumps(_TEMPLATE))
        (stack,) = formation.describe_stacks(StackName=STACK)["Stacks"]
        made.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        ours, real = console.session, Stack.client
        monkeypatch.setattr(
            "pull_doctor.operations.stack.session", lambda profile: ours(profile) if profile else _session()
        )
        monkeypatch.setattr(
            Stack, "client", lambda self, service: made.function if service == "lambda" else real(self, service)
        )
        yield made
