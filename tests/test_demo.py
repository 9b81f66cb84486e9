"""What the demo itself adds: its Slack, its acts, and its answer to a world that there is not."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from demo.__main__ import _DEFECTS, Stage, described, end, fail, main, mend, standing, subscribe
from demo.slack import loopback_slack, shown
from tests.emulated.aws import emulated_aws
from tests.emulated.deployment import deploy, synthesise
from tests.emulated.fixtures import SLACK_SECRET
from tests.worlds import WORLDS, build
from tests.worlds.defects import DEFECTS


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


@pytest.fixture
def stage() -> Iterator[Stage]:
    """The demo's stage, with the app deployed on it."""
    with TemporaryDirectory() as scratch, emulated_aws() as aws, loopback_slack() as slack:
        aws.client("secretsmanager").create_secret(Name=SLACK_SECRET, SecretString=slack.bot)
        deployed = deploy(aws, synthesise(Path(scratch) / "cdk.out", {"slack-secret-name": SLACK_SECRET}))
        yield Stage(aws, slack, subscribe(aws, deployed.topic), lambda _: None)


@pytest.mark.slow
def test_every_world_comes_to_its_end(stage: Stage) -> None:
    ends = {}
    for name in WORLDS:
        if name in DEFECTS and DEFECTS[name].own_account:
            continue
        world = build(stage.aws, name)
        report = fail(stage, world)
        assert report, name
        mend(stage, world, report)
        if name in DEFECTS and DEFECTS[name].relaunch:
            world.relaunch()
        if name != "s3-endpoint-missing-behind-a-hosted-zone":  # the zone, which is all right, is a possible cause
            assert standing(stage, world) == set(), name
        assert end(stage, world), name
        ends[name] = stage.aws.mails()[-1]["subject"].partition(":")[0]
    assert set(ends.values()) == {"recovered", "withdrawn"}
    # Those whose mended task definition names an image from elsewhere.
    withdrawn = {name for name, status in ends.items() if status == "withdrawn"}
    assert withdrawn == {"image-with-a-scheme", "registry-not-named"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["public-access-blocked", "registry-denies-the-role", "cache-without-rights"])
def test_a_world_that_holds_for_a_whole_account_plays_too(name: str) -> None:
    # In a process of its own: what holds for the account would outlast the world.
    command = [sys.executable, "-m", "demo", name]
    played = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the demo itself
    assert played.returncode == 0, played.stderr
    assert "Subject: recovered" in played.stdout


@pytest.mark.slow
def test_the_demo_plays_from_the_first_failure_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    acts = [
        "Subject: ",
        "what Slack received",
        "0 further messages",
        "the printed fix",
        "Subject: recovered",
        "What differs",
    ]
    places = [out.index(act) for act in acts]
    assert places == sorted(places)
    assert "101 failed tasks" in out
    assert "203 events in all, 2 mails, 2 Slack messages" in out
