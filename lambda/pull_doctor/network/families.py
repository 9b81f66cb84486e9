"""By which address family a host is reached: IPv4, IPv6, or IPv6 that a NAT gateway translates to IPv4 (NAT64).

A client tries every address of a name, so that a host which has both families is reached if either way works, and
cut off only if both are proven broken. The address in ECS's text decides where there is one.
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Literal

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.addresses import IPV4, IPV6, is_nat64, networks_of
from pull_doctor.network.flows import Flow
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

Family = Literal["ipv4", "ipv6", "nat64"]

Hops = tuple[Hop, ...]

_DUAL_STACK_NAMES = (".on.aws", ".api.aws")


def by_family(flow: Flow, families: tuple[int, ...], puller: Puller, reach: Callable[[Family], Hops]) -> Hops:
    """The hops of the family that decides; ``families`` are the host's, none where that is not known.

    ``reach`` walks by one family. A host whose families are not known has an IPv4 address at least where the puller
    has one, as every registry does that can be pulled from over IPv4.
    """
    dialled = _dialled(flow.address) if flow.address else None
    if dialled and (dialled != "ipv4" or puller.subnet.cidr):
        return reach(dialled)
    if puller.subnet.cidr is None:
        # An IPv4 address in the text leads nowhere from here: what the name has besides it decides.
        return _over_ipv6_alone(flow, families, puller, reach)
    has_ipv6 = isinstance(puller.ipv6, Unknown) or bool(puller.ipv6.value)
    first = reach("ipv4") if not families or IPV4 in families else ()
    if first and (disposition(first) == "reached" or not has_ipv6):
        return first
    if not has_ipv6:
        return (_no_ipv6(flow, puller),)
    others = [reach("ipv6")] if not families or IPV6 in families else []
    if puller.subnet.dns64 and IPV6 not in families:
        others.append(reach("nat64"))
    certain = bool(families) and not isinstance(puller.ipv6, Unknown)
    walks = [*([first] if first else []), *(hops if certain else _perhaps(flow, hops, puller) for hops in others)]
    return _deciding(walks)


def disposition(hops: Hops) -> str:
    """``reached``, the cause of the first failing hop, or ``undetermined``."""
    failing = next((hop.cause for hop in hops if hop.cause), None)
    if failing:
        return failing
    return "undetermined" if any(hop.verdict == "unknown" for hop in hops) else "reached"


def endpoint_families(endpoint: VpcEndpoint, flow: Flow, vpc: Vpc) -> tuple[int, ...]:
    """The families in which an endpoint's private DNS answers; none where it may or may not have IPv6 for the name.

    Of the names, AWS documents IPv6 for the dual-stack ones alone.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    if endpoint.ip_type == "ipv6":
        return (IPV6,)
    interfaces = () if isinstance(vpc.endpoint_interfaces, Unknown) else vpc.endpoint_interfaces.value
    with_ipv6 = any(one.ipv6 for one in interfaces if one.id in endpoint.interfaces)
    if endpoint.ip_type == "ipv4" or not (with_ipv6 or endpoint.ip_type):
        return (IPV4,)
    return (IPV4, IPV6) if flow.host.endswith(_DUAL_STACK_NAMES) else ()


def _dialled(address: str) -> Family:
    if ip_address(address).version == IPV4:
        return "ipv4"
    return "nat64" if is_nat64(networks_of([address])) else "ipv6"


def _deciding(walks: list[Hops]) -> Hops:
    """The walk that reaches, else the first that may, else the first of all, which are broken."""
    for wanted in ("reached", "undetermined"):
        found = next((hops for hops in walks if disposition(hops) == wanted), None)
        if found:
            return found
    return walks[0]


def _over_ipv6_alone(flow: Flow, families: tuple[int, ...], puller: Puller, reach: Callable[[Family], Hops]) -> Hops:
    """A puller without IPv4: the host's own IPv6 address decides where it has one, else DNS64's."""
    if IPV6 in families:
        return reach("ipv6")
    if families:
        return reach("nat64") if puller.subnet.dns64 else (_ipv4_alone(flow, puller),)
    walks = [reach("ipv6"), reach("nat64")] if puller.subnet.dns64 else []
    if walks and all(disposition(hops) == "reached" for hops in walks):
        return walks[0]
    return (_unknown_families(flow, puller),)


def _perhaps(flow: Flow, hops: Hops, puller: Puller) -> Hops:
    """A walk by a family that the host or the puller may not have: it proves no way."""
    if disposition(hops) not in ("reached", "undetermined"):
        return hops
    return (_unknown_families(flow, puller), *hops[1:])


def _unknown_families(flow: Flow, puller: Puller) -> Hop:
    item = make(puller.place, "AWS::EC2::Subnet", puller.subnet.id)
    if isinstance(puller.ipv6, Unknown) and puller.subnet.cidr is not None:
        why = f"whether {puller.named} had an IPv6 address is not known"
        return Hop("name", item, "unknown", why, missing=puller.ipv6)
    why = f"whether {flow.host} has an IPv6 address is not known"
    return Hop("name", item, "unknown", why, missing=Unknown(why, "not-visible", resource=flow.host))


def _ipv4_alone(flow: Flow, puller: Puller) -> Hop:
    """A puller without IPv4, and a host that has nothing else."""
    item = make(puller.place, "AWS::EC2::Subnet", puller.subnet.id)
    why = f"{flow.host} has IPv4 addresses alone, and {puller.subnet.id} is IPv6 only, without DNS64"
    return Hop("name", item, "fail", why, cause="ipv6-only-subnet")


def _no_ipv6(flow: Flow, puller: Puller) -> Hop:
    """A name with IPv6 addresses alone, and a puller without one: none of AWS's public names is so."""
    item = make(puller.place, "AWS::EC2::Subnet", puller.subnet.id)
    why = f"{flow.host} has IPv6 addresses alone here, and {puller.named} has none"
    return Hop("name", item, "unknown", why, missing=Unknown(f"the way to {flow.host}", "not-modelled", detail=why))
