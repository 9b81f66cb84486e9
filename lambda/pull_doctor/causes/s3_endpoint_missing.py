"""The subnet depends on ECR's endpoints, and nothing leads to Amazon S3, which keeps the image's layers.

ECR hands out manifests itself and keeps layers in a bucket of its own in Amazon S3. In a subnet without internet
access the endpoints ecr.api and ecr.dkr therefore carry the pull only half way: sign-in and manifest work, and every
layer times out. A gateway endpoint for S3 serves the subnets whose route table it is associated with; being in the
same VPC is not enough.

What mends it: a gateway endpoint for S3 on the subnet's route table. It costs nothing.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.shared.network.neighbours import neighbours
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    hop_evidence,
    silence,
    still_there,
    table_in_use,
    undecided,
)
from pull_doctor.causes.shared.network.vpc_endpoints import ECR, listed
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import RouteTable, Service, VpcEndpoint
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import of_service, s3_gateways
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "s3-endpoint-missing"
STEPS: tuple[Step, ...] = ("route", "endpoint", "internet")


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
    to_s3 = tuple(trace for trace in traces if trace.phase == "download")
    broken = broken_by(CAUSE, to_s3)
    if not broken:
        return undecided(STEPS, to_s3) or Ok(_why_ok(puller, to_s3))
    # A failing route hop proves that the route tables and the endpoints were read.
    assert isinstance(vpc.endpoints, Known)
    table, uses = table_in_use(task, puller, vpc)
    gateways = s3_gateways(vpc.endpoints.value, image.ecr.region if image.ecr else None, task.place)
    existing = gateways[0] if gateways else None
    # A hosted zone, which is not read, may stand in for the private DNS of the registry's endpoint.
    ecr = tuple(one for one in of_service(vpc, *ECR) if one.private_dns or one.service.endswith(".dkr"))
    if existing:
        title = "S3 gateway endpoint is not on the subnet's route table"
        state = f"The gateway endpoint {existing.id} for S3 is not associated with {table.id}."
    else:
        title = "no S3 gateway endpoint, so image layers cannot be downloaded"
        state = f"{vpc.id} has no gateway endpoint for S3 in {image.ecr.region if image.ecr else task.place.region}."
    others = neighbours(CAUSE, task, image, symptom, puller, vpc, service)
    return Problem(
        title=title,
        explanation=(
            f"ECR keeps image layers in Amazon S3. A subnet without internet access needs a way to S3 besides ECR's "
            f"endpoints. {puller.subnet.id} uses {table.id}, which has no route to S3. {state} "
            f"{silence(symptom)}{others.sentence}"
        ),
        culprit=make(task.place, "AWS::EC2::RouteTable", table.id),
        evidence=(
            *hop_evidence(broken),
            uses,
            Evidence(
                f"{vpc.id} reaches ECR through {listed(ecr)}",
                "fact",
                tuple(make(task.place, "AWS::EC2::VPCEndpoint", one.id) for one in ecr),
            ),
            Evidence(state.removesuffix("."), "fact", (make(task.place, "AWS::EC2::VPC", vpc.id),)),
        ),
        fixes=(_fix(task, image, vpc, table, existing),),
        still=still_there(task, puller, service),
        traces=traces,  # the earlier phases show how far the pull got
    )


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    judged = [hop.why for trace in traces for hop in trace.hops if hop.step in STEPS]
    return judged[0] if judged else f"{puller.subnet.id} reaches S3 without a gateway endpoint"


def _fix(task: Task, image: ImageReference, vpc: Vpc, table: RouteTable, existing: VpcEndpoint | None) -> Fix:
    place = task.place
    region = image.ecr.region if image.ecr else place.region
    if region != place.region:
        text = f"give the subnet a way to Amazon S3 in {region}: a gateway endpoint serves only its own Region"
        return Fix(text, "your-call", place.account, place.region)
    effect = "open S3 connections from this route table's subnets may drop once"
    if existing:
        change = {"VpcEndpointId": existing.id, "AddRouteTableIds": [table.id]}
        return Fix(
            "associate the S3 gateway endpoint with this route table",
            "exact",
            place.account,
            place.region,
            (AwsCommand("ec2", "ModifyVpcEndpoint", change),),
            existing.managed_by,
            effect,
            "none",
        )
    create = {
        "VpcId": vpc.id,
        "VpcEndpointType": "Gateway",
        "ServiceName": f"com.amazonaws.{region}.s3",
        "RouteTableIds": [table.id],
    }
    return Fix(
        "add the S3 gateway endpoint to this route table",
        "exact",
        place.account,
        place.region,
        (AwsCommand("ec2", "CreateVpcEndpoint", create),),
        table.managed_by,
        effect,
        "none",
    )
