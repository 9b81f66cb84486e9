"""Synthesises this app's template and deploys it into an emulated AWS, as ``cdk deploy`` would into a real one.

``deployed = deploy(aws, synthesise(directory, {"slack-secret-name": "slack"}))`` has the stack's outputs. What
``cdk bootstrap`` leaves in an account (the assets' bucket, the version parameter) is made first.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulated.aws import EmulatedAws

_ROOT = Path(__file__).parents[2]
_STACK = "PullDoctor"
_KEPT_SECONDS = 60 * 60


class DeploymentError(Exception):
    """The app could not be synthesised or the stack not be created; the message says why."""


@dataclass(frozen=True)
class Deployed:
    """The stack's outputs, and the name of the role that its function runs as; ``failed`` and ``unsent`` are URLs."""

    topic: str
    operations: str
    chat: str | None
    function: str
    table: str
    bucket: str
    failed: str
    unsent: str
    role: str


def synthesise(out: Path, context: dict[str, Any] | None = None) -> Path:
    """Write the cloud assembly to ``out`` with these settings, and return it; no registry on the internet is asked.

    What was synthesised before from the same sources and settings is taken as it is.
    """
    context = {"registry-probe": "off"} | (context or {})
    build = _ROOT / "build"
    build.mkdir(exist_ok=True)
    kept = build / f"assembly-{_digest(context)}"
    if not kept.is_dir():
        for old in build.glob("assembly-*"):
            if time.time() - old.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=build) as scratch:
            fresh = Path(scratch) / "assembly"
            _synthesise(fresh, context)
            with suppress(OSError):  # another process has just put the same there
                fresh.rename(kept)
    shutil.copytree(kept, out, dirs_exist_ok=True)
    return out


def _digest(context: dict[str, Any]) -> str:
    """A digest of everything that the assembly follows from."""
    whole = hashlib.sha256(json.dumps(context, sort_keys=True).encode())
    sources = [path for folder in ("lambda", "infra") for path in (_ROOT / folder).rglob("*")]
    for path in sorted([*sources, *(_ROOT / name for name in ("app.py", "cdk.json", "requirements.txt"))]):
        if path.is_file() and "__pycache__" not in path.parts:
            whole.update(f"{path.relative_to(_ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return whole.hexdigest()[:16]


def _synthesise(out: Path, context: dict[str, Any]) -> None:
    env = os.environ | {
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    done = subprocess.run([sys.executable, "app.py"], cwd=_ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeploymentError(f"app.py failed:\n{done.stdout}{done.stderr}")


def deploy(aws: EmulatedAws, assembly: Path) -> Deployed:
    """Upload the assets of a cloud assembly and create its stack in the home account."""
    _bootstrap(aws)
    for asset in json.loads((assembly / f"{_STACK}.assets.json").read_text())["files"].values():
        path = assembly / asset["source"]["path"]
        body = _zip(path) if asset["source"]["packaging"] == "zip" else path.read_bytes()
        for place in asset["destinations"].values():
            bucket = place["bucketName"].replace("${AWS::AccountId}", aws.account).replace("${AWS::Region}", aws.region)
            aws.client("s3").put_object(Bucket=bucket, Key=place["objectKey"], Body=body)
    formation = aws.client("cloudformation")
    template = (assembly / f"{_STACK}.template.json").read_text()
    formation.create_stack(StackName=_STACK, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    stack = _wait(aws)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    function = aws.client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
    return Deployed(
        topic=outputs["TopicArn"],
        operations=outputs["OperationsTopicArn"],
        chat=outputs.get("ChatTopicArn"),
        function=outputs["FunctionName"],
        table=outputs["TableName"],
        bucket=outputs["EvidenceBucketName"],
        failed=outputs["FailedQueueUrl"],
        unsent=outputs["UnsentQueueUrl"],
        role=function["Role"].rsplit("/", 1)[-1],
    )


def _bootstrap(aws: EmulatedAws) -> None:
    bucket = f"cdk-hnb659fds-assets-{aws.account}-{aws.region}"
    aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    aws.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True)


def _wait(aws: EmulatedAws, seconds: float = 60) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        stack: dict[str, Any] = aws.client("cloudformation").describe_stacks(StackName=_STACK)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return stack
        if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > end:
            events = aws.client("cloudformation").describe_stack_events(StackName=_STACK)["StackEvents"]
            reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in events]
            raise DeploymentError(f"the stack is {stack['StackStatus']}:\n" + "\n".join(reasons))
        time.sleep(0.1)


def _zip(directory: Path) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(directory))
    return whole.getvalue()
