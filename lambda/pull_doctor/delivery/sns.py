"""Publishes a report to the SNS topic, with a body for each protocol, within the size that SNS takes.

One message carries all bodies: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pull_doctor.delivery.refusal import confirming
from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.delivery.state import cause_of
from pull_doctor.report.model import UNSET, Report
from pull_doctor.report.shorter import forms
from pull_doctor.report.subject import subject
from pull_doctor.report.text import render_text
from pull_doctor.report.words import closing_headline, plain

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

MAX_BYTES = 256 * 1024
"""What one message may hold: all bodies, the attributes, and the subject together."""

MAX_ATTRIBUTES = 10
"""A queue with raw delivery loses a message that has more: https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html"""

_MACHINES = ("sqs", "lambda", "firehose", "http", "https")


@dataclass(frozen=True, slots=True)
class Sns:
    """The report topic."""

    client: SNSClient
    topic_arn: str
    name: str = "sns"

    def deliver(self, report: Report, report_json: str, *, thread: Thread, deadline: float) -> None:
        """Publish the report once; the client's own time-outs keep the deadline.

        Raises:
            SinkFailed: SNS did not confirm it.
        """
        del thread, deadline
        values = attributes(report)
        line = subject(report)
        room = MAX_BYTES - len(line) - sum(len(f"{key}String{value}".encode()) for key, value in values.items())
        body = message(report, report_json, room)
        with confirming("SNS"):
            answer = self.client.publish(
                TopicArn=self.topic_arn,
                Subject=line,
                Message=body,
                MessageStructure="json",
                MessageAttributes={key: {"DataType": "String", "StringValue": value} for key, value in values.items()},
            )
        if not answer.get("MessageId"):
            raise SinkFailed("SNS did not confirm the report")


def attributes(report: Report) -> dict[str, str]:
    """List the message attributes that subscribers filter by; what is not known is left out.

    ``aside`` and ``sample`` are there only where they are ``true``. Where that makes more attributes than a queue with
    raw delivery takes, ``schema`` gives way: every body for machines says it too.
    """
    task, incident = report.task, report.incident
    values: dict[str, str] = {
        "verdict": report.verdict,
        "cause": cause_of(report),
        "certainty": report.causes[0].certainty if report.verdict == "cause-found" else "",
        "status": incident.status if incident else "",
        "aside": "true" if incident and incident.aside else "",
        "sample": "true" if report.sample is True else "",
        "cluster": task.cluster,
        "account": task.account,
        "region": task.region,
        "owner": task.owner if task.owner is not UNSET else "",
    }
    if task.service is not UNSET and task.service:
        values["service"] = task.service
    elif task.task_definition is not UNSET:
        values["family"] = task.task_definition.rpartition("/")[2].partition(":")[0]
    known = {key: plain(value) for key, value in values.items() if plain(value)}
    return {"schema": report.schema, **known} if len(known) < MAX_ATTRIBUTES else known


def message(report: Report, report_json: str, room: int) -> str:
    """Build the message of all bodies in at most ``room`` bytes, from the longest form of the report that fits.

    Raises:
        SinkFailed: not even the shortest form fits.
    """
    for form, form_json in forms(report, report_json, "one SNS message"):
        if len(_MACHINES) * len(form_json) > room:
            continue  # before the slow part
        text = render_text(form)
        line = closing_headline(form) or plain(form.title)
        bodies = {"default": text, "email": text, "sms": line, **dict.fromkeys(_MACHINES, form_json)}
        whole = json.dumps(bodies, ensure_ascii=False)
        if len(whole.encode()) <= room:
            return whole
    raise SinkFailed("even the shortest form of the report is larger than an SNS message may be")
