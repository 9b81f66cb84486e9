"""Whole reports, as the worlds' saved facts lead to them, held in every form.

The facts were collected once in the emulated AWS and stand in ``tests/golden/worlds``; ``pytest --bless`` collects
those that are missing, and writes what the code says of all of them. Read the difference before it is kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.facts import store
from pull_doctor.facts.aws import Aws
from pull_doctor.intake.event import read_event
from pull_doctor.pipeline import conclude, read
from pull_doctor.report.document import to_document, to_json
from pull_doctor.report.markdown import render_markdown
from pull_doctor.report.slack import render_slack
from pull_doctor.report.text import render_text
from tests.conftest import GOLDEN
from tests.emulated.front import Kind
from tests.end_to_end.harness import OFFLINE, session
from tests.report.wording import broken
from tests.worlds import WORLDS, build, texts
from tests.worlds.defects import DEFECTS, ONE_OF_EACH

SCHEMA = json.loads((GOLDEN.parents[1] / "docs/report.schema.json").read_text(encoding="utf-8"))
REFUSED: dict[str, tuple[str, str, Kind]] = {
    "endpoints-refused": ("endpoint-security-group", "ec2:DescribeVpcEndpoints", "denied"),
    "siblings-refused": ("private-subnet-without-route", "ecs:ListTasks", "denied"),
    "simulation-refused": ("role-without-permission", "iam:SimulatePrincipalPolicy", "denied"),
    "credentials-refused": ("s3-endpoint-missing", "sts:GetCallerIdentity", "denied"),
    "subnets-throttled": ("public-subnet-without-public-ip", "ec2:DescribeSubnets", "throttled"),
}
"""Reports with a refused read: the world, the action, and how it fails."""

SPECIAL = {"image-pushed-since": "image-tag-missing", "sibling-since": "s3-endpoint-missing", "rate-limited": "healthy"}
"""Reports on what no world has by itself: the world that they start from."""
NAMES = (*(name for name in WORLDS if name not in DEFECTS), *ONE_OF_EACH, *REFUSED, *SPECIAL)
"""The worlds of the first causes, one for each other cause, and those with something special."""


@pytest.fixture(params=NAMES)
def saved(request: pytest.FixtureRequest) -> store.Saved:
    """The facts of one world."""
    name: str = request.param
    path: Path = GOLDEN / "worlds" / f"{name}.json"
    if request.config.getoption("--bless") and not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(_collect(request, name), encoding="utf-8")
    return store.load(path.read_text(encoding="utf-8"))


def _collect(request: pytest.FixtureRequest, name: str) -> str:
    aws = request.getfixturevalue("aws")
    world, action, kind = REFUSED.get(name, (name, None, None))
    built = build(aws, SPECIAL.get(name, world))
    if name == "image-pushed-since":
        built.mend()
    if name == "sibling-since":
        built.add_sibling()
    event = built.saying(texts.rate_limited(built.image)) if name == "rate-limited" else built.event
    intake = read_event(event)
    reader = Aws(session(aws, built.account), registry=OFFLINE)
    if action and kind:
        with aws.fault(action, kind):
            reading = read(intake, reader, deadline=time.monotonic() + 20)
    else:
        reading = read(intake, reader, deadline=time.monotonic() + 20)
    return store.dump(intake, reading.answers, reading.read_at)


def test_whole_reports_read_as_agreed(
    saved: store.Saved, golden: Callable[[str, str], None], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["saved"]
    report = conclude(saved.intake, saved.answers, saved.read_at)
    assert broken(report) == []
    golden(f"worlds/{name}.txt", render_text(report))
    golden(f"worlds/{name}.slack.json", render_slack(report) + "\n")
    golden(f"worlds/{name}.md", render_markdown(report))


def test_the_json_follows_the_schema_and_places_every_cause_once(saved: store.Saved) -> None:
    document = to_document(conclude(saved.intake, saved.answers, saved.read_at))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    for failure in document["failures"]:
        mine = [one for one in document["causes"] if failure["id"] in one["failures"]]
        places = [one["cause"] for cause in mine for one in (cause, *cause["includes"])]
        for group in ("ruled-out", "not-applicable", "not-checked"):
            places += [one["cause"] for one in document[group] if failure["id"] in one["failures"]]
        assert sorted(places) == sorted(row.cause for row in CATALOGUE)


def test_the_same_facts_give_the_same_bytes(saved: store.Saved) -> None:
    again = store.load(store.dump(saved.intake, saved.answers, saved.read_at))
    first = to_json(conclude(saved.intake, saved.answers, saved.read_at))
    assert to_json(conclude(again.intake, again.answers, again.read_at)) == first
