"""The door for EventBridge: one ECS task event in, at most one report out.

An event that is not an ECS task's is raised: Lambda retries it twice and then hands it to the function's on-failure
destination, where it can be looked at. So is everything that was not delivered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from pull_doctor.delivery import metrics
from pull_doctor.delivery.incidents import Incidents
from pull_doctor.delivery.reporting import Reporting, cause_of
from pull_doctor.delivery.sink import Sink
from pull_doctor.delivery.sns import Sns
from pull_doctor.environment import Environment
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import SharedAnswers
from pull_doctor.intake.event import NotAnEcsTaskEvent, read_event
from pull_doctor.intake.task import Intake
from pull_doctor.pipeline import diagnose
from pull_doctor.report.model import Report

_FOR_DELIVERY = 15.0
"""Seconds that the diagnosis leaves for saving and sending the report."""

_AFTER_THE_END = 2.0
"""Seconds by which a lease outlives its invocation, as clocks differ."""

# The name of the package, so that every module's own logger writes through this one.
logger = Logger(service="pull_doctor")


class Undelivered(Exception):  # noqa: N818 - the name says what happened
    """A report is still missing at a sink; Lambda retries the event, which sends only what is missing."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the handler works with; ``diagnose`` takes what happened, and the end of its time by ``time.monotonic``."""

    incidents: Incidents
    sinks: Mapping[str, Sink]
    diagnose: Callable[[Intake, float], Report]
    now: Callable[[], float] = time.time


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Handle one event of EventBridge."""
    handle(event, context, parts())


@cache
def parts() -> Parts:
    """Read the environment and make the clients, once in the life of the process.

    Raises:
        BrokenEnvironmentError: the environment is not what the stack sets.
    """
    environment = Environment.read(os.environ)
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
    sinks: list[Sink] = [Sns(boto3.client("sns", config=config), environment.topic_arn)]
    if environment.slack_secret_name:
        from pull_doctor.delivery.slack import Slack  # noqa: PLC0415 - slow to import, and not everybody has Slack

        sinks.append(Slack(boto3.client("secretsmanager", config=config), environment.slack_secret_name))
    memory = SharedAnswers()
    aws = Aws(
        reader_roles=environment.reader_roles,
        switched_off=environment.switched_off,
        registry=environment.registry,
    )
    return Parts(
        incidents=Incidents(boto3.client("dynamodb", config=config), environment.table_name),
        sinks={sink.name: sink for sink in sinks},
        diagnose=lambda intake, deadline: diagnose(intake, aws, deadline=deadline, memory=memory),
    )


def handle(event: dict[str, Any], context: LambdaContext, parts: Parts) -> None:
    """Read the event, report if that is due, count, and raise if anything is left to do.

    Raises:
        NotAnEcsTaskEvent: the event is something else.
        LeaseBusy: the event must come again.
        Undelivered: a sink did not confirm.
    """
    left = context.get_remaining_time_in_millis() / 1000
    end = time.monotonic() + left
    logger.append_keys(request_id=context.aws_request_id)
    try:
        intake = read_event(event)
    except NotAnEcsTaskEvent as error:
        logger.warning("not an ECS task event", reason=str(error))
        raise
    task = intake.task
    if intake.not_a_pull_failure:
        logger.info("not a pull failure", task=task.arn, reason=intake.not_a_pull_failure)
        metrics.count_not_a_pull_failure()
        return
    done = Reporting(
        incidents=parts.incidents,
        sinks=parts.sinks,
        diagnose=lambda intake: parts.diagnose(intake, end - _FOR_DELIVERY),
        lease_until=parts.now() + left + _AFTER_THE_END,
        deadline=end - 1,
        now=parts.now,
    ).report(intake, str(event.get("id") or context.aws_request_id))
    logger.info(
        "done",
        task=task.arn,
        incident=done.incident,
        cause=cause_of(done.report) if done.report else None,
        confirmed=sorted(done.confirmed),
        failed=dict(done.failed),
    )
    if done.report:
        metrics.count_report(cause_of(done.report))
        if done.confirmed and task.failed_at:
            metrics.seconds_from_stop_to_report(max(0.0, parts.now() - task.failed_at.timestamp()))
    if done.failed:
        metrics.count_undelivered(len(done.failed))
        raise Undelivered("; ".join(f"{sink}: {why}" for sink, why in done.failed.items()))
