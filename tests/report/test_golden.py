"""Whole reports as people read them; ``pytest --bless`` renews them, and the diff is to be read."""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import Evidence
from pull_doctor.facts.fact import Unknown
from pull_doctor.report.cause_words import permission_calls
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.model import UNSET, Included, NotChecked, Report
from pull_doctor.report.slack import render_slack, slack_message
from pull_doctor.report.text import render_text
from tests.report.factory import REPORTS, REPOSITORY
from tests.report.wording import broken

every_report = pytest.mark.parametrize("name", REPORTS)


@every_report
@pytest.mark.parametrize(
    ("ending", "render"), [("txt", render_text), ("md", render_markdown), ("slack.json", render_slack)]
)
def test_reports_read_as_agreed(
    name: str, ending: str, render: Callable[[Report], str], golden: Callable[[str, str], None]
) -> None:
    golden(f"{name}.{ending}", render(REPORTS[name]()))


@every_report
def test_the_rules_of_wording_hold(name: str) -> None:
    assert broken(REPORTS[name]()) == []


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
    ask = ["pull-doctor", "diagnose", "--region", "eu-west-1", "--cluster", "a b; c", "--task", str(odd.task.arn)[-32:]]
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
    report = REPORTS["no-defect"]()
    listed = " ".join(render_text(report).partition("Ruled out:")[2].split())
    assert report.ruled_out
    for excluded in report.ruled_out:
        assert f"- {excluded.cause}: {excluded.why}" in listed


def test_beside_a_cause_the_text_counts_what_is_ruled_out_and_the_long_form_says_why() -> None:
    report = REPORTS["tag-missing"]()
    listed = " ".join(render_text(report).partition("Ruled out: ")[2].partition(".")[0].split())
    assert listed == "1 cause of roles, rights, and secrets, 4 of the way to the registry"
    long = render_markdown(report)
    assert all(f"- `{excluded.cause}`: " in long for excluded in report.ruled_out)


def test_what_only_follows_from_a_cause_is_said_beside_it() -> None:
    report = REPORTS["tag-missing"]()
    first = replace(report.causes[0], includes=(Included("other-cause", "it cannot be otherwise"),))
    report = replace(report, causes=(first,))
    for render in (render_text, render_markdown, render_slack):
        assert "only follows from it: it cannot be otherwise." in " ".join(render(report).split())
    assert "1 follows from it" in render_text(report)


def test_one_task_stopped_at_a_time_and_several_since() -> None:
    assert "1 task stopped at 11:02 UTC" in render_slack(REPORTS["tag-missing"]())
    assert "3 tasks stopped since 09:04 UTC" in render_slack(REPORTS["no-route"]())


@pytest.mark.parametrize("render", [render_text, render_markdown])
def test_a_fix_without_a_command_speaks_of_none(render: Callable[[Report], str]) -> None:
    assert "drifts from it" in " ".join(render(REPORTS["no-route"]()).split())
    assert "drifts from it" not in " ".join(render(REPORTS["tag-missing"]()).split())


def test_a_service_whose_tasks_cannot_start_has_no_task_to_show() -> None:
    report = REPORTS["no-route"]()
    lines = render_text(replace(report, task=replace(report.task, arn=UNSET))).splitlines()
    assert lines[1].endswith("cluster prod")
    assert lines[2] == "      task   none: ECS could not start one at 2025-11-21 09:14:07 UTC"
