"""What the network causes share: a cause's outcome is read off the traces, wording and fixes stay its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Still, Undetermined
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Deployment, NatGateway, Route, RouteTable, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.addresses import NAT64, PUBLIC_IPV4, PUBLIC_IPV6, Network, networks_of
from pull_doctor.network.gateway_hops import nat_hops
from pull_doctor.network.route_hops import sends
from pull_doctor.network.routing import table_of
from pull_doctor.network.trace import Hop, Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make


@dataclass(frozen=True, slots=True)
class Model:
    """Another subnet of the service, and the route of its table by which the pull leaves there for the internet."""

    subnet: str
    table: RouteTable
    route: Route


def broken_by(cause: str, traces: Iterable[Trace]) -> tuple[Trace, ...]:
    """The traces in which a hop fails with this cause."""
    return tuple(trace for trace in traces if failing_hop(cause, trace))


def failing_hop(cause: str, trace: Trace) -> Hop | None:
    """The hop at which this cause breaks the trace."""
    return next((hop for hop in trace.hops if hop.cause == cause), None)


def undecided(steps: Sequence[Step], traces: Iterable[Trace]) -> Undetermined | None:
    """What keeps these steps from being judged: an unknown hop of them, or one at which sight ended before."""
    missing = [
        hop.missing
        for trace in traces
        for hop in trace.hops
        if hop.missing and (hop.step in steps or not _reaches(steps, trace))
    ]
    return Undetermined(tuple(dict.fromkeys(missing))) if missing else None


def _reaches(steps: Sequence[Step], trace: Trace) -> bool:
    """Whether the walk went on past the name, so that every later step was judged or does not lie on it."""
    return any(hop.step in steps for hop in trace.hops) or len(trace.hops) > 1


def spoken_of(traces: Sequence[Trace], symptom: Symptom) -> Trace:
    """The trace that ECS's text speaks of, by its address or its phase; else the first."""
    by_address = next((trace for trace in traces if trace.address), None)
    return by_address or next((trace for trace in traces if trace.phase == symptom.phase), traces[0])


def at_steps(steps: Sequence[Step], traces: Iterable[Trace]) -> tuple[Trace, ...]:
    """The traces with the hops of these steps alone."""
    return tuple(replace(trace, hops=tuple(hop for hop in trace.hops if hop.step in steps)) for trace in traces)


def hop_evidence(traces: Iterable[Trace], verdicts: Sequence[str] = ("fail",)) -> tuple[Evidence, ...]:
    """One sentence a hop, each hop once."""
    texts: dict[str, Evidence] = {}
    for trace in traces:
        for hop in trace.hops:
            if hop.verdict in verdicts:
                resources = (hop.resource,) if hop.resource else ()
                texts.setdefault(hop.why, Evidence(hop.why, "fact", resources))
    return tuple(texts.values())


def still_there(task: Task, puller: Puller, service: Fact[Service | None], *, by_groups: bool = False) -> Still:
    """Whether new tasks still meet the defect: not once the service's newest deployment leaves the subnet.

    What an instance pulls by does not hang on the service, and was read now.
    """
    if task.service is None or puller.kind == "instance":
        return "yes"
    if isinstance(service, Unknown):
        return "unknown"
    newest = starts_with(task, service)
    if newest is None:
        return "unknown"
    if newest.subnets and puller.subnet.id not in newest.subnets:
        return "no"
    same_groups = isinstance(puller.groups, Known) and set(newest.groups) in (set(), set(puller.groups.value))
    return "yes" if same_groups or not by_groups else "unknown"


def starts_with(task: Task, service: Fact[Service | None]) -> Deployment | None:
    """The deployment or task set with which tasks like the failed one start: its own set, else the only one there is.

    CodeDeploy and external controllers bring up an active set beside the primary one, and both start tasks. Without the
    failed task's own it is not known which of several would.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
    """
    if not isinstance(service, Known) or service.value is None:
        return None
    sets = [one for one in service.value.task_sets if one.status in ("PRIMARY", "ACTIVE")]
    own = next((one for one in sets if one.id == task.started_by), None)
    return own or (sets[0] if len(sets) == 1 else primary(service))


def primary(service: Fact[Service | None]) -> Deployment | None:
    """The deployment with which the service starts new tasks; ``None`` where UpdateService cannot replace it.

    Where a service has task sets instead, only CodeDeploy or its external controller makes a new one.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    if not isinstance(service, Known) or service.value is None or service.value.task_sets:
        return None
    return next((one for one in service.value.deployments if one.status == "PRIMARY"), None)


def hosts(traces: Iterable[Trace]) -> str:
    """The hosts of the traces in one phrase: the one that ECS's text speaks of, else all."""
    known = tuple(traces)
    spoken_of = [trace.host for trace in known if trace.address]
    names = spoken_of or list(dict.fromkeys(trace.host for trace in known))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def silence(symptom: Symptom) -> str:
    """What an unreachable host comes to, tied to ECS's text where that speaks of a timeout."""
    tail = ", which is the timeout that ECS reports" if symptom.kind == "network-timeout" else ""
    return f"Nothing answers the connection{tail}."


def update_network(task: Task, newest: Deployment, subnets: Sequence[str], *, public: bool) -> AwsCommand:
    """The call that gives the service a network configuration; ECS replaces all three members at once."""
    configuration = {
        "subnets": list(subnets),
        "securityGroups": list(newest.groups),
        "assignPublicIp": "ENABLED" if public else "DISABLED",
    }
    return AwsCommand(
        "ecs",
        "UpdateService",
        {
            "cluster": task.cluster,
            "service": task.service,
            "networkConfiguration": {"awsvpcConfiguration": configuration},
        },
    )


def table_in_use(task: Task, puller: Puller, vpc: Vpc) -> tuple[RouteTable, Evidence]:
    """The route table of the puller's subnet, and the sentence that says so; only behind a judged route hop."""
    assert isinstance(vpc.route_tables, Known)
    table = table_of(puller.subnet.id, vpc.route_tables.value)
    assert table is not None
    own = puller.subnet.id in table.subnets
    uses = f"uses {table.id}" if own else f"has no route table of its own and uses the main one of {vpc.id}, {table.id}"
    resources = (
        make(task.place, "AWS::EC2::Subnet", puller.subnet.id),
        make(task.place, "AWS::EC2::RouteTable", table.id),
    )
    return table, Evidence(f"{puller.subnet.id} {uses}", "fact", resources)


def route_taken(trace: Trace, table: RouteTable) -> Route:
    """The route in force on the trace; only behind a route hop that names it."""
    said = next(hop.why for hop in trace.hops if hop.step == "route")
    return next(route for route in table.routes if said.startswith(sends(table, route)))


def usable_nats(puller: Puller, vpc: Vpc) -> list[NatGateway]:
    """The VPC's NAT gateways that are shown to carry the puller's connections to the internet."""
    gateways = vpc.nat_gateways.value if isinstance(vpc.nat_gateways, Known) else ()
    far = PUBLIC_IPV4 if puller.subnet.cidr else NAT64
    return [nat for nat in gateways if all(hop.verdict == "ok" for hop in nat_hops(nat.id, far, puller, vpc))]


def attached_egress_only(vpc: Vpc) -> str | None:
    """An egress-only internet gateway of the VPC."""
    known = vpc.egress_only_gateways.value if isinstance(vpc.egress_only_gateways, Known) else ()
    return next((one.id for one in known if vpc.id in one.vpcs), None)


def far_end(trace: Trace, puller: Puller) -> tuple[Network, ...]:
    """The addresses that the trace leads to: the dialled one, else any public one of the family that it took."""
    if trace.address:
        return networks_of([trace.address])
    if puller.subnet.cidr:
        return PUBLIC_IPV4
    return NAT64 if any(hop.step == "nat-gateway" for hop in trace.hops) else PUBLIC_IPV6


def attached_gateway(vpc: Vpc) -> str | None:
    """The internet gateway that is attached to the VPC; it can have only one."""
    known = vpc.internet_gateways.value if isinstance(vpc.internet_gateways, Known) else ()
    return next((one.id for one in known if vpc.id in one.vpcs), None)


def leads_out(table: RouteTable, vpc: Vpc) -> bool:
    """Whether the table's default route leads to the internet gateway that is attached to the VPC."""
    gateway = attached_gateway(vpc)
    return any(
        (route.destination, route.target, route.state) == ("0.0.0.0/0", gateway, "active") for route in table.routes
    )


def reroute(task: Task, puller: Puller, vpc: Vpc, table: RouteTable, route: Route, model: Model | None) -> Fix:
    """The fix that gives a dead route another target: a working neighbour's, one of the VPC's own, or a new one.

    https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
    """
    place, like = task.place, ""
    # A propagated route cannot be replaced; one that is made wins over it.
    operation = "CreateRoute" if route.propagated else "ReplaceRoute"
    wanted = target_member(route.target, route.destination)
    usable = {
        "GatewayId": attached_gateway(vpc),
        "EgressOnlyInternetGatewayId": attached_egress_only(vpc),
        "NatGatewayId": next((nat.id for nat in usable_nats(puller, vpc)), None),
    }[wanted]
    if model and model.route.destination == route.destination:
        usable, like = model.route.target, f", as in {model.subnet}"
        wanted = target_member(usable, route.destination)
    if usable:
        return Fix(
            f"let {route.destination} lead to {usable}{like}",
            "your-call",
            place.account,
            place.region,
            (route_command(operation, table, route.destination, **{wanted: usable}),),
            table.managed_by,
            f"everything that uses {table.id} reaches the internet through {usable}",
        )
    if wanted == "GatewayId":
        made: tuple[AwsCommand, ...] = (
            AwsCommand("ec2", "CreateInternetGateway", {}),
            AwsCommand("ec2", "AttachInternetGateway", {"InternetGatewayId": "<new-gateway-id>", "VpcId": vpc.id}),
        )
        text, cost = f"make an internet gateway, and let {route.destination} lead to it", None
    elif wanted == "EgressOnlyInternetGatewayId":
        made = (AwsCommand("ec2", "CreateEgressOnlyInternetGateway", {"VpcId": vpc.id}),)
        text, cost = f"make an egress-only internet gateway, and let {route.destination} lead to it", None
    else:
        place_of_nat = {"SubnetId": _public_subnet(vpc) or "<public-subnet-id>", "AllocationId": "<elastic-ip-id>"}
        made = (AwsCommand("ec2", "CreateNatGateway", place_of_nat),)
        text = f"make a public NAT gateway, and let {route.destination} lead to it"
        cost = "a NAT gateway, by the hour and by the gigabyte"
    return Fix(
        text,
        "fill-in",
        place.account,
        place.region,
        (*made, route_command(operation, table, route.destination, **{wanted: "<new-gateway-id>"})),
        table.managed_by,
        f"everything that uses {table.id} reaches the internet through the new gateway",
        cost,
    )


def route_command(operation: str, table: RouteTable, destination: str, **target: str | bool) -> AwsCommand:
    """The call that creates, replaces, or deletes the route to a CIDR or a prefix list."""
    kind = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
    kind = "DestinationPrefixListId" if destination.startswith("pl-") else kind
    return AwsCommand("ec2", operation, {"RouteTableId": table.id, kind: destination, **target})


def target_member(gateway: str, destination: str = "") -> str:
    """The parameter that names a gateway in a call about a route; NAT gateways take IPv6 only to translate it."""
    if gateway.startswith("igw-"):
        return "GatewayId"
    untranslated = ":" in destination and destination != str(NAT64[0])
    return "EgressOnlyInternetGatewayId" if gateway.startswith("eigw-") or untranslated else "NatGatewayId"


def _public_subnet(vpc: Vpc) -> str | None:
    subnets = vpc.subnets.value if isinstance(vpc.subnets, Known) else ()
    tables = vpc.route_tables.value if isinstance(vpc.route_tables, Known) else ()
    for subnet in subnets:
        table = table_of(subnet.id, tables)
        if table and leads_out(table, vpc):
            return subnet.id
    return None
