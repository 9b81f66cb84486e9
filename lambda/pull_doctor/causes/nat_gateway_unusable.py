"""The route leads to a NAT gateway that carries nothing to the internet.

A NAT gateway works while its state is available. It must be a public one, in a subnet whose own route table leads to
an internet gateway: in a private subnet it has no way out itself, and a private NAT gateway reaches other networks
only. A regional NAT gateway is in no subnet and has a route table of its own. Nothing answers the connection then, and
ECS reports a timeout.

What mends it: a default route to the internet gateway for the NAT gateway's subnet, or a NAT gateway that works in the
route of the task's subnet.
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html
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
    leads_out,
    reroute,
    route_command,
    route_taken,
    silence,
    still_there,
    table_in_use,
    undecided,
)
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import NatGateway, RouteTable, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.routing import table_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "nat-gateway-unusable"
STEPS: tuple[Step, ...] = ("route", "nat-gateway")


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
    assert isinstance(vpc.nat_gateways, Known)
    nat = next(one for one in vpc.nat_gateways.value if one.id == route.target)
    item = make(task.place, "AWS::EC2::NatGateway", nat.id)
    state = f"{nat.id} is {nat.state} and {'private' if nat.private else 'public'}"
    why = hop.why if hop.step == "nat-gateway" else f"{state}, and the state of the route is {route.state}"
    others = neighbours(CAUSE, task, needed, symptom, puller, vpc, service)
    return Problem(
        title=_title(nat, dead_route=hop.step == "route"),
        explanation=(
            f"{uses.text}, which sends {route.destination} to {nat.id}. {why}, so that nothing reaches "
            f"{hosts(broken)}. {silence(symptom)}{others.sentence}"
        ),
        culprit=item,
        evidence=(
            uses,
            *hop_evidence(at_steps(STEPS, broken), ("ok", "fail")),
            Evidence(state, "fact", (item,)),
            *others.evidence(task),
        ),
        fixes=(_fix(task, puller, vpc, table, nat, broken[0], others.model),),
        still=still_there(task, puller, service),
        inferred=_doubt(nat, table, dead_route=hop.step == "route"),
        traces=broken,
    )


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    passed = hop_evidence(at_steps(("nat-gateway",), traces), ("ok",))
    return "; ".join(one.text for one in passed) or f"no path from {puller.subnet.id} leads through a NAT gateway"


def _title(nat: NatGateway, *, dead_route: bool) -> str:
    if nat.state != "available":
        return f"NAT gateway of the subnet's route is {nat.state}"
    if nat.private:
        return "NAT gateway of the subnet's route is a private one, without a way out"
    return "route to the NAT gateway is out of use" if dead_route else "NAT gateway has no way to the internet itself"


def _doubt(nat: NatGateway, table: RouteTable, *, dead_route: bool) -> tuple[str, ...]:
    if dead_route and nat.state == "available" and not nat.private:
        return (f"EC2 does not use the route of {table.id}, and shows {nat.id} as available: one may be of before",)
    return ()


def _fix(
    task: Task, puller: Puller, vpc: Vpc, table: RouteTable, nat: NatGateway, trace: Trace, model: Model | None
) -> Fix:
    if nat.state == "pending":
        return Fix(f"wait until {nat.id} is available", "your-call", task.place.account, task.place.region)
    own = _way_out(task, vpc, table, nat) if nat.state == "available" and not nat.private else None
    return own or reroute(task, puller, vpc, table, route_taken(trace, table), model)


def _way_out(task: Task, vpc: Vpc, table: RouteTable, nat: NatGateway) -> Fix | None:
    """The route that the NAT gateway's own table lacks, if the VPC has the internet gateway for it."""
    gateway = attached_gateway(vpc)
    tables = vpc.route_tables.value if isinstance(vpc.route_tables, Known) else ()
    regional = next((one for one in tables if one.id == nat.route_table), None)
    behind = table_of(nat.subnet, tables) if nat.subnet else regional
    if gateway is None or behind is None or leads_out(behind, vpc):
        return None
    if behind.id == table.id:
        return _public_table(task, vpc, puller_table=table, nat=nat)
    exists = any(route.destination == "0.0.0.0/0" for route in behind.routes)
    alone = behind.subnets == ((nat.subnet,) if nat.subnet else ()) and not behind.main and not exists
    command = route_command("ReplaceRoute" if exists else "CreateRoute", behind, "0.0.0.0/0", GatewayId=gateway)
    return Fix(
        f"route the NAT gateway's {'subnet' if nat.subnet else 'own table'} to {gateway}",
        "exact" if alone else "your-call",
        task.place.account,
        task.place.region,
        (command,),
        behind.managed_by,
        f"everything that uses {behind.id} has {gateway} as its way to the internet",
    )


def _public_table(task: Task, vpc: Vpc, puller_table: RouteTable, nat: NatGateway) -> Fix | None:
    """Another route table for the NAT gateway's subnet, which shares the task's and so leads to itself."""
    tables = vpc.route_tables.value if isinstance(vpc.route_tables, Known) else ()
    public = next((one for one in tables if leads_out(one, vpc)), None)
    if public is None or nat.subnet is None or nat.subnet in puller_table.subnets:
        return None
    return Fix(
        f"give the NAT gateway's subnet the route table {public.id}",
        "your-call",
        task.place.account,
        task.place.region,
        (AwsCommand("ec2", "AssociateRouteTable", {"RouteTableId": public.id, "SubnetId": nat.subnet}),),
        public.managed_by,
        f"everything in {nat.subnet} has {attached_gateway(vpc)} as its way to the internet",
    )
