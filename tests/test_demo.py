"""What the demo itself adds: its Slack, and its answer to a world that there is not."""

import json
import urllib.request

import pytest

from demo.__main__ import _DEFECTS, described, main
from demo.slack import loopback_slack, shown
from tests.worlds import WORLDS


def test_every_world_is_described() -> None:
    assert set(_DEFECTS) <= set(WORLDS)
    assert all(len(described(name)) > 20 for name in WORLDS)


def test_an_unknown_world_ends_with_one_line_that_names_the_worlds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlantis"]) == 2

    out, said = capsys.readouterr()
    assert out == ""
    assert said.count("\n") == 1
    assert all(name in said for name in ("atlantis", *WORLDS))


def test_the_world_may_come_from_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD", "atlantis")

    assert main([]) == 2
    assert "atlantis" in capsys.readouterr().err


def test_the_loopback_slack_keeps_and_shows_what_is_posted() -> None:
    message = {
        "text": "short",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "*title*"}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
        ],
    }
    with loopback_slack() as slack:
        request = urllib.request.Request(slack.webhook, json.dumps(message).encode())  # noqa: S310 - a loopback URL
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            assert answer.read() == b"ok"

    assert slack.messages == [message]
    assert shown(message) == "*title*\nsmall"
