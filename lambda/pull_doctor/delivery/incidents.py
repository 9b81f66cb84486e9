"""The table of incidents: what was seen, what was reported, and which sinks still wait for the report.

An incident is all failures of one workload. It has one item ``task#<id>`` for each failed task and one item ``state``.

- The first event of a task writes the task's item with the time. Later events of that task, retries included, are
  judged by that first time, so they never count twice and never start a report that the first would not have started.
- A report is *due* if none is saved, if the saved one is older than the window, or if the task shows a kind of symptom
  that no report of this incident has dealt with. A report is *pending* for each sink that has not confirmed it.
- Whoever finds a report due or pending takes the lease, by a conditional write that also returns the state of that
  moment. The lease ends when it is given back, or by itself when its holder's invocation must be over.
- The holder sends what is pending. Then, if a report is due, it diagnoses, saves the report with all sinks pending,
  and sends it. As soon as a sink confirms, it is taken off the pending ones.
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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from pull_doctor.intake.task import Intake, Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WINDOW = 60 * 60
"""Seconds after which a saved report no longer speaks for a new failure."""

QUIET = 24 * 60 * 60
"""Seconds without a failure after which earlier failures belong to an earlier incident."""

RETENTION = 7 * 24 * 60 * 60
"""Seconds for which items are kept; DynamoDB deletes them some time later."""

_STATE = "state"
_TASK = "task#"
_NO_NEWS = frozenset({"undetermined"})


def incident_key(task: Task) -> str:
    """Name the incident that a task's failure belongs to: account, Region, cluster, and workload."""
    return f"{task.place.account}/{task.place.region}/{task.cluster}/{workload(task)}"


def workload(task: Task) -> str:
    """Name the service, else the task-definition family; a task that tells neither stands for itself."""
    if task.service:
        return f"service:{task.service}"
    return f"family:{task.family}" if task.family else f"task:{task.id}"


def symptom_kinds(intake: Intake) -> frozenset[str]:
    """List the kinds of symptom that this event shows."""
    return frozenset(failure.symptom.kind for failure in intake.failures)


@dataclass(frozen=True, slots=True)
class State:
    """The ``state`` item of an incident. Times are seconds since 1970; ``report`` is the saved report's JSON."""

    report: str | None = None
    reported: float = 0.0
    kinds: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    holder_event: str | None = None
    holder_kinds: frozenset[str] = frozenset()

    def in_window(self, seen: float) -> bool:
        """Tell whether the saved report still speaks for a task first seen at ``seen``."""
        return self.report is not None and seen - self.reported <= WINDOW

    def due(self, seen: float, kinds: frozenset[str]) -> bool:
        """Tell whether a task first seen at ``seen`` with these kinds of symptom needs a new report.

        ``undetermined`` is no news: an event that tells less than an earlier one adds nothing to its report.
        """
        return not self.in_window(seen) or bool(kinds - self.kinds - _NO_NEWS)


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

    def save(self, report: str, *, now: float, kinds: frozenset[str], cause: str, sinks: frozenset[str]) -> None:
        """Save the report's JSON, pending for ``sinks`` (at least one); it replaces the one before."""
        self._update(
            "SET report = :report, reported = :now, kinds = :kinds, cause = :cause, pending = :sinks, "
            "expires = :expires",
            {
                # gzip writes the time of day into its header unless told otherwise.
                ":report": {"B": gzip.compress(report.encode(), mtime=0)},
                ":now": {"N": repr(now)},
                ":kinds": {"SS": sorted(kinds)},
                ":cause": {"S": cause},
                ":sinks": {"SS": sorted(sinks)},
                ":expires": {"N": str(int(now) + RETENTION)},
            },
        )

    def confirmed(self, sink: str) -> None:
        """Take the sink off those that still wait for the saved report."""
        self._update("DELETE pending :sink", {":sink": {"SS": [sink]}})

    def release(self) -> None:
        """Give the lease back."""
        self._update("REMOVE holder, holder_event, holder_kinds, lease_until", {})

    def _update(self, expression: str, values: dict[str, Any]) -> None:
        self.client.update_item(
            TableName=self.table,
            Key={"incident": {"S": self.key}, "item": {"S": _STATE}},
            UpdateExpression=expression,
            ConditionExpression="holder = :me",
            ExpressionAttributeValues={":me": {"S": self.token}, **values},
        )


@dataclass(frozen=True, slots=True)
class Incidents:
    """The table: partition key ``incident``, sort key ``item`` (both strings), TTL attribute ``expires``."""

    client: DynamoDBClient
    table: str

    def first_seen(self, key: str, task_id: str, now: float) -> float:
        """Write down a failed task, once, and return when it was first seen."""
        try:
            self.client.put_item(
                TableName=self.table,
                Item={
                    "incident": {"S": key},
                    "item": {"S": _TASK + task_id},
                    "seen": {"N": repr(now)},
                    "expires": {"N": str(int(now) + RETENTION)},
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
                UpdateExpression="SET holder = :me, holder_event = :event, holder_kinds = :kinds, "
                "lease_until = :until, expires = if_not_exists(expires, :expires)",
                ConditionExpression="attribute_not_exists(holder) OR lease_until < :now",
                ExpressionAttributeValues={
                    ":me": {"S": token},
                    ":event": {"S": event},
                    ":kinds": {"SS": sorted(kinds)},
                    ":until": {"N": repr(until)},
                    ":now": {"N": repr(now)},
                    ":expires": {"N": str(int(now) + RETENTION)},
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

    def occurrences(self, key: str) -> tuple[float, ...]:
        """List when each failed task of the incident was first seen, oldest first.

        Tasks before a quiet spell belong to an earlier incident and are left out.
        """
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="incident = :key AND begins_with(#item, :task)",
            ProjectionExpression="seen",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={":key": {"S": key}, ":task": {"S": _TASK}},
            ConsistentRead=True,
        )
        latest_first = sorted((float(item["seen"]["N"]) for page in pages for item in page["Items"]), reverse=True)
        ours: list[float] = []
        for seen in latest_first:
            if ours and ours[-1] - seen > QUIET:
                break
            ours.append(seen)
        return tuple(reversed(ours))


def _item_that_refused(error: ClientError) -> Mapping[str, Any]:
    """Return the item that a conditional write found in its way; any other error is raised again."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    item: Mapping[str, Any] = error.response["Item"]  # type: ignore[typeddict-item]  # the stubs lack this member
    return item


def _state(item: Mapping[str, Any]) -> State:
    return State(
        report=gzip.decompress(item["report"]["B"]).decode() if "report" in item else None,
        reported=float(item["reported"]["N"]) if "reported" in item else 0.0,
        kinds=frozenset(item["kinds"]["SS"]) if "kinds" in item else frozenset(),
        pending=frozenset(item["pending"]["SS"]) if "pending" in item else frozenset(),
        holder_event=item["holder_event"]["S"] if "holder_event" in item else None,
        holder_kinds=frozenset(item["holder_kinds"]["SS"]) if "holder_kinds" in item else frozenset(),
    )
