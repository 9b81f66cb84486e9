"""What Slack shows: within its limits however long a report is, and without effect whatever outside text holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from pull_doctor.facts import store
from pull_doctor.pipeline import conclude
from pull_doctor.report import words
from pull_doctor.report.model import UNSET, Command, Note, Report
from pull_doctor.report.slack import SlackMessage, render_slack, slack_message, slack_update
from tests.conftest import GOLDEN
from tests.report.factory import AGAIN, CLOSINGS, REPORTS, no_route, sample, two_failures
from tests.report.test_hostile import TEXTS

SHOWN: dict[str, Callable[[], Report]] = {**REPORTS, **CLOSINGS, **AGAIN, "sample": sample}
WORLDS = sorted(path for path in (GOLDEN / "worlds").glob("*.json") if not path.name.endswith(".slack.json"))
LINK = re.compile(r"<https://[^<>|\s]+\|[^<>|]+>")
FENCE = re.compile(r"```.*?```", re.DOTALL)


def messages(report: Report) -> list[SlackMessage]:
    """The report in every form that Slack shows it in."""
    return [slack_message(report), slack_update(report)]


def texts(message: SlackMessage) -> list[str]:
    """The texts of a message's blocks, the header's first."""
    return [part["text"] for block in message.blocks for part in block.get("elements", [block.get("text")])]


def section(message: SlackMessage, holding: str) -> str:
    """The one text that holds these words."""
    (found,) = [text for text in texts(message) if holding in text]
    return found


def check_limits(message: SlackMessage) -> None:
    """Hold a message against slack-sdk's models and the limits that those do not know."""
    for block in message.blocks:
        parsed = Block.parse(block)
        assert parsed
        assert parsed.to_dict() == block
    header, *rest = texts(message)
    assert 0 < len(header) <= 150
    assert all(0 < len(text) <= 3_000 for text in rest)
    assert len(message.blocks) <= 50
    assert sum(map(len, texts(message))) <= 10_000
    assert 0 < len(message.text) <= 4_000
    assert len(message.blocks) == len({json.dumps(block) for block in message.blocks})


def check_harmless(message: SlackMessage) -> None:
    """Hold a message against everything that outside text could do in Slack."""
    for text in [*texts(message), message.text]:
        assert text.count("```") % 2 == 0
        shown = FENCE.sub("", text)
        assert shown.count("`") % 2 == 0
        assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", LINK.sub("", text))
        prose = re.sub(r"`[^`]*`", "", LINK.sub("", shown))
        assert not re.search(r"@(?:here|channel|everyone)\b", prose, re.IGNORECASE)
        assert not re.search(r"^&gt;", prose, re.MULTILINE)


@pytest.mark.parametrize("name", [*CLOSINGS, *AGAIN, "sample"])
def test_they_read_as_agreed(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"closings/{name}.slack.json", render_slack(SHOWN[name]()))


@pytest.mark.parametrize("name", ["recovered", "recovered-defect-stands"])
def test_the_first_message_reads_as_agreed_at_the_end(name: str, golden: Callable[[str, str], None]) -> None:
    shown = json.dumps(asdict(slack_update(CLOSINGS[name]())), ensure_ascii=False, indent=2)
    golden(f"closings/{name}.update.slack.json", f"{shown}\n")


@pytest.mark.parametrize("name", SHOWN)
def test_every_report_is_within_the_limits(name: str) -> None:
    for message in messages(SHOWN[name]()):
        check_limits(message)
        check_harmless(message)


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.stem)
def test_every_worlds_report_is_within_the_limits(path: Path) -> None:
    saved = store.load(path.read_text(encoding="utf-8"))
    report = conclude(saved.intake, saved.answers, saved.read_at)
    check_limits(slack_message(report))
    check_harmless(slack_message(report))


@pytest.mark.parametrize("name", [*CLOSINGS, *AGAIN, "sample"])
def test_an_end_and_a_reminder_are_one_screen(name: str) -> None:
    shown = [re.sub(r"<https://[^|]*", "", text) for text in texts(slack_message(SHOWN[name]()))]
    assert sum(map(len, shown)) < 1_500


def planted(value: Any, text: str, hint: Any = None) -> Any:
    """Put ``text`` in place of every string of a report but those that are ours by their type."""
    if isinstance(value, str):
        return text if hint is str or str in get_args(hint) else value
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        changed = {
            field.name: planted(getattr(value, field.name), text, hints[field.name])
            for field in fields(value)
            # The task's ARN is what the page of a service is found by.
            if (field.name, text[:4]) != ("arn", "http")
        }
        return replace(value, **changed)
    if isinstance(value, tuple):
        inner = [one for one in (hint, *get_args(hint)) if getattr(one, "__origin__", None) is tuple]
        return tuple(planted(item, text, get_args(inner[0])[0] if inner else None) for item in value)
    return value


HOSTILE = [
    *TEXTS,
    "https://evil.example/<!channel>|x>`y` z",
    '*bold* _italic_ ~struck~ (*b*) "_i_" *',
    "> quoted\n> again",
    "[text](https://evil.example) :rage: #general",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
@pytest.mark.parametrize("name", ["two-failures", "cannot-tell", "grouped", "recovered-others-go-on", "sample"])
def test_outside_text_has_no_effect_in_any_place(name: str, text: str) -> None:
    for message in messages(planted(SHOWN[name](), text[:20_000])):
        check_limits(message)
        check_harmless(message)
        json.dumps(asdict(message)).encode("ascii")


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
@given(st.text(st.characters() | st.sampled_from("<>&|`*_~@#:\n "), max_size=300), st.sampled_from(sorted(SHOWN)))
def test_any_text_has_no_effect(text: str, name: str) -> None:
    for message in messages(planted(SHOWN[name](), text)):
        check_limits(message)
        check_harmless(message)


def test_a_plant_reaches_what_it_must() -> None:
    report = planted(CLOSINGS["recovered"](), "MARK")
    assert report.incident
    assert report.incident.ending == report.causes[0].culprit.id == report.failures[0].image == "MARK"
    assert report.incident.differences == (Note("MARK"), Note("MARK"))
    assert (report.incident.status, report.causes[0].certainty) == ("recovered", "proven")
    assert report.incident.workloads == ("MARK",)


@pytest.mark.parametrize("mark", ["*", "_", "~"])
def test_a_mark_that_would_format_is_kept_from_it(mark: str) -> None:
    report = replace(no_route(), verdict="undetermined", verdict_reason=f"See {mark}this{mark} and a{mark}b")
    assert f"See {mark}\u200bthis{mark} and a{mark}b." in texts(slack_message(report))


def test_what_is_not_formatted_can_be_copied() -> None:
    text = "my_task_role may s3:* on arn:aws:s3:::a_b/* and ecr:Get*"
    report = replace(no_route(), verdict="undetermined", verdict_reason=text)
    assert not any("\u200b" in shown for shown in texts(slack_message(report)))


def longest(report: Report) -> Report:
    """A report with more of everything than there ever is."""
    cause = report.causes[0]
    fix = replace(
        cause.fixes[0],
        text="give it a route " * 50,
        commands=(Command("aws ec2 create-route --region eu-west-1 " * 60),) * 3,
        effect="everything " * 100,
    )
    causes = [
        replace(
            cause,
            certainty="likely" if number % 2 else "proven",
            next=number % 3 == 0,
            title=f"{number}: {'t' * 80}",
            explanation="subnet-0a1b2c3d4e5f60718 has no route. " * 300,
            inferred=("it could not be read; " * 30,) * 20,
            evidence=tuple(
                replace(cause.evidence[0], text=f"{at} rtb-09d8c7b6a5f4e3d21 {'e' * 400}") for at in range(50)
            ),
            fixes=(fix, fix, fix),
            docs=cause.docs * 20,
        )
        for number in range(50)
    ]
    incident = report.incident
    assert incident
    differences = tuple(Note(f"{number} {'route table rtb-09d8c7b6a5f4e3d21 differs ' * 9}") for number in range(100))
    incident = replace(
        incident,
        workloads=tuple(f"cluster-{number}/{'s' * 255}" for number in range(200)),
        ending="it runs " * 500,
        differences=differences if incident.status != "open" else UNSET,
    )
    failure = replace(report.failures[0], message="CannotPullContainerError: " * 320, image="i" * 2_000)
    return replace(
        report,
        causes=tuple(causes),
        notes=tuple(Note(f"{number} {'note ' * 60}") for number in range(200)),
        failures=tuple(replace(failure, id=str(number), container="c" * 255) for number in range(10)),
        incident=incident,
    )


@pytest.mark.parametrize("build", [no_route, two_failures, *AGAIN.values(), *CLOSINGS.values()])
def test_the_longest_report_is_within_the_limits(build: Callable[[], Report]) -> None:
    report = build()
    if report.causes:
        report = longest(report)
    for message in messages(report):
        check_limits(message)
        check_harmless(message)


def test_many_short_parts_stay_within_the_number_of_blocks() -> None:
    report = no_route()
    later = replace(report.causes[0], certainty="possible", next=True, title="x", fixes=())
    short = replace(report.causes[0], explanation="x", evidence=(), fixes=(), docs=())
    message = slack_message(replace(report, causes=(short, *(replace(later, title=f"{at}") for at in range(99)))))
    check_limits(message)
    assert len(message.blocks) == 49  # the fiftieth would say that the message is cut


def test_ecs_words_and_parameters_are_not_shown() -> None:
    report = no_route()
    cause, secret = report.causes[0], "X-Amz-Signature=planted"
    fix = replace(cause.fixes[0], commands=(replace(cause.fixes[0].commands[0], parameters={"Value": secret}),))
    report = replace(
        report,
        failures=tuple(replace(failure, message=secret) for failure in report.failures),
        causes=(replace(cause, fixes=(fix,)),),
    )
    assert not [text for message in messages(report) for text in texts(message) if "planted" in text]


def test_a_reminder_says_how_often_since_when_and_what_the_retries_ask_for() -> None:
    message = slack_message(AGAIN["reminder"]())
    assert texts(message)[0].startswith("still: orders-web cannot start: ")
    assert "still failing: 118 tasks since 2025-11-21 03:04 UTC" in message.text
    assert "registry-1.docker.io" in section(message, "118 failed tasks since")


def test_a_new_cause_says_that_it_is_one() -> None:
    message = slack_message(AGAIN["new-cause"]())
    assert texts(message)[0].startswith("now: orders-api cannot start: ")
    assert "118 tasks stopped since" in message.text


def test_a_group_is_named_in_the_notification() -> None:
    message = slack_message(AGAIN["grouped"]())
    assert "5 services in 2 clusters, same route table rtb-09d8c7b6a5f4e3d21: orders-web, billing, " in message.text
    assert "services" not in slack_message(no_route()).text


def test_an_end_is_told_first_and_with_what_differs() -> None:
    report = CLOSINGS["recovered"]()
    for message in messages(report):
        assert texts(message)[0] == words.closing_headline(report)
        assert texts(message)[2].startswith("Task 21c1f0e2d3b44a5586978879a0b1c2d3 of orders-web:87 has run since ")
    short = slack_message(report)
    differs = section(short, "What differs since the report")
    assert differs.count("\n• ") == 2
    assert "nothing says that one of these was the reason" in texts(short)[4]
    assert "|Service>" in texts(short)[-1]
    # The first message keeps what it said.
    assert section(slack_update(report), "has a default route to").startswith("*As it was reported* · `subnet-")


def test_the_first_message_does_not_say_who_goes_on_as_that_changes() -> None:
    report = CLOSINGS["recovered-others-go-on"]()
    assert "still open: 3 services" in slack_message(report).text
    assert not [text for text in texts(slack_update(report)) if "still open" in text]


@pytest.mark.parametrize(("name", "fixes"), [("recovered", 0), ("recovered-defect-stands", 1)])
def test_a_fix_is_shown_at_the_end_only_where_the_defect_stands(name: str, fixes: int) -> None:
    for message in messages(CLOSINGS[name]()):
        assert sum("aws ec2 associate-route-table" in text for text in texts(message)) == fixes


def test_an_open_report_has_no_end() -> None:
    assert slack_update(no_route()) == slack_message(no_route())


def test_the_sample_says_that_it_is_one() -> None:
    message = slack_message(sample())
    assert texts(message)[0].startswith("test: ")
    assert message.text.splitlines()[1] == "no task failed · eu-west-1 · account 123456789012"
    everything = " ".join(texts(message))
    assert "pull-doctor test" in everything
    assert "not-a-pull-failure" not in everything


def all_texts() -> Iterator[str]:
    """Every text that a sample report shows."""
    for build in SHOWN.values():
        for message in messages(build()):
            yield from texts(message)


def test_no_text_is_empty_or_ends_in_a_joint() -> None:
    assert not [text for text in all_texts() if not text.strip() or text.rstrip().endswith(("·", ":"))]
