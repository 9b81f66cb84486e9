"""``pull-doctor test``: what each sink answered, and an exit code that a script can trust."""

from __future__ import annotations

from typing import Any

import pytest

from tests.command_line import Run
from tests.operations.conftest import Account


def test_every_sink_is_told_of(run: Run, account: Account) -> None:
    account.function.answer = {"sinks": {"sns": "ok", "slack": "ok"}}
    ran = run("test")
    assert (ran.code, ran.out, ran.err) == (0, "slack: ok\nsns: ok\n", "")
    assert account.function.events == [{"pull-doctor": "test"}]
    assert account.function.calls[0]["FunctionName"] == "pull-doctor-function"
    assert "InvocationType" not in account.function.calls[0], "Lambda waits for the answer unless told otherwise"


def test_a_sink_that_does_not_take_it_exits_with_4(run: Run, account: Account) -> None:
    account.function.answer = {"sinks": {"sns": "ok", "slack": "channel_not_found\x1b[31m"}}
    ran = run("test")
    assert (ran.code, ran.out) == (4, "slack: channel_not_found\nsns: ok\n")


def test_a_function_that_fails_is_one_line_and_exits_with_4(run: Run, account: Account) -> None:
    account.function.failure = "Unhandled"
    account.function.answer = {"errorType": "Broken\x1b[31m", "errorMessage": "TABLE_NAME\nis not set"}
    ran = run("test")
    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1)
    assert "the function failed: Broken: TABLE_NAME is not set" in ran.err


@pytest.mark.parametrize("answer", [None, {}, [], {"sinks": {}}, {"sinks": "ok"}, {"sinks": ["sns"]}])
def test_an_answer_that_names_no_sink_exits_with_4(run: Run, account: Account, answer: Any) -> None:
    account.function.answer = answer
    ran = run("test")
    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1)
