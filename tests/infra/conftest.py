"""The synthesised app, made once: without any setting, and with every setting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

EVERY_SETTING = {
    "alert-emails": ["on-call@example.com"],
    "subscriber-accounts": ["222222222222"],
    "slack-secret-name": "pull-doctor/slack",
    "include-clusters": ["web", "jobs"],
    "reader-roles": {
        "333333333333": {"role-arn": "arn:aws:iam::333333333333:role/reader", "external-id": "doctor-1"},
        "444444444444": {"role-arn": "arn:aws:iam::444444444444:role/path/reader"},
    },
    "switched-off-reads": ["iam:SimulatePrincipalPolicy"],
    "registry-probe": ["registry.example.com", "images.example.com"],
    "amazon-q-topic": True,
    "event-bus": "incidents",
    "reminder-hours": 12,
    "mute-tag": "pull-doctor=muted",
    "owner-tag": "team",
    "dashboard": True,
}


@dataclass(frozen=True)
class Synthesised:
    """A cloud assembly on disk."""

    directory: Path

    @property
    def template(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.directory / "PullDoctor.template.json").read_text("utf-8"))
        return document

    def resources(self, type_: str) -> dict[str, dict[str, Any]]:
        return {
            name: resource["Properties"]
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == type_
        }

    def only(self, type_: str) -> dict[str, Any]:
        [resource] = self.resources(type_).values()
        return resource

    def role_statements(self) -> list[dict[str, Any]]:
        [policy] = self.only("AWS::IAM::Role")["Policies"]
        statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
        return statements


def run_app(directory: Path, context: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run app.py as the CDK command does: context and output directory come in the environment."""
    environment = {**os.environ, "CDK_OUTDIR": str(directory), "CDK_CONTEXT_JSON": json.dumps(context)}
    return subprocess.run(  # noqa: S603 - our own file
        [sys.executable, str(ROOT / "app.py")],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def _synthesised(directory: Path, context: dict[str, Any]) -> Synthesised:
    done = run_app(directory, context)
    assert done.returncode == 0, done.stderr
    return Synthesised(directory)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return _synthesised(tmp_path_factory.mktemp("bare"), {})


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return _synthesised(tmp_path_factory.mktemp("full"), EVERY_SETTING)
