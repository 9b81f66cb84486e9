"""Puts a report on an EventBridge bus, for whoever automates what follows.

The source is ``pull-doctor``, which no rule of this stack matches. The detail is the report's JSON. The resources are
the task and what is to blame, so that a rule can match either.
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pull_doctor.delivery.refusal import code, confirming
from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.report.model import UNSET, Report
from pull_doctor.report.shorter import forms

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "pull-doctor"
DIAGNOSED = "Pull Failure Diagnosed"
RESOLVED = "Pull Failure Resolved"

MAX_BYTES = 255 * 1024
"""What an entry may hold here: EventBridge takes more, but not each of a rule's targets takes an event over 256 KB.

The rest is left for the envelope that EventBridge adds. How an entry is counted:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
"""


@dataclass(frozen=True, slots=True)
class Events:
    """An event bus, by its name or ARN."""

    client: EventBridgeClient
    bus: str
    name: str = "events"

    def deliver(self, report: Report, report_json: str, *, thread: Thread, deadline: float) -> None:
        """Put the report on the bus once; the client's own time-outs keep the deadline.

        Asides are put there too: machines want every workload, and ``incident.aside`` marks them.

        The sample that tests the sinks is ``Pull Failure Diagnosed`` with ``sample`` true, verdict
        ``not-a-pull-failure``, and no resources. A rule that matches the detail type alone is started by it, which is
        what a test is for; a rule that starts repairs names the verdict ``cause-found``, or a cause, and is not.

        Raises:
            SinkFailed: EventBridge did not confirm it.
        """
        del thread, deadline
        entry = self._entry(report, report_json)
        with confirming("EventBridge"):
            answer: Any = self.client.put_events(Entries=[entry])
        # EventBridge answers 200 also where it did not take the entry.
        put: Any = next(filter(None, answer.get("Entries") or ()), {})
        if answer.get("FailedEntryCount") or not put.get("EventId"):
            raise SinkFailed(f"EventBridge did not take the report: {code(put.get('ErrorCode'))}")

    def _entry(self, report: Report, report_json: str) -> PutEventsRequestEntryTypeDef:
        kind = RESOLVED if report.incident and report.incident.status != "open" else DIAGNOSED
        for form, form_json in forms(report, report_json, "one event"):
            concerned = resources(form)
            if sum(len(part.encode()) for part in (SOURCE, kind, form_json, *concerned)) <= MAX_BYTES:
                return {
                    "Source": SOURCE,
                    "DetailType": kind,
                    "Detail": form_json,
                    "Resources": concerned,
                    "EventBusName": self.bus,
                }
        raise SinkFailed("even the shortest form of the report is larger than an event may be")


def resources(report: Report) -> list[str]:
    """List the ARNs of the task and of what proven and likely causes blame; a possible cause blames nothing."""
    task = () if report.task.arn is UNSET else (report.task.arn,)
    blamed = (cause.culprit.arn for cause in report.causes if cause.certainty != "possible")
    return [arn for arn in dict.fromkeys((*task, *blamed)) if arn]
