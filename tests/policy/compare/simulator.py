"""The independent evaluator, a package for Node: installed under ``build/compare``, asked through standard input.

It is under the AGPL: a tool of these tests, of which nothing is shipped or copied.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pull_doctor.policy.combine import Layer
from tests.policy.compare.generate import OWN, SETS, Sample

HERE = Path(__file__).parent
BUILD = HERE.parents[2] / "build" / "compare"
EFFECTS = {"Allowed": "allow", "ExplicitlyDenied": "deny", "ImplicitlyDenied": "no", "DeniedForAccount": "deny"}


class NotInstallableError(Exception):
    """The package cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the package says: ``allow``, ``deny``, or ``no``; of a resource's policy also ``allow-account``."""

    overall: str
    layers: Mapping[Layer, str]


def install() -> None:
    """Install the package as the lock file has it, unless that was done before."""
    lock = HERE / "package-lock.json"
    done = BUILD / "installed.json"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    npm = shutil.which("npm")
    if not npm:
        raise NotInstallableError("there is no npm on the PATH")
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, BUILD)
    arguments = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(BUILD)]
    try:
        installed = subprocess.run(arguments, capture_output=True, text=True, timeout=90, check=False)  # noqa: S603 - npm alone, no text from outside
    except subprocess.TimeoutExpired as error:
        raise NotInstallableError("npm ci did not end within 90 seconds") from error
    if installed.returncode:
        raise NotInstallableError(f"npm ci failed: {installed.stderr.strip()[-300:]}")
    shutil.copy(lock, done)


def ask(samples: Iterable[Sample]) -> list[Simulated]:
    """What the package says of each sample; every sample must be valid to it."""
    node = shutil.which("node")
    assert node, "npm was there, so is node"
    lines = "".join(f"{json.dumps(_as_simulation(one))}\n" for one in samples)
    arguments = [node, str(HERE / "simulate.mjs"), str(BUILD)]
    answered = subprocess.run(arguments, input=lines, capture_output=True, text=True, timeout=100, check=True)  # noqa: S603 - node alone, no text from outside
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    refused = [one for one in answers if "error" in one or one["ignored"]]
    assert not refused, refused[:3]
    return [
        Simulated(
            EFFECTS[one["overall"]],
            {layer: EFFECTS.get(result, "allow-account") for layer, result in one["layers"].items()},
        )
        for one in answers
    ]


def _as_simulation(sample: Sample) -> dict[str, Any]:
    caller = sample.caller
    context: dict[str, Any] = {
        "aws:PrincipalArn": caller.arn,
        "aws:PrincipalAccount": OWN,
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalIsAWSService": "false",
    }
    context |= {key: list(values) if key in SETS else values[0] for key, values in sample.context.items() if values}

    def named(layer: Layer) -> list[dict[str, Any]]:
        return [{"name": f"{layer} {at}", "policy": one} for at, one in enumerate(sample.policies.get(layer, ()), 1)]

    def of_root(layer: Layer) -> list[dict[str, Any]]:
        return [{"orgIdentifier": "r-ab12", "policies": named(layer)}] if layer in sample.policies else []

    simulation: dict[str, Any] = {
        "request": {
            "principal": f"arn:aws:sts::{OWN}:assumed-role/{caller.arn.rsplit('/', 1)[-1]}/{caller.session}",
            "action": sample.action,
            "resource": {"resource": sample.resource, "accountId": sample.owner},
            "contextVariables": context,
        },
        "identityPolicies": named("identity-policy"),
        "serviceControlPolicies": of_root("service-control-policy"),
        "resourceControlPolicies": of_root("resource-control-policy"),
        "permissionBoundaryPolicies": named("permissions-boundary"),
        "vpcEndpointPolicies": named("endpoint-policy"),
    }
    for name, layer in (("resourcePolicy", "resource-policy"), ("sessionPolicy", "session-policy")):
        if layer in sample.policies:
            simulation[name] = sample.policies[layer][0]  # type: ignore[index] # the two names are layers
    return simulation
