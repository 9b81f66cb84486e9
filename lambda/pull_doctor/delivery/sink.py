"""What a sink is: one place that reports are sent to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pull_doctor.report.model import Report


class SinkFailed(Exception):  # noqa: N818 - the name says what happened
    """A sink did not confirm a report; the text says why, and holds no URL, token, or other secret."""


@dataclass(frozen=True, slots=True)
class Thread:
    """What a sink returned for earlier messages, so that a later one can be attached to them.

    ``own`` is what it returned last for this incident, ``group`` what for the incident that this one is grouped with.
    """

    own: str | None = None
    group: str | None = None


class Sink(Protocol):
    """One place that reports are sent to. ``name`` is written into the table, so it stays as it is."""

    @property
    def name(self) -> str:
        """Name the sink: ``sns``, ``slack``, ``chat``, ``events``."""

    def deliver(self, report: Report, report_json: str, *, thread: Thread, deadline: float) -> str | None:
        """Send a report, and return once the sink has confirmed it.

        What it returns is what later messages of the incident are attached to. ``report_json`` is the same report as
        it was saved. ``deadline`` is in the seconds of ``time.monotonic``.

        Raises:
            SinkFailed: the sink did not confirm.
        """
