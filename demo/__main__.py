"""``python -m demo [WORLD]``: shows what the deployed app says of one defect, with no AWS account.

Exit status: 0 if the report arrived by mail and in Slack, 1 if it did not, 2 for a world that there is not, 130 after
Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from demo.slack import LoopbackSlack, loopback_slack, shown
from pull_doctor.causes.catalogue import CATALOGUE
from tests.emulated.aws import EmulatedAws, emulated_aws
from tests.emulated.deployment import Deployed, DeploymentError, deploy, synthesise
from tests.worlds import WORLDS, World, build
from tests.worlds.defects import DEFECTS

_SECRET = "pull-doctor-slack"  # noqa: S105 - the secret's name, not its value
_MAIL = "on-call@example.com"
_WAIT_SECONDS = 60
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
        say(f"started an emulated AWS at {aws.url}, and a Slack at {slack.webhook}")
        assembly = synthesise(Path(scratch) / "cdk.out", {"slack-secret-name": _SECRET})
        say("synthesised this app's CloudFormation template")
        aws.client("secretsmanager").create_secret(Name=_SECRET, SecretString=slack.webhook)
        deployed = deploy(aws, assembly)
        aws.hold(deployed.role)
        say(f"deployed it: stack PullDoctor, function {deployed.function}, which may do what its role allows")
        aws.client("sns").subscribe(TopicArn=deployed.topic, Protocol="email", Endpoint=_MAIL)
        say(f"subscribed {_MAIL} to the report topic (the emulated AWS keeps the mail)")
        world = build(aws, name)
        say(f"built an account with {described(name)} (world {name})")
        _fail(aws, world, say)
        _show(aws, slack, deployed, say)
        delivered = bool(aws.mails() and slack.messages)
        if not delivered:
            _print(_framed(_log(aws)))
    say(
        "everything that was started is gone" if delivered else "the report did not arrive; the function's log is above"
    )
    return 0 if delivered else 1


def described(name: str) -> str:
    """What a world is: in words of its own, else as the catalogue describes its defect."""
    if name in _DEFECTS:
        return _DEFECTS[name]
    cause = DEFECTS[name].cause
    return f"one defect: {next(row.defect for row in CATALOGUE if row.cause == cause)}"


def _fail(aws: EmulatedAws, world: World, say: Callable[[str], None]) -> None:
    """Let ECS put the task's two events on the bus, each while the function is idle."""
    say(f"service {world.workload} starts a task, which fails to pull {world.image}")
    for event in world.events:
        status = event["detail"]["lastStatus"]
        say(f"ECS puts the event {status} on the bus; the rule hands it to the function")
        before = len(aws.mails())
        aws.put_event(event)
        aws.wait_until_idle(_WAIT_SECONDS)
        say("the function has sent a report" if len(aws.mails()) > before else "the function has sent nothing more")


def _show(aws: EmulatedAws, slack: LoopbackSlack, deployed: Deployed, say: Callable[[str], None]) -> None:
    for mail in aws.mails():
        say(f"what {mail['to']} received from {deployed.topic.rpartition(':')[2]}:")
        _print(_framed(f"Subject: {mail['subject']}\n\n{mail['text']}"))
    for message in slack.messages:
        say("what Slack received:")
        _print(_framed(shown(message)))


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
