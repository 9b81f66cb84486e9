"""The metrics of the function, in the namespace ``PullDoctor``.

Each is printed at once, as its own line of CloudWatch's embedded metric format: a function that is killed later has
still counted what it did.
"""

from __future__ import annotations

from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "PullDoctor"


def count_report(cause: str) -> None:
    """Count one new report, by its cause."""
    _emit("Reports", MetricUnit.Count, 1, cause=cause)


def count_undelivered(reports: int) -> None:
    """Count the sinks that did not take a report."""
    _emit("Undelivered", MetricUnit.Count, reports)


def count_not_a_pull_failure() -> None:
    """Count one event of a task that did not fail in its pull."""
    _emit("NotAPullFailure", MetricUnit.Count, 1)


def seconds_from_stop_to_report(seconds: float) -> None:
    """Record how long after the task's stop the report was there."""
    _emit("SecondsFromStopToReport", MetricUnit.Seconds, seconds)


def _emit(name: str, unit: MetricUnit, value: float, **dimensions: str) -> None:
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        # Powertools takes POWERTOOLS_SERVICE_NAME as one more dimension, unless the service is empty.
        metric.service = ""
        for dimension, of in dimensions.items():
            metric.add_dimension(name=dimension, value=of)
