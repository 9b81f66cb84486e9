"""The function that diagnoses: its code, its role, its log, and what happens to events it cannot handle."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import asset
from infra.role import function_role
from infra.settings import Settings
from infra.topics import Topics
from pull_doctor.delivery.metrics import NAMESPACE
from pull_doctor.facts.registry.hosts import OFF


class Diagnoser(Construct):
    """The Lambda function, outside any VPC: from inside one it might not reach the APIs that it reads."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        table: dynamodb.Table,
        topics: Topics,
        evidence: s3.Bucket,
        failed: sqs.Queue,
        max_age: Duration,
    ) -> None:
        super().__init__(scope, id_)
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = function_role(
            self, settings, table=table, topics=topics, evidence=evidence, failed=failed, log_group=log_group
        )
        with tempfile.TemporaryDirectory() as scratch:  # the CDK copies the asset to its output at once
            code = Path(scratch) / "function"
            asset.build(code)
            self.function = lambda_.Function(
                self,
                "Function",
                description="Names why an ECS task could not pull its image",
                runtime=lambda_.Runtime.PYTHON_3_13,
                architecture=lambda_.Architecture.ARM_64,
                handler="pull_doctor.handler.lambda_handler",
                code=lambda_.Code.from_asset(str(code)),
                role=self.role.without_policy_updates(),  # infra/role.py alone says what the function may do
                log_group=log_group,
                memory_size=1024,
                timeout=Duration.seconds(60),
                environment=_environment(settings, table, topics, evidence),
                retry_attempts=2,
                max_event_age=max_age,
                on_failure=destinations.SqsDestination(failed),
            )
        Validations.of(self.function).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-L1",
                reason="Python 3.13 is supported until June 2029 and is the newest that this was tried on.",
            )
        )


def _environment(settings: Settings, table: dynamodb.Table, topics: Topics, evidence: s3.Bucket) -> dict[str, str]:
    """Return the function's settings; what is not set is left out."""
    environment = {
        "TABLE_NAME": table.table_name,
        "TOPIC_ARN": topics.reports.topic_arn,
        "EVIDENCE_BUCKET": evidence.bucket_name,
        "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
    }
    if topics.chat:
        environment["CHAT_TOPIC_ARN"] = topics.chat.topic_arn
    as_text = {
        "SLACK_SECRET_NAME": settings.slack_secret_name,
        "EVENT_BUS": settings.event_bus,
        "REMINDER_HOURS": settings.reminder_hours,
        "MUTE_TAG": settings.mute_tag,
        "OWNER_TAG": settings.owner_tag,
    }
    environment |= {name: str(value) for name, value in as_text.items() if value is not None}
    if settings.reader_roles:
        roles = {
            account: {"role-arn": role.arn} | ({"external-id": role.external_id} if role.external_id else {})
            for account, role in sorted(settings.reader_roles.items())
        }
        environment["READER_ROLES"] = json.dumps(roles)
    if settings.switched_off_reads:
        environment["SWITCHED_OFF"] = ",".join(settings.switched_off_reads)
    if settings.registry_probe:
        environment["REGISTRY_PROBE"] = (
            OFF if settings.registry_probe.off else ",".join(sorted(settings.registry_probe.hosts))
        )
    return environment
