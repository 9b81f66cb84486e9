"""Where reports and alarms go: topics under one customer key."""

from __future__ import annotations

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.settings import Settings


class Topics(Construct):
    """The report topic, the operations topic, the topic for chat if it is set, and the key that encrypts them.

    Amazon Q Developer in chat applications drops whatever has not its own form, so it gets a topic of its own.
    https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html

    CloudWatch publishes alarms itself, so it must be let use the key: the managed key ``alias/aws/sns``
    cannot admit it.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """

    def __init__(self, scope: Construct, id_: str, settings: Settings) -> None:
        super().__init__(scope, id_)
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts the reports and alarms of Pull Doctor",
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.reports = self._topic("Reports", "Pull Doctor reports")
        self.operations = self._topic("Operations", "Pull Doctor alarms about itself")
        self.chat = self._topic("Chat", "Pull Doctor reports for chat") if settings.amazon_q_topic else None
        self._admit_alarms()
        # Who reads everything hears of a group of workloads once, not once for each of them.
        no_asides = {"aside": sns.SubscriptionFilter.not_exists_filter()}
        for address in settings.alert_emails:
            # An alarm means that a report may be missing: whoever waits for the reports must hear of it.
            self.reports.add_subscription(subscriptions.EmailSubscription(address, filter_policy=no_asides))
            self.operations.add_subscription(subscriptions.EmailSubscription(address))
        if settings.subscriber_accounts:
            self.reports.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.AccountPrincipal(account) for account in settings.subscriber_accounts],
                    actions=["sns:Subscribe"],
                    resources=[self.reports.topic_arn],
                )
            )

    @property
    def published(self) -> tuple[sns.Topic, ...]:
        """The topics that the function itself publishes to."""
        return (self.reports, self.chat) if self.chat else (self.reports,)

    def _topic(self, id_: str, display_name: str) -> sns.Topic:
        return sns.Topic(self, id_, display_name=display_name, master_key=self.key, enforce_ssl=True)

    def _admit_alarms(self) -> None:
        cloudwatch = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        of_this_account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        self.operations.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[cloudwatch],
                actions=["sns:Publish"],
                resources=[self.operations.topic_arn],
                conditions=of_this_account,
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[cloudwatch],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions=of_this_account,
            )
        )
