"""The stack is found by its outputs; what is not there or not permitted is one line."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.command_line import Run
from tests.operations.conftest import Account

COMMANDS = [("incidents",), ("show", "web"), ("redrive",), ("test",)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_stack_that_is_not_there_is_one_line_and_exits_with_2(
    run: Run, account: Account, command: tuple[str, ...]
) -> None:
    ran = run(*command, "--stack", "Another")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "there is no stack Another in eu-west-1" in ran.err
    elsewhere = run(*command, "--region", "us-east-1")
    assert (elsewhere.code, "in us-east-1" in elsewhere.err) == (2, True)
    assert account.function.calls == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_another_stack_is_one_line_and_exits_with_2(run: Run, account: Account, command: tuple[str, ...]) -> None:
    topic = '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    account.client("cloudformation").create_stack(StackName="Another", TemplateBody=topic)
    ran = run(*command, "--stack", "Another")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "has no output" in ran.err


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        *((command, "DescribeStacks") for command in COMMANDS),
        (("incidents",), "Query"),
        (("show", "web"), "Query"),
        (("show", "web"), "GetItem"),
        (("redrive",), "GetQueueAttributes"),
        (("redrive",), "ReceiveMessage"),
        (("redrive",), "DeleteMessage"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_refused_call_is_one_line_and_exits_with_4(
    run: Run, account: Account, command: tuple[str, ...], operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.incident("111122223333/eu-west-1/production/service:web", None, (1.79e9,))
    account.put("UnsentQueueUrl", {"id": "1"})
    real: Any = BaseClient._make_api_call  # type: ignore[attr-defined] # not in the stubs

    def refuse(client: object, name: str, parameters: object) -> Any:
        if name == operation:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no\nway"}}, name)
        return real(client, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    ran = run(*command)
    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1)
    assert f"denied: An error occurred (AccessDeniedException) when calling the {operation} operation" in ran.err


def test_a_function_that_may_not_be_called_is_one_line_and_exits_with_4(run: Run, account: Account) -> None:
    account.function.refuses = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "Invoke")
    ran = run("test")
    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1)
    assert "denied" in ran.err


@pytest.mark.usefixtures("account")
def test_without_a_region_the_call_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    ran = run("incidents")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "--region" in ran.err


@pytest.mark.usefixtures("account")
def test_a_profile_that_is_not_there_is_one_line(run: Run) -> None:
    ran = run("incidents", "--profile", "nobody-has-this")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
