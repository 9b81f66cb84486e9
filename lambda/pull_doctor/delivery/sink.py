"""What a sink is: one place that reports are sent to."""

from __future__ import annotations

from typing import Protocol

from pull_doctor.report.model import Report


class SinkFailed(Exception):  # noqa: N818 - the name says what happened
    """A sink did not confirm a report; the text says why, and holds no URL, token, or other secret."""


class Sink(Protocol):
    """One place that reports are sent to. ``name`` is written into the table, so it stays as it is."""

    @property
    def name(self) -> str:
        """Name the sink: ``sns``, ``slack``."""

    def deliver(self, report: Report, report_json: str, *, deadline: float) -> None:
        """Send a report and return once the sink has confirmed it.

        ``report_json`` is the same report as it was saved. ``deadline`` is in the seconds of ``time.monotonic``.

        Raises:
            SinkFailed: the sink did not confirm.
        """
