"""The command line: forms, exit codes, and one clear line for whatever is wrong with the call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pull_doctor import cli
from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.facts import permissions
from tests.command_line import Run
from tests.emulated.aws import EmulatedAws
from tests.intake.stopped_tasks import container, event, fargate_task
from tests.worlds import World, build

TIMEOUT = (
    "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
    'docker.io/library/nginx:1.27: failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/'
    '1.27": dial tcp 54.227.20.253:443: i/o timeout'
)


@pytest.fixture
def world(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> World:
    """The default world, with an environment as every AWS tool takes it."""
    for name, value in aws.env.items():
        monkeypatch.setenv(name, value)
    return build(aws, "private-subnet-without-route")


def _file(folder: Path, content: Any) -> str:
    path = folder / "event.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def test_an_event_is_diagnosed_and_the_exit_says_that_a_cause_was_found(run: Run, world: World, tmp_path: Path) -> None:
    ran = run("diagnose", "--event", _file(tmp_path, world.event))
    assert ran.code == 1
    assert ran.out.startswith("error[no-route-to-registry]: ")
    assert ran.err == ""


def test_an_event_comes_on_standard_input_too(run: Run, world: World) -> None:
    ran = run("diagnose", "--event", "-", "--format", "json", stdin=json.dumps(world.event))
    assert ran.code == 1
    assert json.loads(ran.out)["causes"][0]["cause"] == "no-route-to-registry"


def test_an_event_about_a_service_names_the_role_that_ecs_could_not_assume(
    run: Run, aws: EmulatedAws, world: World
) -> None:
    assert world.account == aws.account
    for name in ("execution-role-trusts-ec2", "task-role-trusts-lambda"):
        broken = build(aws, name)
        ran = run("diagnose", "--event", "-", stdin=json.dumps(broken.service_action))
        assert ran.code == 1, ran.err
        assert ran.out.startswith(f"error[{broken.cause}]: ")
        assert broken.culprits[0] in ran.out


@pytest.mark.parametrize("selector", ["task", "service"])
def test_a_stopped_task_is_read_from_ecs(run: Run, world: World, selector: str) -> None:
    named = world.launched.task if selector == "task" else world.workload
    ran = run("diagnose", "--cluster", world.cluster, f"--{selector}", named, "--format", "json")
    assert ran.code == 1, ran.err
    assert json.loads(ran.out)["causes"][0]["cause"] == "no-route-to-registry"


def test_saved_facts_give_the_same_report_without_a_call(
    run: Run, aws: EmulatedAws, world: World, tmp_path: Path
) -> None:
    saved = tmp_path / "facts.json"
    collected = run("collect", "--event", _file(tmp_path, world.event), "--out", str(saved))
    assert collected.code == 0, collected.err
    assert json.loads(saved.read_text())["schema"] == "pull-doctor/facts/1"
    calls = len(aws.calls)
    first = run("diagnose", "--facts", str(saved))
    second = run("diagnose", "--facts", str(saved))
    assert first.code == 1
    assert first.out == second.out
    assert first.out.startswith("error[no-route-to-registry]: ")
    assert len(aws.calls) == calls


@pytest.mark.parametrize("form", ["text", "json", "markdown", "slack"])
def test_every_form_is_printed(run: Run, world: World, tmp_path: Path, form: str) -> None:
    ran = run("diagnose", "--event", _file(tmp_path, world.event), "--format", form)
    assert ran.code == 1
    assert "no-route-to-registry" in ran.out
    if form in {"json", "slack"}:
        assert json.loads(ran.out)


def test_a_healthy_world_exits_with_0(run: Run, aws: EmulatedAws, world: World, tmp_path: Path) -> None:
    healthy = build(aws, "healthy")
    ran = run("diagnose", "--event", _file(tmp_path, healthy.event))
    assert (ran.code, world.name != healthy.name) == (0, True)
    assert "no-defect-found" in ran.out


def test_a_task_that_was_stopped_by_somebody_exits_with_0(run: Run, tmp_path: Path) -> None:
    task = fargate_task(container(reason=TIMEOUT), stopCode="UserInitiated", stoppedReason=TIMEOUT)
    ran = run("diagnose", "--event", _file(tmp_path, event(task)))
    assert ran.code == 0
    assert "not-a-pull-failure" in ran.out


def test_refused_reads_exit_with_3(run: Run, aws: EmulatedAws, world: World, tmp_path: Path) -> None:
    with aws.fault("ec2:DescribeSubnets", "denied"):
        ran = run("diagnose", "--event", _file(tmp_path, world.event))
    assert ran.code == 3
    assert "ec2:DescribeSubnets is not permitted" in ran.out


def test_credentials_of_another_account_exit_with_2(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "210987654321")
    ran = run("diagnose", "--event", _file(tmp_path, world.event))
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "210987654321" in ran.err
    assert world.account in ran.err


def test_a_task_that_ecs_forgot_exits_with_2(run: Run, world: World) -> None:
    ran = run("diagnose", "--cluster", world.cluster, "--task", "0" * 32)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "0" * 32 in ran.err


def test_a_task_of_another_account_is_not_said_to_be_forgotten(run: Run, world: World) -> None:
    arn = world.launched.task.replace(world.account, "210987654321")
    ran = run("diagnose", "--cluster", world.cluster, "--task", arn)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert f"credentials of account {world.account}" in ran.err


def test_a_task_that_may_not_be_read_exits_with_4(run: Run, aws: EmulatedAws, world: World) -> None:
    with aws.fault("ecs:DescribeTasks", "denied"):
        ran = run("diagnose", "--cluster", world.cluster, "--task", world.launched.task)
    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1)
    assert "denied" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("diagnose",),
        ("diagnose", "--event", "/nowhere/event.json"),
        ("diagnose", "--facts", "/nowhere/facts.json"),
        ("diagnose", "--evnt", "x"),
        ("diagnose", "--format", "xml", "--event", "-"),
        ("diagnose", "--language", "ja", "--event", "-"),
        ("diagnose", "--cluster", "prod"),
        ("diagnose", "--cluster", "prod", "--task", "a", "--service", "b"),
        ("diagnose", "--event", "-", "--cluster", "prod"),
        ("diagnose", "--facts", "x", "--event", "-"),
        ("diagnose", "--event", "-", "--profile", "nobody-has-this"),
        ("collect", "--event", "-"),
        ("explain", "no-such-cause"),
        ("explain",),
        ("permissions", "--for", "no-such-cause"),
        ("permissions", "--missing", "/nowhere/report.json"),
        ("permissions", "--for", "image-not-found", "--missing", "x"),
        ("classify",),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_one_line_and_exits_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1, ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"detail-type": "ECS Service Action", "detail": {}}', '"\\ud800"', "[" * 100_000],
    ids=["empty", "cut", "list", "null", "no event", "another type", "surrogate", "deep"],
)
def test_an_event_that_is_none_is_one_line_and_exits_with_2(run: Run, tmp_path: Path, content: str) -> None:
    ran = run("diagnose", "--event", _file(tmp_path, content))
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_bytes_that_are_no_text_are_one_line_and_exit_with_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(b"\xff\xfe\x00{")
    ran = run("diagnose", "--event", str(path))
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_facts_of_another_schema_are_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    ran = run("diagnose", "--facts", _file(tmp_path, {"schema": "pull-doctor/facts/99"}))
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "pull-doctor/facts/99" in ran.err


def test_a_crash_exits_with_4_and_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(cli, "_check", broken)
    ran = run("explain", "image-not-found")
    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1)


def test_classify_answers_line_by_line_and_keeps_the_place_of_a_bad_one(run: Run) -> None:
    lines = [json.dumps({"message": TIMEOUT, "id": 7}), "not json", json.dumps({"text": "x"}), json.dumps([1])]
    ran = run("classify", "--jsonl", stdin="\n".join(lines) + "\n")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 2
    assert rows[0]["id"] == 7
    assert rows[0]["symptom"] == {
        "phase": "resolve",
        "kind": "network-timeout",
        "host": "registry-1.docker.io",
        "address": "54.227.20.253",
        "port": 443,
    }
    assert [list(row) for row in rows[1:]] == [["error"], ["error"], ["error"]]


@pytest.mark.parametrize("odd", ["\u2028 \u001b[31m[/x]", "can\u2019t", "\ud800"])
def test_classify_of_good_lines_exits_with_0(run: Run, odd: str) -> None:
    ran = run("classify", "--jsonl", stdin=json.dumps({"message": odd}) + "\n")
    assert ran.code == 0
    assert json.loads(ran.out)["message"] == odd


@pytest.mark.parametrize("cause", [row.cause for row in CATALOGUE])
def test_every_cause_is_explained(run: Run, cause: str) -> None:
    ran = run("explain", cause)
    assert ran.code == 0
    assert ran.out.startswith(f"{cause}: ")
    assert "https://docs.aws.amazon.com/" in ran.out


def test_the_catalogue_is_listed(run: Run) -> None:
    ran = run("causes")
    assert [line.split()[0] for line in ran.out.splitlines()] == [row.cause for row in CATALOGUE]


def test_the_whole_policy_allows_every_read(run: Run) -> None:
    policy = json.loads(run("permissions").out)
    assert {action for one in policy["Statement"] for action in one["Action"]} == set(permissions.actions())


def test_the_policy_for_a_cause_is_its_reads_only(run: Run) -> None:
    policy = json.loads(run("permissions", "--for", "image-not-found").out)
    actions = {action for one in policy["Statement"] for action in one["Action"]}
    assert actions == {
        "ecr:DescribeImageReplicationStatus",
        "ecr:DescribeImages",
        "ecr:DescribePullThroughCacheRules",
        "ecr:DescribeRegistry",
        "ecr:GetLifecyclePolicy",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:DescribeTasks",
        "ecs:ListTasks",
    }


def test_the_policy_for_a_report_is_what_it_could_not_read(
    run: Run, aws: EmulatedAws, world: World, tmp_path: Path
) -> None:
    with aws.fault("ec2:DescribeSubnets", "denied"):
        ran = run("diagnose", "--event", _file(tmp_path, world.event), "--format", "json")
    report = tmp_path / "report.json"
    report.write_text(ran.out)
    policy = json.loads(run("permissions", "--missing", str(report)).out)
    assert [one["Action"] for one in policy["Statement"]] == [["ec2:DescribeSubnets"]]


def test_outside_text_reaches_the_terminal_without_its_control_characters(run: Run, tmp_path: Path) -> None:
    hostile = "CannotPullContainerError: \x1b[31m[/x] <!channel> $(reboot) \u202e evil"
    task = fargate_task(container("[/x] <!here>", reason=hostile), stoppedReason=hostile, launchType="EC2")
    ran = run("diagnose", "--event", _file(tmp_path, event(task)))
    assert ran.code == 3
    assert "[/x] <!channel> $(reboot)" in ran.out
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


def test_a_reader_that_goes_away_is_no_error() -> None:
    call = f"{sys.executable} -c 'from pull_doctor.cli import main; main()' permissions"
    script = f"{call} | head -c 1; exit ${{PIPESTATUS[0]}}"
    env = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])}
    done = subprocess.run(["/bin/bash", "-c", script], env=env, capture_output=True, text=True, check=False)  # noqa: S603 - this project's own program
    assert (done.returncode, done.stderr) == (0, "")
