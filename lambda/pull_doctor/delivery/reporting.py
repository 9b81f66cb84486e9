"""One event's way to a report: whether one is due, who makes it, and which sinks still need it.

The states and the rules stand in ``pull_doctor.delivery.incidents``.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pull_doctor.assemble import failed
from pull_doctor.delivery.incidents import Held, Incidents, Lease, incident_key, symptom_kinds, workload
from pull_doctor.delivery.sink import Sink, SinkFailed
from pull_doctor.intake.task import Intake
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import Incident, Report

_log = logging.getLogger(__name__)


class LeaseBusy(Exception):  # noqa: N818 - no error: the event only comes too early
    """Somebody else holds the lease, and this event must come again; Lambda retries it."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an event. ``report`` is set if a new one was made, ``confirmed`` names the sinks that took one.

    ``failed`` holds, by sink, why a report is still missing there.
    """

    incident: str
    report: Report | None = None
    confirmed: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reporting:
    """What one invocation reports with.

    ``now`` is the wall clock, in seconds since 1970. ``lease_until`` is when this invocation is surely over, by that
    clock; ``deadline`` is when the sinks must be done, in the seconds of ``time.monotonic``.
    """

    incidents: Incidents
    sinks: Mapping[str, Sink]
    diagnose: Callable[[Intake], Report]
    lease_until: float
    deadline: float
    now: Callable[[], float] = time.time

    def report(self, intake: Intake, event_id: str) -> Done:
        """Report on the event's incident if that is due, and send what is still missing from earlier.

        Raises:
            LeaseBusy: the event must be retried.
        """
        key, kinds = incident_key(intake.task), symptom_kinds(intake)
        seen = self.incidents.first_seen(key, intake.task.id, self.now())
        state = self.incidents.state(key)
        if not state.pending and not state.due(seen, kinds):
            return Done(key)
        lease = self.incidents.take(key, event=event_id, kinds=kinds, now=self.now(), until=self.lease_until)
        if isinstance(lease, Held):
            holder = lease.state
            if holder.holder_event == event_id:
                raise LeaseBusy(f"{key}: an earlier run of this event still holds the lease")
            if kinds - holder.holder_kinds and holder.due(seen, kinds - holder.holder_kinds):
                raise LeaseBusy(f"{key}: the holder of the lease does not deal with this kind of symptom")
            return Done(key)
        try:
            return self._with_lease(lease, intake, seen, kinds)
        finally:
            lease.release()

    def _with_lease(self, lease: Lease, intake: Intake, seen: float, kinds: frozenset[str]) -> Done:
        state = lease.state
        confirmed: frozenset[str] = frozenset()
        refused: dict[str, str] = {}
        if state.report is not None:
            confirmed, refused = self._deliver(lease, state.report, state.pending)
        if not state.due(seen, kinds):
            return Done(lease.key, confirmed=confirmed, failed=refused)
        now = self.now()
        report = replace(self._diagnosed(intake), incident=self._incident(lease.key, intake))
        saved = to_json(report)
        lease.save(
            saved,
            now=now,
            kinds=kinds | state.kinds if state.in_window(seen) else kinds,
            cause=cause_of(report),
            sinks=frozenset(self.sinks),
        )
        confirmed, refused_now = self._deliver(lease, saved, frozenset(self.sinks))
        return Done(lease.key, report, confirmed, {**refused, **refused_now})

    def _deliver(self, lease: Lease, saved: str, pending: frozenset[str]) -> tuple[frozenset[str], dict[str, str]]:
        """Send the saved report to each pending sink; a sink that this deployment no longer has is let go."""
        confirmed: set[str] = set()
        refused: dict[str, str] = {}
        for name in sorted(pending):
            try:
                if sink := self.sinks.get(name):
                    sink.deliver(from_json(saved), saved, deadline=self.deadline)
                    confirmed.add(name)
            except SinkFailed as error:
                refused[name] = str(error)
            except Exception as error:  # noqa: BLE001 - a sink or a rendering that crashes must not stop the next sink
                refused[name] = f"the tool itself failed: {type(error).__name__}"
                # The frames alone: the exception's words may hold a webhook's URL.
                where = "".join(traceback.format_tb(error.__traceback__))
                _log.error("%s at sink %s:\n%s", type(error).__name__, name, where)
            else:
                lease.confirmed(name)
        return frozenset(confirmed), refused

    def _diagnosed(self, intake: Intake) -> Report:
        """Diagnose; if the diagnosis itself fails, the report says so and quotes what ECS said."""
        try:
            report = self.diagnose(intake)
            to_json(report)
        except Exception as error:  # noqa: BLE001 - a report always goes out, also when the tool fails
            _log.exception("the diagnosis failed")
            return failed(intake, type(error).__name__)
        return report

    def _incident(self, key: str, intake: Intake) -> Incident:
        times = self.incidents.occurrences(key)
        return Incident(
            key=key,
            status="open",
            occurrences=len(times),
            first_seen=datetime.fromtimestamp(times[0], UTC),
            last_seen=datetime.fromtimestamp(times[-1], UTC),
            workloads=(workload(intake.task).partition(":")[2],),
        )


def cause_of(report: Report) -> str:
    """Name the cause that filters, metrics and the table know a report by: the first one, or ``undetermined``."""
    return report.causes[0].cause if report.verdict == "cause-found" else "undetermined"
