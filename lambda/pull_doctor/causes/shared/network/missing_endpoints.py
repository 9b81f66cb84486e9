"""What the two missing endpoints of ECR share: one of them is there, and the other one is not."""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.network.neighbours import neighbours
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    hop_evidence,
    silence,
    still_there,
    table_in_use,
    undecided,
)
from pull_doctor.causes.shared.network.vpc_endpoints import (
    ECR,
    admits,
    create_interface,
    dns_attributes,
    endpoint_resource,
    listed,
)
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import Service, VpcEndpoint
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import answers, of_service
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

STEPS: tuple[Step, ...] = ("name", "route", "internet")


def judge(
    name: str,
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    service: Fact[Service | None],
) -> Outcome:
    """Judge the endpoint service ``name`` (``ecr.api``), whose absence is the cause ``ecr-api-endpoint-missing``."""
    if isinstance(vpc.endpoints, Unknown):
        return Undetermined((vpc.endpoints,))
    there, sibling = of_service(vpc, name), of_service(vpc, *(one for one in ECR if one != name))
    if there:
        return Ok(f"{vpc.id} has {listed(there)}")
    cause = f"{name.replace('.', '-')}-endpoint-missing"
    broken = broken_by(cause, traces)
    if not broken:
        phase = {"ecr.api": "sign-in", "ecr.dkr": "resolve"}[name]
        if not sibling:
            return Ok(f"{vpc.id} has no endpoint for ECR, so that its subnets do not depend on one")
        concerned = tuple(trace for trace in traces if trace.phase == phase)
        if not concerned:
            return Ok(f"platform version {task.platform_version} signs in outside {vpc.id}, without {name}")
        return undecided(STEPS, concerned) or Ok(f"{concerned[0].host} does without an endpoint of {vpc.id}")
    trace = broken[0]
    table, uses = table_in_use(task, puller, vpc)
    culprit = make(task.place, "AWS::EC2::VPC", vpc.id)
    others = neighbours(cause, task, image, symptom, puller, vpc, service)
    lacks = f"{vpc.id} has no endpoint for {name}"
    return Problem(
        title=f"VPC has no endpoint for {name}",
        explanation=(
            f"{lacks}, so that {trace.host} resolves to public addresses. {puller.subnet.id} uses {table.id}, which "
            f"has no route to them, and depends on endpoints: the other one for ECR, {sibling[0].id}, is there. "
            f"{silence(symptom)}{others.sentence}"
        ),
        culprit=culprit,
        evidence=(
            Evidence(lacks, "fact", (culprit,)),
            Evidence(
                f"{vpc.id} has {listed(sibling)}", "fact", tuple(endpoint_resource(task.place, one) for one in sibling)
            ),
            uses,
            *hop_evidence(broken),
        ),
        fixes=(_fix(name, task, image, puller, vpc, trace, sibling, traces),),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _fix(
    name: str,
    task: Task,
    image: ImageReference,
    puller: Puller,
    vpc: Vpc,
    trace: Trace,
    siblings: tuple[VpcEndpoint, ...],
    traces: tuple[Trace, ...],
) -> Fix:
    """The missing endpoint, made as the one that is there; ``exact`` where a path shows that it lets the task in."""
    place = task.place
    region = image.ecr.region if image.ecr else place.region
    if region != place.region:
        text = f"pull from a repository in {place.region}, or make a way to ECR in {region}"
        return Fix(text, "your-call", place.account, place.region)
    model = next((one for one in siblings if admits(one, traces)), None)
    like = model or next((one for one in siblings if answers(one)), siblings[0])
    prefix = like.service.rsplit(".", 3)[0]
    form = name.replace("ecr.", "ecr-fips.") if ".ecr-fips." in trace.host else name
    groups = like.groups or ("<group-that-lets-443-in-from-the-task>",)
    return Fix(
        f"add the endpoint for {form}, like {like.id}",
        "exact" if model else "your-call" if like.groups else "fill-in",
        place.account,
        place.region,
        (
            *dns_attributes(vpc),
            create_interface(vpc, f"{prefix}.{region}.{form}", like.subnets or (puller.subnet.id,), groups),
        ),
        like.managed_by,
        f"{trace.host} leads to the new endpoint everywhere in {vpc.id}",
        "an interface endpoint, by the hour and Availability Zone",
    )
