"""The bucket that keeps the evidence of each incident: the event, the facts, and the report."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from pull_doctor.delivery.incidents import RETENTION


class Evidence(Construct):
    """A private, encrypted bucket that refuses plain HTTP; what is in it is deleted as late as the table's items.

    It stays when the stack is deleted: CloudFormation deletes no bucket that holds objects, and evidence of what failed
    may be wanted still. Its objects go on expiring, so an empty bucket is all that is left in the end.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(RETENTION // 86400))],
            removal_policy=RemovalPolicy.RETAIN,
        )
        Validations.of(self.bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-S1",
                reason="Access logs would need a second bucket and outlive what they are about; "
                "CloudTrail's data events show the same to whoever wants them.",
            )
        )
