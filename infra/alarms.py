"""What the operators hear of: everything that could make a report late or lose it."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pull_doctor.delivery.metrics import NAMESPACE

_PERIOD = Duration.minutes(5)
_LATE = Duration.minutes(5)


class Alarms(Construct):
    """One alarm for each way in which an event or a report can be late or lost, all to one topic.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        function: lambda_.Function,
        failed: sqs.Queue,
        unsent: sqs.Queue,
        topic: sns.Topic,
    ) -> None:
        super().__init__(scope, id_)
        self._action = actions.SnsAction(topic)
        self._alarm("Failed", _waiting(failed), "Events that the function could not handle wait in its queue.")
        self._alarm("Unsent", _waiting(unsent), "Events that EventBridge could not hand over wait in their queue.")
        self._alarm("Errors", function.metric_errors(period=_PERIOD), "The function ended with an error.")
        self._alarm("Throttles", function.metric_throttles(period=_PERIOD), "The function was throttled.")
        self._alarm(
            "Late",
            function.metric("AsyncEventAge", statistic="Maximum", period=_PERIOD),
            "Events wait for the function; the evidence in AWS is fading.",
            threshold=_LATE.to_milliseconds(),
        )
        self._alarm(
            "Dropped",
            function.metric("AsyncEventsDropped", statistic="Sum", period=_PERIOD),
            "Lambda gave up events that the function did not handle in time.",
        )
        self._alarm(
            "Lost",
            function.metric("DestinationDeliveryFailures", statistic="Sum", period=_PERIOD),
            "A failed event could not be kept in the function's queue.",
        )
        self._alarm(
            "Undelivered",
            cloudwatch.Metric(namespace=NAMESPACE, metric_name="Undelivered", statistic="Sum", period=_PERIOD),
            "A report could not be delivered to one of its sinks.",
        )

    def _alarm(self, id_: str, metric: cloudwatch.IMetric, description: str, threshold: float = 1) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            metric=metric,
            alarm_description=description,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)


def _waiting(queue: sqs.Queue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_PERIOD)
