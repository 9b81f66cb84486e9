"""The command line on the deployed stack: what it lists, shows, puts back, and sends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pull_doctor.delivery.incidents import Incidents
from tests.command_line import Run
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.worlds import World, build


@pytest.fixture(scope="module")
def world(aws: EmulatedAws, deployed: Deployed) -> Iterator[World]:
    """A failed task that the deployed function has reported; Slack is not there, so its events end in the queue."""
    made = build(aws, "image-tag-missing")
    for event in made.events:
        aws.put_event(event)
    aws.wait_until_idle(60)
    yield made
    aws.client("sqs").purge_queue(QueueUrl=deployed.failed)


@pytest.fixture(autouse=True)
def _environment(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment as every AWS tool takes it."""
    for name, value in aws.env.items():
        monkeypatch.setenv(name, value)


def _row(run: Run, world: World) -> dict[str, Any]:
    ran = run("incidents", "--format", "json")
    assert ran.code == 0, ran.err
    (row,) = [one for one in json.loads(ran.out) if one["key"].endswith(f":{world.workload}")]
    return dict(row)


def test_a_failure_is_listed_shown_and_diagnosed_again_from_what_was_kept(run: Run, world: World) -> None:
    row = _row(run, world)
    assert (row["status"], row["cause"], row["occurrences"]) == ("open", world.cause, 1)
    shown = run("show", f"service:{world.workload}", "--format", "json")
    assert shown.code == 1, shown.err
    report = json.loads(shown.out)
    assert report["causes"][0]["cause"] == world.cause
    again = run("diagnose", "--facts", f"{shown.err.split()[-1]}facts.json", "--format", "json")
    assert again.code == 1, again.err
    assert json.loads(again.out)["causes"] == report["causes"]


def test_an_event_in_a_dead_letter_queue_is_put_back_and_counted(
    run: Run, aws: EmulatedAws, world: World, deployed: Deployed
) -> None:
    lost = json.loads(json.dumps(world.event).replace(world.launched.task.rpartition("/")[2], "f" * 32))
    aws.client("sqs").send_message(
        QueueUrl=deployed.unsent,
        MessageBody=json.dumps({**lost, "id": "lost"}),
        MessageAttributes={"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}},
    )
    tried = run("redrive", "--dry-run")
    assert (tried.code, "would be put back" in tried.out) == (0, True), tried.err
    ran = run("redrive")
    assert ran.code == 0, ran.err
    assert "NO_PERMISSIONS" in ran.out
    table, key = Incidents(aws.client("dynamodb"), deployed.table), _row(run, world)["key"]
    end = time.monotonic() + 60
    while len(table.occurrences(key, 0)) < 2 and time.monotonic() < end:
        time.sleep(0.2)
    assert _row(run, world)["occurrences"] == 2
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=deployed.unsent)


@pytest.mark.slow
def test_an_event_that_the_function_fails_on_is_told_of_with_its_reason(
    run: Run, aws: EmulatedAws, deployed: Deployed
) -> None:
    nonsense = json.dumps({"detail-type": "Nonsense", "source": "tests"})
    aws.client("lambda").invoke(FunctionName=deployed.function, InvocationType="Event", Payload=nonsense)
    end = time.monotonic() + 60
    while "Nonsense" not in (told := run("redrive", "--dry-run").out) and time.monotonic() < end:
        time.sleep(0.2)
    (line,) = [line for line in told.splitlines() if "Nonsense" in line]
    assert line.startswith("would be put back: Nonsense: RetriesExhausted: ")
    assert line.endswith(': the detail-type is not "ECS Task State Change" but "Nonsense"')


def test_the_sample_reaches_the_topic(run: Run, aws: EmulatedAws, deployed: Deployed) -> None:
    aws.client("sns").subscribe(TopicArn=deployed.topic, Protocol="email", Endpoint="sample@example.com")
    ran = run("test")
    assert "sns: ok\n" in ran.out, ran.err
    (mail,) = [mail for mail in aws.mails() if mail["to"] == "sample@example.com"]
    assert "test" in mail["subject"]
