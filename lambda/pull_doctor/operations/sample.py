"""Sends a marked sample through the deployed function to every sink."""

from __future__ import annotations

import json
from typing import Any

import typer

from pull_doctor.console import TOOL_FAILED, Profile, Refused, Region
from pull_doctor.intake.scrub import scrub
from pull_doctor.operations.stack import STACK, Stack, StackName, said
from pull_doctor.report.words import plain
from pull_doctor.terminal import show

_REQUEST = {"pull-doctor": "test"}


def send_sample(stack: StackName = STACK, region: Region = None, profile: Profile = None) -> None:
    """Send a marked sample to every sink and say what each answered; exits with 4 if one did not take it."""
    with said("test"):
        found = Stack.find(stack, region, profile)
        answer = found.client("lambda").invoke(
            FunctionName=found.output("FunctionName"), Payload=json.dumps(_REQUEST).encode()
        )
        told = _object(answer["Payload"].read())
    if "FunctionError" in answer:
        raise Refused(f"test: the function failed: {_why(told)}", TOOL_FAILED)
    sinks = told.get("sinks")
    if not isinstance(sinks, dict) or not sinks:
        raise Refused("test: the function answered something else; is another version deployed?", TOOL_FAILED)
    for name, said_there in sorted(sinks.items()):
        show(f"{plain(name)}: {plain(str(said_there))}\n")
    if any(one != "ok" for one in sinks.values()):
        raise typer.Exit(TOOL_FAILED)


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _why(told: dict[str, Any]) -> str:
    said_there = (told.get("errorType"), told.get("errorMessage"))
    return plain(scrub(": ".join(str(one) for one in said_there if one))) or "it does not say why"
