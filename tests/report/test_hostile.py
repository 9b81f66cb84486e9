"""Outside text can hold anything; every form stays what it is."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pull_doctor.report.document import from_json, to_json
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.model import UNSET, Report
from pull_doctor.report.slack import slack_message
from pull_doctor.report.subject import subject
from pull_doctor.report.text import render_text
from tests.report.factory import REPORTS, no_route, s3_missing, two_failures

TEXTS = [
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "[/x] [bold]b[/bold] [link](https://evil.example) ![i](https://evil.example/i)",
    "<!channel> <!here> @here @channel @everyone <@U123> <#C123> <https://evil.example|click>",
    "``` ```` ~~~ ` `` \n```\n# heading",
    "\u202eesrever\u202c \u2066isolated\u2069 \u200bzero\ufeff",
    "<script>alert(1)</script> <img src=x onerror=alert(1)> &lt; &amp;",
    "\n\n# heading\n- item\n1. one\n| a | b |\n---\n",
    "line\r\nbreak\u2028separator\x85next\x0bvertical\x00nul",
    "x" * 100_000,
    "word " * 20_000,
    "<" * 100_000,
    "`" * 5_000,
    "",
    " ",
    "日本語のテキスト 한국어 🚀",
    "\ud800",
]
# These are names of this project, checked by types: outside text never reaches them.
_OURS = {"cause", "verdict", "phase", "kind", "step", "disposition", "schema", "language", "certainty", "still"}
_OURS |= {"applicability", "source", "status", "occasion", "denied_by", "failures", "id", "operation"}


def filled(value: Any, text: str, name: str = "") -> Any:
    """Put ``text`` in place of every outside string of a report."""
    if isinstance(value, str) and name not in _OURS and not (name == "why" and value in _WHYS):
        return text
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: filled(getattr(value, field.name), text, field.name) for field in fields(value)}
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(filled(item, text, name) for item in value)
    if isinstance(value, Enum | datetime):
        return value
    return value


_WHYS = ("denied", "throttled", "timed-out", "prerequisite", "not-visible", "not-modelled", "switched-off", "crashed")
hostile = pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))


def hostile_reports(text: str) -> Iterator[Report]:
    for build in (s3_missing, two_failures, REPORTS["cannot-tell"], REPORTS["mended"]):
        yield filled(build(), text)


@hostile
def test_text_holds_no_control_characters_and_stays_narrow(text: str) -> None:
    for report in hostile_reports(text):
        shown = render_text(report)
        assert all(line.isprintable() for line in shown.split("\n"))
        commands = {line for line in shown.split("\n") if line.startswith("    ")}
        assert not [line for line in shown.split("\n") if len(line) > 90 and line not in commands]


@hostile
def test_slack_stays_within_its_limits_and_mentions_nobody(text: str) -> None:
    for report in hostile_reports(text):
        message = slack_message(report)
        header, *rest = message.blocks
        assert 0 < len(header["text"]["text"]) <= 150
        assert len(message.blocks) <= 50
        texts = [element["text"] for block in rest for element in block.get("elements", [block.get("text")])]
        assert all(0 < len(one) <= 3_000 for one in texts)
        assert sum(map(len, texts)) <= 10_500
        for one in [header["text"]["text"], message.text, *texts]:
            links = re.findall(r"<[^>]*>", one)
            assert all(re.match(r"<https://[a-z0-9.-]*(?:aws\.amazon\.com)/", link) for link in links), links
            bare = re.sub(r"<[^>]*>", "", one)
            assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", bare)
            assert not re.search(r"@(?:here|channel|everyone)\b", re.sub(r"```.*?```", "", bare, flags=re.DOTALL))
            assert one.count("```") % 2 == 0
            assert re.sub(r"```.*?```", "", one, flags=re.DOTALL).count("`") % 2 == 0
        json.dumps({"text": message.text, "blocks": message.blocks}).encode("ascii")


@hostile
def test_markdown_shows_outside_text_as_itself(text: str) -> None:
    text = text[:2_000]  # the parser, not the report, is slow with more
    for build in (s3_missing, two_failures):
        parsed = MarkdownIt("commonmark").enable("table")
        expected = [token.type for token in parsed.parse(render_markdown(build()))]
        got = [token.type for token in parsed.parse(render_markdown(filled(build(), text or "x")))]
        assert "html_block" not in got
        assert got.count("heading_open") == expected.count("heading_open")
        assert got.count("fence") <= expected.count("fence")
        inline = [
            child.type
            for token in parsed.parse(render_markdown(filled(build(), text)))
            for child in token.children or ()
        ]
        assert not {"html_inline", "link_open", "image", "em_open", "strong_open"} & set(inline)


@hostile
def test_a_subject_is_one_short_ascii_line(text: str) -> None:
    for report in hostile_reports(text):
        line = subject(report)
        assert 0 < len(line) < 100
        assert line.isascii()
        assert line.isprintable()
        assert line == line.strip()


@hostile
def test_json_comes_back(text: str) -> None:
    report = filled(no_route(), text)
    assert from_json(to_json(report)) == report


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=20)
@given(st.text())
def test_any_text_keeps_every_form(text: str) -> None:
    test_text_holds_no_control_characters_and_stays_narrow(text)
    test_slack_stays_within_its_limits_and_mentions_nobody(text)
    test_markdown_shows_outside_text_as_itself(text)
    test_a_subject_is_one_short_ascii_line(text)


def test_what_the_text_says_survives_the_cleaning() -> None:
    shown = render_text(filled(no_route(), "[manifests 3.1] \x1b[31mred\x1b[0m [/x]"))
    assert "[manifests 3.1] red [/x]" in shown


def test_a_command_too_long_for_slack_is_not_cut() -> None:
    report = no_route()
    cause = report.causes[0]
    long = replace(cause.fixes[0], commands=(replace(cause.fixes[0].commands[0], cli="aws x --y " + "z" * 4_000),))
    message = slack_message(replace(report, causes=(replace(cause, fixes=(long,)),)))
    texts = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
    assert any("too long for Slack" in text for text in texts)
    assert not any("zzz" in text for text in texts)


@pytest.mark.parametrize("render", [render_text, render_markdown, subject])
def test_the_barest_report_renders(render: Callable[[Report], str]) -> None:
    report = REPORTS["not-a-pull-failure"]()
    task = replace(report.task, service=None, group=UNSET, task_definition=UNSET, launch_type=UNSET, stopped_at=UNSET)
    assert "2c1d2e3f4a5b46c7d8e9f0a1b2c3d4e5" in render(replace(report, task=task))
