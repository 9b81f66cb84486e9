"""What the function may do: read what its readers declare, and write to what its reports go to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

from aws_cdk import Acknowledgment, Aws, CfnElement, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.settings import Settings
from infra.topics import Topics
from pull_doctor.delivery.evidence import FOLDER
from pull_doctor.delivery.incidents import INDEX
from pull_doctor.facts import permissions

TABLE_ACTIONS = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
_EVIDENCE = f"{FOLDER}*"


def function_role(
    scope: Construct,
    settings: Settings,
    *,
    table: dynamodb.Table,
    topics: Topics,
    evidence: s3.Bucket,
    failed: sqs.Queue,
    log_group: logs.LogGroup,
) -> iam.Role:
    """Return the role with every permission of the function in one inline policy."""
    statements = [
        *_reads(settings.switched_off_reads),
        _allow("KeepIncidents", TABLE_ACTIONS, [table.table_arn]),
        _allow("ListIncidents", ["dynamodb:Query"], [f"{table.table_arn}/index/{INDEX}"]),
        # Without s3:ListBucket a missing object reads as a refused one; the function knows where it wrote.
        _allow("KeepEvidence", ["s3:GetObject", "s3:PutObject"], [evidence.arn_for_objects(_EVIDENCE)]),
        _allow("PublishReports", ["sns:Publish"], [topic.topic_arn for topic in topics.published]),
        _allow("EncryptReports", ["kms:Decrypt", "kms:GenerateDataKey"], [topics.key.key_arn]),
        _allow("KeepFailedEvents", ["sqs:SendMessage"], [failed.queue_arn]),
        _allow("WriteItsLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn]),
    ]
    if settings.slack_secret_name:
        statements.append(
            _allow("ReadTheSlackSecret", ["secretsmanager:GetSecretValue"], [_secret_arn(settings.slack_secret_name)])
        )
    if settings.event_bus:
        statements.append(_allow("PutReportsOnTheBus", ["events:PutEvents"], [_bus_arn(settings.event_bus)]))
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
        ),
        Acknowledgment(
            id=f"AwsSolutions::AwsSolutions-IAM5[Resource::<{_logical_id(evidence)}.Arn>/{_EVIDENCE}]",
            reason="Each incident has its own names under this one prefix, and no other object is within reach.",
        ),
    )
    return role


def _reads(switched_off: Collection[str]) -> list[iam.PolicyStatement]:
    """Return the statements that the readers declare, without the reads that the deployer switched off."""
    document = permissions.policy_document(action for action in permissions.actions() if action not in switched_off)
    return [iam.PolicyStatement.from_json(statement) for statement in document["Statement"]]


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources))


def _logical_id(bucket: s3.Bucket) -> str:
    return Stack.of(bucket).get_logical_id(cast(CfnElement, bucket.node.default_child))


def _bus_arn(bus: str) -> str:
    """Return the ARN of the bus; ``bus`` is its name, or its ARN already."""
    return (
        bus if bus.startswith("arn:") else f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/{bus}"
    )


def _secret_arn(name: str) -> str:
    """Return the ARN of the secret with exactly this name: Secrets Manager adds a hyphen and six characters.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
    """
    return f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}:secret:{name}-??????"
