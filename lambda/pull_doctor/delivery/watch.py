"""The end of incidents: ECS is asked whether one is over, and every sink that heard of it is told.

A service that has settled is looked at when ECS says so; from time to time all open incidents are, as nothing tells of
a deleted service or of a day without failures. What a sink still lacks of an incident is sent then, too.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from pull_doctor.delivery.diagnosis import Diagnosis
from pull_doctor.delivery.evidence import EvidenceBucket, EvidenceError
from pull_doctor.delivery.incidents import Held, Incidents, Lease, Listed, expiry
from pull_doctor.delivery.outbox import Outbox
from pull_doctor.delivery.reporting import Done, workload_name
from pull_doctor.delivery.state import State, culprit_of
from pull_doctor.ending import Ask, End, Failed, closing, ended
from pull_doctor.facts.store import Saved
from pull_doctor.intake.task import Intake
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import UNSET, Incident, Report, Status
from pull_doctor.resource import Place

_log = logging.getLogger(__name__)

_ENDED: tuple[Status, ...] = ("recovered", "rolled-back", "withdrawn", "quiet")


@dataclass(frozen=True, slots=True)
class Watch:
    """What one invocation looks after the incidents with.

    ``ask`` puts one question to AWS, and ``diagnose`` reads the facts of a failed task once more. ``lease_until`` and
    ``now`` are seconds since 1970; ``until`` is when no further incident is begun, in those of ``time.monotonic``.
    """

    incidents: Incidents
    outbox: Outbox
    evidence: EvidenceBucket
    ask: Ask
    diagnose: Callable[[Intake], Diagnosis]
    lease_until: float
    until: float
    now: Callable[[], float] = time.time

    def sweep(self) -> list[Done]:
        """Look after every incident that is open, and every ended one that a sink has not heard of.

        One that fails does not stop the others, and none always comes last: the order is any.
        """
        listed = [each for each in self.incidents.listed(*_ENDED) if each.pending] + self.incidents.listed("open")
        random.shuffle(listed)
        done = []
        for each in listed:
            if time.monotonic() > self.until:
                _log.warning("no time was left to look after %s", each.key)
                break
            try:
                done.append(self.look(each.key))
            except Exception as error:  # noqa: BLE001 - the next incident has its own right to be looked after
                _log.exception("looking after %s failed", each.key)
                done.append(Done(each.key, failed={"watch": f"the tool itself failed: {type(error).__name__}"}))
        return done

    def look(self, key: str) -> Done:
        """Ask whether the incident is over, tell its end if so, and send what is still missing.

        Whoever holds its lease tells of a failure at this moment, so it is not over.
        """
        state = self.incidents.state(key)
        if not (state.pending or state.open):
            return Done(key)
        lease = self.incidents.take(key, event=str(uuid4()), kinds=frozenset(), now=self.now(), until=self.lease_until)
        if isinstance(lease, Held):
            return Done(key)
        try:
            sent = self.outbox.send(lease, lease.state.report or "", lease.state.pending)
            if not lease.state.open or not (saved := self._ended(lease)):
                return Done(key, None, sent.confirmed, sent.refused)
            sinks = self.outbox.names if lease.state.told else frozenset[str]()
            told = self.outbox.send(lease, saved, sinks)
            refused = {**sent.refused, **told.refused}
            return Done(key, from_json(saved) if sinks else None, sent.confirmed | told.confirmed, refused)
        finally:
            lease.release()

    def _ended(self, lease: Lease) -> str | None:
        """If the incident is over, save its last report, and return that."""
        state, asked_at = lease.state, self.now()
        if state.report is None:
            return None
        report = from_json(state.report)
        times = self.incidents.occurrences(lease.key, state.opened)
        last = times[-1] if times else state.reported
        end = ended(_failed(report, state, last), self.ask, datetime.fromtimestamp(asked_at, UTC))
        if end is None:
            return None
        before = self._facts(state)
        again = self._again(before.intake) if before else None
        incident = self._incident(lease.key, state, report, end, times, asked_at)
        last_report = closing(
            report,
            incident,
            end,
            before=before.answers if before else None,
            after=again.answers if again else None,
            fresh=again.report if again else None,
        )
        saved = to_json(last_report)
        facts = again.facts(before.intake) if again and before else None
        lease.save(
            status=end.status,
            ended=asked_at,
            report=saved,
            pending=self.outbox.names if state.told else frozenset(),
            evidence=self._kept(lease.key, asked_at, facts, saved) or state.evidence,
            expires=expiry(asked_at),
        )
        return saved

    def _incident(
        self, key: str, state: State, report: Report, end: End, times: tuple[float, ...], asked_at: float
    ) -> Incident:
        group = self._group(key, state, report)
        joins = report.incident.grouped_with if report.incident else UNSET
        return Incident(
            key=key,
            status=end.status,
            occurrences=len(times),
            first_seen=datetime.fromtimestamp(times[0] if times else state.opened, UTC),
            last_seen=datetime.fromtimestamp(times[-1] if times else state.opened, UTC),
            workloads=tuple(workload_name(each, report.task.cluster) for each in (key, *group)),
            occasion="end",
            grouped_with=joins,
            # Whoever reads everything hears when the first of a group ends, and when the last does.
            aside=joins is not UNSET and bool(group),
            ended=datetime.fromtimestamp(asked_at, UTC),
        )

    def _group(self, key: str, state: State, report: Report) -> list[str]:
        """The other incidents of the group that are still open."""
        culprit = culprit_of(report)
        if not state.told or culprit is None:
            return []
        listed: list[Listed] = self.incidents.listed("open")
        return [each.key for each in listed if each.culprit == culprit and each.key != key and each.told]

    def _facts(self, state: State) -> Saved | None:
        """The facts of the report that was told last, if they were kept and can be read."""
        if state.evidence is None:
            return None
        try:
            return self.evidence.facts(state.evidence)
        except EvidenceError as error:
            _log.error("the facts could not be read again: %s", error)
            return None

    def _again(self, intake: Intake) -> Diagnosis | None:
        try:
            return self.diagnose(intake)
        except Exception:  # noqa: BLE001 - the end is told all the same, without what differs
            _log.exception("the facts could not be read again")
            return None

    def _kept(self, key: str, at: float, facts: str | None, saved: str) -> str | None:
        try:
            return self.evidence.keep(key, at, None, facts, saved)
        except EvidenceError as error:
            _log.error("the last report could not be kept: %s", error)
            return None


def _failed(report: Report, state: State, last: float) -> Failed:
    task = report.task
    return Failed(
        place=_place(report, state),
        cluster=task.cluster,
        service=task.service if isinstance(task.service, str) else None,
        task_definition=state.task_definition,
        images=state.images,
        last_failure=datetime.fromtimestamp(last, UTC),
    )


def _place(report: Report, state: State) -> Place:
    arn = state.task_definition or (report.task.arn if report.task.arn is not UNSET else "")
    partition = arn.split(":")[1] if arn.startswith("arn:") else "aws"
    return Place(partition, report.task.account, report.task.region)
