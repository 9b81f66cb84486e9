"""The stack: rules hand failed image pulls, and their ends, to a function, which reports what it found."""

from __future__ import annotations

import json
from typing import Any, cast

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarms import Alarms
from infra.dashboard import Dashboard
from infra.event_pattern import end_pattern, failure_pattern, role_pattern
from infra.evidence import Evidence
from infra.function import Diagnoser
from infra.reader_role import deploy_command
from infra.settings import Settings
from infra.topics import Topics
from pull_doctor.delivery.incidents import INDEX, LISTED

# ECS forgets a stopped task after about an hour; a later diagnosis would prove little, an alarm does more.
MAX_EVENT_AGE = Duration.hours(1)

# Not every end has an event: no service is left to be steady, or nothing happens any more.
SWEEP_EVERY = Duration.minutes(15)


class PullDoctor(Stack):
    """Everything that is deployed."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_, description="Names why an ECS task could not pull its image")
        topics = Topics(self, "Topics", settings)
        table = self._table()
        evidence = Evidence(self, "Evidence").bucket
        failed = self._dead_letters("FailedEvents")
        unsent = self._dead_letters("UnsentEvents")
        diagnoser = Diagnoser(
            self,
            "Diagnoser",
            settings=settings,
            table=table,
            topics=topics,
            evidence=evidence,
            failed=failed,
            max_age=MAX_EVENT_AGE,
        )
        function = diagnoser.function
        self._rules(settings, function, unsent)
        Alarms(self, "Alarms", function=function, failed=failed, unsent=unsent, topic=topics.operations)
        if settings.dashboard:
            Dashboard(self, "Dashboard", function=function, failed=failed, unsent=unsent)
        outputs = {
            "TopicArn": topics.reports.topic_arn,
            "OperationsTopicArn": topics.operations.topic_arn,
            "ChatTopicArn": topics.chat.topic_arn if topics.chat else None,
            "FunctionName": function.function_name,
            "FunctionRoleArn": diagnoser.role.role_arn if settings.reader_roles else None,
            "TableName": table.table_name,
            "EvidenceBucketName": evidence.bucket_name,
            "FailedQueueUrl": failed.queue_url,
            "UnsentQueueUrl": unsent.queue_url,
        }
        for name, value in outputs.items():
            if value is not None:
                CfnOutput(self, name, value=value)
        for account in sorted(settings.reader_roles or {}):
            command = deploy_command(account, diagnoser.role.role_arn)
            CfnOutput(self, f"RunInAccount{account}", value=command, description="makes the reader role there")

    def _table(self) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Incidents",
            partition_key=_text("incident"),
            sort_key=_text("item"),
            time_to_live_attribute="expires",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        table.add_global_secondary_index(
            index_name=INDEX,
            partition_key=_text("status"),
            sort_key=_text("incident"),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=list(LISTED),
        )
        return table

    def _dead_letters(self, id_: str) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            id_,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(queue).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-SQS3",
                reason="Undelivered events end here. An alarm watches it, and `pull-doctor redrive` puts them back.",
            )
        )
        return queue

    def _rules(self, settings: Settings, function: lambda_.Function, unsent: sqs.Queue) -> None:
        target = targets.LambdaFunction(function, dead_letter_queue=unsent, max_event_age=MAX_EVENT_AGE)
        clusters = settings.include_clusters, settings.exclude_clusters
        for id_, pattern, heard in (
            ("PullFailures", failure_pattern, "ECS tasks that stopped because an image could not be pulled"),
            ("RoleFailures", role_pattern, "ECS services whose tasks cannot start, as ECS cannot assume a role"),
            ("Ends", end_pattern, "ECS services that may run again"),
        ):
            self._rule(id_, heard, pattern(*clusters), target)
        sweep = targets.LambdaFunction(
            function,
            event=events.RuleTargetInput.from_object({"pull-doctor": "sweep"}),
            dead_letter_queue=unsent,
            max_event_age=MAX_EVENT_AGE,
        )
        events.Rule(
            self,
            "Sweep",
            description="Asks regularly whether open incidents are over",
            schedule=events.Schedule.rate(SWEEP_EVERY),
            targets=[sweep],
        )

    def _rule(self, id_: str, description: str, pattern: dict[str, Any], target: events.IRuleTarget) -> None:
        rule = events.Rule(
            self,
            id_,
            description=description,
            event_pattern=events.EventPattern(source=pattern["source"]),
            targets=[target],
        )
        # As text, because a pattern may hold a null: CloudFormation refuses one and the CDK drops it in silence.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-null-values.html
        cast(events.CfnRule, rule.node.default_child).add_property_override("EventPattern", json.dumps(pattern))


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
