"""The VPC reaches ECR by endpoints, and the one for ECR's API, ecr.api, is missing.

A task on Fargate 1.4.0 or later signs in to ECR by its own network interface, at the host of ECR's API. The endpoint
ecr.dkr does not serve that host; its name resolves to public addresses. In a subnet without internet access nothing
answers there, and the task stops before it asks for the image. Linux platform versions before 1.4.0 sign in outside the
VPC, which is why an older set of endpoints worked for them.

What mends it: the endpoint ecr.api, with private DNS, beside ecr.dkr.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Outcome
from pull_doctor.causes.shared.network.missing_endpoints import judge
from pull_doctor.facts.fact import Fact
from pull_doctor.facts.values import Service
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    service: Fact[Service | None],
) -> Outcome:
    return judge(
        "ecr.api",
        task=task,
        symptom=symptom,
        image=image,
        puller=puller,
        vpc=vpc,
        traces=traces,
        service=service,
    )
