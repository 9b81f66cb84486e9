"""The VPC has an endpoint for the service, and its private DNS does not cover the host name that the pull uses.

Private DNS of an endpoint takes over the names in its DNS entries, and no others. ECR has several names for the same
registry: the classic one, the dual-stack one (`dkr-ecr`, `on.aws`), and the FIPS one, each of them in each Region. An
image named by another one resolves to public addresses, past the endpoint. In a subnet without internet access nothing
answers there.

What mends it: the name that the endpoint serves in the task definition, or an endpoint that serves the name.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.network.paths import (
    broken_by,
    hop_evidence,
    silence,
    spoken_of,
    still_there,
    table_in_use,
    undecided,
)
from pull_doctor.causes.shared.network.vpc_endpoints import create_interface, endpoint_resource
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import Service, VpcEndpoint
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import answers, covers, of_service, private_names
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Place

CAUSE = "endpoint-lacks-name"
STEPS: tuple[Step, ...] = ("name", "route", "internet")
SERVICES = {"sign-in": "ecr.api", "resolve": "ecr.dkr"}
"""The endpoint service of each phase."""


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
    if isinstance(vpc.endpoints, Unknown):
        return Undetermined((vpc.endpoints,))
    broken = broken_by(CAUSE, traces)
    if not broken:
        return _not_broken(task.place, vpc, traces)
    told = spoken_of(broken, symptom)
    endpoint = of_service(vpc, SERVICES[told.phase])[0]
    culprit = endpoint_resource(task.place, endpoint)
    table, uses = table_in_use(task, puller, vpc)
    names = " and ".join(private_names(endpoint, task.place)) or "names of its own alone"
    return Problem(
        title="VPC endpoint does not cover the host name of the registry",
        explanation=(
            f"{told.host} is not among the names that {endpoint.id} ({endpoint.service}) takes over by private DNS, so "
            f"that it resolves to public addresses. {puller.subnet.id} uses {table.id}, which has no route to them. "
            f"{silence(symptom)}"
        ),
        culprit=culprit,
        evidence=(
            Evidence(f"{endpoint.id} ({endpoint.service}) serves {names}", "fact", (culprit,)),
            uses,
            *hop_evidence(broken),
        ),
        fixes=_fixes(task.place, image, told, endpoint, vpc),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _not_broken(place: Place, vpc: Vpc, traces: tuple[Trace, ...]) -> Outcome:
    lacking = tuple(
        (trace, same)
        for trace in traces
        if (same := of_service(vpc, SERVICES.get(trace.phase, "")))
        and not any(covers(e, trace.host, place) for e in same)
    )
    if not lacking:
        return Ok(f"no endpoint of {vpc.id} for ECR lacks the name of a host of this pull")
    trace, same = lacking[0]
    ids = ", ".join(one.id for one in same)
    return undecided(STEPS, (one for one, _ in lacking)) or Ok(
        f"{trace.host} has a way past {ids}, which lacks its name"
    )


def _fixes(place: Place, image: ImageReference, told: Trace, endpoint: VpcEndpoint, vpc: Vpc) -> tuple[Fix, ...]:
    """The name that the endpoint serves, and for a FIPS name the endpoint that serves it."""
    registry = image.ecr
    served = next((name for name in private_names(endpoint, place) if name.startswith("*.")), None)
    if registry is None or told.phase != "resolve" or served is None:
        text = f"give {vpc.id} an endpoint that serves {told.host}, or a route to it"
        return (Fix(text, "your-call", place.account, place.region),)
    path = image.text.partition("/")[2]
    uri = f"{registry.account}{served[1:]}/{path}"
    region = endpoint.service_region or place.region
    there = f", once the image is in {region}" if registry.region != region else ""
    renamed = Fix(
        f"name the image by the host that {endpoint.id} serves",
        "your-call",
        place.account,
        place.region,
        effect=f"the task definition gets a new revision, with the image {uri}{there}",
    )
    if not (".ecr-fips." in told.host and answers(endpoint) and registry.region == place.region):
        return (renamed,)
    fips = endpoint.service.replace(".ecr.dkr", ".ecr-fips.dkr")
    return (
        renamed,
        Fix(
            f"give {vpc.id} an endpoint for the FIPS name",
            "your-call",
            place.account,
            place.region,
            (create_interface(vpc, fips, endpoint.subnets, endpoint.groups),),
            endpoint.managed_by,
            f"{told.host} leads to the new endpoint everywhere in {vpc.id}",
            "an interface endpoint, by the hour and Availability Zone",
        ),
    )
