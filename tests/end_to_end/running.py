"""What the tests of storms, faults, and deaths share: who receives the reports, and many failures out of one."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import boto3
import pytest

from pull_doctor.delivery.incidents import Incidents
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.emulated.fixtures import SLACK_SECRET
from tests.emulated.slack import TroubledSlack, troubled_slack

on_lambda = pytest.mark.skipif(find_spec("awslambdaric") is None, reason="Lambda's runtime client is for Linux alone")
"""Marks a test that runs real processes of the function."""


@dataclass
class Receivers:
    """Who receives the reports of the deployed function: a queue that subscribes to the topic, and a Slack."""

    aws: EmulatedAws
    deployed: Deployed
    slack: TroubledSlack
    queue: str

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._notifications: list[dict[str, Any]] = []

    @property
    def incidents(self) -> Incidents:
        return Incidents(self.aws.client("dynamodb"), self.deployed.table)

    def key(self, workload: str) -> str:
        return f"{self.aws.account}/{self.aws.region}/prod/service:{workload}"

    def notified(self, workload: str) -> list[dict[str, Any]]:
        """The reports about a workload that the topic published so far."""
        with self._lock:
            self._notifications += [json.loads(json.loads(body)["Message"]) for body in emptied(self.aws, self.queue)]
        return [report for report in self._notifications if report["task"].get("service") == workload]

    def counts(self, workload: str) -> dict[str, int]:
        """How many reports about a workload each sink took."""
        return {"sns": len(self.notified(workload)), "slack": len(self.slack.about(workload))}

    def kept_events(self) -> list[dict[str, Any]]:
        """The events that Lambda gave up since this was asked last."""
        return [json.loads(body)["requestPayload"] for body in emptied(self.aws, self.deployed.failed)]

    def forget(self, workload: str) -> None:
        """Delete the state of a workload's incident, so that nobody groups with it."""
        key = {"incident": {"S": self.key(workload)}, "item": {"S": "state"}}
        self.aws.client("dynamodb").delete_item(TableName=self.deployed.table, Key=key)


@contextmanager
def receivers(aws: EmulatedAws, deployed: Deployed) -> Iterator[Receivers]:
    """Subscribe a queue and hand the function a Slack of its own, until the block ends."""
    sqs, sns = aws.client("sqs"), aws.client("sns")
    url = sqs.create_queue(QueueName=f"reports-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=deployed.topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    emptied(aws, deployed.failed)
    with troubled_slack() as slack, slack_secret(aws, slack.webhook):
        yield Receivers(aws, deployed, slack, url)
    sns.unsubscribe(SubscriptionArn=subscription)


@contextmanager
def slack_secret(aws: EmulatedAws, value: str) -> Iterator[None]:
    """Let the Slack secret be this one, until the block ends: then as before."""
    secrets = aws.client("secretsmanager")
    try:
        before = secrets.get_secret_value(SecretId=SLACK_SECRET)["SecretString"]
        secrets.put_secret_value(SecretId=SLACK_SECRET, SecretString=value)
    except secrets.exceptions.ResourceNotFoundException:
        before = None
        secrets.create_secret(Name=SLACK_SECRET, SecretString=value)
    try:
        yield
    finally:
        if before is None:
            secrets.delete_secret(SecretId=SLACK_SECRET, ForceDeleteWithoutRecovery=True)
        else:
            secrets.put_secret_value(SecretId=SLACK_SECRET, SecretString=before)


def emptied(aws: EmulatedAws, url: str) -> list[str]:
    """What a queue holds; it is empty then."""
    bodies = []
    while messages := aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(message["Body"])
            aws.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def another(event: dict[str, Any], workload: str, task: str | None = None, text: str | None = None) -> dict[str, Any]:
    """The same event about another service, and a task of it; ``task`` is that one's id, ``text`` what ECS says."""
    old = event["detail"]["taskArn"].rsplit("/", 1)[-1]
    copy: dict[str, Any] = json.loads(json.dumps(event).replace(old, task or uuid.uuid4().hex))
    copy["detail"]["group"] = f"service:{workload}"
    if text:
        copy["detail"]["stoppedReason"] = copy["detail"]["containers"][0]["reason"] = text
    return copy | {"id": str(uuid.uuid4())}


def session_of(aws: EmulatedAws, deployed: Deployed) -> boto3.Session:
    """A session as the function's role."""
    role = aws.client("lambda").get_function_configuration(FunctionName=deployed.function)["Role"]
    found = aws.client("sts").assume_role(RoleArn=role, RoleSessionName=f"test-{uuid.uuid4().hex[:8]}")["Credentials"]
    return boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], aws.region)
