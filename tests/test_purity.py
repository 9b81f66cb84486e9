"""What only thinks can be imported and run with the network cut and without any AWS or HTTP library."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lambda" / "pull_doctor"
DOORS = {
    "handler": "the function's door",
    "cli": "the command line's door",
    "operations.stack": "the deployed stack, as CloudFormation tells of it",
    "operations.incidents": "the stack's table",
    "operations.redrive": "the stack's queues",
    "operations.sample": "the stack's function",
    "facts.aws": "the AWS clients",
    "facts.permissions": "it asks the readers for their actions",
    "environment": "it names the reader roles as facts.aws has them",
    "facts.errors": "the map of botocore's errors",
    "facts.engine": "the readers' threads",
    "facts.registry.connection": "HTTPS to a registry",
    "facts.registry.manifests": "what is asked over it",
    "pipeline": "it binds the engine, and so the readers",
}
"""What may import AWS and HTTP libraries, and why; besides the readers and delivery."""

# `_socket` is let through: from Python 3.13 on the standard library's `types` imports it for a type's sake.
GUARD = """
import importlib, importlib.abc, sys
REFUSED = {"boto3", "botocore", "socket", "ssl", "urllib3", "requests", "http", "aws_lambda_powertools",
           "slack_sdk"}
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ImportError(f"{name} is refused")
for name in list(sys.modules):
    if name.partition(".")[0] in REFUSED:
        del sys.modules[name]
sys.meta_path.insert(0, Refuse())
sys.path[:0] = [sys.argv[1], sys.argv[2]]
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this test's own code
        [sys.executable, "-c", GUARD + code, str(PACKAGE.parent), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def pure_modules() -> list[str]:
    names = [
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(PACKAGE.rglob("*.py"))
    ]
    return [
        name
        for name in names
        if name not in DOORS and name.split(".")[0] != "delivery" and not name.startswith("facts.readers")
    ]


def test_every_module_that_only_thinks_is_imported_with_the_network_cut() -> None:
    modules = pure_modules()
    for part in ("intake.failures", "causes.runner", "network.walk", "policy.evaluate", "report.text", "ranking"):
        assert part in modules
    assert {"view", "plan", "facts.store"} <= set(modules)
    code = "\n".join(f"import pull_doctor.{name}" if name != "__init__" else "import pull_doctor" for name in modules)
    done = python(code + "\nfrom pull_doctor.causes.runner import checks\nassert len(checks()) >= 60\n")
    assert done.returncode == 0, done.stderr


def test_a_diagnosis_from_facts_runs_with_the_network_cut() -> None:
    done = python(
        """
from tests.causes.factory import READ_AT, TIMEOUT, World, failure
from pull_doctor.ranking import rank
from pull_doctor.assemble import assemble
from pull_doctor.report.document import to_json
world = World(failures=(failure(TIMEOUT),))
print(to_json(assemble(world.intake, world.views(), rank(world.views(), READ_AT), world.answers(), READ_AT)))
"""
    )
    assert done.returncode == 0, done.stderr
    assert '"verdict":"no-defect-found"' in done.stdout


@pytest.mark.parametrize("library", ["boto3", "socket", "urllib3", "http.client"])
def test_the_guard_refuses(library: str) -> None:
    done = python(f"import {library}")
    assert done.returncode != 0
    assert "is refused" in done.stderr


@pytest.mark.parametrize("door", DOORS)
def test_the_doors_exist_and_do_need_what_is_refused(door: str) -> None:
    done = python(f"import pull_doctor.{door}")
    assert "is refused" in done.stderr, f"{door} is pure by now: take it out of DOORS"
