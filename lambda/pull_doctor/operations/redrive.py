"""Puts the events that were not handled back to the function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from pull_doctor.console import TOOL_FAILED, Profile, Region, say
from pull_doctor.operations.dead_letters import Queue, failed_event, unsent_event
from pull_doctor.operations.stack import STACK, Stack, StackName, said
from pull_doctor.terminal import show


def redrive(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is there.")] = False,
    stack: StackName = STACK,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Put back the events that were not handled; exits with 4 if one has to stay.

    Each event is handed to the function again, and leaves its queue once Lambda has accepted it. The function sends
    only what is still missing. An event that fails again is back in its queue some minutes later.
    """
    total = stays = 0
    with said("redrive"):
        found = Stack.find(stack, region, profile)
        sqs, function, name = found.client("sqs"), found.client("lambda"), found.output("FunctionName")
        queues = (
            Queue(sqs, found.output("FailedQueueUrl"), failed_event),
            Queue(sqs, found.output("UnsentQueueUrl"), unsent_event),
        )

        def accept(event: Mapping[str, Any]) -> None:
            function.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())

        for queue in queues:
            for letter in queue.go_through(None if dry_run else accept):
                total += 1
                stays += letter.event is None
                done = "would be put back" if dry_run else "put back"
                show(f"{done if letter.event is not None else 'stays'}: {letter.what}: {letter.why}\n")
    if not total:
        say("both queues are empty")
    if stays and not dry_run:
        raise typer.Exit(TOOL_FAILED)
