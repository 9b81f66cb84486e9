"""The dashboard: what was reported, how soon, and how the function and its queues fare."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pull_doctor.delivery.metrics import NAMESPACE

_PERIOD = Duration.minutes(5)
_THIRD = 8  # of the 24 columns


class Dashboard(Construct):
    """Six graphs on one screen.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """

    def __init__(
        self, scope: Construct, id_: str, *, function: lambda_.Function, failed: sqs.Queue, unsent: sqs.Queue
    ) -> None:
        super().__init__(scope, id_)
        by_cause = cloudwatch.SearchExpression(
            expression=f"SEARCH('{{{NAMESPACE},cause}} MetricName=\"Reports\"', 'Sum')", label="", period=_PERIOD
        )
        seconds = [_own("SecondsFromStopToReport", statistic) for statistic in ("p50", "p90", "Maximum")]
        duration = [function.metric_duration(statistic=statistic, period=_PERIOD) for statistic in ("p50", "Maximum")]
        trouble = [function.metric_errors(period=_PERIOD), function.metric_throttles(period=_PERIOD)]
        waiting = [
            queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_PERIOD, label=label)
            for queue, label in ((failed, "the function could not handle"), (unsent, "EventBridge could not hand over"))
        ]
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            widgets=[
                [
                    _graph("Reports by cause", by_cause),
                    _graph("Seconds from stop to report", *seconds),
                    _graph("Undelivered, and no pull failures", _own("Undelivered"), _own("NotAPullFailure")),
                ],
                [
                    _graph("Function: errors and throttles", *trouble),
                    _graph("Function: duration", *duration),
                    _graph("Events that wait in a queue", *waiting),
                ],
            ],
        )


def _own(name: str, statistic: str = "Sum") -> cloudwatch.Metric:
    label = name if statistic == "Sum" else statistic
    return cloudwatch.Metric(namespace=NAMESPACE, metric_name=name, statistic=statistic, period=_PERIOD, label=label)


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_THIRD)
