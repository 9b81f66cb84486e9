"""The route that takes the registry's address leads nowhere: what it led to is gone.

EC2 keeps a route whose target was deleted, detached, or stopped, and shows its state as blackhole. What matches it is
dropped, also where a wider route would work, as the longest prefix wins. The usual targets are a NAT instance that was
terminated, a NAT gateway or an internet gateway that was deleted, and a peering or transit gateway attachment that is
gone. A route that EC2 shows as filtered, as one of a Route Server can be, is not used; it matters where no other route
takes the address. Nothing answers the connection, and ECS reports a timeout.

What mends it: another target for the route, or no such route where a wider one carries the traffic.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
"""

from __future__ import annotations

from dataclasses import replace

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.shared.network.neighbours import Needed, neighbours
from pull_doctor.causes.shared.network.paths import (
    Model,
    at_steps,
    attached_egress_only,
    attached_gateway,
    broken_by,
    failing_hop,
    far_end,
    hop_evidence,
    hosts,
    reroute,
    route_command,
    route_taken,
    silence,
    still_there,
    table_in_use,
    undecided,
    usable_nats,
)
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import Route, RouteTable, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.addresses import (
    IPV4,
    NOT_PUBLIC,
    Network,
    is_nat64,
    network_of,
    networks_of,
    version_of,
    without,
)
from pull_doctor.network.routing import beyond, routes_for
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "blackhole-route"
STEPS: tuple[Step, ...] = ("route",)


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
    item = make(task.place, "AWS::EC2::RouteTable", table.id)
    route = route_taken(broken[0], table)
    shown = Evidence(f"{table.id} holds {'; '.join(hop.details)}", "fact", (item,))
    others = neighbours(CAUSE, task, needed, symptom, puller, vpc, service)
    return Problem(
        title=f"route to the registry is {'a blackhole' if route.state == 'blackhole' else 'out of use'}",
        explanation=(
            f"{uses.text}, which sends {route.destination} to {route.target}. The state of that route is "
            f"{route.state}: {_gone(route, vpc)}, so that nothing reaches {hosts(broken)}. "
            f"{silence(symptom)}{others.sentence}"
        ),
        culprit=item,
        evidence=(uses, *hop_evidence(at_steps(STEPS, broken)), shown, *others.evidence(task)),
        fixes=(_fix(task, puller, vpc, table, route, broken[0], others.model),),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    passed = hop_evidence(at_steps(STEPS, traces), ("ok",))
    return (
        "; ".join(one.text for one in passed) or f"no path from {puller.subnet.id} ends at a route that is out of use"
    )


def _gone(route: Route, vpc: Vpc) -> str:
    if route.state == "filtered":
        return "EC2 does not use it, and no other route takes the address"
    drops = ". EC2 drops what such a route takes"
    kinds = {"nat-": "NAT gateways", "igw-": "internet gateways", "vpce-": "endpoints"}
    kind = next((kind for prefix, kind in kinds.items() if route.target.startswith(prefix)), None)
    if kind:
        return f"{route.target} is not among the {kind} that EC2 shows for {vpc.id}{drops}"
    return f"{route.target} no longer takes traffic{drops}"


def _fix(
    task: Task, puller: Puller, vpc: Vpc, table: RouteTable, route: Route, trace: Trace, model: Model | None
) -> Fix:
    if _is_inside(route, vpc):
        return _back_to_local(task, table, route)
    if _lies_in(route, networks_of(NOT_PUBLIC)):
        return _to_other_network(task, table, route)
    wider = _takes_over(puller, vpc, table, route, trace)
    if wider is None or route.propagated:
        return reroute(task, puller, vpc, table, route, model)
    return Fix(
        f"delete the route: {wider.destination} -> {wider.target} covers it",
        "your-call",
        task.place.account,
        task.place.region,
        (route_command("DeleteRoute", table, route.destination),),
        table.managed_by,
        f"everything that uses {table.id} reaches {route.destination} through {wider.target}",
    )


def _is_inside(route: Route, vpc: Vpc) -> bool:
    """Whether the route takes traffic between the VPC's own subnets."""
    return _lies_in(route, networks_of(vpc.cidrs.value) if isinstance(vpc.cidrs, Known) else ())


def _lies_in(route: Route, networks: tuple[Network, ...]) -> bool:
    return not route.destination.startswith("pl-") and not without([network_of(route.destination)], networks)


def _to_other_network(task: Task, table: RouteTable, route: Route) -> Fix:
    """The fix for private addresses elsewhere, as central endpoints have: no way to the internet leads there."""
    peering = route.target.startswith("pcx-")
    target = (
        {"VpcPeeringConnectionId": "<peering-connection-id>"}
        if peering
        else {"TransitGatewayId": "<transit-gateway-id>"}
    )
    return Fix(
        f"let {route.destination} lead to {'a peering connection' if peering else 'a transit gateway'} that has it",
        "fill-in",
        task.place.account,
        task.place.region,
        (route_command("CreateRoute" if route.propagated else "ReplaceRoute", table, route.destination, **target),),
        table.managed_by,
        f"everything that uses {table.id} reaches {route.destination} again",
    )


def _back_to_local(task: Task, table: RouteTable, route: Route) -> Fix:
    """The fix that lets the VPC itself carry what lies in it: a narrower route is deleted, its own one is reset.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRoute.html
    """
    local = networks_of(one.destination for one in table.routes if one.target == "local")
    command = (
        route_command("DeleteRoute", table, route.destination)
        if _lies_in(route, local)
        else route_command("ReplaceRoute", table, route.destination, LocalTarget=True)
    )
    return Fix(
        f"let the VPC itself carry {route.destination} again",
        "your-call",
        task.place.account,
        task.place.region,
        (command,),
        table.managed_by,
        f"what uses {table.id} reaches {route.destination} directly, past whatever {route.target} was to inspect",
    )


def _takes_over(puller: Puller, vpc: Vpc, table: RouteTable, route: Route, trace: Trace) -> Route | None:
    """The wider route that would take all of the traffic, if its target is shown to work."""
    rest = replace(table, routes=tuple(one for one in table.routes if one != route))
    far = far_end(trace, puller)
    routes, left = routes_for(rest, beyond(rest, far), {})
    if version_of(far) == IPV4 or is_nat64(far):
        working = {nat.id for nat in usable_nats(puller, vpc)}
    else:
        working = {attached_egress_only(vpc) or "", attached_gateway(vpc) or ""}
    if version_of(far) == IPV4 and puller.has_public_ip == Known(value=True):
        working.add(attached_gateway(vpc) or "")
    usable = not left and len(routes) == 1 and routes[0].state == "active" and routes[0].target in working
    return routes[0] if usable else None
