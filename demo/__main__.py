"""``python -m demo [WORLD]``: one incident from the first failure to its end, with no AWS account.

A task fails, a storm of further failures follows, the fix that the report prints is carried out, the service recovers.
Exit status: 0 if the first report and the end arrived by mail and in Slack, and nothing else did; 1 if not, 2 for a
world that there is not, 130 after Ctrl-C.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.slack import LoopbackSlack, loopback_slack, shown
from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.report.document import from_json
from pull_doctor.report.model import Report
from tests.emulated.aws import EmulatedAws, emulated_aws
from tests.emulated.deployment import DeploymentError, deploy, synthesise
from tests.end_to_end.harness import carry_out, report_on
from tests.worlds import WORLDS, World, build
from tests.worlds.defects import DEFECTS

_SECRET = "pull-doctor-slack"  # noqa: S105 - the secret's name, not its value
_MAIL = "on-call@example.com"
_WAIT_SECONDS = 60
_STORM = 100
"""How many more tasks fail; each has two events."""

_DEFECTS = {
    "private-subnet-without-route": "a private subnet whose route table leads nowhere",
    "s3-endpoint-missing": "an isolated subnet with endpoints for ECR, and none for S3",
    "endpoint-security-group": "ECR endpoints whose security group does not let the task in",
    "role-without-permission": "an execution role that may not read images",
    "image-tag-missing": "a task definition that asks for a tag nobody pushed",
    "public-subnet-without-public-ip": "a public subnet, and a task without a public address",
    "healthy": "nothing wrong any more: the twin of a failure that has passed",
}


def main(arguments: list[str]) -> int:
    """Run the demo of one world; the first is the default."""
    name = arguments[0] if arguments else os.environ.get("WORLD") or WORLDS[0]
    if name not in WORLDS or len(arguments) > 1:
        sys.stderr.write(f"demo: there is no world {' '.join(arguments) or name}; choose one of {', '.join(WORLDS)}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is ended then, too
    started = time.monotonic()

    def say(text: str) -> None:
        _print(f"[{time.monotonic() - started:5.1f} s] {text}")

    try:
        return _run(name, say)
    except KeyboardInterrupt:
        say("stopped; everything that was started is gone")
        return 130
    except (DeploymentError, TimeoutError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1


def _run(name: str, say: Callable[[str], None]) -> int:
    with tempfile.TemporaryDirectory(prefix="demo-") as scratch, emulated_aws() as aws, loopback_slack() as slack:
        say(f"started an emulated AWS at {aws.url}, and a Slack beside it")
        assembly = synthesise(Path(scratch) / "cdk.out", {"slack-secret-name": _SECRET})
        say("synthesised this app's CloudFormation template")
        aws.client("secretsmanager").create_secret(Name=_SECRET, SecretString=slack.bot)
        deployed = deploy(aws, assembly)
        aws.hold(deployed.role)
        say(f"deployed it: stack PullDoctor, function {deployed.function}, which may do what its role allows")
        stage = Stage(aws, slack, subscribe(aws, deployed.topic), say)
        say(f"subscribed {_MAIL} to the report topic, and a queue for programs")
        world = build(aws, name, alone=True)
        say(f"built an account with {described(name)} (world {name})")
        report = fail(stage, world)
        done = report is not None and storm(stage, world)
        if done and report:
            mend(stage, world, report)
            done = end(stage, world)
        if done:
            say(f"{2 * (_STORM + 1) + 1} events in all, {len(aws.mails())} mails, {len(slack.messages)} Slack messages")
        else:
            _print(_framed(_log(aws)))
    say("everything that was started is gone" if done else "not all of it arrived; the function's log is above")
    return 0 if done else 1


def subscribe(aws: EmulatedAws, topic: str) -> str:
    """Subscribe to the report topic by mail and with a queue; the queue's URL."""
    sqs, sns = aws.client("sqs"), aws.client("sns")
    queue: str = sqs.create_queue(QueueName="reports")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=_MAIL)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


def described(name: str) -> str:
    """What a world is: in words of its own, else as the catalogue describes its defect."""
    if name in _DEFECTS:
        return _DEFECTS[name]
    cause = DEFECTS[name].cause
    return f"one defect: {next(row.defect for row in CATALOGUE if row.cause == cause)}"


@dataclass(frozen=True)
class Stage:
    """What the acts of the demo play on; ``queue`` gets every report as JSON."""

    aws: EmulatedAws
    slack: LoopbackSlack
    queue: str
    say: Callable[[str], None]

    def heard(self) -> tuple[int, int]:
        """How many mails and how many Slack messages there are."""
        return len(self.aws.mails()), len(self.slack.messages)

    def heard_once_since(self, before: tuple[int, int]) -> bool:
        """Whether there is exactly one more of each."""
        return self.heard() == (before[0] + 1, before[1] + 1)

    def put(self, events: list[dict[str, Any]]) -> None:
        """Let ECS put events on the bus, two at a time, and wait until the function has handled them."""
        for event in events:
            self.aws.put_event(event)
            self.aws.wait_until_idle(_WAIT_SECONDS, but=1)
        self.aws.wait_until_idle(_WAIT_SECONDS)

    def report(self) -> Report:
        """The next report that the queue holds."""
        sqs = self.aws.client("sqs")
        message = sqs.receive_message(QueueUrl=self.queue)["Messages"][0]
        sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return from_json(json.loads(message["Body"])["Message"])

    def show_mail(self) -> None:
        """Print the newest mail."""
        mail = self.aws.mails()[-1]
        self.say(f"what {mail['to']} received by mail:")
        _print(_framed(f"Subject: {mail['subject']}\n\n{mail['text']}"))


def fail(stage: Stage, world: World) -> Report | None:
    """Let ECS put the task's two events on the bus, each while the function is idle; the report, if it arrived once."""
    stage.say(f"service {world.workload} starts a task, which fails to pull {world.image}")
    start = stage.heard()
    for event in world.events:
        before = stage.heard()
        stage.put([event])
        said = "has sent a report" if stage.heard() > before else "has nothing new to say"
        stage.say(f"ECS puts the event {event['detail']['lastStatus']} on the bus; the function {said}")
    if not stage.heard_once_since(start):
        return None
    stage.show_mail()
    stage.say("what Slack received:")
    _print(_framed(shown(stage.slack.messages[-1])))
    return stage.report()


def storm(stage: Stage, world: World) -> bool:
    """Let ECS go on starting tasks that fail; nobody hears of it again."""
    before = stage.heard()
    stage.say(f"ECS keeps trying: {2 * _STORM} more events, of {_STORM} more failed tasks")
    stage.put(world.fail_again(_STORM))
    mails, posts = (after - earlier for after, earlier in zip(stage.heard(), before, strict=True))
    stage.say(f"the function has handled all of them: {mails + posts} further messages")
    return mails + posts == 0


def mend(stage: Stage, world: World, report: Report) -> None:
    """Carry out the first printed fix that is complete calls; then put right what is wrong besides."""
    fixes = report.causes[0].fixes if report.causes else ()
    runnable = (fix for fix in fixes if fix.commands and fix.applicability != "fill-in")
    fix = next((fix for fix in runnable if all(isinstance(one.service, str) for one in fix.commands)), None)
    if not fix:
        without = "no printed fix is a complete call; what is wrong here is put right without one"
        stage.say(without if fixes else "the report prints no fix")
        world.mend()
        return
    stage.say(f"somebody runs the printed fix: {fix.text}")
    _print(_framed("\n".join(command.cli for command in fix.commands)))
    for command in fix.commands:
        carry_out(world, command, fix.account)
    # What was only possible, and does not lie ahead, is not what the pulls fail for.
    beside = {cause.cause for cause in report.causes if cause.certainty == "possible" and not cause.next}
    if standing(stage, world) - beside:
        world.mend()
        stage.say("the defect does not go at once with that alone; what is left is done, too")


def standing(stage: Stage, world: World) -> set[str]:
    """The causes that a diagnosis made now finds to stand in the way of the failed task."""
    return {cause.cause for cause in report_on(stage.aws, world.event).causes if cause.still == "yes"}


def end(stage: Stage, world: World) -> bool:
    """Let the service's next task run, and ECS say so; whether the end has arrived once by mail and in Slack."""
    before = stage.heard()
    world.recover()
    stage.say("the service's next task runs; ECS puts the event SERVICE_DEPLOYMENT_COMPLETED on the bus")
    stage.put([world.deployment_completed])
    if not stage.heard_once_since(before):
        return False
    incident = stage.report().incident
    stage.say(
        f"the function has asked ECS how it stands; the incident has ended: {incident.status if incident else ''}"
    )
    stage.show_mail()
    reply = stage.slack.messages[-1]
    first = next(message for message in stage.slack.messages if message["ts"] == reply["thread_ts"])
    for title, message in (("the first message in Slack as it stands now", first), ("the reply below it", reply)):
        stage.say(f"{title}:")
        _print(_framed(shown(message)))
    return True


def _log(aws: EmulatedAws) -> str:
    """What the function wrote to its log."""
    logs = aws.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    events = [event for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]]
    return "\n".join(event["message"].rstrip() for event in events)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _framed(text: str) -> str:
    return "\n" + "\n".join(f"    {line}".rstrip() for line in text.splitlines()) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
