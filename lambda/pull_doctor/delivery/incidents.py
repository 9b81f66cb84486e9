"""The table of incidents: what was seen, what was reported, and which sinks still wait for the report.

An incident is all failures of one workload. It has one item ``task#<id>`` for each failed task and one item ``state``;
when a diagnosis is due, and when it is told, stands in ``pull_doctor.delivery.state``.

- The first event of a task writes the task's item with the time. Later events of that task, retries included, are
  judged by that first time, so they never count twice and never start a report that the first would not have started.
- A report is *pending* for each sink that has not confirmed it. Whoever finds a diagnosis due or a report pending takes
  the lease, by a conditional write that also returns the state of that moment. The lease ends when it is given back, or
  by itself when its holder's invocation must be over.
- The holder sends what is pending. Then, if a diagnosis is due, it diagnoses, and if that is news saves the report with
  all sinks pending, and sends it. As soon as a sink confirms, it is taken off the pending ones.
- If the lease is held, the event is done: should the holder die, Lambda retries the holder's own event. Two events are
  handed back to Lambda for a retry instead: the holder's own (it may be all that is left of a dead holder), and one
  with a kind of symptom that the holder does not deal with.
- A holder can die at any point. Before the report is saved, the next one diagnoses; afterwards, the next one sends the
  saved report to the sinks still pending. A report that a sink keeps refusing gives way to the next report.

A duplicate is possible in one window only: a sink has taken the report, and its mark is not written yet.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from pull_doctor.delivery.state import State
from pull_doctor.intake.service_event import SettledService
from pull_doctor.intake.task import Intake, Task
from pull_doctor.report.model import Status

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETENTION = 30 * 24 * 60 * 60
"""Seconds for which items are kept; DynamoDB deletes them some time later."""

INDEX = "by-status"
"""The index of the ``state`` items: partition key ``status``, sort key ``incident``."""

LISTED = ("cause", "culprit", "title", "opened", "reported", "ended", "told", "pending")
"""The members that the index holds beside its keys."""

_STATE = "state"
_TASK = "task#"
_to_item, _from_item = TypeSerializer(), TypeDeserializer()


def incident_key(task: Task) -> str:
    """Name the incident that a task's failure belongs to: account, Region, cluster, and workload."""
    return f"{task.place.account}/{task.place.region}/{task.cluster}/{workload(task)}"


def workload(task: Task) -> str:
    """Name the service, else the task-definition family; a task that tells neither stands for itself."""
    if task.service:
        return f"service:{task.service}"
    return f"family:{task.family}" if task.family else f"task:{task.id}"


def settled_key(service: SettledService) -> str:
    """Name the incident that the failures of a service belong to."""
    return f"{service.account}/{service.region}/{service.cluster}/service:{service.name}"


def symptom_kinds(intake: Intake) -> frozenset[str]:
    """List the kinds of symptom that this event shows."""
    return frozenset(failure.symptom.kind for failure in intake.failures)


@dataclass(frozen=True, slots=True)
class Listed:
    """One incident as the index shows it; ``told`` is ``None`` where nothing was told, as its workload is muted."""

    key: str
    status: Status
    cause: str
    title: str
    opened: float
    reported: float
    culprit: str | None = None
    ended: float | None = None
    told: str | None = None
    pending: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Held:
    """The lease is somebody else's; ``state`` is the item as it stood then."""

    state: State


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to report on one incident; ``state`` is the item as it stood when the lease was taken.

    Every write is refused, with botocore's ``ConditionalCheckFailedException``, once somebody else took over.
    """

    client: DynamoDBClient
    table: str
    key: str
    token: str
    state: State

    def save(self, **members: object) -> None:
        """Write members of the state, and those of the index; ``None`` or an empty set takes a member away."""
        self._update(members)

    def confirmed(self, sink: str, receipt: str | None) -> None:
        """Take the sink off those that still wait for the saved report, and keep its receipt."""
        expression, names, values = "DELETE #pending :sink", {"#pending": "pending"}, {":sink": {"SS": [sink]}}
        if receipt is not None:
            expression += " SET #receipts.#sink = :receipt"
            names |= {"#receipts": "receipts", "#sink": sink}
            values |= {":receipt": {"S": receipt}}  # type: ignore[dict-item]  # values of several types
        self._write(expression, names, values)

    def release(self) -> None:
        """Give the lease back."""
        self._write("REMOVE holder, holder_event, holder_kinds, lease_until", {}, {})

    def _update(self, members: Mapping[str, object]) -> None:
        kept = {name: value for name, value in members.items() if value is not None and value != frozenset()}
        gone = [name for name in members if name not in kept]
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in kept)
        if gone:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        self._write(
            expression,
            {f"#{name}": name for name in members},
            {f":{name}": _attribute(name, value) for name, value in kept.items()},
        )

    def _write(self, expression: str, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        self.client.update_item(
            TableName=self.table,
            Key={"incident": {"S": self.key}, "item": {"S": _STATE}},
            UpdateExpression=expression,
            ConditionExpression="holder = :me",
            ExpressionAttributeValues={":me": {"S": self.token}, **values},
            **({"ExpressionAttributeNames": names} if names else {}),  # type: ignore[arg-type]  # no empty map is taken
        )


@dataclass(frozen=True, slots=True)
class Incidents:
    """The table: partition key ``incident``, sort key ``item`` (both strings), TTL attribute ``expires``."""

    client: DynamoDBClient
    table: str

    def first_seen(self, key: str, task_id: str, now: float, failed_at: float | None = None) -> float:
        """Write down a failed task, once, and return when it was first seen.

        ``failed_at`` is when it failed by the clock of ECS.
        """
        try:
            self.client.put_item(
                TableName=self.table,
                Item={
                    "incident": {"S": key},
                    "item": {"S": _TASK + task_id},
                    "seen": {"N": repr(now)},
                    "failed": {"N": repr(now if failed_at is None else min(failed_at, now))},
                    "expires": {"N": str(expiry(now))},
                },
                ConditionExpression="attribute_not_exists(incident)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            return float(_item_that_refused(error)["seen"]["N"])
        return now

    def state(self, key: str) -> State:
        """Read the state of an incident; an incident never heard of has an empty one."""
        answer = self.client.get_item(
            TableName=self.table, Key={"incident": {"S": key}, "item": {"S": _STATE}}, ConsistentRead=True
        )
        return _state(answer.get("Item", {}))

    def take(self, key: str, *, event: str, kinds: frozenset[str], now: float, until: float) -> Lease | Held:
        """Take the lease if it is free or has run out; two callers never both get it."""
        token = str(uuid4())
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key={"incident": {"S": key}, "item": {"S": _STATE}},
                UpdateExpression="SET holder = :me, holder_event = :event, lease_until = :until, "
                "expires = if_not_exists(expires, :expires)"
                + (", holder_kinds = :kinds" if kinds else " REMOVE holder_kinds"),
                ConditionExpression="attribute_not_exists(holder) OR lease_until < :now",
                ExpressionAttributeValues={
                    ":me": {"S": token},
                    ":event": {"S": event},
                    ":until": {"N": repr(until)},
                    ":now": {"N": repr(now)},
                    ":expires": {"N": str(expiry(now))},
                    **({":kinds": {"SS": sorted(kinds)}} if kinds else {}),
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            item: Mapping[str, Any] = answer["Attributes"]
        except ClientError as error:
            item = _item_that_refused(error)
            # botocore repeats a write whose answer was lost; the second time our own lease is in the way.
            if item["holder"]["S"] != token:
                return Held(_state(item))
        return Lease(self.client, self.table, key, token, _state(item))

    def occurrences(self, key: str, since: float) -> tuple[float, ...]:
        """List when each task failed that was first seen at ``since`` or later, oldest first."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="incident = :key AND begins_with(#item, :task)",
            ProjectionExpression="seen, failed",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={":key": {"S": key}, ":task": {"S": _TASK}},
            ConsistentRead=True,
        )
        items = (item for page in pages for item in page["Items"] if float(item["seen"]["N"]) >= since)
        return tuple(sorted(float(item["failed"]["N"]) for item in items))

    def listed(self, *statuses: Status) -> list[Listed]:
        """List the incidents of these statuses by their keys; the index may lag by a second."""
        found = []
        for status in statuses:
            pages = self.client.get_paginator("query").paginate(
                TableName=self.table,
                IndexName=INDEX,
                KeyConditionExpression="#status = :status",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":status": {"S": status}},
            )
            found += [_listed(item) for page in pages for item in page["Items"]]
        return found


def expiry(now: float) -> int:
    """Return the time after which DynamoDB may delete an item written now, in seconds since 1970."""
    return int(now) + RETENTION


def _item_that_refused(error: ClientError) -> Mapping[str, Any]:
    """Return the item that a conditional write found in its way; any other error is raised again."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    item: Mapping[str, Any] = error.response["Item"]  # type: ignore[typeddict-item]  # the stubs lack this member
    return item


def _attribute(name: str, value: object) -> Any:
    if name == "report":
        # gzip writes the time of day into its header unless told otherwise.
        return {"B": gzip.compress(str(value).encode(), mtime=0)}
    return _to_item.serialize(_numbers(value))


def _numbers(value: Any) -> Any:
    """Return the value with each float as the decimal that DynamoDB's library wants."""
    if isinstance(value, float):
        return Decimal(repr(value))
    return {name: _numbers(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, set):
        return frozenset(value)
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value


_MEMBERS = frozenset(field.name for field in fields(State)) - {"report"}


def _state(item: Mapping[str, Any]) -> State:
    members = {name: _plain(_from_item.deserialize(value)) for name, value in item.items() if name in _MEMBERS}
    report = gzip.decompress(item["report"]["B"]).decode() if "report" in item else None
    return State(**members, report=report)


def _listed(item: Mapping[str, Any]) -> Listed:
    members = {name: _plain(_from_item.deserialize(item[name])) for name in ("status", *LISTED) if name in item}
    return Listed(key=item["incident"]["S"], **members)
