"""The synthesised stack, created in the emulated AWS: without any setting, and with every setting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.emulated.deployment import deploy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulated.aws import EmulatedAws
    from tests.emulated.deployment import Deployed
    from tests.infra.conftest import Synthesised


@pytest.fixture(scope="module", params=["bare", pytest.param("full", marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest) -> Iterator[tuple[EmulatedAws, Deployed]]:
    from tests.emulated.aws import emulated_aws  # noqa: PLC0415 - slow to import

    synthesised: Synthesised = request.getfixturevalue(request.param)
    with emulated_aws() as aws:  # an emulation of its own: the shared one has another stack of this name
        yield aws, deploy(aws, synthesised.directory)


@pytest.fixture(scope="module")
def as_function(stack: tuple[EmulatedAws, Deployed]) -> Callable[[str], Any]:
    """Make clients with the credentials of the function's role, which is held to its policy."""
    aws, deployed = stack
    aws.hold(deployed.role)
    arn = f"arn:aws:iam::{aws.account}:role/{deployed.role}"
    given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session = boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=aws.region
    )
    return lambda service: session.client(service, endpoint_url=aws.url)  # type: ignore[call-overload]  # the stubs know each service by its literal name


def test_every_rule_has_its_target_and_the_queue_behind_it(stack: tuple[EmulatedAws, Deployed]) -> None:
    aws, deployed = stack
    events, sqs = aws.client("events"), aws.client("sqs")
    unsent = sqs.get_queue_attributes(QueueUrl=deployed.unsent, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rules = events.list_rules()["Rules"]
    targets = [events.list_targets_by_rule(Rule=rule["Name"])["Targets"] for rule in rules]
    assert [target["DeadLetterConfig"]["Arn"] for [target] in targets] == [unsent] * 4
    assert [rule["ScheduleExpression"] for rule in rules if rule.get("ScheduleExpression")] == ["rate(15 minutes)"]
    assert [json.loads(target["Input"]) for [target] in targets if "Input" in target] == [{"pull-doctor": "sweep"}]


def test_the_function_finds_open_incidents_through_the_index(
    stack: tuple[EmulatedAws, Deployed], as_function: Callable[[str], Any]
) -> None:
    table = stack[1].table
    state = {"incident": {"S": "key"}, "item": {"S": "state"}, "status": {"S": "open"}, "title": {"S": "it"}}
    as_function("dynamodb").put_item(TableName=table, Item={**state, "report": {"B": b"large"}})
    as_function("dynamodb").put_item(TableName=table, Item={"incident": {"S": "key"}, "item": {"S": "task#1"}})
    answer = as_function("dynamodb").query(
        TableName=table,
        IndexName="by-status",
        KeyConditionExpression="#status = :open",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":open": {"S": "open"}},
    )
    assert answer["Items"] == [state]


def test_the_function_writes_and_reads_evidence(
    stack: tuple[EmulatedAws, Deployed], as_function: Callable[[str], Any]
) -> None:
    place = {"Bucket": stack[1].bucket, "Key": "incidents/1/eu-west-1/web/service:orders/x.json"}
    as_function("s3").put_object(**place, Body=b"{}")
    assert as_function("s3").get_object(**place)["Body"].read() == b"{}"


def test_the_function_is_refused_what_is_not_its_own(
    stack: tuple[EmulatedAws, Deployed], as_function: Callable[[str], Any]
) -> None:
    deployed = stack[1]
    refused: list[tuple[str, str, dict[str, Any]]] = [
        ("s3", "list_objects_v2", {"Bucket": deployed.bucket}),
        ("s3", "delete_object", {"Bucket": deployed.bucket, "Key": "incidents/x"}),
        ("dynamodb", "scan", {"TableName": deployed.table}),
        ("sns", "publish", {"TopicArn": deployed.operations, "Message": "x"}),
        ("sqs", "receive_message", {"QueueUrl": deployed.failed}),
    ]
    for service, operation, parameters in refused:
        with pytest.raises(ClientError, match="not authorized"):
            getattr(as_function(service), operation)(**parameters)


def test_whoever_reads_everything_is_spared_what_only_repeats(stack: tuple[EmulatedAws, Deployed]) -> None:
    aws, deployed = stack
    schema = {"schema": {"DataType": "String", "StringValue": "pull-doctor/report/1"}}
    aside = {"aside": {"DataType": "String", "StringValue": "true"}}
    for text, attributes in (("first", schema), ("repeated", schema | aside)):
        aws.client("sns").publish(TopicArn=deployed.topic, Message=text, MessageAttributes=attributes)
    everything = bool(deployed.chat)  # only then is an address set too
    assert [mail["text"] for mail in aws.mails()] == (["first"] if everything else [])
