"""A network ACL on the way stops the request to tcp 443, or the reply to it.

A network ACL belongs to subnets and keeps no state. It must let the request pass and, by a rule of its own, the reply,
which goes back to the port that the connection came from (1024-65535 covers all of them). Rules are tried by their
numbers, the first that matches decides, and what none matches is denied. The ACL of the task's subnet counts, the one
of the endpoint's subnet, and the one of the NAT gateway's subnet; traffic inside one subnet passes none. ECS's own page
on connectivity names the ports the other way round: those are the ones of the endpoint's side.

What mends it: a rule with a lower number that allows the direction that is denied.
https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem
from pull_doctor.causes.row import host_class
from pull_doctor.causes.shared.network.neighbours import Needed, neighbours
from pull_doctor.causes.shared.network.paths import (
    at_steps,
    broken_by,
    far_end,
    hop_evidence,
    silence,
    spoken_of,
    still_there,
    undecided,
)
from pull_doctor.causes.shared.network.vpc_endpoints import endpoint_on
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import AclEntry, NetworkAcl, Service
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.addresses import (
    IPV4,
    PUBLIC_IPV4,
    PUBLIC_IPV6,
    Network,
    behind_nat64,
    is_nat64,
    networks_of,
    version_of,
    without,
)
from pull_doctor.network.filter_hops import CLOSING_RULE, acl_of, puller_networks
from pull_doctor.network.filters import HTTPS, acl_lets
from pull_doctor.network.trace import Hop, Step, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

CAUSE = "network-acl-blocks"
STEPS: tuple[Step, ...] = ("network-acl", "endpoint-network-acl", "nat-network-acl")
Direction = Literal["ingress", "egress"]
_Needed = tuple[Direction, str, tuple[Network, ...], tuple[int, int]]
ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
REPLY_PORTS = (1024, 65535)
"""What a rule for replies covers: every port that a client, or a NAT gateway, opens connections from."""
_ANY_PUBLIC = (PUBLIC_IPV4, PUBLIC_IPV6)
_SIDES = {
    "endpoint-network-acl": "endpoint's",
    "nat-network-acl": "NAT gateway's",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One direction through an ACL that the pull needs and that is denied, at ``number`` or before.

    A rule that allows it names ``cidr`` and ``ports``, and has a lower number. ``wholly``: nothing of what the pull
    needs passes.
    """

    acl: NetworkAcl
    subnet: str
    direction: Direction
    cidr: str
    ports: tuple[int, int]
    number: int
    wholly: bool

    @property
    def by_default(self) -> bool:
        """Whether no rule speaks of it, so that the closing one denies it."""
        return self.number == CLOSING_RULE


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
    told = spoken_of(broken, symptom)
    hop = next(hop for hop in told.hops if hop.cause == CAUSE)
    assert hop.resource is not None
    denied = list(_denied(told, hop, puller, vpc))
    others = neighbours(CAUSE, task, needed, symptom, puller, vpc, service)
    return Problem(
        title=_title(hop, next((way for way in denied if way.wholly), denied[0]), puller),
        explanation=(
            f"{hop.why}. A network ACL keeps no state: it must allow the request to tcp 443 and, by a rule of its own, "
            f"the reply to the port that the connection came from. The way to {told.host} needs both. "
            f"{silence(symptom)}{others.sentence}"
        ),
        culprit=hop.resource,
        evidence=(*hop_evidence(at_steps(STEPS, broken)), *_associations(task, denied)),
        fixes=(_fix(task, puller, vpc, broken),),
        still=still_there(task, puller, service),
        traces=broken,
    )


def _why_ok(puller: Puller, traces: tuple[Trace, ...]) -> str:
    passed = hop_evidence(at_steps(STEPS, traces), ("ok",))
    return "; ".join(one.text for one in passed) or f"no path from {puller.subnet.id} passes a network ACL"


def _title(hop: Hop, way: Way, puller: Puller) -> str:
    side = _SIDES.get(hop.step, f"{puller.kind}'s")
    what = "tcp 443" if way.ports == HTTPS else "the replies"
    return f"network ACL of the {side} subnet denies {what} {'out' if way.direction == 'egress' else 'in'}"


def _associations(task: Task, denied: list[Way]) -> list[Evidence]:
    """Which subnet each ACL serves."""
    found = []
    for acl, subnet in dict.fromkeys((way.acl.id, way.subnet) for way in denied):
        resources = (make(task.place, "AWS::EC2::Subnet", subnet), make(task.place, "AWS::EC2::NetworkAcl", acl))
        found.append(Evidence(f"{acl} is the network ACL of {subnet}", "fact", resources))
    return found


def _denied(trace: Trace, hop: Hop, puller: Puller, vpc: Vpc) -> Iterator[Way]:
    """The directions that the hop's ACLs deny, each as the rule that would allow it."""
    version = version_of(far_end(trace, puller))
    own_range = puller.subnet.cidr if version == IPV4 else puller.subnet.ipv6_cidr
    near, here = own_range or ANYWHERE[version], puller_networks(puller, version)
    for subnet, far in _subnets(trace, hop, puller, vpc):
        acl = acl_of(subnet, vpc.network_acls)
        assert not isinstance(acl, Unknown)
        there = _dialled(trace, far, puller, vpc)
        outward: tuple[_Needed, ...] = (("egress", far, there, HTTPS), ("ingress", far, there, REPLY_PORTS))
        inward: tuple[_Needed, ...] = (("ingress", near, here, HTTPS), ("egress", near, here, REPLY_PORTS))
        needed = {
            "network-acl": outward,
            "endpoint-network-acl": inward,
            "nat-network-acl": (inward[0], *outward, inward[1]),
        }[hop.step]
        for direction, cidr, networks, ports in needed:
            # A NAT gateway opens connections from more ports than the puller does.
            own_reply = ports != HTTPS and not (hop.step == "nat-network-acl" and direction == "ingress")
            judged = puller.reply_ports if own_reply else ports
            answer, _ = acl_lets(acl, direction, networks, judged)
            # Part of all public addresses may be others than the dialled one.
            if answer == "deny" or (answer == "partly" and networks not in _ANY_PUBLIC):
                number = _denier(acl, direction, networks, judged)
                yield Way(acl, subnet, direction, cidr, ports, number, wholly=answer == "deny")


def _denier(acl: NetworkAcl, direction: Direction, networks: tuple[Network, ...], ports: tuple[int, int]) -> int:
    """The last rule before which an allowing one helps: rules that deny other addresses stay in force before it."""
    egress = direction == "egress"
    enough = ("allow", "partly") if networks in _ANY_PUBLIC else ("allow",)
    numbers = {one.number for one in acl.entries if one.egress == egress and not one.allow}
    denying = {number for number in numbers if number < CLOSING_RULE}

    def helps(number: int) -> bool:
        allowing = AclEntry(number, egress, allow=True, protocol="-1", cidr=ANYWHERE[version_of(networks)])
        before = tuple(one for one in acl.entries if one.number < number)
        return acl_lets(replace(acl, entries=(*before, allowing)), direction, networks, ports)[0] in enough

    return next(number for number in sorted(denying | {CLOSING_RULE}, reverse=True) if helps(number))


def _subnets(trace: Trace, hop: Hop, puller: Puller, vpc: Vpc) -> Iterator[tuple[str, str]]:
    """The subnets whose ACLs the hop judges, each with the range of the far end."""
    known = {one.id: one for one in vpc.subnets.value} if isinstance(vpc.subnets, Known) else {}
    endpoint = endpoint_on(trace, vpc)
    others = [one for one in endpoint.subnets if one != puller.subnet.id] if endpoint else []
    version = version_of(far_end(trace, puller))
    if hop.step == "endpoint-network-acl":
        yield from ((subnet, ANYWHERE[version]) for subnet in others)
    elif hop.step == "network-acl":
        theirs = [known[one] for one in others if one in known]
        ranges = [(one.cidr if version == IPV4 else one.ipv6_cidr) or ANYWHERE[version] for one in theirs]
        yield from ((puller.subnet.id, cidr) for cidr in ranges or [ANYWHERE[version]])
    else:
        # A NAT gateway leaves over IPv4, also where it translates.
        gateways = vpc.nat_gateways.value if isinstance(vpc.nat_gateways, Known) else ()
        nats = {one.resource.id for one in trace.hops if one.step == "nat-gateway" and one.resource}
        yield from ((one.subnet, ANYWHERE[IPV4]) for one in gateways if one.id in nats and one.subnet)


def _dialled(trace: Trace, far: str, puller: Puller, vpc: Vpc) -> tuple[Network, ...]:
    """The dialled address, if it lies at this far end; else the far end's whole range, which is known for S3."""
    ranges, dialled = networks_of([far]), far_end(trace, puller)
    if version_of(ranges) == IPV4 and is_nat64(dialled):
        dialled = behind_nat64(dialled)
    if trace.address and not without(dialled, ranges):
        return dialled
    if far not in ANYWHERE.values():
        return ranges
    s3 = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    to_s3 = version_of(dialled) == IPV4 and host_class(trace.host) == "s3" and f".{puller.place.region}." in trace.host
    return networks_of(s3.cidrs if s3 and to_s3 else ()) or dialled


def _fix(task: Task, puller: Puller, vpc: Vpc, broken: tuple[Trace, ...]) -> Fix:
    """One rule for each direction that is denied, before the rule that denies it."""
    ways: dict[tuple[str, str, str, tuple[int, int]], Way] = {}
    for trace in broken:
        for hop in trace.hops:
            for way in _denied(trace, hop, puller, vpc) if hop.cause == CAUSE else ():
                key = (way.acl.id, way.direction, way.cidr, way.ports)
                ways[key] = min(ways.get(key, way), way, key=lambda one: one.number)
    taken: dict[tuple[str, str], set[int]] = {}
    commands = []
    for way in ways.values():
        used = taken.setdefault(
            (way.acl.id, way.direction),
            {one.number for one in way.acl.entries if one.egress == (way.direction == "egress")},
        )
        number = _free_number(used, way)
        used.add(number or way.number)
        commands.append(_rule(way, number))
    acls = {way.acl.id: way.acl for way in ways.values()}
    reach = "; ".join(f"{acl.id} serves {', '.join(acl.subnets)}" for acl in acls.values())
    return Fix(
        f"let the connection and its reply through {next(iter(acls)) if len(acls) == 1 else 'the network ACLs'}",
        "exact" if all(way.by_default for way in ways.values()) else "your-call",
        task.place.account,
        task.place.region,
        tuple(commands),
        None,
        f"the rules hold for every subnet of the ACL: {reach}",
    )


def _free_number(used: set[int], way: Way) -> int | None:
    """The number of a new rule: behind all others where none denies, else just before the one that does."""
    if way.by_default:
        following = (max(used - {CLOSING_RULE}, default=0) // 10 + 1) * 10
        if following < CLOSING_RULE:
            return following
    return next((number for number in range(way.number - 1, 0, -1) if number not in used), None)


def _rule(way: Way, number: int | None) -> AwsCommand:
    """The call that allows the way: a new rule, or in the place of a denying one that none can precede."""
    return AwsCommand(
        "ec2",
        "CreateNetworkAclEntry" if number else "ReplaceNetworkAclEntry",
        {
            "NetworkAclId": way.acl.id,
            "RuleNumber": number or way.number,
            "Protocol": "6",
            "RuleAction": "allow",
            "Egress": way.direction == "egress",
            "Ipv6CidrBlock" if ":" in way.cidr else "CidrBlock": way.cidr,
            "PortRange": {"From": way.ports[0], "To": way.ports[1]},
        },
    )
