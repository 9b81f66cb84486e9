"""Publishes a report to the topic that Amazon Q Developer in chat applications reads.

The topic is its own: Amazon Q Developer drops whatever is not a custom notification, and nobody else can read one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pull_doctor.delivery.refusal import confirming
from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.report.chat import notification
from pull_doctor.report.model import Incident, Report

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class Chat:
    """The chat topic."""

    client: SNSClient
    topic_arn: str
    name: str = "chat"

    def deliver(self, report: Report, report_json: str, *, thread: Thread, deadline: float) -> str | None:
        """Publish the notification once, and return its thread; the client's own time-outs keep the deadline.

        The thread is the incident's own, or that of the incident that it is grouped with. An aside is not published:
        where a channel does not allow threads, each one would be a message of its own. SNS's confirmation is not the
        chat's: whether a channel shows the notification, and in a thread, is up to the channel.

        Raises:
            SinkFailed: SNS did not confirm it.
        """
        del report_json, deadline
        incident = report.incident
        joined = (thread.own or thread.group or own_thread(incident)) if incident else None
        if incident and incident.aside:
            return joined
        with confirming("SNS"):
            answer = self.client.publish(
                TopicArn=self.topic_arn, Message=json.dumps(notification(report, joined), separators=(",", ":"))
            )
        if not answer.get("MessageId"):
            raise SinkFailed("SNS did not confirm the report")
        return joined


def own_thread(incident: Incident) -> str:
    """Name the incident's thread: another one for each incident of a workload, the same one whoever asks."""
    started = f"{incident.key} {incident.first_seen.timestamp():.3f}"
    return hashlib.sha256(started.encode("utf-8", "replace")).hexdigest()[:32]
