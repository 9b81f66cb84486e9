"""One failure's way to a report: whether a diagnosis is due, who makes it, whether it is told, and which sinks need it.

The rules stand in ``pull_doctor.delivery.state``, the lease and the items in ``pull_doctor.delivery.incidents``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pull_doctor.assemble import failed
from pull_doctor.delivery.diagnosis import Diagnosis
from pull_doctor.delivery.evidence import EvidenceBucket, EvidenceError
from pull_doctor.delivery.incidents import Held, Incidents, Lease, Listed, expiry, incident_key, symptom_kinds
from pull_doctor.delivery.outbox import Outbox, Sent
from pull_doctor.delivery.state import REMINDER, State, answer_of, cause_of, culprit_of
from pull_doctor.facts.answers import Answers
from pull_doctor.intake.task import Earlier, Intake
from pull_doctor.report import words
from pull_doctor.report.document import to_json
from pull_doctor.report.model import UNSET, Incident, Note, Occasion, Report
from pull_doctor.view.puller import seen_of
from pull_doctor.view.workload import task_definition_of

_log = logging.getLogger(__name__)


class LeaseBusy(Exception):  # noqa: N818 - no error: the event only comes too early
    """Somebody else holds the lease, and this event must come again; Lambda retries it."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an event. ``report`` is set if a new one was told, ``confirmed`` names the sinks that took one.

    ``failed`` holds, by sink, why a report is still missing there.
    """

    incident: str
    report: Report | None = None
    confirmed: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reporting:
    """What one invocation reports with.

    ``now`` is the wall clock, in seconds since 1970; ``lease_until`` is when this invocation is surely over, by it.
    ``reminder`` is in seconds.
    """

    incidents: Incidents
    outbox: Outbox
    evidence: EvidenceBucket
    diagnose: Callable[[Intake], Diagnosis]
    lease_until: float
    reminder: float = REMINDER
    now: Callable[[], float] = time.time

    def report(self, intake: Intake, event: Mapping[str, Any], event_id: str) -> Done:
        """Report on the event's incident if that is due, and send what is still missing from earlier.

        Raises:
            LeaseBusy: the event must be retried.
        """
        key, kinds = incident_key(intake.task), symptom_kinds(intake)
        failed_at = intake.task.failed_at.timestamp() if intake.task.failed_at else None
        seen = self.incidents.first_seen(key, intake.task.id, self.now(), failed_at)
        state = self.incidents.state(key)
        if not state.pending and not state.due(seen, failed_at, kinds):
            return Done(key)
        lease = self.incidents.take(key, event=event_id, kinds=kinds, now=self.now(), until=self.lease_until)
        if isinstance(lease, Held):
            holder = lease.state
            if holder.holder_event == event_id:
                raise LeaseBusy(f"{key}: an earlier run of this event still holds the lease")
            if kinds - holder.holder_kinds and holder.due(seen, failed_at, kinds - holder.holder_kinds):
                raise LeaseBusy(f"{key}: the holder of the lease does not deal with this kind of symptom")
            return Done(key)
        try:
            earlier = self.outbox.send(lease, lease.state.report or "", lease.state.pending)
            if not lease.state.due(seen, failed_at, kinds):
                return _done(key, None, earlier)
            return self._diagnosed(lease, intake, event, earlier)
        finally:
            lease.release()

    def _diagnosed(self, lease: Lease, intake: Intake, event: Mapping[str, Any], earlier: Sent) -> Done:
        """Diagnose, and tell it if it is news."""
        state, kinds = lease.state, symptom_kinds(intake)
        intake = _with_earlier(intake, state)
        diagnosis = self._diagnosis(intake)
        answers = diagnosis.answers or Answers()
        seen = seen_of(intake, answers)
        now = self.now()
        occasion = state.occasion(diagnosis.report, kinds, now, self.reminder)
        learnt: dict[str, object] = {
            "diagnosed": now,
            "kinds": kinds | state.kinds if state.open else kinds,
            "answers": (dict(state.answers) if state.open else {}) | {answer_of(diagnosis.report): now},
            "task_definition": task_definition_of(intake, answers),
            "network": asdict(seen) if seen else state.network,
            "images": frozenset(one.image for one in intake.failures if one.image),
            "expires": expiry(now),
        }
        if occasion is None:
            lease.save(**learnt)
            return _done(lease.key, None, earlier)
        # A report goes out even if the table does not show the task that was just written down.
        since = state.opened if state.open else state.ended
        times = self.incidents.occurrences(lease.key, since) or (now,)
        report = self._told(lease.key, state, intake, diagnosis.report, occasion, times)
        report, folder = self._kept(lease.key, now, event, intake, replace(diagnosis, report=report))
        saved = to_json(report)
        sinks = frozenset() if diagnosis.muted else self.outbox.names
        lease.save(
            **learnt,
            status="open",
            opened=max(times[0], since),  # a task can have failed before the end of the incident before
            ended=None,
            report=saved,
            reported=now,
            told=None if diagnosis.muted else answer_of(report),
            title=report.title,
            cause=cause_of(report),
            culprit=culprit_of(report),
            evidence=folder,
            pending=sinks,
            **({"receipts": {}} if occasion == "first" else {}),
        )
        return _done(lease.key, None if diagnosis.muted else report, earlier, self.outbox.send(lease, saved, sinks))

    def _diagnosis(self, intake: Intake) -> Diagnosis:
        """Diagnose; if the diagnosis itself fails, the report says so and quotes what ECS said."""
        try:
            diagnosis = self.diagnose(intake)
            to_json(diagnosis.report)
        except Exception as error:  # noqa: BLE001 - a report always goes out, also when the tool fails
            _log.exception("the diagnosis failed")
            return Diagnosis(failed(intake, type(error).__name__))
        return diagnosis

    def _told(
        self,
        key: str,
        state: State,
        intake: Intake,
        report: Report,
        occasion: Occasion,
        times: tuple[float, ...],
    ) -> Report:
        """Return the report with its incident, and with what else a reminder tells."""
        group = self._group(key, culprit_of(report))
        workloads = tuple(workload_name(each, intake.task.cluster) for each in (key, *(one.key for one in group)))
        joins = group[0].key if group and (occasion == "first" or group[0].opened < state.opened) else None
        incident = Incident(
            key=key,
            status="open",
            occurrences=len(times),
            first_seen=datetime.fromtimestamp(times[0], UTC),
            last_seen=datetime.fromtimestamp(times[-1], UTC),
            workloads=workloads,
            occasion=occasion,
            grouped_with=joins or UNSET,
            aside=joins is not None and (occasion == "reminder" or not _power_of_two(len(workloads))),
        )
        told = replace(report, incident=incident)
        cost = words.retries(told) if occasion == "reminder" else ""
        return replace(told, notes=(*told.notes, Note(cost))) if cost else told

    def _group(self, key: str, culprit: str | None) -> list[Listed]:
        """The other open incidents with the same resource to blame that were told, the first one first."""
        if culprit is None:
            return []
        try:
            listed = self.incidents.listed("open")
        except Exception:  # noqa: BLE001 - the report matters more than with which others it stands
            _log.exception("the other incidents could not be listed")
            return []
        others = [each for each in listed if each.culprit == culprit and each.key != key and each.told]
        return sorted(others, key=lambda each: (each.opened, each.key))

    def _kept(
        self, key: str, now: float, event: Mapping[str, Any], intake: Intake, diagnosis: Diagnosis
    ) -> tuple[Report, str | None]:
        """Keep the evidence; where that fails the report says so, and goes out all the same."""
        try:
            folder = self.evidence.keep(key, now, event, diagnosis.facts(intake), to_json(diagnosis.report))
        except EvidenceError as error:
            _log.error("the evidence could not be kept: %s", error)
            note = Note(f"The facts behind this report could not be kept: {error}")
            return replace(diagnosis.report, notes=(*diagnosis.report.notes, note)), None
        return diagnosis.report, folder


def _with_earlier(intake: Intake, state: State) -> Intake:
    """The intake with what the incident keeps of the network of an earlier task."""
    if state.network is None:
        return intake
    kept = Earlier(**{**state.network, "groups": tuple(state.network["groups"])})
    return replace(intake, task=replace(intake.task, earlier=kept))


def workload_name(key: str, cluster: str) -> str:
    """Name the workload of an incident, as seen from a cluster: one of another cluster as ``cluster/name``."""
    _, _, own, workload = key.split("/", 3)
    name = workload.partition(":")[2]
    return name if own == cluster else f"{own}/{name}"


def _power_of_two(count: int) -> bool:
    return count & (count - 1) == 0


def _done(key: str, report: Report | None, *sent: Sent) -> Done:
    confirmed = frozenset().union(*(each.confirmed for each in sent))
    refused: dict[str, str] = {}
    for each in sent:
        refused |= each.refused
    return Done(key, report, confirmed, refused)
