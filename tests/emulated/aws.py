"""An emulated AWS on loopback: ``with emulated_aws() as aws`` starts it, and nothing of it is left at the end.

``aws.client("ec2")`` is a boto3 client of the home account; ``aws.client("ecr", account="222222222222")`` one of
another account, which lives in the same emulation. ``aws.env`` is what a process needs to reach it by itself.
``aws.calls`` records every signed call by IAM action and caller. ``aws.fault("ec2:DescribeSubnets", "throttled")``
makes one action fail within a ``with`` block; ``aws.hold("role-name")`` refuses from now on every call of that role
which the policies attached to it do not allow. ``aws.put_event(event)`` puts an event on the bus as ECS does, and
``aws.patch_task(arn, ...)`` sets what ECS alone decides about a task, ``aws.complete_deployment``, ``aws.roll_back``
and ``aws.resolve_images`` what it decides about a service, ``aws.patch_container_instance`` what an agent tells.

Every account is in no organization, until ``aws.in_organization(account, "o-exampleorg1")``;
then ``aws.organization_policy(account, statements)`` plants service control policies. A simulation of a role
(iam:SimulatePrincipalPolicy) heeds them and the role's permissions boundary, which IAM's own PutRolePermissionsBoundary
sets. Neither stops a call that a test makes. States that only time or AWS brings about in EC2 (a failed NAT gateway,
a route's state, a pending endpoint) are set with the functions at the end of ``moto_repairs``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # moto reads 600 KB of images otherwise

from tests.emulated import moto_repairs
from tests.emulated.front import Call, Front, Kind, Watcher, serve

ACCOUNT = "123456789012"
REGION = "eu-west-1"
_ROOT = Path(__file__).parents[2]
_MINISTACK = _ROOT / ".venv/ministack/bin/python"


class EmulatedAws:
    """The running emulation: its one endpoint, and what only AWS itself may do."""

    def __init__(self, url: str, front: Front, control: str) -> None:
        self.url = url
        self.account = ACCOUNT
        self.region = REGION
        self._front = front
        self._control = control
        self.client = cache(self._client)

    @property
    def calls(self) -> list[Call]:
        """Every signed call since the start."""
        return self._front.calls

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process whose AWS is this one."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _client(self, service: str, account: str = ACCOUNT, region: str = REGION) -> Any:
        return _session().client(
            service,  # type: ignore[call-overload]  # the stubs know each service by its literal name
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key="secret",
            config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=20),
        )

    @contextmanager
    def fault(self, action: str, kind: Kind) -> Iterator[None]:
        """Make every call of this IAM action fail in this way."""
        self._front.faults[action] = kind
        try:
            yield
        finally:
            del self._front.faults[action]

    @contextmanager
    def watched(self, watcher: Watcher) -> Iterator[None]:
        """Let a watcher see every signed call, before and after; what it says is dead asks for nothing more."""
        self._front.watchers.append(watcher)
        try:
            yield
        finally:
            self._front.watchers.remove(watcher)

    def hold(self, role: str, account: str = ACCOUNT) -> list[dict[str, Any]]:
        """Refuse from now on what the role's own policies do not allow; the statements it is held against."""
        iam = self.client("iam", account=account)
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
            version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
            documents.append(version["PolicyVersion"]["Document"])
        statements = [statement for document in documents for statement in document["Statement"]]
        self._front.policies[role] = statements
        return statements

    def put_event(self, event: dict[str, Any]) -> None:
        """Put a whole EventBridge event on its account's default bus, as the service it comes from would."""
        self._ask("event", event)

    def patch_task(self, task: str, account: str = ACCOUNT, **members: Any) -> None:
        """Set members of a task as DescribeTasks answers them."""
        self._ask("task", {"account": account, "region": self.region, "task": task, "members": members})

    def copy_task(self, task: str, account: str, copies: list[dict[str, str]]) -> None:
        """Copy what ECS knows of a task, once for each of ``copies``: they say which text is replaced by which."""
        self._ask("task-copies", {"account": account, "region": self.region, "task": task, "copies": copies})

    def complete_deployment(self, cluster: str, service: str, account: str = ACCOUNT) -> None:
        """Complete a service's newest deployment; the tasks of earlier ones stop.

        Raises ``RuntimeError`` if it runs fewer tasks than the service wants.
        """
        self._ask("complete", {"account": account, "region": self.region, "service": f"{cluster}/{service}"})

    def roll_back(self, cluster: str, service: str, account: str = ACCOUNT) -> None:
        """Give a service the deployment before its newest one back, with the tasks that still run of it."""
        self._ask("roll-back", {"account": account, "region": self.region, "service": f"{cluster}/{service}"})

    def resolve_images(self, cluster: str, service: str, account: str = ACCOUNT, **digests: str) -> None:
        """Set what the service revision of a service's newest deployment says of its images: digests by container."""
        place = {"account": account, "region": self.region, "service": f"{cluster}/{service}"}
        self._ask("revision", place | {"digests": digests})

    def patch_container_instance(self, arn: str, account: str = ACCOUNT, **members: Any) -> None:
        """Set members of a container instance as DescribeContainerInstances answers them."""
        place = {"account": account, "region": self.region}
        self._ask("container-instance", place | {"instance": arn, "members": members})

    def in_organization(self, account: str, organization: str | None) -> None:
        """Make an account a member of an organization, with full access under it; ``None`` takes it out again.

        It lasts: a world that needs it is best built in an account of its own.
        """
        self._ask("organization", {"account": account, "organization": organization})

    def organization_policy(self, account: str, statements: list[dict[str, Any]], *, full_access: bool = True) -> None:
        """Set the service control policies of a member account; no statements: full access alone, as at first.

        ``full_access`` is AWS's own FullAWSAccess, which is attached until somebody detaches it.
        """
        always = [{"Effect": "Allow", "Action": "*", "Resource": "*"}] if full_access else []
        self._ask("service-control-policies", {"account": account, "statements": [*always, *statements]})

    def mails(self) -> list[dict[str, str]]:
        """What subscribers by e-mail were sent: ``to``, ``subject`` and ``text``."""
        mails: list[dict[str, str]] = self._ask("mail", {})["mails"]
        return mails

    def wait_until_idle(self, seconds: float = 30, *, but: int = 0) -> None:
        """Wait until every event that a rule matched is handled, or given up; raises ``TimeoutError``.

        With ``but`` some may still be under way. Each of those runs in a process of its own, as in Lambda.
        """
        end = time.monotonic() + seconds
        while self._ask("invocations", {})["pending"] > but:
            if time.monotonic() > end:
                raise TimeoutError(f"an event is not handled after {seconds} s")
            time.sleep(0.02)

    def _ask(self, control: str, body: dict[str, Any]) -> Any:
        answer = urllib3.request("POST", f"{self._control}/{control}", json=body, retries=False, timeout=60)
        if answer.status != 200:
            raise RuntimeError(f"{control}: {answer.data.decode()}")
        return answer.json()


@contextmanager
def emulated_aws() -> Iterator[EmulatedAws]:
    """An emulated AWS on free loopback ports, gone when the block ends, however it ends."""
    with (
        tempfile.TemporaryDirectory(prefix="emulated-aws-") as scratch,
        socket.create_server(("127.0.0.1", 0)) as inner,
        socket.create_server(("127.0.0.1", 0)) as outer,
    ):
        url = f"http://127.0.0.1:{outer.getsockname()[1]}"
        ministack = inner.getsockname()[1]
        moto_repairs.repair()
        front = Front(ministack)
        process = _start_ministack(inner, url, Path(scratch))
        server = serve(front, outer.fileno())
        try:
            yield EmulatedAws(url, front, f"http://127.0.0.1:{ministack}/_control")
        finally:
            front.closing.set()
            server.shutdown()
            server.server_close()
            _end(process)


def _start_ministack(listening: socket.socket, endpoint: str, scratch: Path) -> subprocess.Popen[bytes]:
    port = str(urllib.parse.urlsplit(endpoint).port)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": port,
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
        "LOG_LEVEL": os.environ.get("MINISTACK_LOG_LEVEL", "ERROR"),
    }
    return subprocess.Popen(  # noqa: S603 - the emulator of this repository, in its own environment
        [_MINISTACK, "-m", "tests.emulated.ministack_launcher", str(listening.fileno())],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        env=env,
        pass_fds=[listening.fileno()],
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End MiniStack and the Lambda workers, which all live in its process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()


@cache
def _session() -> boto3.Session:
    return boto3.Session()
