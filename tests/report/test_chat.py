"""The notification keeps to the schema and lengths that Amazon Q Developer takes, whatever the report holds."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pull_doctor.report.chat import notification
from pull_doctor.report.model import UNSET, Command, Incident, Note, Report
from pull_doctor.report.sample import sample_report
from pull_doctor.report.words import closing_headline
from tests.delivery.test_sns import longest
from tests.report.factory import ACCOUNT, REGION, REPORTS, no_route, s3_missing, two_failures
from tests.report.test_hostile import TEXTS, filled

THREAD = "0123456789abcdef"
CONSOLE = re.compile(r"https://[a-z0-9.-]*console\.aws\.amazon\.com/\S*")


def incident(report: Report) -> Incident:
    assert report.incident
    return report.incident


def ended(report: Report, **members: Any) -> Report:
    end = incident(report).last_seen + timedelta(minutes=42)
    told = {"status": "recovered", "occasion": "end", "ended": end, "ending": "task 21c1 runs", "differences": ()}
    return replace(report, incident=replace(incident(report), **{**told, **members}))


def every_form() -> dict[str, Report]:
    forms = {name: build() for name, build in REPORTS.items()}
    note = Note("rtb-09d8c7b6a5f4e3d21 has a new route: 0.0.0.0/0 -> nat-0e1d2c3b4a5968777")
    forms["ended"] = ended(no_route(), differences=(note,) * 9)
    forms["ended, not compared"] = ended(no_route(), differences=UNSET)
    forms["reminder"] = replace(no_route(), incident=replace(incident(no_route()), occasion="reminder"))
    forms["sample"] = sample_report(ACCOUNT, REGION, "pull-doctor")
    return forms


def texts(made: dict[str, Any]) -> list[str]:
    content = made["content"]
    return [
        content["title"],
        content["description"],
        *content.get("nextSteps", []),
        *content["keywords"],
        made["metadata"]["summary"],
    ]


def check_schema(made: dict[str, Any]) -> None:
    content, metadata = made["content"], made["metadata"]
    assert made.keys() == {"version", "source", "content", "metadata"}
    assert (made["version"], made["source"], content["textType"]) == ("1.0", "custom", "client-markdown")
    assert content.keys() - {"nextSteps"} == {"textType", "title", "description", "keywords"}
    assert metadata.keys() == {"threadId", "summary"}
    assert 0 < len(content["title"]) <= 250
    assert 0 < len(content["description"]) <= 8_000
    assert all(0 < len(step) <= 350 for step in content.get("nextSteps", ["x"]))
    assert all(0 < len(word) <= 75 for word in content["keywords"])
    assert 0 < len(metadata["summary"]) <= 250
    assert len(json.dumps(made)) < 256 * 1024


def check_neutral(made: dict[str, Any]) -> None:
    """Neither Slack nor Teams finds a mention, a link, emphasis, HTML, or an open code block."""
    for text in texts(made):
        assert all(line.replace("\u200b", "").isprintable() for line in text.split("\n"))
        shown = CONSOLE.sub("", text)
        assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", shown)
        assert shown.count("```") % 2 == 0
        outside = re.sub(r"```\n.*?\n```", "", shown, flags=re.DOTALL)
        assert not re.search(r"@(?:here|channel|everyone)\b", outside)
        assert "```" not in outside
        prose = re.sub(r"`[^`\n]+`", "", outside)
        assert not re.search(r"[`*_~\[\]|#@\\]|://|www\.", prose), prose
        children = [
            child.type for token in MarkdownIt("commonmark").parse(shown) for child in (token, *(token.children or ()))
        ]
        assert not {"html_inline", "html_block", "link_open", "image", "em_open", "strong_open"} & set(children)
        assert not {"heading_open", "blockquote_open", "hr"} & set(children)


@pytest.mark.parametrize("name", every_form())
def test_every_form_keeps_to_the_schema(name: str) -> None:
    made = notification(every_form()[name], THREAD)
    check_schema(made)
    check_neutral(made)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_outside_text_stays_text(text: str) -> None:
    for report in (s3_missing(), two_failures(), REPORTS["cannot-tell"](), ended(no_route(), differences=(Note("x"),))):
        made = notification(filled(report, text), THREAD)
        check_schema(made)
        check_neutral(made)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25, deadline=None)
@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    test_outside_text_stays_text(text)


@pytest.mark.parametrize("letter", ["a", "<", "a_ ", "\U0001f40b"])
@pytest.mark.parametrize("status", ["open", "recovered"])
def test_the_longest_report_fits_and_says_that_it_was_cut(letter: str, status: Any) -> None:
    report = longest(letter)
    other = replace(report.causes[0], explanation=letter * 9_000, certainty="likely", next=True)
    fix = replace(no_route().causes[0].fixes[0], text=letter * 9_000, commands=(Command(letter * 3_000),))
    first = replace(other, certainty="proven", fixes=(fix,) * 4, inferred=(letter * 9_000,) * 30)
    report = replace(report, causes=(first, *(other,) * 50), incident=replace(incident(report), status=status))
    made = notification(report, THREAD)
    check_schema(made)
    assert re.search(r"cut here| \.\.\.|and \d+ more", made["content"]["description"])


def test_a_description_too_long_ends_with_the_word_that_it_was_cut() -> None:
    report = no_route()
    fix = replace(report.causes[0].fixes[0], commands=(Command("aws ecs x " * 350),))
    report = replace(report, causes=(replace(report.causes[0], fixes=(fix, fix)),))
    description = notification(report, THREAD)["content"]["description"]
    assert description.endswith("The message is cut here, as chat takes no longer one. The text report says the rest.")
    assert "rtb-09d8c7b6a5f4e3d21" in description


def test_the_answer_and_its_command_are_shown() -> None:
    content = notification(s3_missing(), THREAD)["content"]
    assert content["title"] == "orders-api cannot start: no S3 gateway endpoint, so image layers cannot be downloaded"
    assert "s3-endpoint-missing · proven · 5 tasks stopped since 10:12 UTC" in content["description"]
    # The command can be pasted: nothing in it is changed but the lines' ends.
    [shown] = re.findall(r"```\n(.*?)\n```", content["description"], flags=re.DOTALL)
    assert shown.replace(" \\\n ", "") == s3_missing().causes[0].fixes[0].commands[0].cli
    assert content["keywords"][:2] == ["s3-endpoint-missing", "open"]
    culprit = s3_missing().causes[0].culprit
    assert content["nextSteps"] == [
        "Read the whole report: `pull-doctor show 123456789012/eu-west-1/prod/orders-api`",
        f"Look at `{culprit.id}`: {culprit.console_url}",
    ]


def test_a_command_that_chat_would_change_is_not_shown() -> None:
    report = no_route()
    fix = replace(report.causes[0].fixes[0], commands=(Command("aws ecs x --y '`id`'"),))
    report = replace(report, causes=(replace(report.causes[0], fixes=(fix,)),))
    description = notification(report, THREAD)["content"]["description"]
    assert "aws ecs x" not in description
    assert "the text report has it" in description


def test_only_the_console_is_linked() -> None:
    report = no_route()
    culprit = replace(report.causes[0].culprit, console_url="https://console.aws.amazon.com.evil.example/")
    report = replace(report, causes=(replace(report.causes[0], culprit=culprit),))
    assert "evil" not in json.dumps(notification(report, THREAD))


def test_the_summary_says_what_fails_and_how_often() -> None:
    summary = notification(no_route(), THREAD)["metadata"]["summary"]
    assert summary == "orders-web cannot start: subnet has no route to the registry; 3 tasks stopped since 09:04 UTC"


def test_a_group_is_in_the_summary_and_the_description() -> None:
    grouped = replace(incident(no_route()), grouped_with="k", workloads=("orders-web", "api", "other/api"))
    made = notification(replace(no_route(), incident=grouped), THREAD)
    for text in (made["metadata"]["summary"], made["content"]["description"]):
        assert "3 services in 2 clusters, same route table `rtb-09d8c7b6a5f4e3d21`" in text
    assert "`rtb-09d8c7b6a5f4e3d21`: orders-web, api, `other/api`" in made["content"]["description"]


def test_the_end_becomes_the_line_of_its_own_thread() -> None:
    made = notification(ended(no_route()), THREAD)
    assert made["metadata"]["summary"] == closing_headline(ended(no_route()))
    assert made["content"]["title"] == made["metadata"]["summary"]
    assert "Task 21c1 runs." in made["content"]["description"]


def test_one_workloads_end_says_which_others_of_its_thread_are_still_open() -> None:
    report = ended(no_route(), grouped_with="k", workloads=("orders-web", "api", "other/api"))
    made = notification(report, THREAD)
    for text in (made["metadata"]["summary"], made["content"]["description"]):
        assert "still open: 2 services in 2 clusters, same route table `rtb-09d8c7b6a5f4e3d21`" in text
    assert "still open" not in str(notification(ended(no_route(), grouped_with="k"), THREAD))


@pytest.mark.parametrize(("still", "fixes"), [("yes", 1), ("no", 0), ("unknown", 0)])
def test_a_closing_prints_the_fix_only_while_the_defect_stands(still: Any, fixes: int) -> None:
    report = no_route()
    report = replace(report, causes=(replace(report.causes[0], still=still),))
    assert notification(ended(report), THREAD)["content"]["description"].count("Fix (") == fixes


def test_what_could_not_be_read_and_what_is_only_possible_are_told() -> None:
    shown = notification(REPORTS["cannot-tell"](), THREAD)["content"]["description"]
    assert "`ec2:DescribeVpcEndpoints` is not permitted" in shown
    assert "pull-doctor permissions --missing report.json" in shown
    shown = notification(REPORTS["unexplained"](), THREAD)["content"]["description"]
    assert "this symptom does not show it:\n- image tag does not exist in the repository" in shown


def test_without_a_thread_there_is_no_metadata() -> None:
    assert "metadata" not in notification(sample_report(ACCOUNT, REGION), None)
