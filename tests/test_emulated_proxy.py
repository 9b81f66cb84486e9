"""The endpoint before both emulators: what it takes a call for, and how it refuses one."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.emulated import actions
from tests.emulated.aws import EmulatedAws, emulated_aws

pytestmark = pytest.mark.slow  # the emulator changes rarely: its own tests are of the long set


class _Sent(Exception):  # noqa: N818 - it carries a request, it is no error
    pass


def _request(service: str, operation: str, parameters: dict[str, Any]) -> actions.Request | None:
    """The request that botocore itself would send, as the endpoint reads it."""
    session = botocore.session.Session()
    session.set_credentials("123456789012", "secret")
    client: Any = session.create_client(service, region_name="eu-west-1", endpoint_url="http://127.0.0.1:1")

    def stop(request: Any, **_: Any) -> None:
        raise _Sent(request)

    client.meta.events.register("before-send", stop)
    with pytest.raises(_Sent) as sent:
        getattr(client, operation)(**parameters)
    request = sent.value.args[0]
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    body = request.body.encode() if isinstance(request.body, str) else request.body
    return actions.parse(request.method, request.url, headers, body if isinstance(body, bytes) else b"")


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "action", "arn"),
    [
        ("ec2", "describe_vpc_endpoints", {}, "ec2:DescribeVpcEndpoints", None),
        ("iam", "simulate_principal_policy",
         {"PolicySourceArn": "arn:aws:iam::123456789012:role/r", "ActionNames": ["a:B"]},
         "iam:SimulatePrincipalPolicy", "arn:aws:iam::123456789012:role/r"),
        ("ecs", "list_tasks", {"cluster": "prod"}, "ecs:ListTasks", None),
        ("ecr", "describe_images", {"repositoryName": "team/app", "registryId": "222222222222"},
         "ecr:DescribeImages", "arn:aws:ecr:eu-west-1:222222222222:repository/team/app"),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": "v"}}},
         "dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/t"),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": "m"},
         "sns:Publish", "arn:aws:sns:eu-west-1:123456789012:t"),
        ("secretsmanager", "get_secret_value", {"SecretId": "s"},
         "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf"),
        ("sts", "assume_role", {"RoleArn": "arn:aws:iam::222222222222:role/reader", "RoleSessionName": "pull-doctor"},
         "sts:AssumeRole", "arn:aws:iam::222222222222:role/reader"),
        ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": []}, "cloudwatch:PutMetricData", None),
        ("lambda", "invoke", {"FunctionName": "f"}, "lambda:InvokeFunction", None),
        ("lambda", "get_function_configuration", {"FunctionName": "f"}, "lambda:GetFunctionConfiguration", None),
        ("lambda", "list_functions", {}, "lambda:ListFunctions", None),
        ("s3", "put_object", {"Bucket": "bucket", "Key": "a/b", "Body": b""}, "s3:PutObject", None),
        ("s3", "get_object", {"Bucket": "bucket", "Key": "a/b"}, "s3:GetObject", None),
        ("s3", "list_objects_v2", {"Bucket": "bucket"}, "s3:ListBucket", None),
        ("s3", "create_bucket", {"Bucket": "bucket"}, "s3:CreateBucket", None),
    ],
)  # fmt: skip
def test_a_call_is_taken_for_its_iam_action(
    service: str, operation: str, parameters: dict[str, Any], action: str, arn: str | None
) -> None:
    request = _request(service, operation, parameters)

    assert request
    assert request.action == action
    assert actions.resource(request, "123456789012") == arn


def test_an_unsigned_request_is_no_call() -> None:
    assert actions.parse("GET", "/?Action=ConfirmSubscription", {"host": "127.0.0.1"}, b"") is None


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([{"Effect": "Allow", "Action": "ecs:List*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "Action": ["ECS:listtasks"], "Resource": "arn:aws:ecs:*:*:x/?"}], True),
        ([{"Effect": "Allow", "Action": "ecs:ListTasks", "Resource": "arn:aws:ecs:*:*:y/*"}], False),
        ([{"Effect": "Allow", "Action": "ecs:DescribeTasks", "Resource": "*"}], False),
        ([{"Effect": effect, "Action": "*", "Resource": "*"} for effect in ("Allow", "Deny")], False),
        ([], False),
    ],
)  # fmt: skip
def test_statements_allow_or_do_not(statements: list[dict[str, Any]], allowed: bool) -> None:  # noqa: FBT001 - pytest's parameter
    assert actions.allows(statements, "ecs:ListTasks", "arn:aws:ecs:eu-west-1:1:x/1") is allowed


def test_a_statement_with_not_action_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="NotAction"):
        actions.allows([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "ecs:ListTasks", None)


_CALLS: dict[str, tuple[str, Callable[[Any], Any], str, str]] = {
    "ec2": ("ec2:DescribeVpcs", lambda c: c.describe_vpcs(), "UnauthorizedOperation", "RequestLimitExceeded"),
    "ecs": ("ecs:ListClusters", lambda c: c.list_clusters(), "AccessDeniedException", "ThrottlingException"),
    "ecr": (
        "ecr:DescribeRepositories", lambda c: c.describe_repositories(), "AccessDeniedException", "ThrottlingException",
    ),
    "iam": ("iam:ListRoles", lambda c: c.list_roles(), "AccessDenied", "Throttling"),
    "sns": ("sns:ListTopics", lambda c: c.list_topics(), "AuthorizationError", "Throttling"),
    "lambda": (
        "lambda:ListFunctions", lambda c: c.list_functions(), "AccessDeniedException", "TooManyRequestsException",
    ),
    "s3": ("s3:ListAllMyBuckets", lambda c: c.list_buckets(), "AccessDenied", "SlowDown"),
}  # fmt: skip


@pytest.mark.parametrize("service", _CALLS)
def test_a_refused_call_fails_with_its_service_s_own_code(aws: EmulatedAws, service: str) -> None:
    action, call, denied, throttled = _CALLS[service]
    client = aws.client(service)
    for kind, code in (("denied", denied), ("throttled", throttled)):
        with aws.fault(action, kind), pytest.raises(ClientError) as refused:  # type: ignore[arg-type] # a literal of the pair above
            call(client)
        assert refused.value.response["Error"]["Code"] == code

    call(client)


def test_a_call_can_time_out(aws: EmulatedAws) -> None:
    config = Config(read_timeout=0.2, retries={"max_attempts": 0})
    client = boto3.client("ecs", **_credentials(aws), config=config)

    with aws.fault("ecs:ListClusters", "timed-out"), pytest.raises(ReadTimeoutError):
        client.list_clusters()


@pytest.mark.parametrize(
    ("service", "operation", "action", "code"),
    [
        ("ec2", "describe_vpcs", "ec2:DescribeVpcs", "UnauthorizedOperation"),
        ("ecs", "list_clusters", "ecs:ListClusters", "AccessDeniedException"),
        ("iam", "list_roles", "iam:ListRoles", "AccessDenied"),
    ],
)
def test_a_second_page_can_be_missing(aws: EmulatedAws, service: str, operation: str, action: str, code: str) -> None:
    client = aws.client(service)
    with aws.fault(action, "second-page-missing"):
        getattr(client, operation)()
        with pytest.raises(ClientError) as refused:
            client.get_paginator(operation).paginate().build_full_result()

    assert refused.value.response["Error"]["Code"] == code


def test_a_role_is_held_to_its_own_policies(aws: EmulatedAws) -> None:
    iam = aws.client("iam")
    trust = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'
    role = iam.create_role(RoleName="held", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    policy = '{"Statement": [{"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}]}'
    iam.put_role_policy(RoleName="held", PolicyName="own", PolicyDocument=policy)
    session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    keys = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    ec2: Any = boto3.client("ec2", **(_credentials(aws) | keys))
    ec2.describe_subnets()
    aws.hold("held")

    ec2.describe_vpcs()
    boto3.client("sts", **(_credentials(aws) | keys)).get_caller_identity()
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.describe_subnets()
    made = [call for call in aws.calls if ":assumed-role/held/" in call.caller]
    assert [(call.action, call.status) for call in made] == [
        ("ec2:DescribeSubnets", 200), ("ec2:DescribeVpcs", 200),
        ("sts:GetCallerIdentity", 200), ("ec2:DescribeSubnets", 403),
    ]  # fmt: skip


def test_another_account_s_repository_is_refused_until_its_policy_shares_it(aws: EmulatedAws) -> None:
    owner = aws.client("ecr", account="222222222222")
    owner.create_repository(repositoryName="shared/app")
    asked = {"repositoryName": "shared/app", "registryId": "222222222222"}

    with pytest.raises(ClientError, match="AccessDeniedException"):
        aws.client("ecr").describe_images(**asked)
    owner.set_repository_policy(
        repositoryName="shared/app",
        policyText='{"Version": "2012-10-17", "Statement": [{"Sid": "s", "Effect": "Allow", '
        f'"Principal": {{"AWS": "arn:aws:iam::{aws.account}:root"}}, "Action": "ecr:DescribeImages"}}]}}',
    )
    assert aws.client("ecr").describe_images(**asked)["imageDetails"] == []


def test_nothing_is_left_when_the_block_ends_with_an_error() -> None:
    used = []

    def fail() -> None:
        with emulated_aws() as own:
            own.client("sts").get_caller_identity()
            used.extend([own.url, own._control])
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()

    assert [_gone(url) for url in used] == [True, True]


def test_ministack_ends_with_a_killed_parent() -> None:
    program = (
        "import sys; from tests.emulated.aws import emulated_aws\n"
        "with emulated_aws() as aws:\n"
        "    print(aws._control, flush=True); aws.mails(); print('up', flush=True); sys.stdin.read()"
    )
    root = Path(__file__).parents[1]
    with subprocess.Popen(  # noqa: S603 - the program above
        [sys.executable, "-c", program], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        control = parent.stdout.readline().strip()
        assert parent.stdout.readline() == "up\n"
        parent.kill()

    assert _gone(control)


def _gone(url: str) -> bool:
    """Whether nothing listens there any more, within five seconds."""
    for _ in range(100):
        try:
            urllib3.request("GET", url, retries=False, timeout=1)
        except urllib3.exceptions.NewConnectionError:
            return True
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.05)
    return False


def _credentials(aws: EmulatedAws) -> dict[str, Any]:
    return {
        "endpoint_url": aws.url,
        "region_name": aws.region,
        "aws_access_key_id": aws.account,
        "aws_secret_access_key": "secret",
    }
