"""An endpoint that the path uses is pending, rejected, expired, or failed, or has no network interface.

An endpoint answers in the state `available`, by its network interfaces. Before that, and once it has failed, the
service's name leads to its public addresses, or to an interface that nobody serves. A subnet that has another way out
is not harmed by it; one without internet access reaches nothing.

What mends it: an endpoint that is available. One that is pending becomes so within minutes; one that has failed is made
anew; one without a network interface is given a subnet.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.network.paths import broken_by, hop_evidence, hosts, silence, still_there, undecided
from pull_doctor.causes.shared.network.vpc_endpoints import create_interface, endpoint_resource
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import Service, VpcEndpoint
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.endpoints import answers, serves
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Place

CAUSE = "endpoint-not-available"
STEPS: tuple[Step, ...] = ("name", "route", "endpoint", "internet")
WAITING = ("pending", "pendingacceptance")


def check(
    *, task: Task, symptom: Symptom, puller: Puller, vpc: Vpc, traces: tuple[Trace, ...], service: Fact[Service | None]
) -> Outcome:
    if isinstance(vpc.endpoints, Unknown):
        return Undetermined((vpc.endpoints,))
    idle = tuple(one for one in vpc.endpoints.value if not _works(one))
    if not idle:
        return Ok(f"every endpoint of {vpc.id} is available")
    broken = broken_by(CAUSE, traces)
    if not broken:
        ids = ", ".join(one.id for one in idle)
        return undecided(STEPS, traces) or Ok(f"no path of this pull ends at {ids}, which does not answer")
    guilty = [one for one in idle if any(_on(one, trace, task.place) for trace in broken)]
    endpoint = guilty[0]
    culprit = endpoint_resource(task.place, endpoint)
    return Problem(
        title=f"VPC endpoint {_state(endpoint)}",
        explanation=(
            f"{hosts(broken)} is to be reached by {endpoint.id} ({endpoint.service}), which {_state(endpoint)}. "
            f"{silence(symptom)}"
        ),
        culprit=culprit,
        evidence=(
            *(
                Evidence(f"{one.id} ({one.service}) {_state(one)}", "fact", (endpoint_resource(task.place, one),))
                for one in guilty
            ),
            *hop_evidence(broken),
        ),
        fixes=(_fix(task, puller, vpc, endpoint),),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _works(endpoint: VpcEndpoint) -> bool:
    return endpoint.state == "available" and (endpoint.type != "Interface" or answers(endpoint))


def _on(endpoint: VpcEndpoint, trace: Trace, place: Place) -> bool:
    """Whether the endpoint is the one that the path fails for: its host's, or the one that the failing hop names."""
    named = any(hop.cause == CAUSE and endpoint.id in hop.why.split() for hop in trace.hops)
    return named or (endpoint.type == "Interface" and serves(endpoint, trace.host, place))


def _state(endpoint: VpcEndpoint) -> str:
    return "has no network interface" if endpoint.state in ("available", "partial") else f"is in state {endpoint.state}"


def _fix(task: Task, puller: Puller, vpc: Vpc, endpoint: VpcEndpoint) -> Fix:
    place = task.place
    if endpoint.state in WAITING:
        owner = endpoint.state == "pendingacceptance"
        text = f"have the service's owner accept {endpoint.id}" if owner else f"wait until {endpoint.id} is available"
        effect = f"{endpoint.service} is reached by {endpoint.id} everywhere in {vpc.id}"
        return Fix(text, "your-call", place.account, place.region, effect=effect)
    if endpoint.state in ("available", "partial"):
        add = {"VpcEndpointId": endpoint.id, "AddSubnetIds": [puller.subnet.id]}
        return Fix(
            f"give {endpoint.id} a network interface",
            "your-call",
            place.account,
            place.region,
            (AwsCommand("ec2", "ModifyVpcEndpoint", add),),
            endpoint.managed_by,
            f"{endpoint.service} is reached by {endpoint.id} everywhere in {vpc.id}",
            "an interface endpoint, by the hour and Availability Zone",
        )
    commands: tuple[AwsCommand, ...] = ()
    if endpoint.type == "Interface":
        subnets = endpoint.subnets or (puller.subnet.id,)
        commands = (
            AwsCommand("ec2", "DeleteVpcEndpoints", {"VpcEndpointIds": [endpoint.id]}),
            create_interface(vpc, endpoint.service, subnets, endpoint.groups),
        )
    return Fix(
        f"delete {endpoint.id}, and make it anew once it is gone",
        "your-call",
        place.account,
        place.region,
        commands,
        endpoint.managed_by,
        f"everything in {vpc.id} uses the new endpoint, which lets everything pass until it has a policy",
    )
