"""What a bot posts where: below an incident's first message, below its group's, or in the channel."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.slack import LoopbackSlack, loopback_slack
from pull_doctor.delivery.sink import SinkFailed, Thread
from pull_doctor.delivery.slack import Slack
from pull_doctor.report.model import Incident, Occasion, Report
from pull_doctor.report.slack import slack_message, slack_update
from tests.delivery.samples import START, make_report
from tests.delivery.test_slack import Secret

FIRST = datetime.fromtimestamp(START, UTC)


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with loopback_slack() as running:
        yield running


def told(occasion: Occasion = "first", service: str = "web", **members: Any) -> Report:
    report = make_report()
    key = f"111122223333/eu-west-1/production/{service}"
    incident = Incident(key, "open", 3, FIRST, FIRST, (service,), occasion)
    return replace(report, incident=replace(incident, **members), task=replace(report.task, service=service))


def end(service: str = "web", **members: Any) -> Report:
    ended = FIRST + timedelta(minutes=42)
    return told("end", service, status="recovered", ended=ended, ending="web:88 runs.", **members)


def deliver(secret: str, report: Report, own: str | None = None, group: str | None = None) -> str | None:
    sink = Slack(Secret(secret, secret).client, "slack")
    return sink.deliver(report, "{}", thread=Thread(own, group), deadline=time.monotonic() + 30)


def placed(slack: LoopbackSlack) -> list[tuple[str | None, bool | None]]:
    """Where each message stands: the thread, and whether the channel shows it too."""
    return [(message.get("thread_ts"), message.get("reply_broadcast")) for message in slack.messages]


def test_an_incident_is_one_thread_from_its_first_message_to_its_end(slack: LoopbackSlack) -> None:
    own = deliver(slack.bot, told())
    (first,) = slack.messages
    assert json.loads(own or "") == {"into": "#alerts", "channel": "C0DEMO", "ts": first["ts"], "thread_ts": None}
    for report in (told("new-cause"), told("reminder"), end()):
        # Each later one goes by the same first message.
        assert deliver(slack.bot, report, own) == own
    assert placed(slack) == [(None, None), *[(first["ts"], True)] * 3]
    assert [one["channel"] for one in slack.messages] == ["#alerts", *["C0DEMO"] * 3]
    assert first["blocks"] == slack_update(end()).blocks
    assert first["updates"] == [{"text": slack_message(told()).text, "blocks": slack_message(told()).blocks}]
    assert slack.messages[-1]["blocks"] == slack_message(end()).blocks


def test_the_end_is_told_again_by_a_retry_without_a_second_change_of_the_first_message(slack: LoopbackSlack) -> None:
    own = deliver(slack.bot, told())
    deliver(slack.bot, end(), own)
    once = slack.messages[0]["blocks"]
    deliver(slack.bot, end(), own)
    assert slack.messages[0]["blocks"] == once


def test_a_grouped_incident_stands_in_the_thread_of_its_group(slack: LoopbackSlack) -> None:
    group = deliver(slack.bot, told())
    second = deliver(slack.bot, told(service="api", grouped_with="k"), group=group)
    third = deliver(slack.bot, told(service="job", grouped_with="k", aside=True), group=group)
    root = slack.messages[0]["ts"]
    assert placed(slack) == [(None, None), (root, True), (root, False)]
    assert [json.loads(receipt or "")["thread_ts"] for receipt in (second, third)] == [root, root]
    deliver(slack.bot, end("job", grouped_with="k", aside=True), third, group)
    # Its own message is told to be over, not that of the group, and the channel is spared.
    assert ["updates" in message for message in slack.messages] == [False, False, True, False]
    assert placed(slack)[-1] == (root, False)


def test_an_aside_without_a_thread_is_not_posted(slack: LoopbackSlack) -> None:
    assert deliver(slack.bot, told(aside=True)) is None
    assert deliver(slack.bot, told(aside=True), group='{"into": "#old", "channel": "C1", "ts": "1.2"}') is None
    assert deliver(slack.webhook, told(aside=True)) is None
    assert slack.messages == []


def test_through_a_webhook_each_report_is_a_message(slack: LoopbackSlack) -> None:
    for report in (told(), told("reminder"), end()):
        assert deliver(slack.webhook, report) is None
    assert [message["blocks"] for message in slack.messages] == [
        slack_message(report).blocks for report in (told(), told("reminder"), end())
    ]


@pytest.mark.parametrize(
    "own",
    [
        '{"into": "#alerts", "channel": "C0DEMO", "ts": "5.5"}',
        '{"into": "#alerts", "channel": "C0OTHER", "ts": "5.5"}',
        '{"into": "#old", "channel": "C0OLD", "ts": "1790000000.000000"}',
        '{"into": "#alerts", "channel": "C0DEMO", "ts": ""}',
        '{"other": 1}',
        "rubbish",
        "null",
        None,
    ],
)
@pytest.mark.parametrize("report", [told("reminder"), end()], ids=["reminder", "end"])
def test_a_first_message_that_is_gone_or_elsewhere_makes_a_new_one(
    slack: LoopbackSlack, own: str | None, report: Report
) -> None:
    receipt = deliver(slack.bot, report, own)
    assert placed(slack) == [(None, None)]
    assert json.loads(receipt or "")["ts"] == slack.messages[0]["ts"]
    assert slack.messages[0]["blocks"] == slack_message(report).blocks


def test_where_the_own_message_in_a_groups_thread_is_gone_the_thread_goes_on(slack: LoopbackSlack) -> None:
    group = deliver(slack.bot, told())
    root = slack.messages[0]["ts"]
    own = json.dumps({"into": "#alerts", "channel": "C0DEMO", "ts": "5.5", "thread_ts": root})
    deliver(slack.bot, end("api", grouped_with="k"), own, group)
    assert placed(slack) == [(None, None), (root, True)]


@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed"])
def test_a_first_message_that_cannot_be_edited_gets_its_answer(
    slack: LoopbackSlack, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    own = deliver(slack.bot, told())
    refuse(slack, monkeypatch, "chat.update", code)
    assert deliver(slack.bot, end(), own) == own
    assert placed(slack) == [(None, None), (slack.messages[0]["ts"], True)]


@pytest.mark.parametrize("code", ["fatal_error", "missing_scope", "is_archived"])
@pytest.mark.parametrize("method", ["chat.update", "chat.postMessage"])
def test_another_refusal_is_a_failed_sink_and_nothing_is_posted_beside(
    slack: LoopbackSlack, monkeypatch: pytest.MonkeyPatch, method: str, code: str
) -> None:
    own = deliver(slack.bot, told())
    refuse(slack, monkeypatch, method, code)
    with pytest.raises(SinkFailed, match=rf"^Slack answered 200 {code}$"):
        deliver(slack.bot, end(), own)
    assert len(slack.messages) == 1


def test_an_answer_that_slack_puts_into_the_channel_is_the_new_first_message(
    slack: LoopbackSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = deliver(slack.bot, told())
    ask = slack.call

    def unthreaded(method: str, said: dict[str, Any]) -> dict[str, Any]:
        return ask(method, {key: value for key, value in said.items() if key != "thread_ts"})

    monkeypatch.setattr(slack, "call", unthreaded)
    receipt = json.loads(deliver(slack.bot, told("reminder"), own) or "")
    assert receipt["ts"] == slack.messages[1]["ts"]
    assert receipt["thread_ts"] is None


def test_a_token_that_is_not_known_is_refused_by_the_loopback_slack(slack: LoopbackSlack) -> None:
    with pytest.raises(SinkFailed, match=r"^Slack answered 200 invalid_auth$"):
        deliver(slack.bot.replace("xoxb-demo", "xoxb-other"), told())


def refuse(slack: LoopbackSlack, monkeypatch: pytest.MonkeyPatch, method: str, code: str) -> None:
    ask = slack.call

    def answer(asked: str, said: dict[str, Any]) -> dict[str, Any]:
        return {"ok": False, "error": code} if asked == method else ask(asked, said)

    monkeypatch.setattr(slack, "call", answer)
