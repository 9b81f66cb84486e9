import html
from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import Problem
from pull_doctor.causes.runner import checks, run
from pull_doctor.intake.symptom import Symptom
from pull_doctor.ranking import rank
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.model import UNSET, Report
from pull_doctor.report.slack import render_slack, slack_message
from pull_doctor.report.text import render_text
from tests.causes.factory import IMAGE, READ_AT, TASK, TASK_DEFINITION, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import REGISTRY
from tests.report.factory import REPORTS

CAUSE = "invalid-image-reference"
TOLD = Symptom("resolve", "invalid-reference")


def world(image: str | None, symptom: Symptom = TOLD) -> World:
    return World(failures=(failure(symptom, image),))


def test_a_scheme_before_the_host() -> None:
    found = problem(outcome(CAUSE, world(f"https://{IMAGE}")))
    assert found.title == "image reference begins with https://"
    assert (found.culprit.id, found.where) == ("web:87", "https://")
    assert (found.still, found.text_proves) == ("yes", True)
    assert TASK_DEFINITION in str(found.evidence)
    (fix,) = found.fixes
    assert (fix.applicability, fix.commands) == ("your-call", ())
    assert f"name {IMAGE} in a new revision" in fix.text


@pytest.mark.parametrize(
    ("image", "title", "where", "corrected"),
    [
        (f"{REGISTRY}/Team/app:v1", "has upper case in its repository name", "Team", f"{REGISTRY}/team/app:v1"),
        (f"{REGISTRY}/team/app:", "has a colon without a tag behind it", ":", None),
        (f"{REGISTRY}/team/app:v1 ", "ends in white space", " ", f"{REGISTRY}/team/app:v1"),
        (f"{REGISTRY}/team/app:v1\\n", "ends in white space", "\\n", f"{REGISTRY}/team/app:v1"),
        (f"{REGISTRY}/team/app: v1", "has white space in it", " ", None),
        (f"{REGISTRY}/team/app@sha256:12", "has a digest of 2 digits instead of 64", "12", None),
        (f"{REGISTRY}/team/app:v1:v2", "has more than one colon behind its name", ":v2", None),
        (f"{REGISTRY}/team/app:${{TAG}}", "holds an unfilled placeholder", "${TAG}", None),
        ("None/team/app:v1", "holds an unfilled placeholder", "None", None),
    ],
)
def test_what_is_at_fault_and_what_it_must_mean(
    image: str, title: str, where: str | None, corrected: str | None
) -> None:
    found = problem(outcome(CAUSE, world(image)))
    assert title in found.title
    assert found.where == where
    assert (f"name {corrected} in" in found.fixes[0].text) == (corrected is not None)


def test_a_placeholder_is_to_be_filled_in() -> None:
    found = problem(outcome(CAUSE, world("team/app:${TAG}")))
    assert found.fixes[0].text == "fill in ${TAG} in a new revision of the task definition"


def test_the_string_tells_without_the_text() -> None:
    found = problem(outcome(CAUSE, world(f"https://{IMAGE}", TIMEOUT)))
    assert not found.text_proves
    assert {one.source for one in found.evidence} == {"fact"}


def test_a_legal_reference_is_not_accused() -> None:
    assert IMAGE in ok(outcome(CAUSE, world(IMAGE, TIMEOUT)))
    assert "docker.io/" in ok(outcome(CAUSE, world(f"docker.io/{IMAGE}", TIMEOUT)))


def test_a_legal_reference_that_the_text_calls_invalid_is_so_no_more() -> None:
    found = problem(outcome(CAUSE, world(IMAGE)))
    assert (found.still, found.text_proves, found.fixes) == ("no", True, ())
    assert found.inferred


def test_an_image_that_is_not_shown_is_not_judged() -> None:
    assert "container app" in missing(outcome(CAUSE, world(None)))[0]


def test_a_task_without_a_task_definition_is_named_itself() -> None:
    bare = replace(world("Team/App"), task=replace(TASK, task_definition=None, service=None))
    found = problem(outcome(CAUSE, bare))
    assert found.culprit.id == "prod/failed"
    assert found.fixes[0].effect is None


def test_no_registry_is_accused_for_it() -> None:
    view = world(f"https://{IMAGE}").view()
    found = [check.row.cause for check in checks() if isinstance(run(check, view), Problem)]
    assert found == [CAUSE]


def printed(image: str) -> Report:
    """The report of which this outcome is the cause."""
    found, whole = problem(outcome(CAUSE, world(image))), REPORTS["tag-missing"]()
    cause = replace(
        whole.causes[0],
        cause=CAUSE,
        title=found.title,
        explanation=found.explanation,
        evidence=found.evidence,
        fixes=(),
        where=found.where or UNSET,
    )
    failures = (replace(whole.failures[0], image=image),)
    return replace(whole, title=found.title, failures=failures, causes=(cause,))


@pytest.mark.parametrize(
    ("image", "marked"),
    [
        (f"https://{IMAGE}", "^^^^^^^^"),
        (f"{IMAGE} ", " " * len(IMAGE) + "^"),
        (f"{REGISTRY}/Team/app:v1", " " * len(f"{REGISTRY}/") + "^^^^"),
        ("team/app:<tag>&`x`", "         ^^^^^"),
        ("registry.example.com/" + "a" * 100 + "/App:1", " " * 122 + "^^^"),
    ],
)
def test_the_caret_stands_under_the_part_at_fault_in_every_form(image: str, marked: str) -> None:
    report = printed(image)
    text, markdown = render_text(report).splitlines(), render_markdown(report).splitlines()
    width = 90 - 13
    for at in range(0, len(image), width):
        line = text.index(f"{'' if at else '      image  ':13}{image[at : at + width]}".rstrip())
        below = marked[at : at + width]
        assert not below.strip() or text[line + 1] == f"{'':13}{below}"
    at = len(marked) // 90 * 90
    assert markdown[markdown.index(marked[at:]) - 1] == image[at : at + 90].rstrip()
    slack = next(block["text"]["text"] for block in slack_message(report).blocks if "```" in str(block))
    lines = html.unescape(slack.partition("```\n")[2]).splitlines()
    at = len(marked) // 80 * 80
    assert lines[lines.index(marked[at:]) - 1] == image[at : at + 80].replace("`", "'").rstrip()


def test_what_nobody_sees_is_printed() -> None:
    for render in (render_text, render_markdown, render_slack):
        assert r"v1.4.2\u200b" in render(printed(f"{IMAGE}\\u200b")).replace("\\\\", "\\")
        assert "\x1b" not in render(printed(f"{IMAGE}\x1b[31m"))


def test_a_legal_reference_is_not_marked_but_in_the_text() -> None:
    report = REPORTS["tag-missing"]()
    assert "^^^^" in render_text(report)
    assert "^^^^" not in render_markdown(report) + render_slack(report)


@pytest.mark.parametrize(("image", "shown"), [(f"https://{IMAGE}", True), (f"{REGISTRY}/Team/app:v1", False)])
def test_a_scheme_that_was_looked_up_as_a_host(image: str, *, shown: bool) -> None:
    looked_up = Symptom("resolve", "dns-failure", host="https")
    found = problem(outcome(CAUSE, world(image, looked_up)))
    assert found.shown == shown
    assert ("begins its image, was looked up" in str(found.evidence)) == shown
    (first,) = rank(world(image, looked_up).views(), READ_AT).findings
    assert first.certainty == ("proven" if shown else "possible")
