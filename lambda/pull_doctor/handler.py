"""The door for EventBridge: one event in, at most one report out.

Events of failed tasks start reports, events of settled services and a schedule end incidents, and a call of
``pull-doctor test`` sends a sample. Any other event is raised: Lambda retries it twice and then hands it to the
function's on-failure destination, where it can be looked at. So is everything that was not delivered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from pull_doctor.delivery import metrics
from pull_doctor.delivery.chat import Chat
from pull_doctor.delivery.diagnosis import Diagnosis
from pull_doctor.delivery.events import Events
from pull_doctor.delivery.evidence import EvidenceBucket
from pull_doctor.delivery.incidents import Incidents, settled_key
from pull_doctor.delivery.outbox import Outbox
from pull_doctor.delivery.reporting import Done, Reporting
from pull_doctor.delivery.sink import Sink
from pull_doctor.delivery.sns import Sns
from pull_doctor.delivery.state import REMINDER, cause_of
from pull_doctor.delivery.watch import Watch
from pull_doctor.ending import Ask
from pull_doctor.environment import Environment
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import SharedAnswers, ask_one
from pull_doctor.facts.fact import Known
from pull_doctor.intake.event import NotAnEcsTaskEvent, read_event
from pull_doctor.intake.service_event import read_settled
from pull_doctor.intake.task import Intake
from pull_doctor.pipeline import read, report_of
from pull_doctor.report.sample import sample_report
from pull_doctor.view.workload import tag_of

_FOR_DELIVERY = 20.0
"""Seconds that the diagnosis leaves for saving and sending the report."""

_FOR_ONE_INCIDENT = 25.0
"""Seconds that looking after one incident may take: without them none is begun."""

_AFTER_THE_END = 2.0
"""Seconds by which a lease outlives its invocation, as clocks differ."""

# The name of the package, so that every module's own logger writes through this one.
logger = Logger(service="pull_doctor")


class Undelivered(Exception):  # noqa: N818 - the name says what happened
    """A report is still missing at a sink; Lambda retries the event, which sends only what is missing."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the handler works with.

    ``diagnose`` takes what happened, and the end of its time by ``time.monotonic``; ``reread`` does the same with
    nothing that this process remembers. ``ask`` puts one question to AWS. ``reminder`` is in seconds.
    """

    incidents: Incidents
    sinks: Mapping[str, Sink]
    evidence: EvidenceBucket
    diagnose: Callable[[Intake, float], Diagnosis]
    reread: Callable[[Intake, float], Diagnosis]
    ask: Ask
    reminder: float = REMINDER
    now: Callable[[], float] = time.time


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Handle one event of EventBridge, or one call of ``pull-doctor test``."""
    return handle(event, context, parts())


@cache
def parts() -> Parts:
    """Read the environment and make the clients, once in the life of the process.

    Raises:
        BrokenEnvironmentError: the environment is not what the stack sets.
    """
    environment = Environment.read(os.environ)
    muting = environment.mute_tag
    aws = Aws(
        reader_roles=environment.reader_roles,
        switched_off=environment.switched_off,
        registry=environment.registry,
        tag_keys=frozenset(key for key in (environment.owner_tag, muting and muting[0]) if key),
    )
    memory = SharedAnswers()

    def diagnosis(intake: Intake, deadline: float, memory: SharedAnswers | None) -> Diagnosis:
        reading = read(intake, aws, deadline=deadline, memory=memory)
        report = report_of(intake, reading, environment.owner_tag)
        muted = _muted(muting, intake, reading.answers)
        return Diagnosis(report, reading.answers, reading.read_at, muted=muted)

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    # The report waits while its evidence is kept.
    hurried = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    return Parts(
        incidents=Incidents(boto3.client("dynamodb", config=config), environment.table_name),
        sinks={sink.name: sink for sink in _sinks(environment, config)},
        evidence=EvidenceBucket(boto3.client("s3", config=hurried), environment.evidence_bucket),
        diagnose=lambda intake, deadline: diagnosis(intake, deadline, memory),
        reread=lambda intake, deadline: diagnosis(intake, deadline, None),
        ask=lambda question: ask_one(aws, question),
        reminder=environment.reminder,
    )


def _muted(tag: tuple[str, str | None] | None, intake: Intake, answers: Answers) -> bool:
    """Whether the workload carries the tag, with the value if one is asked for; what was not read mutes nothing."""
    if tag is None:
        return False
    key, wanted = tag
    found = tag_of(intake, answers, key)
    return isinstance(found, Known) and found.value is not None and wanted in (None, found.value)


def _sinks(environment: Environment, config: Config) -> Iterator[Sink]:
    """Make the sinks that this deployment has; those that not everybody has are imported only where they are used."""
    sns = boto3.client("sns", config=config)
    yield Sns(sns, environment.topic_arn)
    if environment.slack_secret_name:
        from pull_doctor.delivery.slack import Slack  # noqa: PLC0415 - slow to import, and not everybody has Slack

        yield Slack(boto3.client("secretsmanager", config=config), environment.slack_secret_name)
    if environment.chat_topic_arn:
        yield Chat(sns, environment.chat_topic_arn)
    if environment.event_bus:
        yield Events(boto3.client("events", config=config), environment.event_bus)


def handle(event: Any, context: LambdaContext, parts: Parts) -> dict[str, Any] | None:
    """Find out what kind of event it is, and do what it is for.

    Raises:
        NotAnEcsTaskEvent: the event is something else.
        LeaseBusy: the event must come again.
        Undelivered: a sink did not confirm.
    """
    logger.append_keys(request_id=context.aws_request_id)
    left = context.get_remaining_time_in_millis() / 1000
    time_left = _Time(end=time.monotonic() + left, lease_until=parts.now() + left + _AFTER_THE_END)
    asked = event.get("pull-doctor") if isinstance(event, dict) else None
    if asked == "test":
        return _test(context, parts, time_left)
    if asked == "sweep":
        for done in _watch(parts, time_left).sweep():
            _count(done)
        return None
    settled = read_settled(event) if isinstance(event, dict) else None
    if settled:
        _finish(_watch(parts, time_left).look(settled_key(settled)))
        return None
    _failure(event, context, parts, time_left)
    return None


@dataclass(frozen=True, slots=True)
class _Time:
    """When this invocation ends, by ``time.monotonic``; and when its leases do, in seconds since 1970."""

    end: float
    lease_until: float


def _failure(event: dict[str, Any], context: LambdaContext, parts: Parts, left: _Time) -> None:
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
        outbox=Outbox(parts.incidents, parts.sinks, left.end - 1),
        evidence=parts.evidence,
        diagnose=lambda intake: parts.diagnose(intake, left.end - _FOR_DELIVERY),
        lease_until=left.lease_until,
        reminder=parts.reminder,
        now=parts.now,
    ).report(intake, event, str(event.get("id") or context.aws_request_id))
    if done.report:
        metrics.count_report(cause_of(done.report))
        if done.confirmed and task.failed_at:
            metrics.seconds_from_stop_to_report(max(0.0, parts.now() - task.failed_at.timestamp()))
    _finish(done, task.arn)


def _watch(parts: Parts, left: _Time) -> Watch:
    return Watch(
        incidents=parts.incidents,
        outbox=Outbox(parts.incidents, parts.sinks, left.end - 1),
        evidence=parts.evidence,
        ask=parts.ask,
        diagnose=lambda intake: parts.reread(intake, left.end - _FOR_DELIVERY),
        lease_until=left.lease_until,
        until=left.end - _FOR_ONE_INCIDENT,
        now=parts.now,
    )


def _test(context: LambdaContext, parts: Parts, left: _Time) -> dict[str, Any]:
    """Send the sample to every sink, and say what each answered."""
    _, _, _, region, account, *_ = context.invoked_function_arn.split(":")
    outbox = Outbox(parts.incidents, parts.sinks, left.end - 1)
    return {"sinks": outbox.send_sample(sample_report(account, region))}


def _finish(done: Done, task: str | None = None) -> None:
    _count(done, task)
    if done.failed:
        raise Undelivered("; ".join(f"{sink}: {why}" for sink, why in done.failed.items()))


def _count(done: Done, task: str | None = None) -> None:
    logger.info(
        "done",
        task=task,
        incident=done.incident,
        cause=cause_of(done.report) if done.report else None,
        confirmed=sorted(done.confirmed),
        failed=dict(done.failed),
    )
    if done.failed:
        metrics.count_undelivered(len(done.failed))
