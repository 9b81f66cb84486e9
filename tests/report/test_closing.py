"""The last report of an incident, reports told again, and the sample, as people read them."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import jsonschema
import pytest
from markdown_it import MarkdownIt

from pull_doctor.report.document import from_json, to_document, to_json
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.model import UNSET, Note, Report
from pull_doctor.report.subject import subject
from pull_doctor.report.text import render_text
from tests.conftest import GOLDEN
from tests.report.factory import AGAIN, CLOSINGS, no_route, sample, two_failures
from tests.report.test_hostile import TEXTS, filled
from tests.report.wording import broken, title_breaks

SCHEMA = json.loads((GOLDEN.parents[1] / "docs/report.schema.json").read_text(encoding="utf-8"))
SHOWN: dict[str, Callable[[], Report]] = {**CLOSINGS, **AGAIN, "sample": sample}
FULLEST = ("rolled-back", "recovered-others-go-on", "undetermined-recovered", "reminder", "sample")
"""Those that together show every string."""
every_report = pytest.mark.parametrize("name", SHOWN)
every_closing = pytest.mark.parametrize("name", CLOSINGS)
both_forms = pytest.mark.parametrize("render", [render_text, render_markdown])


def said(shown: str) -> str:
    """The words of a report on one line, as wrapping says nothing."""
    return " ".join(shown.replace("`", "").split())


@every_report
@pytest.mark.parametrize(("ending", "render"), [("txt", render_text), ("md", render_markdown)])
def test_they_read_as_agreed(
    name: str, ending: str, render: Callable[[Report], str], golden: Callable[[str, str], None]
) -> None:
    golden(f"closings/{name}.{ending}", render(SHOWN[name]()))


@every_report
def test_the_rules_of_wording_hold(name: str) -> None:
    assert broken(SHOWN[name]()) == []
    assert not title_breaks(SHOWN[name]().title)


@every_report
def test_the_json_follows_the_schema_and_comes_back(name: str) -> None:
    report = SHOWN[name]()
    jsonschema.Draft202012Validator(SCHEMA).validate(to_document(report))
    assert from_json(to_json(report)) == report


@every_closing
def test_the_end_stands_at_the_top_of_every_form(name: str) -> None:
    report = CLOSINGS[name]()
    assert report.incident
    assert isinstance(report.incident.ending, str)
    headline = subject(report)
    assert headline.partition(": ")[2] in said(render_text(report).partition("-->")[0])
    assert render_markdown(report).startswith(f"# {headline}\n")
    for render in (render_text, render_markdown):
        assert report.incident.ending.partition(" ")[2] in said(render(report))
        assert "cannot start" not in render(report)


@both_forms
def test_a_difference_is_never_said_to_be_the_reason(render: Callable[[Report], str]) -> None:
    shown = said(render(CLOSINGS["recovered"]()))
    above, _, below = shown.partition("What differs since the report:")
    assert "rtb-0aa1bb2cc3dd4ee5f" in below
    assert "rtb-0aa1bb2cc3dd4ee5f" not in above
    assert "Read again 2025-11-21 09:16:07 UTC; nothing says that one of these was the reason." in below
    assert "nothing says that it was the reason" in said(render(CLOSINGS["rolled-back"]()))


@both_forms
def test_no_difference_and_no_comparison_are_told_apart(render: Callable[[Report], str]) -> None:
    none = said(render(CLOSINGS["withdrawn-scaled-to-zero"]()))
    assert "Nothing that was read differs since the report. Read again 2025-11-21 10:33:20 UTC." in none
    assert "is not known" not in none
    unread = said(render(CLOSINGS["withdrawn-deleted"]()))
    assert "What differs since the report is not known" in unread
    assert "Read again" not in unread
    assert "Nothing that was read" not in unread


@both_forms
def test_a_defect_that_still_stands_is_told_with_its_fix(render: Callable[[Report], str]) -> None:
    command = "aws ec2 associate-route-table"
    stands = said(render(CLOSINGS["recovered-defect-stands"]()))
    assert "The defect no-route-to-registry still stands: a task that meets it fails again." in stands
    assert command in stands
    mended = said(render(CLOSINGS["recovered"]()))
    assert "The defect no-route-to-registry does not stand any more." in mended
    assert command not in mended
    unknown = said(render(CLOSINGS["withdrawn-deleted"]()))
    assert "Whether the defect no-route-to-registry still stands is not known." in unknown
    assert command not in unknown


def test_ok_is_said_only_of_what_recovered_for_good() -> None:
    firsts = {name: render_text(build()).partition(":")[0] for name, build in CLOSINGS.items()}
    assert firsts == {
        "recovered": "ok[recovered]",
        "recovered-defect-stands": "note[recovered]",
        "rolled-back": "note[rolled-back]",
        "withdrawn-scaled-to-zero": "note[withdrawn]",
        "withdrawn-deleted": "note[withdrawn]",
        "quiet": "note[quiet]",
        "undetermined-recovered": "ok[recovered]",
        "recovered-others-go-on": "note[recovered]",
    }


@both_forms
def test_each_of_two_causes_has_its_own_word_at_the_end(render: Callable[[Report], str]) -> None:
    report = CLOSINGS["recovered"]()
    first, second, later = two_failures().causes
    causes = (replace(first, still="no"), replace(second, still="yes"), replace(later, still="yes"))
    shown = said(render(replace(report, causes=causes, failures=two_failures().failures)))
    assert "The defect no-route-to-registry does not stand any more. The defect image-not-found still stands" in shown
    assert "put-image" in shown
    assert "associate-route-table" not in shown
    # What was only possible was never said to be the reason of the failures.
    assert "s3-endpoint-missing" not in shown


@both_forms
def test_without_a_cause_nothing_is_said_to_stand(render: Callable[[Report], str]) -> None:
    shown = said(render(CLOSINGS["undetermined-recovered"]()))
    assert "The report said undetermined: no cause is shown, and 5 could not be checked." in shown
    assert "defect" not in shown
    possible = replace(no_route().causes[0], certainty="possible", still="yes")
    report = replace(CLOSINGS["undetermined-recovered"](), causes=(possible,))
    assert "defect" not in said(render(report))
    assert "associate-route-table" not in render(report)


@both_forms
def test_a_reminder_says_since_when_and_what_the_retries_ask_for(render: Callable[[Report], str]) -> None:
    shown = said(render(AGAIN["reminder"]()))
    assert shown.count("still failing: 118 tasks since 2025-11-21 03:04 UTC") == 1
    assert "tasks stopped since" not in shown
    assert "each starts the pull from registry-1.docker.io anew" in shown


@both_forms
def test_who_else_fails_is_told_beside_the_place(render: Callable[[Report], str]) -> None:
    names = "orders-web, billing, search, staging/orders-web, staging/search"
    group = f"5 services in 2 clusters, same route table rtb-09d8c7b6a5f4e3d21: {names}"
    assert group in said(render(AGAIN["grouped"]()))
    assert "clusters" not in render(no_route())
    still_open = "still open: 3 services in 2 clusters, same route table rtb-09d8c7b6a5f4e3d21: billing"
    assert still_open in said(render(CLOSINGS["recovered-others-go-on"]()))


@both_forms
def test_notes_are_told_in_every_kind_of_report(render: Callable[[Report], str]) -> None:
    for build in (*CLOSINGS.values(), sample):
        assert "the facts were cut" in render(replace(build(), notes=(Note("the facts were cut"),)))


@both_forms
def test_the_barest_end_renders(render: Callable[[Report], str]) -> None:
    report = CLOSINGS["quiet"]()
    assert report.incident
    incident = replace(report.incident, ended=UNSET, ending=UNSET)
    task = replace(report.task, task_definition=UNSET, group=UNSET, stopped_at=UNSET)
    bare = replace(report, incident=incident, task=task, failures=(), causes=(), facts_read_at=UNSET)
    shown = said(render(bare))
    assert "task 7f3c2d91b0a84e5f9c6a1d2e3f405162 (prod), 118 failed tasks" in shown
    assert "Unset" not in shown
    assert "UNSET" not in shown


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_outside_text_stays_what_it_is(text: str) -> None:
    for name in FULLEST:
        build = SHOWN[name]
        report = filled(build(), text)
        assert report.incident is None or report.incident.status == (build().incident or report.incident).status
        lines = render_text(report).split("\n")
        assert all(line.isprintable() for line in lines)
        assert not [line for line in lines if len(line) > 90 and not line.startswith("    ")], name
        assert subject(report).isascii()
        assert 0 < len(subject(report)) < 100


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_markdown_shows_outside_text_as_itself(text: str) -> None:
    parsed = MarkdownIt("commonmark").enable("table")
    for name in FULLEST:
        report = SHOWN[name]()
        expected = [token.type for token in parsed.parse(render_markdown(report))]
        got = parsed.parse(render_markdown(filled(report, text[:2_000] or "x")))
        kinds = [token.type for token in got]
        assert "html_block" not in kinds
        assert kinds.count("heading_open") == expected.count("heading_open")
        assert kinds.count("fence") <= expected.count("fence")
        inline = {child.type for token in got for child in token.children or ()}
        assert not {"html_inline", "link_open", "image", "em_open", "strong_open"} & inline


def test_a_sample_says_who_sent_it_and_that_nothing_failed() -> None:
    report = sample()
    for render in (render_text, render_markdown):
        shown = said(render(report))
        assert "test: reports of pull-doctor arrive here" in shown
        assert "No task failed, and nothing needs to be done" in shown
        assert "PullDoctor-Function76856677-Ab1Cd2Ef3Gh4" in shown
        assert not re.search(r"cluster|service|stopped|Checked|Could not", shown)
    assert subject(report) == "test: reports of pull-doctor arrive here"
    assert (report.verdict, report.sample, report.incident) == ("not-a-pull-failure", True, None)


def test_first_reports_do_not_speak_of_an_end() -> None:
    for build in chain(AGAIN.values(), [no_route]):
        shown = said(render_text(build()))
        assert "What differs" not in shown
        assert "ended" not in shown
