"""The VPC reaches ECR by endpoints, and the one for the registry itself, ecr.dkr, is missing.

Signing in goes to the host of ECR's API, which the endpoint ecr.api serves; the image's manifest comes from the
registry's own host, which only ecr.dkr serves. Without that endpoint the registry's name resolves to public addresses.
In a subnet without internet access nothing answers there: the sign-in works, and the manifest times out.

What mends it: the endpoint ecr.dkr, with private DNS, beside ecr.api.
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
        "ecr.dkr",
        task=task,
        symptom=symptom,
        image=image,
        puller=puller,
        vpc=vpc,
        traces=traces,
        service=service,
    )
