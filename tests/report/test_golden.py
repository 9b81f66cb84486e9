"""Whole reports as people read them; ``pytest --bless`` renews them, and the diff is to be read."""

import json
import re
from collections.abc import Callable
from typing import get_args

import pytest

from pull_doctor.causes.outcome import Applicability
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.model import Report
from pull_doctor.report.slack import render_slack, slack_message
from pull_doctor.report.text import render_text
from pull_doctor.report.words import applicability
from tests.report.factory import REPORTS

every_report = pytest.mark.parametrize("name", REPORTS)
BANNED = re.compile(
    r"\bI\b|(?i:\b(?:we|our|oops|simply|just|please|sorry|illegal|bad|wrong|your VPC|did you mean)\b)|!"
)
ID = re.compile(r"\b[a-z]+-[0-9a-f]{8,17}\b|\w+[/:][\w.]+")


@every_report
@pytest.mark.parametrize(
    ("ending", "render"), [("txt", render_text), ("md", render_markdown), ("slack.json", render_slack)]
)
def test_reports_read_as_agreed(
    name: str, ending: str, render: Callable[[Report], str], golden: Callable[[str, str], None]
) -> None:
    golden(f"{name}.{ending}", render(REPORTS[name]()))


@every_report
def test_only_commands_are_wide(name: str) -> None:
    text = render_text(REPORTS[name]())
    in_command = False
    for line in text.splitlines():
        in_command = line.startswith(("    aws ", "    pull-doctor ", "    docker ")) or (
            in_command and line.startswith("      ")
        )
        assert in_command or len(line) <= 90, line


@every_report
def test_the_first_line_is_a_title(name: str) -> None:
    report = REPORTS[name]()
    first = render_text(report).splitlines()[0]
    found = re.fullmatch(r"(error|unknown|ok|note)\[([a-z0-9-]+)]: (.+)", first)
    assert found, first
    assert found[3][0].islower() or not found[3][1].islower()
    assert not found[3].endswith(".")
    for cause in report.causes:
        assert len(cause.title) <= 80


@every_report
def test_our_own_words_are_neutral(name: str) -> None:
    said = [line for line in render_text(REPORTS[name]()).splitlines() if "->" not in line]
    assert not [line for line in said if BANNED.search(line)]


@every_report
def test_every_help_says_how_far_it_can_be_trusted(name: str) -> None:
    words = {applicability(code) for code in get_args(Applicability)}
    paragraphs = re.split(r"\n(?=\S)|\n\n", render_text(REPORTS[name]()))
    helps = [" ".join(text.split("\n    ")[0].split()) for text in paragraphs if text.startswith("help:")]
    for text in helps:
        assert any(f"[{word}]" in text for word in words), text


@every_report
def test_every_finding_names_something_to_look_up(name: str) -> None:
    for cause in REPORTS[name]().causes:
        assert any(ID.search(evidence.text) for evidence in cause.evidence), cause.cause


@every_report
def test_text_is_ascii(name: str) -> None:
    assert render_text(REPORTS[name]()).isascii()


@every_report
def test_slack_is_one_screen(name: str) -> None:
    message = slack_message(REPORTS[name]())
    shown = sum(len(json.dumps(block)) for block in message.blocks)
    assert shown < 2_600
    assert message.text.startswith(message.blocks[0]["text"]["text"])


def test_a_mended_cause_has_no_fix() -> None:
    for render in (render_text, render_markdown, render_slack):
        shown = render(REPORTS["mended"]())
        assert "aws ec2 associate-route-table" not in shown
        assert "Mended since" in shown
        assert "aws ec2 associate-route-table" in render(REPORTS["no-route"]())


def test_a_doubt_is_said_beside_a_likely_cause() -> None:
    for render in (render_text, render_markdown, render_slack):
        assert "likely, not proven" in render(REPORTS["likely"]())
        assert "likely, not proven" not in render(REPORTS["no-route"]())


def test_each_failed_container_is_named_with_its_cause() -> None:
    text = render_text(REPORTS["two-failures"]())
    assert "ECS said of container web:" in text
    assert "error[image-not-found]: image tag does not exist in the repository (container api)" in text
    assert "containers api" not in text
    assert "container api: image tag does not exist" in render_slack(REPORTS["two-failures"]())


def test_what_could_not_be_read_is_said_with_the_way_to_allow_it() -> None:
    for render in (render_text, render_markdown, render_slack):
        shown = render(REPORTS["cannot-tell"]())
        assert "ec2:DescribeVpcEndpoints" in shown
        assert "pull-doctor permissions --for endpoint-not-available" in shown
