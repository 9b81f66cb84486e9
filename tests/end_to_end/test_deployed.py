"""The deployed stack: a real event enters through the rule, and one report reaches mail, queue, and Slack.

Every call of the function passes a proxy that holds it against the role's own policy.
"""

from __future__ import annotations

import copy
import json
import random
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from demo.slack import LoopbackSlack, loopback_slack
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.emulated.fixtures import SLACK_SECRET
from tests.end_to_end.harness import DEFECTS
from tests.worlds import World, build

NOT_THROUGH_THE_PROXY = {
    "kms:Decrypt": "SNS uses it to encrypt what the function publishes",
    "kms:GenerateDataKey": "SNS uses it to encrypt what the function publishes",
    "logs:CreateLogStream": "Lambda writes the function's log",
    "logs:PutLogEvents": "Lambda writes the function's log",
    "sqs:SendMessage": "Lambda hands over events that failed for good",
}
"""The actions that AWS's services take on the function's behalf, which no call of its own shows."""


READ_ELSEWHERE = {
    "ecr:DescribeImageReplicationStatus": "asked where a registry copies its images, which is a whole account's",
    "ecr:ValidatePullThroughCacheRule": "asked where a cache has to fetch the image, whose rules are a whole account's",
    "ec2:DescribeVpcBlockPublicAccessExclusions": "asked where Block Public Access is on, which is a whole account's",
    "ecr:GetAccountSetting": "asked for a registry with a policy, which is a whole account's",
    "ecs:DescribeServiceRevisions": "asked for a deployment that its service does not show any more",
    "iam:GetInstanceProfile": "asked for a task definition without an execution role, on EC2",
    "route53resolver:GetFirewallDomainList": "asked for a list whose domains cannot be read",
}
"""The reads that none of these worlds gives a reason for; the readers' own tests make them."""

REPORTED = (
    *DEFECTS,
    "healthy",
    "secret-not-readable",
    "parameter-deleted",
    "repository-missing",
    "image-in-another-region",
    "image-for-another-platform",
    "prefix-list-without-the-registry",
    "route-removed-on-ec2",
    "zone-without-the-registry",
    "firewall-blocks-the-registry",
    "resolver-rule-for-everything",
    "role-reads-tagged-repositories",
    "boundary-denies-the-image",
    "secret-key-admits-nobody",
)
"""Worlds that together need every right of the function's role."""


@pytest.fixture(scope="module")
def slack(aws: EmulatedAws) -> Iterator[LoopbackSlack]:
    """A Slack whose webhook the secret holds."""
    with loopback_slack() as running:
        aws.client("secretsmanager").create_secret(Name=SLACK_SECRET, SecretString=running.webhook)
        yield running


@pytest.fixture(scope="module")
def queue(aws: EmulatedAws, deployed: Deployed) -> str:
    """A queue that is subscribed to the report topic."""
    url: str = aws.client("sqs").create_queue(QueueName="reports")["QueueUrl"]
    arn = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=deployed.topic, Protocol="sqs", Endpoint=arn)
    aws.client("sns").subscribe(TopicArn=deployed.topic, Protocol="email", Endpoint="on-call@example.com")
    return url


@pytest.fixture(scope="module")
def held(aws: EmulatedAws, deployed: Deployed, slack: LoopbackSlack, queue: str) -> set[str]:
    """The actions that the role declares, with every call of the function held against its policy from now on."""
    assert slack.webhook
    assert queue
    statements = aws.hold(deployed.role)
    return {action for statement in statements for action in _list(statement["Action"])}


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _by_role(aws: EmulatedAws, deployed: Deployed) -> list[Any]:
    return [call for call in aws.calls if f":assumed-role/{deployed.role}/" in call.caller]


def _mails(aws: EmulatedAws, world: World) -> list[dict[str, str]]:
    return [mail for mail in aws.mails() if f" {world.workload}," in mail["text"]]


def _posts(slack: LoopbackSlack, world: World) -> list[dict[str, Any]]:
    named = re.compile(rf"{re.escape(world.workload)}(?![\w-])")
    return [post for post in slack.messages if named.search(json.dumps(post))]


def _notifications(aws: EmulatedAws, queue: str) -> list[dict[str, Any]]:
    """What the queue received so far; it is emptied."""
    received = []
    while messages := aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            received.append(json.loads(message["Body"]))
            aws.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return received


def _send(aws: EmulatedAws, *events: dict[str, Any]) -> None:
    for event in events:
        aws.put_event(event)
        aws.wait_until_idle()


def test_every_world_is_reported_with_the_rights_of_the_role_and_all_of_them(
    aws: EmulatedAws, deployed: Deployed, held: set[str], slack: LoopbackSlack, queue: str
) -> None:
    _notifications(aws, queue)
    for name in REPORTED:
        world = build(aws, name)
        if name == "endpoint-security-group":
            world.add_sibling()
        _send(aws, *world.events)
        (mail,) = _mails(aws, world)
        assert len(_posts(slack, world)) == 1
        (notification,) = _notifications(aws, queue)
        report = json.loads(notification["Message"])
        attributes = {key: value["Value"] for key, value in notification["MessageAttributes"].items()}
        assert report["schema"] == "pull-doctor/report/1"
        assert attributes["schema"] == "pull-doctor/report/1"
        assert attributes["service"] == world.workload
        assert attributes["status"] == "open"
        if world.cause:
            assert report["causes"][0]["cause"] == attributes["cause"] == world.cause
            assert world.cause in mail["text"]
        else:
            assert report["verdict"] == attributes["verdict"] == "no-defect-found"
            assert attributes["cause"] == "undetermined"
    world.scale_to_zero()  # at the end of an incident the kept facts are read again
    _send(aws, world.steady_state)
    assert "withdrawn" in _mails(aws, world)[-1]["text"]
    calls = _by_role(aws, deployed)
    assert [call for call in calls if call.status == 403] == []
    used = {call.action for call in calls}
    unused = sorted(held - used - set(NOT_THROUGH_THE_PROXY) - set(READ_ELSEWHERE))
    assert unused == [], f"the role may, and never does: {', '.join(unused)}"


@pytest.mark.parametrize("name", ["execution-role-trusts-ec2", "task-role-trusts-lambda"])
def test_a_service_whose_task_ecs_cannot_even_start_is_reported_once(
    aws: EmulatedAws, held: set[str], slack: LoopbackSlack, queue: str, name: str
) -> None:
    assert held
    world = build(aws, name)
    _notifications(aws, queue)
    again = world.service_action | {"id": str(uuid.uuid4())}
    _send(aws, world.service_action, again)
    (mail,) = _mails(aws, world)
    assert len(_posts(slack, world)) == 1
    (notification,) = _notifications(aws, queue)
    report = json.loads(notification["Message"])
    assert notification["MessageAttributes"]["cause"]["Value"] == report["causes"][0]["cause"] == world.cause
    assert (report["causes"][0]["certainty"], report["causes"][0]["culprit"]["arn"]) == ("proven", world.culprits[0])
    assert world.culprits[0] in mail["text"]


@pytest.mark.slow
def test_three_copies_of_both_events_in_any_order_give_one_report(
    aws: EmulatedAws, held: set[str], slack: LoopbackSlack, queue: str
) -> None:
    assert held
    world = build(aws, "image-tag-missing")
    events = [copy.deepcopy(event) for event in world.events for _ in range(3)]
    random.Random(7).shuffle(events)  # noqa: S311 - any order will do
    for event in events:
        event["id"] = str(uuid.uuid4())
        aws.put_event(event)
    aws.wait_until_idle()
    assert len(_mails(aws, world)) == 1
    assert len(_posts(slack, world)) == 1
    _notifications(aws, queue)


def test_a_topic_that_refuses_once_gets_the_report_by_the_retry_and_slack_no_second(
    aws: EmulatedAws, held: set[str], slack: LoopbackSlack
) -> None:
    assert held
    world = build(aws, "image-tag-missing")
    with aws.fault("sns:Publish", "denied"):
        aws.put_event(world.event)
        while not _posts(slack, world):
            assert not _mails(aws, world)
    aws.wait_until_idle(60)
    assert len(_mails(aws, world)) == 1
    assert len(_posts(slack, world)) == 1


def test_a_task_that_somebody_stopped_is_not_reported(aws: EmulatedAws, held: set[str], slack: LoopbackSlack) -> None:
    assert held
    world = build(aws, "healthy")
    event = copy.deepcopy(world.event)
    event["detail"]["stopCode"] = "UserInitiated"
    _send(aws, event)
    assert (_mails(aws, world), _posts(slack, world)) == ([], [])


def test_hostile_text_reaches_every_sink_harmless(
    aws: EmulatedAws, held: set[str], slack: LoopbackSlack, queue: str
) -> None:
    assert held
    world = build(aws, "healthy")
    signed = "https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com/x?X-Amz-Signature=planted-secret"
    text = (
        f"CannotPullContainerError: \x1b[31m <!channel> [/x] $(reboot) ``` {signed} dial tcp 3.5.1.1:443: i/o timeout"
    )
    _notifications(aws, queue)
    _send(aws, world.saying(text))
    (mail,) = _mails(aws, world)
    (post,) = _posts(slack, world)
    (notification,) = _notifications(aws, queue)
    everywhere = mail["text"] + json.dumps(post) + notification["Message"] + _log(aws)
    assert "planted-secret" not in everywhere
    assert "\x1b" not in mail["text"]
    assert "<!channel>" not in json.dumps(post)
    assert "$(reboot)" in mail["text"]


def _log(aws: EmulatedAws) -> str:
    logs = aws.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    return "".join(
        event["message"] for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]
    )
