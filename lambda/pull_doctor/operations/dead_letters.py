"""The events that were not handled, in the stack's two queues, and how they are put back.

- ``FailedQueueUrl``: the function failed on the event three times, or the event became too old. Lambda keeps a record
  with the event in ``requestPayload``.
  https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
- ``UnsentQueueUrl``: EventBridge could not hand the event over. It keeps the event, and says why in the message's
  attributes. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pull_doctor.intake.scrub import scrub
from pull_doctor.report.words import plain

HIDDEN = 15 * 60
"""Seconds for which a message that is being looked at is hidden from everybody else."""

_BATCH = 10
_WAIT = 1  # long polling: a short poll may find nothing in a queue that is not empty
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Letter:
    """One message. ``event`` is ``None`` if it holds no event that could be put back; ``why`` is one line."""

    id: str
    receipt: str
    event: dict[str, Any] | None
    why: str

    @property
    def what(self) -> str:
        """What the event was, in a few words."""
        if self.event is None:
            return f"message {self.id}"
        kind, about, time = (self.event.get(name) for name in ("detail-type", "resources", "time"))
        if not isinstance(kind, str):
            return _line(json.dumps(self.event), 80)
        of = f" of {about[0]}" if isinstance(about, list) and about else ""
        at = f" at {time}" if isinstance(time, str) else ""
        return _line(f"{kind}{of}{at}", 250)


def failed_event(message: Mapping[str, Any]) -> Letter:
    """Read what Lambda hands to the function's on-failure destination."""
    record = _object(message["Body"])
    event = record.get("requestPayload") if record else None
    if not record or not isinstance(event, dict):
        return _letter(message, None, "it is no record of a failed invocation")
    context, answer = _part(record, "requestContext"), _part(record, "responsePayload")
    told = (context.get("condition"), answer.get("errorType"), answer.get("errorMessage"))
    return _letter(message, event, ": ".join(str(one) for one in told if one) or "no reason is given")


def unsent_event(message: Mapping[str, Any]) -> Letter:
    """Read what EventBridge hands to the dead-letter queue of a rule."""
    event = _object(message["Body"])
    if event is None:
        return _letter(message, None, "it is no event")
    told = (_attribute(message, "ERROR_CODE"), _attribute(message, "ERROR_MESSAGE"))
    return _letter(message, event, ": ".join(one for one in told if one) or "no reason is given")


@dataclass(frozen=True, slots=True)
class Queue:
    """One of the two queues, with what reads its messages."""

    client: Any
    url: str
    read: Callable[[Mapping[str, Any]], Letter]

    def go_through(self, accept: Callable[[dict[str, Any]], object] | None) -> Iterator[Letter]:
        """Give each message to be told of; with ``accept``, hand over its event, and only then delete it.

        What is not deleted is there for everybody again at the end, also if ``accept`` raises.
        """
        letters = self._taken()
        left = list(letters)
        try:
            for letter in letters:
                if accept and letter.event is not None:
                    accept(letter.event)
                    self.client.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt)
                    left.remove(letter)
                yield letter
        finally:
            for letter in left:
                self.client.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
                )

    def _taken(self) -> list[Letter]:
        """Take the messages that are there now, and hide them from others.

        No more than were there at the start: an event that fails again comes back as a new message. SQS's count is
        approximate, so that a message of the last minute may be left for the next run.
        """
        answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"])
        present = int(answer["Attributes"]["ApproximateNumberOfMessages"])
        found: list[Letter] = []
        while len(found) < present:
            messages = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(_BATCH, present - len(found)),
                MessageAttributeNames=["All"],
                VisibilityTimeout=HIDDEN,
                WaitTimeSeconds=_WAIT,
            ).get("Messages")
            if not messages:
                break
            found += map(self.read, messages)
        return found


def _letter(message: Mapping[str, Any], event: dict[str, Any] | None, why: str) -> Letter:
    return Letter(message["MessageId"], message["ReceiptHandle"], event, _line(why, _SHOWN))


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def _attribute(message: Mapping[str, Any], name: str) -> str | None:
    value: str | None = message.get("MessageAttributes", {}).get(name, {}).get("StringValue")
    return value


def _line(text: str, longest: int) -> str:
    return textwrap.shorten(plain(scrub(text)), longest, placeholder=" ...")
