"""The route leads to an internet gateway that is not attached to this VPC.

An internet gateway carries traffic only for the VPC that it is attached to. A route keeps the id of a gateway that was
detached, and shows it as the way out. Nothing answers the connection, and ECS reports a timeout.

What mends it: the gateway attached again, or the VPC's own internet gateway in the route.
https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.shared.network.neighbours import Needed, neighbours
from pull_doctor.causes.shared.network.paths import (
    Model,
    at_steps,
    attached_gateway,
    broken_by,
    failing_hop,
    hop_evidence,
    hosts,
    reroute,
    route_taken,
    silence,
    still_there,
    table_in_use,
    undecided,
)
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import Route, RouteTable, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "internet-gateway-detached"
STEPS: tuple[Step, ...] = ("route", "internet-gateway")


def check(
    *,
    task: Task,
    needed: Needed,
    symptom: Symptom,
    puller: Puller,
    vpc: Vpc,
    traces: tuple[Trace, ...],
    service: Fact[Service | None],
) -> Outcome:
    broken = broken_by(CAUSE, traces)
    if not broken:
        return undecided(STEPS, traces) or Ok(_why_ok(puller, traces))
    hop = failing_hop(CAUSE, broken[0])
    assert hop is not None
    table, uses = table_in_use(task, puller, vpc)
    route = route_taken(broken[0], table)
    item = make(task.place, "AWS::EC2::InternetGateway", route.target)
    attached = attached_gateway(vpc) == route.target
    state = f"{route.target} is {_attachment(route, vpc)}"
    doubt = f"EC2 does not use the route of {table.id}, and shows {route.target} as attached: one may be of before"
    others = neighbours(CAUSE, task, needed, symptom, puller, vpc, service)
    return Problem(
        title="internet gateway of the subnet's route is not attached to the VPC",
        explanation=(
            f"{uses.text}, which sends {route.destination} to {route.target}. {state}. An internet gateway carries "
            f"traffic only for the VPC that it is attached to, so that nothing reaches {hosts(broken)}. "
            f"{silence(symptom)}{others.sentence}"
        ),
        culprit=item,
        evidence=(
            uses,
            *hop_evidence(at_steps(STEPS, broken), ("ok", "fail")),
            Evidence(state, "fact", (item,)),
            *others.evidence(task),
        ),
        fixes=(_fix(task, puller, vpc, table, route, others.model),),
        still=still_there(task, puller, service),
        inferred=(doubt,) if attached else (),
        traces=broken,
    )


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    passed = hop_evidence(at_steps(("internet-gateway",), traces), ("ok",))
    return "; ".join(one.text for one in passed) or f"no path from {puller.subnet.id} leads to an internet gateway"


def _attachment(route: Route, vpc: Vpc) -> str:
    others = _attached_to(route, vpc)
    if others is None:
        return "not among the account's internet gateways in the Region"
    return f"attached to {', '.join(others)}" if others else "attached to no VPC"


def _attached_to(route: Route, vpc: Vpc) -> tuple[str, ...] | None:
    """The VPCs that the gateway is attached to; ``None`` if there is no such gateway."""
    assert isinstance(vpc.internet_gateways, Known)
    return next((one.vpcs for one in vpc.internet_gateways.value if one.id == route.target), None)


def _fix(task: Task, puller: Puller, vpc: Vpc, table: RouteTable, route: Route, model: Model | None) -> Fix:
    if _attached_to(route, vpc) != () or attached_gateway(vpc):
        return reroute(task, puller, vpc, table, route, model)
    attach = {"InternetGatewayId": route.target, "VpcId": vpc.id}
    return Fix(
        f"attach {route.target} to {vpc.id}",
        "exact",
        task.place.account,
        task.place.region,
        (AwsCommand("ec2", "AttachInternetGateway", attach),),
        None,
        f"every subnet of {vpc.id} with a route to {route.target} reaches the internet",
    )
