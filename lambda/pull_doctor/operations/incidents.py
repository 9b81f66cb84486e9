"""The deployed stack's incidents: the list of them, and the report that was told last of one."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from pull_doctor.console import EXIT_CODES, Profile, Refused, Region, ReportFormat, print_report, say
from pull_doctor.operations.stack import STACK, Stack, StackName, said
from pull_doctor.report.document import from_json
from pull_doctor.report.model import Report, Status
from pull_doctor.report.words import plain
from pull_doctor.terminal import show as show_text

if TYPE_CHECKING:  # slow to import, as boto3 is
    from pull_doctor.delivery.incidents import Incidents, Listed

LATELY = 7 * 24 * 60 * 60
"""Seconds for which an incident that has ended is listed."""

_HEADINGS = ("STATUS", "FAILED TASKS", "SINCE (UTC)", "ENDED (UTC)", "REPORTED (UTC)", "CAUSE", "INCIDENT")
_KEYS_SAID = 5


@dataclass(frozen=True, slots=True)
class Row:
    """An incident with the times at which its failed tasks were first seen, oldest first."""

    incident: Listed
    failed: tuple[float, ...]


def incidents(
    *,
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="The form of the list.")] = "text",
    everything: Annotated[bool, typer.Option("--all", help="Also those that ended longer ago.")] = False,
    stack: StackName = STACK,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """List the open incidents, then those that ended in the last 7 days."""
    with said("the table of incidents"):
        table = Stack.find(stack, region, profile).incidents
        since = 0.0 if everything else time.time() - LATELY
        found = [one for one in table.listed(*get_args(Status)) if (one.ended or since) >= since]
        rows = [Row(one, table.occurrences(one.key, one.opened)) for one in sorted(found, key=_open_first)]
    if form == "json":
        sys.stdout.write(json.dumps([_document(row) for row in rows], indent=1) + "\n")
    elif rows:
        show_text(_table([_HEADINGS, *map(_cells, rows)]))
    else:
        say("there is no incident" if everything else "there is no open incident, and none ended in the last 7 days")


def show(
    key: Annotated[str, typer.Argument(help="An incident's key, or an end of it that fits no other: service:web.")],
    form: ReportFormat = "text",
    stack: StackName = STACK,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Print the report of an incident that was told last; exits as diagnose does."""
    with said(f"incident {plain(key)}"):
        found = Stack.find(stack, region, profile)
        table = found.incidents
        state = table.state(_whole(table, key))
    if state.report is None:
        raise Refused(f"no report of {plain(key)} is saved yet")
    report = _read(state.report, key)
    print_report(report, form)
    if state.evidence:
        folder = f"s3://{found.output('EvidenceBucketName')}/{plain(state.evidence)}"
        say(f"earlier reports, events, and facts are kept beside this one: {folder}")
    raise typer.Exit(EXIT_CODES[report.verdict])


def _open_first(one: Listed) -> tuple[bool, float]:
    return one.status != "open", -(one.ended or one.opened)


def _whole(table: Incidents, key: str) -> str:
    """Return the one key that ends so, at the start of a part."""
    keys = [one.key for one in table.listed(*get_args(Status))]
    fitting = [one for one in keys if one == key or one.endswith((f"/{key}", f":{key}"))]
    if not fitting:
        raise Refused(f"there is no incident {plain(key)}: `pull-doctor incidents --all` lists them")
    if len(fitting) > 1:
        named = ", ".join(map(plain, sorted(fitting)[:_KEYS_SAID]))
        raise Refused(f"{len(fitting)} incidents end with {plain(key)}; say more of the key: {named}")
    return fitting[0]


def _read(saved: str, key: str) -> Report:
    try:
        return from_json(saved)
    except ValueError as error:
        raise Refused(f"the report of {plain(key)} is of another version: {error}") from error


def _cells(row: Row) -> tuple[str, ...]:
    one = row.incident
    reported = _minute(one.reported) if one.told else "muted"
    waiting = f", not yet: {' '.join(sorted(one.pending))}" if one.pending else ""
    return (
        one.status,
        str(len(row.failed)),
        _minute(row.failed[0] if row.failed else one.opened),
        _minute(one.ended) if one.ended else "-",
        reported + waiting,
        one.cause,
        one.key,
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = [tuple(map(plain, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines)


def _document(row: Row) -> dict[str, Any]:
    """Return an incident as JSON; a member that is absent is not known, or has not been."""
    one = row.incident
    members = {
        "key": one.key,
        "status": one.status,
        "cause": one.cause,
        "culprit": one.culprit,
        "title": one.title,
        "occurrences": len(row.failed),
        "first-seen": _moment(row.failed[0]) if row.failed else None,
        "last-seen": _moment(row.failed[-1]) if row.failed else None,
        "opened": _moment(one.opened),
        "reported": _moment(one.reported) if one.told else None,
        "ended": _moment(one.ended) if one.ended else None,
        "pending": sorted(one.pending),
    }
    return {name: value for name, value in members.items() if value is not None}


def _minute(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
