"""``pull-doctor redrive``: every event goes back once, and none is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pull_doctor.operations.dead_letters import Queue, failed_event
from tests.command_line import Run
from tests.operations.conftest import Account

EVENT = {
    "id": "e-1",
    "detail-type": "ECS Task State Change",
    "time": "2026-11-22T02:00:00Z",
    "resources": ["arn:aws:ecs:eu-west-1:111122223333:task/production/t1"],
    "detail": {"lastStatus": "STOPPED"},
}


def record(event: Any, **members: Any) -> dict[str, Any]:
    """What Lambda hands to an on-failure destination."""
    return {
        "version": "1.0",
        "timestamp": "2026-11-22T02:03:30.000Z",
        "requestContext": {
            "requestId": "r-1",
            "functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:pull-doctor-function:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "slack: busy", "errorType": "Undelivered", "stackTrace": []},
        **members,
    }


def test_both_queues_are_put_back_and_emptied(run: Run, account: Account) -> None:
    sent = {**EVENT, "id": "e-2"}
    account.put("FailedQueueUrl", record(EVENT))
    account.put("UnsentQueueUrl", sent, ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="lambda:InvokeFunction is missing")
    ran = run("redrive")
    assert (ran.code, ran.err) == (0, "")
    assert account.function.events == [EVENT, sent]
    assert {(call["FunctionName"], call["InvocationType"]) for call in account.function.calls} == {
        ("pull-doctor-function", "Event")
    }
    assert (account.visible("FailedQueueUrl"), account.visible("UnsentQueueUrl")) == ([], [])
    first, second = ran.out.splitlines()
    assert first.startswith("put back: ECS Task State Change of arn:aws:ecs:eu-west-1:111122223333:task/production/t1 ")
    assert first.endswith(": RetriesExhausted: Undelivered: slack: busy")
    assert second.endswith(": NO_PERMISSIONS: lambda:InvokeFunction is missing")


def test_a_dry_run_changes_nothing(run: Run, account: Account) -> None:
    account.put("FailedQueueUrl", record(EVENT))
    account.put("UnsentQueueUrl", "not an event")
    ran = run("redrive", "--dry-run")
    assert ran.code == 0
    assert [line.split(":")[0] for line in ran.out.splitlines()] == ["would be put back", "stays"]
    assert account.function.calls == []
    assert len(account.visible("FailedQueueUrl")) == len(account.visible("UnsentQueueUrl")) == 1


def test_a_message_that_holds_no_event_stays_and_is_said(run: Run, account: Account) -> None:
    for body in (
        "not JSON",
        "[" * 20_000,
        "[]",
        json.dumps(EVENT),
        record("text"),
        record(None),
        {"requestPayload": 1},
    ):
        account.put("FailedQueueUrl", body)
    account.put("UnsentQueueUrl", "null")
    account.put("UnsentQueueUrl", EVENT)
    ran = run("redrive")
    assert ran.code == 4
    assert [line.split(":")[0] for line in ran.out.splitlines()] == ["stays"] * 8 + ["put back"]
    assert account.function.events == [EVENT]
    assert len(account.visible("FailedQueueUrl")) == 7
    assert account.visible("UnsentQueueUrl") == ["null"]


def test_what_lambda_does_not_accept_stays(run: Run, account: Account) -> None:
    for number in range(3):
        account.put("FailedQueueUrl", record({**EVENT, "id": str(number)}))
    account.function.refuses = ClientError({"Error": {"Code": "TooManyRequestsException", "Message": ""}}, "Invoke")
    ran = run("redrive")
    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1)
    assert len(account.function.calls) == 1
    assert len(account.visible("FailedQueueUrl")) == 3


def test_an_event_that_fails_again_at_once_is_put_back_once(account: Account) -> None:
    for number in range(25):
        account.put("FailedQueueUrl", record({**EVENT, "id": str(number)}))
    accepted = []

    def fails_again(event: dict[str, Any]) -> None:
        accepted.append(event["id"])
        account.put("FailedQueueUrl", record(event))

    queue = Queue(account.client("sqs"), account.outputs["FailedQueueUrl"], failed_event)
    assert len(list(queue.go_through(fails_again))) == 25
    assert sorted(accepted, key=int) == [str(number) for number in range(25)]
    assert len(account.visible("FailedQueueUrl")) == 10


@pytest.mark.usefixtures("account")
def test_empty_queues_are_said(run: Run) -> None:
    ran = run("redrive")
    assert (ran.code, ran.out, ran.err) == (0, "", "both queues are empty\n")


def test_what_a_queue_holds_reaches_a_terminal_harmless(run: Run, account: Account) -> None:
    said = "boom \x1b[31m\u202e https://bucket.example/layer?X-Amz-Signature=planted " + "x" * 2000
    account.put(
        "FailedQueueUrl", record({**EVENT, "resources": ["a\nb\x1b[2J"]}, responsePayload={"errorMessage": said})
    )
    account.put("FailedQueueUrl", record({"pull-doctor": "sweep\x1b[2J"}, responsePayload=None))
    account.put("UnsentQueueUrl", EVENT, ERROR_CODE="A\u202eB")
    ran = run("redrive", "--dry-run")
    assert len(ran.out.splitlines()) == 3
    assert max(map(len, ran.out.splitlines())) < 600
    assert not {"\x1b", "\u202e"} & set(ran.out)
    assert "planted" not in ran.out
    assert '{"pull-doctor": "sweep' in ran.out
