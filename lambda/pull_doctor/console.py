"""What all commands share: exit codes, options, the one line of a refusal, and the forms of a report."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pull_doctor.report.document import to_json
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.model import Report, Verdict
from pull_doctor.report.slack import render_slack
from pull_doctor.report.text import render_text
from pull_doctor.terminal import show

if TYPE_CHECKING:
    import boto3

EXIT_CODES: dict[Verdict, int] = {
    "no-defect-found": 0,
    "not-a-pull-failure": 0,
    "cause-found": 1,
    "undetermined": 3,
}
WRONG_USAGE = 2
TOOL_FAILED = 4

Format = Literal["text", "json", "markdown", "slack"]

ReportFormat = Annotated[Format, typer.Option("--format", help="The form of the report.")]
Region = Annotated[str | None, typer.Option("--region", help="The Region; otherwise as in every AWS tool.")]
Profile = Annotated[str | None, typer.Option("--profile", help="The profile; otherwise as in every AWS tool.")]


class Refused(Exception):  # noqa: N818 - the message is the one line that the user reads
    """The run cannot go on; ``code`` is the exit code."""

    def __init__(self, message: str, code: int = WRONG_USAGE) -> None:
        super().__init__(message)
        self.code = code


def session(profile: str | None) -> boto3.Session:
    """Return a session with the profile's credentials, or with boto3's own defaults; raises ``Refused``."""
    import boto3  # noqa: PLC0415 - slow to import
    from botocore.exceptions import ProfileNotFound  # noqa: PLC0415 - the same

    try:
        return boto3.Session(profile_name=profile)
    except ProfileNotFound as error:
        raise Refused(str(error)) from error


def region_of(session: boto3.Session) -> str:
    """Return the Region that the environment or the profile sets; raises ``Refused``."""
    # AWS's other tools honour AWS_REGION before a profile's Region; boto3 does not know it.
    region = os.environ.get("AWS_REGION") or session.region_name
    if not region:
        raise Refused("no Region is set: say --region, or set AWS_REGION")
    return region


def print_report(report: Report, form: Format) -> None:
    """Write the report to standard output in this form."""
    if form == "json":
        sys.stdout.write(to_json(report) + "\n")
    elif form == "markdown":
        sys.stdout.write(render_markdown(report))
    elif form == "slack":
        sys.stdout.write(render_slack(report) + "\n")
    else:
        show(render_text(report))


def say(line: str) -> None:
    """Write one line to standard error, where everything goes that is not the answer."""
    sys.stderr.write(line + "\n")
