"""The readers of IAM, Organizations, ECS, KMS, Secrets Manager and Systems Manager against MiniStack, over the wire."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known
from tests.emulated.aws import EmulatedAws

REGION = "eu-west-1"
ACCOUNT = "444444444444"
HERE = (ACCOUNT, REGION)
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}


@pytest.fixture
def reading(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The readers' own AWS, with credentials of the emulated account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    return Aws(boto3.Session(ACCOUNT, "secret", region_name=REGION))


def read(reading: Aws, question: q.Question[Any]) -> Any:
    fact = ask(reading, question)
    assert isinstance(fact, Known), fact
    return fact.value


def test_a_role_with_its_boundary_and_what_it_may_do(aws: EmulatedAws, reading: Aws) -> None:
    iam = aws.client("iam", account=ACCOUNT)
    tags = [{"Key": "team", "Value": "web"}]
    trust = json.dumps(TRUST)
    created = iam.create_role(RoleName="reads", Path="/team/", AssumeRolePolicyDocument=trust, Tags=tags)["Role"]
    arn = created["Arn"]
    repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/web"
    simulation = q.Simulation(*HERE, arn, ("ecr:BatchGetImage",), repository)
    role = v.Role(arn, json.dumps(TRUST, sort_keys=True), id=created["RoleId"], tags=(("team", "web"),))
    assert read(reading, q.OneRole(*HERE, arn)) == role
    assert read(reading, q.PoliciesOfRole(*HERE, arn)) == v.RolePolicies(())
    assert read(reading, simulation) == (v.Simulated("ecr:BatchGetImage", "implicitDeny"),)

    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="reads", PolicyName="all", PolicyDocument=document)
    nothing = document.replace("*", "s3:*", 1)
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=nothing)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="reads", PermissionsBoundary=limit)
    aws.in_organization(ACCOUNT, "o-exampleorg1")
    try:
        assert read(reading, q.Organization(*HERE)) == "o-exampleorg1"
        (found,) = read(reading, simulation)
    finally:
        aws.in_organization(ACCOUNT, None)
    wanted = v.Simulated("ecr:BatchGetImage", "implicitDeny", ("all",), boundary_allows=False, organization_allows=True)
    assert found == wanted
    assert read(reading, q.OneRole(*HERE, arn)).boundary == limit


def test_the_policies_of_a_role_as_they_are_written(aws: EmulatedAws, reading: Aws) -> None:
    def document(action: str) -> str:
        statement = {"Action": action, "Effect": "Allow", "Resource": "*"}
        return json.dumps({"Statement": [statement], "Version": "2012-10-17"})

    iam = aws.client("iam", account=ACCOUNT)
    arn = iam.create_role(RoleName="written", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    mine = iam.create_policy(PolicyName="mine", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=mine, PolicyDocument=document("ecr:*"), SetAsDefault=True)
    edge = iam.create_policy(PolicyName="edge", PolicyDocument=document("ecr:Get*"))["Policy"]["Arn"]
    aws_s = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    for policy in (aws_s, mine):
        iam.attach_role_policy(RoleName="written", PolicyArn=policy)
    iam.put_role_policy(RoleName="written", PolicyName="own", PolicyDocument=document("logs:*"))
    iam.put_role_permissions_boundary(RoleName="written", PermissionsBoundary=edge)

    found = read(reading, q.PoliciesOfRole(*HERE, arn))
    assert [policy.name for policy in found.identity] == [aws_s, mine, "own"]
    assert "ecr:BatchGetImage" in found.identity[0].document
    assert [policy.document for policy in found.identity[1:]] == [document("ecr:*"), document("logs:*")]
    assert found.boundary == v.NamedPolicy(edge, document("ecr:Get*"))


def test_a_key_until_it_is_deleted(aws: EmulatedAws, reading: Aws) -> None:
    kms = aws.client("kms", account=ACCOUNT)
    key = kms.create_key(Policy='{"Statement": []}')["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/images", TargetKeyId=key)
    assert read(reading, q.OneKey(*HERE, "alias/images")) == v.Key(key, "Enabled", "CUSTOMER")
    assert read(reading, q.KeyPolicy(*HERE, key)) == '{"Statement": []}'
    kms.disable_key(KeyId=key)
    assert read(reading, q.OneKey(*HERE, key)).state == "Disabled"
    kms.schedule_key_deletion(KeyId=key)
    assert read(reading, q.OneKey(*HERE, key.rpartition("/")[2])).state == "PendingDeletion"


def test_what_is_not_there(reading: Aws) -> None:
    assert read(reading, q.OneRole(*HERE, f"arn:aws:iam::{ACCOUNT}:role/none")) is None
    assert read(reading, q.Simulation(*HERE, f"arn:aws:iam::{ACCOUNT}:role/none", ("ecr:*",), "*")) is None
    assert read(reading, q.Organization(*HERE)) is None
    assert read(reading, q.PoliciesOfRole(*HERE, f"arn:aws:iam::{ACCOUNT}:role/none")) is None
    assert read(reading, q.OneKey(*HERE, "alias/none")) is None
    assert read(reading, q.KeyPolicy(*HERE, f"arn:aws:kms:{REGION}:{ACCOUNT}:key/none")) is None
    assert read(reading, q.OneSecret(*HERE, "none")) is None
    assert read(reading, q.SecretPolicy(*HERE, "none")) is None
    assert read(reading, q.OneParameter(*HERE, "none")) is None


def test_a_deployment_that_the_service_does_not_show_any_more(aws: EmulatedAws, reading: Aws) -> None:
    ecs = aws.client("ecs", account=ACCOUNT)
    ecs.create_cluster(clusterName="prod")
    ecs.register_task_definition(family="web", containerDefinitions=[{"name": "web", "image": "web", "memory": 128}])
    network = {"subnets": ["subnet-old"], "securityGroups": ["sg-old"], "assignPublicIp": "ENABLED"}
    created = ecs.create_service(
        cluster="prod",
        serviceName="web",
        taskDefinition="web",
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
    )["service"]
    old = created["deployments"][0]["id"]
    ecs.update_service(
        cluster="prod", service="web", networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-new"]}}
    )
    aws.complete_deployment("prod", "web", account=ACCOUNT)

    assert old not in [each.id for each in read(reading, q.OneService(*HERE, "prod", "web")).deployments]
    assert read(reading, q.StartedWith(*HERE, "prod", "web", old)) == v.Deployment(
        old,
        "INACTIVE",
        ("subnet-old",),
        ("sg-old",),
        assign_public_ip=True,
        task_definition=created["taskDefinition"],
    )
    assert read(reading, q.StartedWith(*HERE, "prod", "web", "ecs-svc/1")) is None


def test_a_secret_until_it_is_deleted(aws: EmulatedAws, reading: Aws) -> None:
    secrets = aws.client("secretsmanager", account=ACCOUNT)
    arn = secrets.create_secret(Name="prod/db", SecretString="value", KmsKeyId="alias/mine")["ARN"]
    assert read(reading, q.OneSecret(*HERE, arn)) == v.Secret(arn, key="alias/mine")
    assert read(reading, q.OneSecret(*HERE, "prod/db")).arn == arn
    assert read(reading, q.SecretPolicy(*HERE, arn)) is None

    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    secrets.put_resource_policy(SecretId=arn, ResourcePolicy=document)
    assert json.loads(read(reading, q.SecretPolicy(*HERE, arn))) == json.loads(document)

    secrets.delete_secret(SecretId=arn)
    assert read(reading, q.OneSecret(*HERE, arn)).deleted_at is not None
    secrets.restore_secret(SecretId=arn)
    assert read(reading, q.OneSecret(*HERE, arn)).deleted_at is None
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert read(reading, q.OneSecret(*HERE, arn)) is None


def test_a_parameter_until_it_is_deleted(aws: EmulatedAws, reading: Aws) -> None:
    ssm = aws.client("ssm", account=ACCOUNT)
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
    ssm.put_parameter(Name="/prod/db", Value="value", Type="SecureString")
    ssm.put_parameter(Name="/prod/db-2", Value="value", Type="SecureString", KeyId=key)
    assert read(reading, q.OneParameter(*HERE, "/prod/db")) == v.Parameter("/prod/db")
    assert read(reading, q.OneParameter(*HERE, "/prod/db-2")) == v.Parameter("/prod/db-2", key)
    ssm.delete_parameter(Name="/prod/db")
    assert read(reading, q.OneParameter(*HERE, "/prod/db")) is None
