"""Walk one flow from the puller to its host, hop by hop, and say how far it gets.

Every hop is judged on its own facts, also behind a failing one, so that a later defect is seen too. A hop is
``fail`` only if what was read proves that nothing passes, and ``unknown`` if any part of the answer could
not be read. What the walk leaves out stands in docs/limits.md.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from ipaddress import ip_address

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.addresses import (
    IPV4,
    IPV6,
    NAT64,
    PUBLIC_IPV6,
    Network,
    networks_of,
    version_of,
    without,
)
from pull_doctor.network.dialled import resolve
from pull_doctor.network.endpoint_hops import endpoint_hops
from pull_doctor.network.endpoints import answers, covers, missing_way, of_service
from pull_doctor.network.families import Family, by_family, disposition, endpoint_families
from pull_doctor.network.filter_hops import acl_hop, egress_hop
from pull_doctor.network.filters import Peer
from pull_doctor.network.flows import Flow
from pull_doctor.network.names import Target, publicly
from pull_doctor.network.route_hops import inside_hops, route_hops
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make


def trace(flow: Flow, puller: Puller, vpc: Vpc) -> Trace:
    """Walk ``flow`` through the VPC; the disposition is ``reached``, a cause, or ``undetermined``."""
    hops = _way(flow, resolve(flow, puller, vpc), puller, vpc)
    return Trace(flow.phase, flow.host, disposition(hops), hops, flow.address)


def _way(flow: Flow, target: Target, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """The hops from the name on; a name that leads nowhere is the last one, unless it leads to the end by now."""
    if target.now:
        hops = _way(replace(flow, address=None), target.now, puller, vpc)
        return hops if disposition(hops) == "reached" else (target.name,)
    if target.endpoint is None and not target.networks:
        return (target.name,)
    if target.endpoint is None:
        # A zone's own addresses tell the families that the name has here.
        ours = target.public or flow.address
        families = flow.families if ours else tuple(sorted({one.version for one in target.networks}))
        reach = partial(_to_family, flow, target.networks, puller, vpc)
        return target.name, *by_family(flow, families, puller, reach)
    if answers(target.endpoint) or flow.address:
        return target.name, *_by_endpoint(flow, target.endpoint, puller, vpc)
    return _to_idle_endpoint(flow, target.name, target.endpoint, puller, vpc)


def _to_family(flow: Flow, networks: tuple[Network, ...], puller: Puller, vpc: Vpc, family: Family) -> tuple[Hop, ...]:
    """To the host's addresses of one family: those that are known, else any public one."""
    version = IPV4 if family == "ipv4" else IPV6
    known = tuple(one for one in networks if one.version == version)
    if known:
        return _to_addresses(flow, known, puller, vpc)
    # An address of the other family in the text is not the one that is dialled here.
    public = NAT64 if family == "nat64" else PUBLIC_IPV6
    return _to_addresses(replace(flow, address=None), public, puller, vpc)


def _to_idle_endpoint(flow: Flow, name: Hop, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """To an endpoint that does not answer: the name may lead past it, so the public way must end nowhere too."""
    if any(hop.cause == "endpoint-not-available" for hop in _way(flow, publicly(flow, puller, vpc), puller, vpc)):
        return name, *_by_endpoint(flow, endpoint, puller, vpc)
    item = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
    why = f"{flow.host} leads to {endpoint.id}, which does not answer, or to a public address"
    missing = Unknown(f"the address of {flow.host}", "not-visible", resource=endpoint.id, detail=why)
    return (Hop("name", item, "unknown", why, missing=missing),)


def _by_endpoint(flow: Flow, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """The hops behind a name that leads to an endpoint."""
    reach = partial(_to_endpoint, flow, endpoint, puller, vpc)
    return by_family(flow, endpoint_families(endpoint, flow, vpc), puller, reach)


def _to_endpoint(flow: Flow, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc, family: Family) -> tuple[Hop, ...]:
    item = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
    if family == "nat64":
        why = f"{flow.host} leads to {endpoint.id} by IPv4, which {puller.subnet.id} has only by translation"
        missing = Unknown(f"the way to {endpoint.id} by NAT64", "not-modelled", resource=endpoint.id, detail=why)
        return (Hop("endpoint", item, "unknown", why, missing=missing),)
    networks = _endpoint_networks(endpoint, flow.address, vpc, IPV4 if family == "ipv4" else IPV6)
    if isinstance(networks, Unknown):
        why = f"where {endpoint.id} has its interfaces could not be read"
        egress = Hop("security-group", item, "unknown", why, missing=networks)
        return (egress, *endpoint_hops(flow, endpoint, (), puller, vpc))
    egress = egress_hop(Peer(networks, endpoint.groups), puller, vpc)
    between = (*_own_acl(networks, puller, vpc), *inside_hops(flow, networks, puller, vpc))
    return (egress, *between, *endpoint_hops(flow, endpoint, networks, puller, vpc))


def _own_acl(networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """The puller's ACL towards an endpoint; traffic inside one subnet passes none.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
    """
    far = without(networks, networks_of(filter(None, (puller.subnet.cidr, puller.subnet.ipv6_cidr))))
    if not far:
        return ()
    hop = acl_hop("network-acl", puller.subnet.id, far, puller, vpc)
    if hop.verdict == "fail" and far != networks:
        why = f"{hop.why}; the endpoint has an interface in {puller.subnet.id} too, which no ACL filters"
        missing = Unknown("which interface of the endpoint was dialled", "not-visible", detail=why)
        return (Hop("network-acl", hop.resource, "unknown", why, missing=missing),)
    return (hop,)


def _endpoint_networks(
    endpoint: VpcEndpoint, address: str | None, vpc: Vpc, version: int
) -> tuple[Network, ...] | Unknown:
    """Where the endpoint answers: the dialled address or its interfaces' addresses, else their subnets.

    An address counts only inside one of the endpoint's subnets; another one is not the endpoint's.
    """
    if isinstance(vpc.subnets, Unknown):
        return vpc.subnets
    own = [one for one in vpc.subnets.value if one.id in endpoint.subnets]
    ranges = networks_of(filter(None, (one.cidr if version == IPV4 else one.ipv6_cidr for one in own)))
    if not ranges:
        return Unknown(f"the subnets of {endpoint.id}", "not-visible", "ec2:DescribeSubnets", endpoint.id)
    known = vpc.endpoint_interfaces.value if isinstance(vpc.endpoint_interfaces, Known) else ()
    interfaces = [one for one in known if one.id in endpoint.interfaces]
    found = [one for each in interfaces for one in ((each.private_ip,) if version == IPV4 else each.ipv6)]
    for candidates in ([address], found):
        inside = [one for one in candidates if one and any(ip_address(one) in network for network in ranges)]
        if inside:
            return networks_of(inside)
    return ranges


def _to_addresses(flow: Flow, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    onward = route_hops(flow, networks, puller, vpc)
    if onward[0].verdict != "ok" and _belongs_to_an_endpoint(flow, puller, vpc):
        # On the way to the endpoint it does not matter what lets out to public addresses.
        return (*onward, *(_once_it_leads_there(flow, puller, vpc) if onward[0].cause else ()))
    prefix_list = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    to_s3 = flow.service == "s3" and flow.region == puller.place.region
    over_ipv4 = version_of(networks) == IPV4  # the prefix list of S3 has no IPv6
    peer = Peer(networks, (), prefix_list.id if to_s3 and over_ipv4 and prefix_list else None)
    acl = acl_hop("network-acl", puller.subnet.id, networks, puller, vpc)
    return egress_hop(peer, puller, vpc), acl, *onward


def _once_it_leads_there(flow: Flow, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """The hops to the endpoint that would serve the name, behind what keeps the name from leading there."""
    wanted = of_service(vpc, flow.service) if flow.service else ()
    endpoint = next((one for one in wanted if answers(one) and covers(one, flow.host, puller.place)), None)
    return _by_endpoint(replace(flow, address=None), endpoint, puller, vpc) if endpoint else ()


def _belongs_to_an_endpoint(flow: Flow, puller: Puller, vpc: Vpc) -> bool:
    """Whether the VPC's own design is to reach the host by an interface endpoint."""
    return missing_way(flow, vpc, puller.place) not in ("no-route-to-registry", "s3-endpoint-missing")
