"""Other accounts, through moto: it keeps accounts apart by the role that was assumed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ParamValidationError, ReadTimeoutError
from moto import mock_aws

from pull_doctor.facts import questions as q
from pull_doctor.facts.aws import Aws, ReaderRole
from pull_doctor.facts.engine import ask, gather
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.intake.task import Task
from pull_doctor.resource import Place
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, Answer, World

LAMBDA = Path(__file__).parents[2] / "lambda"
MINE, THEIRS = "123456789012", "444455556666"
ROLE = ReaderRole(f"arn:aws:iam::{THEIRS}:role/pull-doctor-reader", external_id="shared-word")


@pytest.fixture
def their_vpc(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        keys = boto3.client("sts", REGION).assume_role(RoleArn=ROLE.arn, RoleSessionName="test")["Credentials"]
        ec2 = boto3.client(
            "ec2",
            REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")
        yield vpc


def test_another_account_is_read_with_its_reader_role(their_vpc: str) -> None:
    question = q.Subnets(THEIRS, REGION, their_vpc)
    task = Task("arn", "id", Place("aws", THEIRS, REGION), "prod")

    answers = gather(
        task,
        (),
        Aws(reader_roles={THEIRS: ROLE}),
        plan=lambda _task, _failures, _answers: [question],
        deadline=time.monotonic() + 20,
    )

    fact = answers.get(question)
    assert isinstance(fact, Known)
    assert [(subnet.cidr, subnet.owner) for subnet in fact.value] == [("10.77.1.0/24", THEIRS)]


def test_the_own_account_is_read_with_the_own_credentials(their_vpc: str) -> None:
    aws = Aws(reader_roles={THEIRS: ROLE, MINE: ReaderRole(f"arn:aws:iam::{MINE}:role/never-assumed")})
    assert aws.account(REGION) == Known(MINE)
    assert aws.stranger(MINE, REGION) is None
    assert ask(aws, q.Subnets(MINE, REGION, their_vpc)) == Known(())


def test_the_role_is_assumed_once_with_its_external_id(their_vpc: str) -> None:
    session, asked = boto3.Session(), list[dict[str, str]]()
    session.events.register("before-parameter-build.sts.AssumeRole", lambda params, **_: asked.append(dict(params)))
    aws = Aws(session, reader_roles={THEIRS: ROLE})
    aws.account(REGION)
    ask(aws, q.Subnets(THEIRS, REGION, their_vpc))
    ask(aws, q.DnsSupport(THEIRS, REGION, their_vpc))
    assert asked == [{"RoleArn": ROLE.arn, "RoleSessionName": "pull-doctor", "ExternalId": "shared-word"}]


def test_the_role_is_used_with_the_settings_of_the_own_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[profile dev]\nendpoint_url = http://127.0.0.1:1\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    aws = Aws(boto3.Session("testing", "testing", profile_name="dev"), reader_roles={THEIRS: ROLE})
    assert aws.client("ecr", REGION, THEIRS).meta.endpoint_url == "http://127.0.0.1:1"


def test_the_call_that_timed_out_is_named_among_several() -> None:
    options, exclusions = "DescribeVpcBlockPublicAccessOptions", "DescribeVpcBlockPublicAccessExclusions"
    blocked = {"VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "block-ingress"}}
    timeout = ReadTimeoutError(endpoint_url="https://ec2")
    cases: list[tuple[dict[str, list[Answer]], str]] = [
        ({options: [timeout]}, options),
        ({options: [blocked], exclusions: [timeout]}, exclusions),
        ({options: [blocked], exclusions: [ParamValidationError(report="odd")]}, exclusions),
    ]
    for answers, named in cases:
        fact = ask(Aws(World(answers).session()), q.BlockPublicAccessOf(OWN_ACCOUNT, REGION))
        assert isinstance(fact, Unknown)
        assert fact.action == f"ec2:{named}"


def test_each_thread_knows_its_own_call() -> None:
    aws, others = Aws(World({}).session()), list[str | None]()
    aws.account(REGION)
    thread = threading.Thread(target=lambda: others.append(aws.called))
    thread.start()
    thread.join()
    assert (aws.called, others) == ("GetCallerIdentity", [None])


@pytest.mark.usefixtures("their_vpc")
def test_a_reader_role_that_is_not_assumed_in_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    question, hangs = q.BlockPublicAccessOf(THEIRS, REGION), "AssumeRole"
    call = BaseClient._make_api_call  # type: ignore[attr-defined] # not in the stubs

    def hanging(client: BaseClient, operation: str, *parameters: object) -> object:
        if operation == hangs:
            raise ReadTimeoutError(endpoint_url="https://sts")
        return call(client, operation, *parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", hanging)
    aws = Aws(reader_roles={THEIRS: ROLE})
    not_assumed = ask(aws, question)
    assert isinstance(not_assumed, Unknown)
    assert (not_assumed.why, not_assumed.action) == ("timed-out", "sts:AssumeRole")
    hangs = ""
    aws.client("ec2", REGION, THEIRS).describe_vpcs()
    assert aws.called == "DescribeVpcs"


def test_an_account_without_a_role_is_a_stranger() -> None:
    aws = Aws(World({}).session(), reader_roles={THEIRS: ROLE})
    assert aws.stranger(OWN_ACCOUNT, REGION) is None
    assert aws.stranger(THEIRS, REGION) is None
    refused = aws.stranger("777788889999", REGION)
    assert isinstance(refused, Unknown)
    assert refused.detail == f"these are credentials of account {OWN_ACCOUNT}; the task ran in 777788889999"


def test_a_client_is_made_once() -> None:
    aws = Aws(World({}).session())
    assert aws.client("ec2", REGION) is aws.client("ec2", REGION, OWN_ACCOUNT)
    assert aws.client("ec2", REGION) is not aws.client("ec2", "us-east-1")


def test_reads_are_short() -> None:
    config = Aws(World({}).session()).client("ec2", REGION).meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}


def test_importing_the_engine_does_not_import_boto3() -> None:
    program = (
        "import sys, pull_doctor.facts.engine; sys.exit('boto3' in sys.modules or 'botocore.client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=LAMBDA, check=False).returncode == 0  # noqa: S603 - our own interpreter
