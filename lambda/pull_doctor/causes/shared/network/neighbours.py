"""The same pull from the service's other subnets: which of them fail as well, and the route of one that works."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from pull_doctor.causes.outcome import Evidence, Fix
from pull_doctor.causes.shared.network.paths import Model, broken_by, primary, starts_with, update_network
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Service, Subnet, TaskDefinition
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import pull_plan, store_plan
from pull_doctor.network.follow import follow
from pull_doctor.network.route_hops import sends
from pull_doctor.network.routing import table_of
from pull_doctor.network.trace import Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

Needed = ImageReference | TaskDefinition
"""What the paths are walked for: an image, or the secrets of a task definition in their stores."""

End = Literal["works", "same", "other", "unknown"]
_ENDS: dict[End, str] = {
    "works": "works from",
    "same": "fails in the same way from",
    "other": "fails for another reason from",
    "unknown": "cannot be followed to its end from",
}
_WAY_OUT: tuple[Step, ...] = (
    "route",
    "nat-gateway",
    "nat-network-acl",
    "internet-gateway",
    "public-address",
    "public-access",
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The service's other subnets by how the same paths end from there, in the order of the service."""

    ends: tuple[tuple[str, End], ...] = ()
    model: Model | None = None

    def which(self, end: End) -> tuple[str, ...]:
        """The subnets from which the paths end like this."""
        return tuple(subnet for subnet, one in self.ends if one == end)

    @property
    def sentence(self) -> str:
        """What is known of the other subnets, with a space before it; empty where there are none."""
        told = [f"{says} {_listed(self.which(end))}" for end, says in _ENDS.items() if self.which(end)]
        return f" Of the service's other subnets, the path {', and '.join(told)}." if told else ""

    def evidence(self, task: Task) -> tuple[Evidence, ...]:
        """The route of the subnet that is the model."""
        if self.model is None:
            return ()
        subnet, table = self.model.subnet, self.model.table
        kinds = (("AWS::EC2::Subnet", subnet), ("AWS::EC2::RouteTable", table.id))
        resources = tuple(make(task.place, kind, name) for kind, name in kinds)
        return (Evidence(f"{subnet} of the service: {sends(table, self.model.route)}", "fact", resources),)


def neighbours(
    cause: str,
    task: Task,
    needed: Needed,
    symptom: Symptom,
    puller: Puller,
    vpc: Vpc,
    service: Fact[Service | None],
) -> Neighbours:
    """Walk the same ways from the other subnets with which the service starts tasks, as the same task would.

    A host that pulls by its own interface has no part in the service's subnets.
    """
    newest = starts_with(task, service)
    if newest is None or puller.kind != "task":
        return Neighbours()
    known = {one.id: one for one in vpc.subnets.value} if isinstance(vpc.subnets, Known) else {}
    ends: list[tuple[str, End]] = []
    models: dict[End, Model] = {}
    for name in newest.subnets:
        if name == puller.subnet.id:
            continue
        subnet = known.get(name)
        traces = _from_there(subnet, task, needed, symptom, puller, vpc) if subnet else ()
        end = _end(cause, traces)
        ends.append((name, end))
        if subnet and end not in models and (model := _model(subnet, traces, vpc)):
            models[end] = model
    return Neighbours(tuple(ends), models.get("works") or models.get("unknown"))


def leave_subnet(
    task: Task, puller: Puller, service: Fact[Service | None], others: Neighbours, stays: str = "isolated"
) -> Fix | None:
    """The fix that leaves the service only the subnets from which the path does not fail, if it works from one.

    ``stays`` is what the subnet is then left to be.
    """
    newest = primary(service)
    if newest is None or newest.assign_public_ip is None or puller.subnet.id not in newest.subnets:
        return None
    failing = {puller.subnet.id, *others.which("same"), *others.which("other")}
    rest = [subnet for subnet in newest.subnets if subnet not in failing]
    if not others.which("works"):
        return None
    left = [subnet for subnet in newest.subnets if subnet in failing]
    what = f"the subnet {stays}, and take it" if len(left) == 1 else f"the subnets {stays}, and take them"
    named = f"{left[0]} ({puller.subnet.zone})" if len(left) == 1 else _listed(left)
    return Fix(
        f"keep {what} out of the service",
        "your-call",
        task.place.account,
        task.place.region,
        (update_network(task, newest, rest, public=newest.assign_public_ip),),
        None,
        f"the service stops using {named}",
    )


def _from_there(
    subnet: Subnet, task: Task, needed: Needed, symptom: Symptom, puller: Puller, vpc: Vpc
) -> tuple[Trace, ...]:
    no_ipv6: Fact[tuple[str, ...]] = Known(())
    ipv6 = Unknown(f"the IPv6 address of a task in {subnet.id}", "not-visible") if subnet.ipv6_cidr else no_ipv6
    there = replace(puller, subnet=subnet, interface=None, private_ip=None, public_ip=None, ipv6=ipv6)
    ipv6_only = subnet.cidr is None
    if isinstance(needed, TaskDefinition):
        return follow(store_plan(task, needed, symptom, ipv6_only=ipv6_only), there, vpc)
    return follow(pull_plan(task, needed, symptom, ipv6_only=ipv6_only), there, vpc)


def _end(cause: str, traces: tuple[Trace, ...]) -> End:
    if broken_by(cause, traces):
        return "same"
    ends = {trace.disposition for trace in traces}
    if ends - {"reached", "undetermined"}:
        return "other"
    return "works" if ends == {"reached"} else "unknown"


def _model(subnet: Subnet, traces: Iterable[Trace], vpc: Vpc) -> Model | None:
    """The route by which these traces leave for the internet; none where endpoints alone carry them."""
    table = table_of(subnet.id, vpc.route_tables.value) if isinstance(vpc.route_tables, Known) else None
    ways_out = [route for route in table.routes if route.target.startswith(("nat-", "igw-"))] if table else []
    for trace in traces:
        hops = [hop for hop in trace.hops if hop.step in _WAY_OUT]
        for route in ways_out if all(hop.verdict == "ok" for hop in hops) else ():
            assert table is not None
            if any(hop.why.startswith(sends(table, route)) for hop in hops):
                return Model(subnet.id, table, route)
    return None


def _listed(names: Iterable[str]) -> str:
    known = tuple(names)
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}"
