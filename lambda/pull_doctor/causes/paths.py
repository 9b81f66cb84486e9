"""What the network causes share: a cause's outcome is read off the traces, wording and fixes stay its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Still, Undetermined
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Deployment, RouteTable, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.routing import table_of
from pull_doctor.network.trace import Hop, Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

NAMED = frozenset(row.cause for row in CATALOGUE)


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


def unnamed_defects(traces: Iterable[Trace]) -> tuple[Unknown, ...]:
    """What breaks or hides a path and is no cause of the catalogue's: the model's reach, said openly."""
    known = tuple(traces)
    found: dict[tuple[str, str], Unknown] = {}
    # The path that ECS's text speaks of comes first: the same hop of another path says nothing new.
    for trace in sorted(known, key=lambda one: one.address is None):
        for hop in trace.hops:
            if hop.verdict == "fail" and hop.cause not in NAMED:
                item = hop.resource.id if hop.resource else hop.step
                missing = Unknown(
                    f"the path to {trace.host} behind {item}", "not-modelled", resource=item, detail=hop.why
                )
                found.setdefault((hop.step, item), missing)
    hidden = [hop.missing for trace in known for hop in trace.hops if hop.missing]
    return tuple(dict.fromkeys([*found.values(), *hidden]))


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
    """Whether new tasks still meet the defect: not once the service's newest deployment leaves the subnet."""
    if task.service is None:
        return "yes"
    if isinstance(service, Unknown):
        return "unknown"
    newest = primary(service)
    if newest is None:
        return "unknown"
    if newest.subnets and puller.subnet.id not in newest.subnets:
        return "no"
    same_groups = isinstance(puller.groups, Known) and set(newest.groups) in (set(), set(puller.groups.value))
    return "yes" if same_groups or not by_groups else "unknown"


def primary(service: Fact[Service | None]) -> Deployment | None:
    """The deployment with which the service starts new tasks."""
    if not isinstance(service, Known) or service.value is None:
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


def leave_subnet(task: Task, puller: Puller, service: Fact[Service | None]) -> Fix | None:
    """The fix that takes the subnet out of the service, if the service has another one."""
    newest = primary(service)
    if task.service is None or newest is None or newest.assign_public_ip is None:
        return None
    rest = [subnet for subnet in newest.subnets if subnet != puller.subnet.id]
    if not rest or len(rest) == len(newest.subnets):
        return None
    return Fix(
        "keep the subnet isolated, and take it out of the service",
        "your-call",
        task.place.account,
        task.place.region,
        (update_network(task, newest, rest, public=newest.assign_public_ip),),
        None,
        f"the service stops using {puller.subnet.id} ({puller.subnet.zone})",
    )


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
