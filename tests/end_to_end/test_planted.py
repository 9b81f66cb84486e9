"""Secrets that are planted in every place of an event, and in the task definition, appear nowhere.

Nowhere is: the table, the bucket, the log, the topics, mail, and Slack. The queue of failed events is Lambda's own: it
holds the events as they came.
"""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import asset
from tests.emulated.aws import EmulatedAws
from tests.emulated.deployment import Deployed
from tests.emulated.runtime_api import function
from tests.end_to_end.in_process import InProcess
from tests.end_to_end.running import Receivers, another, emptied, on_lambda, receivers
from tests.worlds import World, build

MARK = "planted"
SIGNED = f"https://layers.s3.eu-west-1.amazonaws.com/x?X-Amz-Credential={MARK}-1&X-Amz-Signature={MARK}-2"
CREDENTIALS = f"https://deploy:{MARK}-3@registry.example.com/v2/"
TOKEN = f"xoxb-1234-{MARK}-4"
WEBHOOK = f"https://hooks.slack.com/services/T0/B0/{MARK}-5"
TYPED = f"{SIGNED} {CREDENTIALS} {TOKEN} {WEBHOOK} password={MARK}-6"
"""What people type into environment variables and commands."""


@pytest.fixture
def got(aws: EmulatedAws, deployed: Deployed) -> Iterator[Receivers]:
    with receivers(aws, deployed) as running:
        yield running


@pytest.fixture(scope="module")
def world(aws: EmulatedAws) -> World:
    return build(aws, "image-tag-missing")


def _typed(aws: EmulatedAws, event: dict[str, Any], text: str) -> dict[str, Any]:
    """The event of a task with secrets in its definition, its overrides, and unknown members; ``text`` is ECS's."""
    ecs = aws.client("ecs")
    old = event["detail"]["taskDefinitionArn"]
    found = ecs.describe_task_definition(taskDefinition=old)["taskDefinition"]
    container = found["containerDefinitions"][0] | {
        "environment": [{"name": "DATABASE", "value": TYPED}],
        "command": ["serve", TYPED],
        "entryPoint": [TYPED],
        "healthCheck": {"command": ["CMD", TYPED]},
        "dockerLabels": {"note": TYPED},
        "logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": TYPED}},
    }
    members = {name: found[name] for name in ("family", "requiresCompatibilities", "networkMode", "cpu", "memory")}
    new = ecs.register_task_definition(
        **members, executionRoleArn=found["executionRoleArn"], containerDefinitions=[container]
    )["taskDefinition"]["taskDefinitionArn"]
    planted: dict[str, Any] = json.loads(json.dumps(event).replace(old, new))
    override = {"name": "web", "environment": [{"name": "TOKEN", "value": TYPED}], "command": [TYPED]}
    planted["detail"] |= {
        "overrides": {"containerOverrides": [override], "executionRoleArn": None},
        "stoppedReason": text,
        "somethingNew": {"value": TYPED},
        "tags": [{"key": "token", "value": TYPED}],
    }
    planted["detail"]["containers"][0] |= {"reason": text, "environment": [{"name": "A", "value": TYPED}]}
    return planted | {"somethingNew": TYPED}


@on_lambda
def test_what_is_planted_in_a_task_appears_nowhere(
    aws: EmulatedAws, deployed: Deployed, got: Receivers, world: World, tmp_path: Path
) -> None:
    asset.build(tmp_path / "code")
    aws.client("sns").subscribe(TopicArn=deployed.topic, Protocol="email", Endpoint="planted@example.com")
    text = f"CannotPullContainerError: failed to fetch {SIGNED} from {CREDENTIALS}: dial tcp 3.5.1.1:443: i/o timeout"
    told = _typed(aws, another(world.event, "planted-task"), text)
    # No one knows this event: it is raised, and so is what the log says of it.
    unknown = {"id": "unknown", "detail-type": TYPED, "detail": {"group": "service:unknown", "value": TYPED}}
    with function(aws, deployed, tmp_path / "code", tmp_path, pauses=(0, 0)) as running:
        got.slack.trouble = "500"
        running.send(told)
        running.send(unknown)
        running.wait()
        assert [attempt.how for attempt in running.of(unknown)] == ["raised"] * 3
        assert [attempt.how for attempt in running.of(told)] == ["raised"] * 3
        got.slack.trouble = "no-such-hook"
        running.send(told)
        running.wait()
        got.slack.trouble = None
        running.send(told)
        running.wait()
        assert got.counts("planted-task") == {"sns": 1, "slack": 1}
        log = running.log + json.dumps([attempt.answer for attempt in running.attempts])
    places = _kept(aws, deployed) | {
        "log": log,
        "topic": json.dumps(got.notified("planted-task")),
        "mail": json.dumps([mail for mail in aws.mails() if mail["to"] == "planted@example.com"]),
        "Slack": "\n".join(got.slack.posts),
    }
    assert all("planted-task" in text for text in places.values()), [place for place in places if not places[place]]
    for place, text in places.items():
        for number in range(1, 7):
            assert f"{MARK}-{number}" not in text, f"{place}: {_around(text, f'{MARK}-{number}')}"
        assert got.slack.webhook not in text, place
        assert "hook-of-the-test" not in text, place


@pytest.mark.slow
def test_a_signed_address_and_a_password_in_any_string_of_an_event_are_kept_nowhere(
    aws: EmulatedAws,
    deployed: Deployed,
    got: Receivers,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    running = InProcess(aws, deployed, monkeypatch)
    event = another(world.event, "planted-anywhere")
    leaves = list(_leaves(event))
    for path in leaves:
        running.invoke(_with(event, path, f"{SIGNED} {CREDENTIALS}"), attempts=1)
        got.forget("planted-anywhere")
    places = _kept(aws, deployed) | {
        "log": capsys.readouterr().out,
        "topic": "".join(emptied(aws, got.queue)),
        "Slack": "\n".join(got.slack.posts),
    }
    for place, text in places.items():
        for number in range(1, 4):
            assert f"{MARK}-{number}" not in text, f"{place}: {_around(text, f'{MARK}-{number}')}"


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to every string of an event."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(member, (*path, name))


def _with(event: dict[str, Any], path: tuple[Any, ...], more: str) -> dict[str, Any]:
    """The event with more in one of its strings."""
    changed: Any = copy.deepcopy(event)
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] += f" {more}"
    return dict(changed)


def _kept(aws: EmulatedAws, deployed: Deployed) -> dict[str, str]:
    """All that the table and the bucket hold, as text."""
    items = aws.client("dynamodb").get_paginator("scan").paginate(TableName=deployed.table)
    s3 = aws.client("s3")
    objects = [
        page["Key"] for pages in s3.get_paginator("list_objects_v2").paginate(Bucket=deployed.bucket)
        for page in pages.get("Contents", [])
    ]  # fmt: skip
    return {
        "table": "\n".join(json.dumps(item, default=_unzipped) for page in items for item in page["Items"]),
        "bucket": "\n".join(
            key + s3.get_object(Bucket=deployed.bucket, Key=key)["Body"].read().decode() for key in objects
        ),
    }


def _unzipped(value: Any) -> str:
    return gzip.decompress(value).decode() if isinstance(value, bytes) else str(value)


def _around(text: str, marker: str) -> str:
    place = text.index(marker)
    return text[max(0, place - 200) : place + 100]
