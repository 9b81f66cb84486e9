"""Publishes a report to the SNS topic, with a body for each protocol, within the size that SNS takes.

One message carries all bodies: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from pull_doctor.delivery.reporting import cause_of
from pull_doctor.delivery.sink import SinkFailed
from pull_doctor.report.document import to_document
from pull_doctor.report.model import UNSET, Note, RankedCause, Report
from pull_doctor.report.subject import subject
from pull_doctor.report.text import render_text

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

MAX_BYTES = 256 * 1024
"""What one message may hold: all bodies, the attributes, and the subject together."""

_MACHINES = ("sqs", "lambda", "firehose", "http", "https")
_LONG = 1000


@dataclass(frozen=True, slots=True)
class Sns:
    """The report topic."""

    client: SNSClient
    topic_arn: str
    name: str = "sns"

    def deliver(self, report: Report, report_json: str, *, deadline: float) -> None:
        """Publish the report once; the client's own time-outs keep the deadline.

        Raises:
            SinkFailed: SNS did not take it.
        """
        del deadline
        values = attributes(report)
        line = subject(report)
        room = MAX_BYTES - len(line) - sum(len(f"{key}String{value}".encode()) for key, value in values.items())
        try:
            self.client.publish(
                TopicArn=self.topic_arn,
                Subject=line,
                Message=message(report, report_json, room),
                MessageStructure="json",
                MessageAttributes={key: {"DataType": "String", "StringValue": value} for key, value in values.items()},
            )
        except ClientError as error:
            raise SinkFailed(f"SNS refused the report: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:
            raise SinkFailed(f"SNS did not answer: {type(error).__name__}") from error


def attributes(report: Report) -> dict[str, str]:
    """List the message attributes that subscribers filter by; what is not known is left out."""
    task = report.task
    family = task.task_definition.rpartition("/")[2].partition(":")[0] if task.task_definition is not UNSET else ""
    values = {
        "schema": report.schema,
        "verdict": report.verdict,
        "cause": cause_of(report),
        "certainty": report.causes[0].certainty if report.verdict == "cause-found" else "",
        "status": report.incident.status if report.incident else "",
        "cluster": task.cluster,
        "account": task.account,
        "region": task.region,
    }
    if task.service is not UNSET and task.service:
        values["service"] = task.service
    else:
        values["family"] = family
    return {key: value for key, value in values.items() if value}


def message(report: Report, report_json: str, room: int) -> str:
    """Build the message of all bodies in at most ``room`` bytes, from the longest form of the report that fits.

    Raises:
        SinkFailed: not even the shortest form fits.
    """
    for form, form_json in _forms(report, report_json):
        text = render_text(form)
        bodies = {"default": text, "email": text, "sms": form.title, **dict.fromkeys(_MACHINES, form_json)}
        whole = json.dumps(bodies, ensure_ascii=False)
        if len(whole.encode()) <= room:
            return whole
    raise SinkFailed("even the shortest form of the report is larger than an SNS message may be")


def _forms(report: Report, report_json: str) -> Iterator[tuple[Report, str]]:
    """Make the report shorter step by step; what is left out is absent from its JSON, as ``[]`` would say "none"."""
    yield report, report_json
    kept = f" The whole report is kept with the incident {report.incident.key}." if report.incident else ""
    shorter = report
    for steps in range(1, len(_STEPS) + 1):
        shorter = _STEPS[steps - 1].shorten(shorter)
        left_out = ", ".join(step.what for step in _STEPS[:steps])
        note = Note(f"Left out, to fit into one SNS message: {left_out}.{kept}")
        said = replace(shorter, notes=(*shorter.notes, note))
        document = to_document(said)
        for step in _STEPS[:steps]:
            for member in step.members:
                document.pop(member, None)
            for cause in document["causes"]:
                for member in step.of_causes:
                    cause.pop(member, None)
        yield said, json.dumps(document, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing to leave out: what it is called, how, and which members of the JSON it makes absent."""

    what: str
    shorten: Callable[[Report], Report]
    members: tuple[str, ...] = ()
    of_causes: tuple[str, ...] = ()


def _without_paths(report: Report) -> Report:
    return replace(report, causes=tuple(replace(cause, traces=(), docs=()) for cause in report.causes))


def _bare(report: Report) -> Report:
    def bare(cause: RankedCause) -> RankedCause:
        evidence = tuple(replace(each, text=_cut(each.text), resources=()) for each in cause.evidence[:3])
        return replace(
            cause, explanation=_cut(cause.explanation), evidence=evidence, inferred=(), includes=(), fixes=()
        )

    return replace(
        report,
        verdict_reason=_cut(report.verdict_reason),
        causes=tuple(map(bare, report.causes)),
        failures=tuple(replace(failure, message=_cut(failure.message)) for failure in report.failures),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - 3] + "..."


# What helps the reader least goes first.
_STEPS = (
    _Step("causes that do not apply", lambda report: replace(report, not_applicable=()), ("not-applicable",)),
    _Step("causes that were ruled out", lambda report: replace(report, ruled_out=()), ("ruled-out",)),
    _Step("paths and links", _without_paths, of_causes=("traces", "docs")),
    _Step("causes after the first", lambda report: replace(report, causes=report.causes[:1])),
    _Step("causes that were not checked", lambda report: replace(report, not_checked=()), ("not-checked",)),
    _Step(
        "failures after the first, and other notes",
        lambda report: replace(report, failures=report.failures[:1], notes=()),
    ),
    _Step("fixes, and the ends of long texts", _bare, of_causes=("inferred", "includes", "fixes")),
)
