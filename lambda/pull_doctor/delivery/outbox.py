"""Sends a saved report to the sinks that still wait for it, side by side; one failing sink never stops another."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from pull_doctor.delivery.incidents import Incidents, Lease
from pull_doctor.delivery.sink import Sink, SinkFailed, Thread
from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.model import UNSET, Incident, Report

_log = logging.getLogger(__name__)

_AT_ONCE = 8
_LATE = "it did not answer in time"


@dataclass(frozen=True, slots=True)
class Sent:
    """Which sinks took the report, and why the others did not."""

    confirmed: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outbox:
    """The sinks by name; ``deadline`` is when they must be done, in the seconds of ``time.monotonic``."""

    incidents: Incidents
    sinks: Mapping[str, Sink]
    deadline: float

    @property
    def names(self) -> frozenset[str]:
        """The sinks that a new report is for."""
        return frozenset(self.sinks)

    def send(self, lease: Lease, saved: str, pending: frozenset[str]) -> Sent:
        """Send the saved report to each pending sink, and mark each that took it.

        A sink that this deployment no longer has is let go. Raises what the table answers to a mark: whoever has the
        lease then sends what is missing.
        """
        if not pending:
            return Sent()
        report = from_json(saved)
        own, group = self._receipts(lease.key, report.incident)

        def send_one(name: str) -> str | None:
            thread = Thread(own.get(name), group.get(name))
            receipt, refused = self._deliver(name, report, saved, thread) if name in self.sinks else (None, None)
            if refused is None:
                lease.confirmed(name, receipt)
            return refused

        refused = self._side_by_side(send_one, pending)
        return Sent(frozenset(pending & self.sinks.keys() - refused.keys()), refused)

    def send_sample(self, report: Report) -> dict[str, str]:
        """Send a report of no incident to every sink, and return by sink ``ok`` or why it was not taken."""
        said = to_json(report)
        refused = self._side_by_side(lambda name: self._deliver(name, report, said, Thread())[1], self.sinks)
        return {name: refused.get(name, "ok") for name in sorted(self.sinks)}

    def _deliver(self, name: str, report: Report, said: str, thread: Thread) -> tuple[str | None, str | None]:
        """Send to one sink; return its receipt, and why it did not take the report."""
        try:
            return self.sinks[name].deliver(report, said, thread=thread, deadline=self.deadline), None
        except SinkFailed as error:
            return None, str(error)
        except Exception as error:  # noqa: BLE001 - a sink or a rendering that crashes must not stop the next sink
            # The frames alone: the exception's words may hold a webhook's URL.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s at sink %s:\n%s", type(error).__name__, name, where)
            return None, f"the tool itself failed: {type(error).__name__}"

    def _side_by_side(self, send_one: Callable[[str], str | None], names: Iterable[str]) -> dict[str, str]:
        """Send to all these sinks at once, so that none waits for another; return why some did not take it."""
        pool = ThreadPoolExecutor(_AT_ONCE)
        sending = {name: pool.submit(send_one, name) for name in sorted(names)}
        done, _ = wait(sending.values(), timeout=max(0.0, self.deadline - time.monotonic()))
        pool.shutdown(wait=False, cancel_futures=True)
        answers = {name: future.result() if future in done else _LATE for name, future in sending.items()}
        return {name: why for name, why in answers.items() if why is not None}

    def _receipts(self, key: str, incident: Incident | None) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What the sinks returned for the first message of this incident, and of the one it is grouped with."""
        if incident is None:
            return {}, {}
        own = {} if incident.occasion == "first" else self.incidents.state(key).receipts
        group = {} if incident.grouped_with is UNSET else self.incidents.state(incident.grouped_with).receipts
        return own, group
