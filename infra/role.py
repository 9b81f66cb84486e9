"""What the function may do: read what its readers declare, and write to its own table, topic, queue and log."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aws_cdk import Acknowledgment, Aws, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.settings import Settings
from pull_doctor.facts import permissions

TABLE_ACTIONS = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")


def function_role(
    scope: Construct,
    settings: Settings,
    *,
    table: dynamodb.Table,
    topic: sns.Topic,
    key: kms.Key,
    failed: sqs.Queue,
    log_group: logs.LogGroup,
) -> iam.Role:
    """Return the role with every permission of the function in one inline policy."""
    statements = [
        *_reads(settings.switched_off_reads),
        _allow("KeepIncidents", TABLE_ACTIONS, [table.table_arn]),
        _allow("PublishReports", ["sns:Publish"], [topic.topic_arn]),
        _allow("EncryptReports", ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn]),
        _allow("KeepFailedEvents", ["sqs:SendMessage"], [failed.queue_arn]),
        _allow("WriteItsLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn]),
    ]
    if settings.slack_secret_name:
        statements.append(
            _allow("ReadTheSlackSecret", ["secretsmanager:GetSecretValue"], [_secret_arn(settings.slack_secret_name)])
        )
    if settings.reader_roles:
        arns = sorted(role.arn for role in settings.reader_roles.values())
        statements.append(_allow("ReadOtherAccounts", ["sts:AssumeRole"], arns))
    role = iam.Role(
        scope,
        "Role",
        description="Reads why an ECS task could not pull its image, and reports it",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={"PullDoctor": iam.PolicyDocument(statements=statements)},
    )
    Validations.of(role).acknowledge(
        Acknowledgment(
            id="AwsSolutions::AwsSolutions-IAM5[Resource::*]",
            reason="Only reads have it: which VPC, role or repository a failed task used is known when it fails, "
            "and most of EC2's Describe actions take no resource.",
        )
    )
    return role


def _reads(switched_off: Collection[str]) -> list[iam.PolicyStatement]:
    """Return the statements that the readers declare, without the reads that the deployer switched off."""
    document = permissions.policy_document(action for action in permissions.actions() if action not in switched_off)
    return [iam.PolicyStatement.from_json(statement) for statement in document["Statement"]]


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources))


def _secret_arn(name: str) -> str:
    """Return the ARN of the secret with exactly this name: Secrets Manager adds a hyphen and six characters.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
    """
    return f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}:secret:{name}-??????"
