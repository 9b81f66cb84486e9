"""Whole reports as people read them; ``pytest --bless`` renews them, and the diff is to be read."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from pull_doctor.causes.outcome import Applicability, Evidence
from pull_doctor.facts.fact import Unknown
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.model import NotChecked, Report
from pull_doctor.report.slack import render_slack, slack_message
from pull_doctor.report.text import render_text
from pull_doctor.report.words import applicability, permission_calls
from tests.report.factory import REPORTS, REPOSITORY

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
        in_command = line.startswith(("    aws ", "    pull-doctor ", "    MANIFEST=")) or (
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
        fixed = replace(REPORTS["no-route"]().causes[0], still="no")
        assert "associate-route-table" not in render(replace(REPORTS["no-route"](), causes=(fixed,)))


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


@pytest.mark.parametrize("render", [render_text, render_markdown, render_slack])
def test_what_could_not_be_read_is_said_once_with_the_way_to_allow_it(render: Callable[[Report], str]) -> None:
    shown = render(REPORTS["cannot-tell"]())
    assert "ec2:DescribeVpcEndpoints" in shown
    assert shown.count("pull-doctor permissions --missing report.json") == 1
    assert "Rate exceeded" not in shown
    # What timed out or was throttled needs no permission, and IAM has none for a role that may not be assumed.
    report = REPORTS["cannot-tell"]()
    throttled = replace(report, not_checked=report.not_checked[-1:], unread=report.unread[:1])
    assert "pull-doctor permissions" not in render(throttled)
    role = replace(report.unread[1], action="sts:AssumeRole")
    assert "pull-doctor permissions" not in render(replace(report, unread=(role,)))


def test_the_calls_that_ask_again_run_as_printed() -> None:
    report = REPORTS["cannot-tell"]()
    odd = replace(report, task=replace(report.task, cluster="a b; c"))
    first, second, third = permission_calls(odd)
    ask = ["pull-doctor", "diagnose", "--region", "eu-west-1", "--cluster", "a b; c", "--task", odd.task.arn[-32:]]
    assert shlex.split(first) == [*ask, "--format", "json", ">", "report.json"]
    assert shlex.split(second) == ["pull-doctor", "permissions", "--missing", "report.json"]
    assert shlex.split(third) == ask


@pytest.mark.parametrize("render", [render_text, render_markdown, render_slack])
def test_without_known_credentials_one_line_says_so(render: Callable[[Report], str]) -> None:
    shown = " ".join(render(REPORTS["no-credentials"]()).replace("`", "").split())
    line = "Nothing of account 123456789012 was read: sts:GetCallerIdentity failed (Unable to locate credentials)."
    assert shown.count(line) == 1
    assert "subnet subnet-0a1b2c3d4e5f60718:" not in shown
    assert "pull-doctor permissions" not in shown


@pytest.mark.parametrize("render", [render_text, render_markdown])
def test_a_refused_read_that_no_check_waits_for_is_said(render: Callable[[Report], str]) -> None:
    def said(report: Report) -> str:
        return " ".join(render(report).replace("`", "").split())

    claim = "ec2:DescribePrefixLists did not answer in time; the answer does not rest on it"
    assert claim in said(REPORTS["s3-missing"]())
    assert said(REPORTS["s3-missing"]()).count("does not rest on it") == 1
    doubted = said(REPORTS["likely"]())
    assert "cluster prod: ecs:ListTasks is not permitted" in doubted
    assert "does not rest on it" not in doubted
    still_unknown = replace(REPORTS["s3-missing"]().causes[0], still="unknown")
    assert "does not rest on it" not in said(replace(REPORTS["s3-missing"](), causes=(still_unknown,)))


def test_slack_says_what_was_refused_also_where_the_message_is_cut() -> None:
    def said(report: Report) -> str:
        return str(slack_message(report).blocks[-1]["elements"][0]["text"]).splitlines()[0]

    assert said(REPORTS["no-route"]()) == "1 cause ruled out · every check could be made"
    refused = "1 cause ruled out · every check could be made · 1 read refused or failed (`ecs:ListTasks`)"
    assert said(REPORTS["likely"]()) == refused
    report = REPORTS["likely"]()
    long = replace(report, causes=(replace(report.causes[0], explanation="subnet-1 " * 5_000),))
    assert said(long) == refused
    assert "1 not checked · 2 reads refused or failed" in said(REPORTS["s3-missing"]())
    assert "every check" not in said(REPORTS["s3-missing"]())
    hidden = Unknown("the way behind tgw-0a1b2c3d", "not-visible")
    unseen = replace(REPORTS["no-route"](), not_checked=(NotChecked("no-public-ip", ("web",), (hidden,)),))
    assert said(unseen) == "1 cause ruled out · 1 not checked (the way behind `tgw-0a1b2c3d`: AWS does not show it)"


@pytest.mark.parametrize("render", [render_text, render_slack])
def test_evidence_does_not_repeat_what_stands_above(render: Callable[[Report], str]) -> None:
    shown = render(REPORTS["no-route"]())
    assert "Evidence" not in shown
    tag = " ".join(render(REPORTS["tag-missing"]()).split())
    assert "exists and has no tag v1.42.0" not in tag
    assert "tag 1.41.3 of team/orders-api" in tag


def test_evidence_of_a_path_that_is_not_shown_stays() -> None:
    cause = REPORTS["no-route"]().causes[0]
    text = "team/orders-api lets nothing out"
    hidden = replace(cause.traces[0], hops=(replace(cause.traces[0].hops[-1], resource=REPOSITORY, why=text),))
    evidence = (*cause.evidence, Evidence(text, "fact"))
    more = replace(cause, traces=(hidden, *cause.traces[1:]), evidence=evidence)
    shown = render_text(replace(REPORTS["no-route"](), causes=(more,)))
    assert "Evidence:\n  - team/orders-api lets nothing out\n\n" in shown


def test_slack_shows_a_second_fix_where_it_fits() -> None:
    report = REPORTS["tag-missing"]()
    assert "*Or*" not in render_slack(report)
    short = replace(report, causes=(replace(report.causes[0], explanation="team/orders-api has no tag v1.42.0."),))
    assert "*Or*" in render_slack(short)


def test_every_cause_that_is_ruled_out_is_listed_with_its_reason() -> None:
    report = REPORTS["tag-missing"]()
    listed = " ".join(render_text(report).partition("Ruled out:")[2].split())
    for excluded in report.ruled_out:
        assert f"- {excluded.cause}: {excluded.why}" in listed


def test_one_task_stopped_at_a_time_and_several_since() -> None:
    assert "1 task stopped at 11:02 UTC" in render_slack(REPORTS["tag-missing"]())
    assert "3 tasks stopped since 09:04 UTC" in render_slack(REPORTS["no-route"]())


@pytest.mark.parametrize("render", [render_text, render_markdown])
def test_a_fix_without_a_command_speaks_of_none(render: Callable[[Report], str]) -> None:
    assert "drifts from it" in " ".join(render(REPORTS["no-route"]()).split())
    assert "drifts from it" not in " ".join(render(REPORTS["tag-missing"]()).split())
