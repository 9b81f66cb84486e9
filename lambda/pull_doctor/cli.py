"""The door for people: ``pull-doctor`` on the command line."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pull_doctor import __version__, pipeline
from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.causes.runner import Check, checks
from pull_doctor.console import (
    EXIT_CODES,
    TOOL_FAILED,
    WRONG_USAGE,
    Profile,
    Refused,
    Region,
    ReportFormat,
    print_report,
    region_of,
    say,
    session,
)
from pull_doctor.delivery.evidence import EvidenceBucket, EvidenceError
from pull_doctor.facts import errors, store
from pull_doctor.facts import permissions as iam
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.readers import tasks
from pull_doctor.intake.event import NotAnEcsTaskEvent, read_described_task, read_event
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.task import Intake
from pull_doctor.operations.incidents import incidents, show
from pull_doctor.operations.redrive import redrive
from pull_doctor.operations.sample import send_sample
from pull_doctor.plan import RANKING_FACTS, questions_of
from pull_doctor.report.document import from_json

_ARN_PARTS = 6
_S3 = "s3://"
READING_TIME = 45.0
"""Seconds after which a diagnosis on the command line goes on with what it has."""

Language = Literal["en", "ja", "ko"]

app = typer.Typer(
    help="Names the cause of a failed container image pull in Amazon ECS, proves it, and prints the fix.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


EventFile = Annotated[str | None, typer.Option("--event", help="An EventBridge event, a file or - for standard input.")]
Cluster = Annotated[str | None, typer.Option("--cluster", help="The cluster of the task or service.")]
TaskId = Annotated[str | None, typer.Option("--task", help="The id or ARN of a stopped task.")]
Service = Annotated[str | None, typer.Option("--service", help="A service, whose newest failed task is taken.")]
Facts = Annotated[
    str | None,
    typer.Option(
        "--facts",
        help="Facts that collect saved or the deployed function kept: a file, -, or s3://...; no more is read.",
    ),
]


@app.command()
def diagnose(
    event: EventFile = None,
    cluster: Cluster = None,
    task: TaskId = None,
    service: Service = None,
    facts: Facts = None,
    form: ReportFormat = "text",
    language: Annotated[Language, typer.Option("--language", help="The language of the report.")] = "en",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Name the cause of a failed pull."""
    if language != "en":
        raise Refused(f"reports are written in English (en); there are none in {language}")
    if facts:
        if event or cluster or task or service:
            raise Refused("--facts goes alone: saved facts name their task themselves")
        saved = _load(facts, region, profile)
        report = pipeline.conclude(saved.intake, saved.answers, saved.read_at)
    else:
        aws = _aws(profile)
        intake = _own(aws, _intake(aws, event, cluster, task, service, region))
        report = pipeline.diagnose(intake, aws, deadline=time.monotonic() + READING_TIME)
    print_report(report, form)
    raise typer.Exit(EXIT_CODES[report.verdict])


@app.command()
def collect(
    out: Annotated[str, typer.Option("--out", help="The file to write, or - for standard output.")],
    event: EventFile = None,
    cluster: Cluster = None,
    task: TaskId = None,
    service: Service = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Save the event and the facts, to diagnose them elsewhere or later."""
    aws = _aws(profile)
    intake = _own(aws, _intake(aws, event, cluster, task, service, region))
    reading = pipeline.read(intake, aws, deadline=time.monotonic() + READING_TIME)
    text = store.dump(intake, reading.answers, reading.read_at)
    if out == "-":
        sys.stdout.write(text)
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot write {out}: {error.strerror}") from error
    say(f"saved {len(reading.answers)} facts to {out}")


@app.command()
def classify(
    *, jsonl: Annotated[bool, typer.Option("--jsonl", help="Read one JSON object with `message` a line.")] = False
) -> None:
    """Say what ECS's text alone says of each message on standard input."""
    if not jsonl:
        raise Refused("classify reads JSON lines: say --jsonl")
    broken = False
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        row = _classified(line)
        broken = broken or "error" in row
        sys.stdout.write(json.dumps(row) + "\n")
    raise typer.Exit(WRONG_USAGE if broken else 0)


@app.command()
def explain(cause: Annotated[str, typer.Argument(help="A cause, as `pull-doctor causes` lists them.")]) -> None:
    """Explain a cause at length."""
    check = _check(cause)
    sys.stdout.write(f"{check.row.cause}: {check.explanation}\n")


@app.command()
def causes(
    form: Annotated[Literal["text", "markdown"], typer.Option("--format", help="The form of the list.")] = "text",
) -> None:
    """List the causes that can be named."""
    if form == "text":
        width = max(len(row.cause) for row in CATALOGUE)
        sys.stdout.writelines(f"{row.cause:<{width}}  {row.defect}\n" for row in CATALOGUE)
        return
    rows = "".join(f"| [{row.cause}](#{row.cause}) | {row.defect} |\n" for row in CATALOGUE)
    sys.stdout.write(
        "# Causes\n\nWhat `pull-doctor` can name. `make docs` writes this page from the code.\n\n"
        f"| cause | the defect |\n|---|---|\n{rows}\n"
        "A task that has started since speaks against a cause; while such tasks cannot be read, no cause is proven.\n"
    )
    for check in checks():
        sys.stdout.write(f"\n## {check.row.cause}\n\n{check.explanation}\n\nReads: {_listed(_actions_for(check))}\n")


@app.command()
def permissions(
    cause: Annotated[str | None, typer.Option("--for", help="Only what checking this cause reads.")] = None,
    missing: Annotated[
        str | None, typer.Option("--missing", help="Only what this report (JSON; - for standard input) could not read.")
    ] = None,
) -> None:
    """Print the IAM policy that reading the facts needs."""
    if cause and missing:
        raise Refused("--for and --missing exclude each other")
    wanted = iam.actions()
    if cause:
        wanted = _actions_for(_check(cause))
    elif missing:
        wanted = _missing_actions(missing)
    sys.stdout.write(json.dumps(iam.policy_document(wanted), indent=2) + "\n")


@app.command()
def version() -> None:
    """Print the version."""
    sys.stdout.write(f"pull-doctor {__version__}\n")


app.command()(incidents)
app.command()(show)
app.command()(redrive)
app.command("test")(send_sample)


def main() -> None:
    """Run the command line; Python's own exit code of an uncaught exception never leaves it."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except Refused as error:
        say(f"pull-doctor: {error}")
        code = error.code
    except typer.Abort:
        code = TOOL_FAILED
    except (BrokenPipeError, SystemExit):
        # The reader went away; what it wanted it has. Typer makes an exit of it where it sees it first.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001 - the last door: one line, and the exit code that says so
        code = _usage_error(error)
    sys.exit(code or 0)


def _usage_error(error: Exception) -> int:
    """Say a wrong call in one line, as Typer words it; anything else is the tool's own failure."""
    message = getattr(error, "format_message", None)
    if message:
        say(f"pull-doctor: {message()}")
        return WRONG_USAGE
    say(f"pull-doctor: internal error: {type(error).__name__}: {errors.detail(error)}")
    return TOOL_FAILED


def _own(aws: Aws, intake: Intake) -> Intake:
    """The intake, if these credentials may read its account."""
    place = intake.task.place
    stranger = aws.stranger(place.account, place.region) if intake.failures else None
    if stranger and stranger.action == "sts:AssumeRole":
        raise Refused(str(stranger.detail))
    return intake


def _intake(
    aws: Aws, event: str | None, cluster: str | None, task: str | None, service: str | None, region: str | None
) -> Intake:
    if event:
        if cluster or task or service:
            raise Refused("--event goes alone: the event names its task itself")
        try:
            return read_event(_read_json(event))
        except NotAnEcsTaskEvent as error:
            raise Refused(str(error)) from error
    if not cluster or bool(task) == bool(service):
        raise Refused("say --event FILE, --facts FILE, --cluster C --task ID, or --cluster C --service S")
    where = region or _default_region(aws)
    found = _stopped(aws, where, cluster, task, service)
    if not found:
        _refuse_stranger(aws, where, task)
        what = f"task {task}" if task else f"stopped task of service {service}"
        raise Refused(f"ECS knows no {what} in cluster {cluster} of {where} (any more)")
    try:
        intakes = [read_described_task(one) for one in found]
    except NotAnEcsTaskEvent as error:
        raise Refused(str(error), TOOL_FAILED) from error
    return next((intake for intake in intakes if intake.failures), intakes[0])


def _refuse_stranger(aws: Aws, region: str, task: str | None) -> None:
    """Say so if the task's ARN is of another account than these credentials: it is not forgotten then."""
    parts = (task or "").split(":")
    stranger = aws.stranger(parts[4], region) if len(parts) == _ARN_PARTS else None
    if stranger and stranger.action == "sts:AssumeRole":
        raise Refused(str(stranger.detail))


def _stopped(
    aws: Aws, region: str, cluster: str, task: str | None, service: str | None
) -> tuple[Mapping[str, Any], ...]:
    """The task, or the service's stopped ones with the newest first."""
    try:
        if task:
            found = tasks.describe_task(aws, region, cluster, task)
            return (found,) if found else ()
        return tasks.stopped_tasks(aws, region, cluster, service or "")
    except Exception as error:  # whatever the read failed with is said in one line
        what = f"task {task}" if task else f"service {service}"
        message = f"{what} could not be read: {errors.classify(error)}: {errors.detail(error)}"
        raise Refused(message, TOOL_FAILED) from error


def _aws(profile: str | None) -> Aws:
    return Aws() if profile is None else Aws(session=session(profile))


def _default_region(aws: Aws) -> str:
    return region_of(aws.session or session(None))


def _read_text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot read {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"cannot read {name}: it is not UTF-8 text") from error


def _read_json(name: str) -> dict[str, Any]:
    try:
        value = json.loads(_read_text(name))
    except (ValueError, RecursionError) as error:
        raise Refused(f"{name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused(f"{name} holds no JSON object")
    return value


def _load(name: str, region: str | None, profile: str | None) -> store.Saved:
    text = _read_object(name, region, profile) if name.startswith(_S3) else _read_text(name)
    try:
        return store.load(text)
    except store.UnreadableFacts as error:
        raise Refused(f"{name}: {error}") from error


def _read_object(url: str, region: str | None, profile: str | None) -> str:
    """Read an object of S3, such as the facts that the deployed function keeps of a report."""
    bucket, _, key = url.removeprefix(_S3).partition("/")
    own = session(profile)
    try:
        return EvidenceBucket(own.client("s3", region_name=region or region_of(own)), bucket).text(key)
    except EvidenceError as error:
        raise Refused(f"the facts cannot be read: {error}") from error


def _classified(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"error": f"not JSON: {error}"}
    if not isinstance(row, dict) or not isinstance(row.get("message"), str):
        return {"error": "not an object with a text `message`"}
    symptom = asdict(read_symptom(row["message"]))
    shown = {name.replace("_", "-"): value for name, value in symptom.items() if value is not None}
    return {**row, "symptom": shown}


def _check(cause: str) -> Check:
    for check in checks():
        if check.row.cause == cause:
            return check
    near = get_close_matches(cause, [row.cause for row in CATALOGUE], 1)
    hint = f"; the nearest is {near[0]}" if near else ""
    raise Refused(f"there is no cause {cause}{hint}. `pull-doctor causes` lists them")


def _actions_for(check: Check) -> tuple[str, ...]:
    # What ranking reads decides how certain a cause can be.
    return _actions_of((*check.required, *check.optional, *RANKING_FACTS))


def _actions_of(facts: Iterable[str]) -> tuple[str, ...]:
    kinds = {kind for name in facts for kind in questions_of(name)}
    return tuple(sorted({action for kind in kinds for action in iam.actions_of(kind)}))


def _listed(actions: Iterable[str]) -> str:
    return ", ".join(f"`{action}`" for action in actions)


def _missing_actions(name: str) -> tuple[str, ...]:
    try:
        report = from_json(_read_text(name))
    except ValueError as error:
        raise Refused(f"{name} is no report: {error}") from error
    refused = {one.action for one in report.unread if one.why == "denied"}
    needed = tuple(action for action in iam.actions() if action in refused)
    if not needed:
        raise Refused(f"{name}: nothing in this report waits for a permission")
    return needed
