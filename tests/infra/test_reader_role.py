"""The role that another account makes for the function: its template, and what it lets the function read there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from infra.reader_role import template
from pull_doctor.facts import permissions
from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws, ReaderRole
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulated.aws import EmulatedAws
    from tests.infra.conftest import Synthesised

THEIRS = "555555555561"
ROLE = ReaderRole(f"arn:aws:iam::{THEIRS}:role/doctors/reader", "doctor-1")


def reader(document: dict[str, Any]) -> dict[str, Any]:
    [resource] = document["Resources"].values()
    assert resource["Type"] == "AWS::IAM::Role"
    properties: dict[str, Any] = resource["Properties"]
    return properties


def reads(document: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The actions where tasks run in the account, and those where it only owns what tasks pull."""
    [policy] = reader(document)["Policies"]
    condition, *documents = policy["PolicyDocument"]["Fn::If"]
    assert document["Conditions"][condition] == {"Fn::Equals": [{"Ref": "TasksRunHere"}, "yes"]}
    with_tasks, without = (
        {action for statement in each["Statement"] for action in statement["Action"]} for each in documents
    )
    return with_tasks, without


def written(directory: Path) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text("utf-8")) for path in directory.glob("reader-role-*")}


def test_every_account_with_a_reader_role_has_its_template(full: Synthesised, bare: Synthesised) -> None:
    assert written(bare.directory) == {}
    switched_off = ("iam:SimulatePrincipalPolicy",)
    with_id = ReaderRole("arn:aws:iam::333333333333:role/reader", "doctor-1")
    assert written(full.directory) == {
        "reader-role-333333333333.template.json": template(with_id, switched_off),
        "reader-role-444444444444.template.json": template(
            ReaderRole("arn:aws:iam::444444444444:role/path/reader"), switched_off
        ),
    }


def test_the_stack_tells_the_arn_that_the_template_asks_for(full: Synthesised, bare: Synthesised) -> None:
    assert "FunctionRoleArn" not in bare.template["Outputs"]
    [role] = full.resources("AWS::IAM::Role")
    assert full.template["Outputs"]["FunctionRoleArn"]["Value"] == {"Fn::GetAtt": [role, "Arn"]}
    assert set(template(ROLE)["Parameters"]) == {"FunctionRoleArn", "TasksRunHere"}
    assert not [name for name in bare.template["Outputs"] if name.startswith("RunInAccount")]
    told = full.template["Outputs"]["RunInAccount333333333333"]["Value"]["Fn::Join"][1]
    assert told[0].endswith("FunctionRoleArn=")
    assert "--template-file cdk.out/reader-role-333333333333.template.json " in told[0]
    assert told[1] == {"Fn::GetAtt": [role, "Arn"]}


def test_it_is_the_role_that_the_function_assumes() -> None:
    assert (reader(template(ROLE))["Path"], reader(template(ROLE))["RoleName"]) == ("/doctors/", "reader")
    plain = reader(template(ReaderRole(f"arn:aws-cn:iam::{THEIRS}:role/reader")))
    assert (plain["Path"], plain["RoleName"]) == ("/", "reader")


def test_only_the_function_may_assume_it_and_only_with_the_external_id() -> None:
    [statement] = reader(template(ROLE))["AssumeRolePolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "FunctionRoleArn"}},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "doctor-1"}},
    }
    [statement] = reader(template(ReaderRole(ROLE.arn)))["AssumeRolePolicyDocument"]["Statement"]
    assert "Condition" not in statement


def test_it_reads_what_the_readers_declare_and_nothing_that_is_switched_off() -> None:
    assert reads(template(ROLE)) == (set(permissions.actions()), set(permissions.owner_actions()))
    off = {"ecr:BatchGetImage", "ecs:DescribeTaskDefinition"}
    with_tasks, without = reads(template(ROLE, off))
    assert with_tasks == set(permissions.actions()) - off
    assert without == set(permissions.owner_actions()) - {"ecr:BatchGetImage"}


def test_the_command_of_the_readme_takes_a_template_of_this_size() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html."""
    assert len(json.dumps(template(ROLE), indent=1)) < 51_200


@pytest.fixture
def reading(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The function's AWS: with credentials of a role that the other account's template names."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    function = iam.create_role(RoleName="function-reads", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    arn = function["Role"]["Arn"]
    aws.client("cloudformation", account=THEIRS).create_stack(
        StackName="pull-doctor-reader",
        TemplateBody=json.dumps(template(ROLE)),
        Parameters=[{"ParameterKey": "FunctionRoleArn", "ParameterValue": arn}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    aws.client("cloudformation", account=THEIRS).get_waiter("stack_create_complete").wait(
        StackName="pull-doctor-reader", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    aws.hold("reader", account=THEIRS)
    given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return Aws(session, reader_roles={THEIRS: ROLE})


def test_the_deployed_role_lets_the_function_read_an_owner_s_part_and_no_more(aws: EmulatedAws, reading: Aws) -> None:
    here = (aws.account, aws.region)
    policy = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}], "Version": "2012-10-17"}
    ecr = aws.client("ecr", account=THEIRS)
    ecr.create_repository(repositoryName="base")
    ecr.set_repository_policy(repositoryName="base", policyText=json.dumps(policy))
    key = aws.client("kms", account=THEIRS).create_key()["KeyMetadata"]["Arn"]

    assert ask(reading, q.RepositoryPolicy(*here, THEIRS, "base")) == Known(json.dumps(policy))
    assert ask(reading, q.CacheRulesOf(*here, THEIRS)) == Known(())
    assert ask(reading, q.OneKey(*here, key)) == Known(v.Key(key, "Enabled", "CUSTOMER"))
    assert isinstance(ask(reading, q.KeyPolicy(*here, key)), Known)
    refused = ask(reading, q.OneRole(THEIRS, aws.region, ROLE.arn))
    assert isinstance(refused, Unknown)
    assert (refused.why, refused.action) == ("denied", "iam:GetRole")
