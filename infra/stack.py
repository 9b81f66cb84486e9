"""The stack: a rule hands failed image pulls to a function, which reports what it found to a topic."""

from __future__ import annotations

import json
from typing import cast

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarms import Alarms
from infra.event_pattern import failure_pattern, role_pattern
from infra.function import Diagnoser
from infra.settings import Settings
from infra.topics import Topics

# ECS forgets a stopped task after about an hour; a later diagnosis would prove little, an alarm does more.
MAX_EVENT_AGE = Duration.hours(1)


class PullDoctor(Stack):
    """Everything that is deployed."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_, description="Names why an ECS task could not pull its image")
        topics = Topics(self, "Topics", settings)
        table = dynamodb.Table(
            self,
            "Incidents",
            partition_key=dynamodb.Attribute(name="incident", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="item", type=dynamodb.AttributeType.STRING),
            time_to_live_attribute="expires",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        failed = self._dead_letters("FailedEvents")
        unsent = self._dead_letters("UnsentEvents")
        function = Diagnoser(
            self, "Diagnoser", settings=settings, table=table, topics=topics, failed=failed, max_age=MAX_EVENT_AGE
        ).function
        self._rules(settings, function, unsent)
        Alarms(self, "Alarms", function=function, failed=failed, unsent=unsent, topic=topics.operations)
        CfnOutput(self, "TopicArn", value=topics.reports.topic_arn)
        CfnOutput(self, "FunctionName", value=function.function_name)
        CfnOutput(self, "TableName", value=table.table_name)

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
                reason="It is itself where undelivered events end; an alarm watches it, and a person empties it.",
            )
        )
        return queue

    def _rules(self, settings: Settings, function: lambda_.Function, unsent: sqs.Queue) -> None:
        target = targets.LambdaFunction(function, dead_letter_queue=unsent, max_event_age=MAX_EVENT_AGE)
        clusters = settings.include_clusters, settings.exclude_clusters
        refused = role_pattern(*clusters)
        events.Rule(
            self,
            "RoleFailures",
            description="ECS services whose tasks cannot start, as ECS cannot assume a role",
            event_pattern=events.EventPattern(
                source=refused["source"], detail_type=refused["detail-type"], detail=refused["detail"]
            ),
            targets=[target],
        )
        rule = events.Rule(
            self,
            "PullFailures",
            description="ECS tasks that stopped because an image could not be pulled",
            event_pattern=events.EventPattern(source=["aws.ecs"]),
            targets=[target],
        )
        # As text, because the pattern holds a null: CloudFormation refuses one and the CDK drops it in silence.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-null-values.html
        pattern = json.dumps(failure_pattern(*clusters))
        cast(events.CfnRule, rule.node.default_child).add_property_override("EventPattern", pattern)
