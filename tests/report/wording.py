"""The rules of wording, as functions that say what breaks them; nothing said is a clean report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from pull_doctor.causes.outcome import Applicability
from pull_doctor.report.model import RankedCause, Report
from pull_doctor.report.text import render_text
from pull_doctor.report.words import applicability

BANNED = re.compile(
    r"\bI\b|(?i:\b(?:we|our|oops|simply|just|please|sorry|illegal|bad|wrong|your (?:VPC|subnet|role|image)"
    r"|did you mean|obviously|unfortunately)\b)|!"
)
"""What a neutral voice does not say; ``your call`` is the name of an applicability."""
_GLOBAL = re.compile(r"aws (?:iam|organizations|route53) ")
CONTRADICTED = re.compile(r"(?i)\b(?:roll ?back|more memory|longer timeout|increase the timeout|bigger task)\b")
"""Fixes that people try, and that no evidence of a failed pull supports."""
ID = re.compile(r"\b[a-z]+-[0-9a-f]{8,17}\b|\w+[/:][\w.]+|\b[\w.-]+\.(?:com|io|aws|dev|example)\b")
FIRST_LINE = re.compile(r"(error|unknown|ok|note)\[([a-z0-9-]+)]: (.+)")
WIDTH = 90


def broken(report: Report) -> list[str]:
    """Every rule that the report breaks, with the words that break it."""
    text = render_text(report)
    return [*_of_lines(text), *_of_helps(text), *(said for cause in report.causes for said in _of_cause(cause))]


def title_breaks(title: str) -> bool:
    """Whether a title is too long, ends in a full stop, or starts like a sentence; names such as S3 may stay."""
    starts = title[:1].islower() or title[:1].isdigit() or not title[1:2].islower()
    return len(title) > 80 or title.endswith(".") or not starts


def _of_lines(text: str) -> Iterator[str]:
    if not text.isascii():
        yield f"not ASCII: {[char for char in text if not char.isascii()]}"
    found = FIRST_LINE.fullmatch(text.splitlines()[0])
    if found is None or title_breaks(found[3]):
        yield f"no title: {text.splitlines()[0]}"
    in_command = quoted = False
    for line in text.splitlines():
        in_command = line.startswith(("    aws ", "    pull-doctor ", "    docker ", "    MANIFEST=")) or (
            in_command and line.startswith("      ")
        )
        quoted = line.startswith("ECS said") or (quoted and bool(line))
        if not in_command and len(line) > WIDTH:
            yield f"too wide: {line}"
        if not (quoted or in_command) and "->" not in line and BANNED.search(line):
            yield f"not neutral: {line}"


def _of_helps(text: str) -> Iterator[str]:
    known = {applicability(code) for code in get_args(Applicability)}
    for paragraph in re.split(r"\n(?=\S)|\n\n", text):
        if paragraph.startswith("help:"):
            told = " ".join(re.split(r"\n    (?! )", paragraph)[0].split())
            if not any(f"[{word}]" in paragraph for word in known):
                yield f"no applicability: {told}"


def _of_cause(cause: RankedCause) -> Iterator[str]:
    if title_breaks(cause.title):
        yield f"title of {cause.cause}: {cause.title}"
    for evidence in cause.evidence:
        if not ID.search(evidence.text):
            yield f"no id in evidence of {cause.cause}: {evidence.text}"
    if cause.certainty != "proven" and re.search(r"\bstops\b", cause.explanation):
        yield f"{cause.cause} is {cause.certainty}, and its explanation says that it stops the pull"
    for fix in cause.fixes:
        printed = " ".join((fix.text, *(command.cli for command in fix.commands)))
        holes = "<" in " ".join(command.cli for command in fix.commands)
        if holes != (fix.applicability == "fill-in"):
            yield f"placeholders and applicability of {cause.cause} differ: {printed}"
        if CONTRADICTED.search(printed):
            yield f"a fix that the evidence contradicts: {printed}"
        for command in fix.commands:
            if command.cli.startswith("aws ") and "--region" not in command.cli and not _GLOBAL.match(command.cli):
                yield f"no Region: {command.cli}"
