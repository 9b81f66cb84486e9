"""Walk one flow from the puller to its host, hop by hop, and say how far it gets.

Every hop is judged on its own facts, also behind a failing one, so that a later defect is seen too. A hop is
``fail`` only if what was read proves that nothing passes, and ``unknown`` if any part of the answer could
not be read. What the walk leaves out stands in docs/limits.md.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.addresses import PUBLIC_IPV4, Network, networks_of, without
from pull_doctor.network.endpoint_hops import endpoint_hops
from pull_doctor.network.endpoints import answers, covers, missing_way, of_service, resolving_endpoint
from pull_doctor.network.filter_hops import acl_hop, egress_hop
from pull_doctor.network.filters import Peer
from pull_doctor.network.flows import Flow
from pull_doctor.network.route_hops import route_hops
from pull_doctor.network.routing import routes_for, table_of
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import make

IPV4 = 4


def trace(flow: Flow, puller: Puller, vpc: Vpc) -> Trace:
    """Walk ``flow`` through the VPC; the disposition is ``reached``, a cause, or ``undetermined``."""
    target = _resolve(flow, puller, vpc)
    if isinstance(target, Hop):
        hops: tuple[Hop, ...] = (target,)
    elif isinstance(target, VpcEndpoint):
        reach = _to_endpoint if _is_dialled(target, flow) else _to_idle_endpoint
        hops = reach(flow, target, puller, vpc)
    else:
        hops = _to_addresses(flow, target, puller, vpc)
    return Trace(flow.phase, flow.host, _disposition(hops), hops, flow.address)


def _disposition(hops: tuple[Hop, ...]) -> str:
    failing = next((hop.cause for hop in hops if hop.cause), None)
    if failing:
        return failing
    return "undetermined" if any(hop.verdict == "unknown" for hop in hops) else "reached"


def _resolve(flow: Flow, puller: Puller, vpc: Vpc) -> VpcEndpoint | tuple[Network, ...] | Hop:
    """Where the host's name leads: to an endpoint, to addresses, or to a hop at which sight or path ends."""
    if flow.address and ip_address(flow.address).version != IPV4:
        why = f"{flow.address} is an IPv6 address, whose way this version does not follow"
        missing = Unknown(f"the way to {flow.address}", "not-modelled", resource=puller.subnet.id, detail=why)
        return Hop("name", None, "unknown", why, missing=missing)
    endpoint = resolving_endpoint(flow, vpc, puller.place)
    if flow.address and not ip_address(flow.address).is_global:
        if isinstance(endpoint, VpcEndpoint) and _may_have(endpoint, flow.address, vpc):
            return endpoint
        target = _behind_private_address(flow.address, vpc)
        if isinstance(target, tuple) and isinstance(endpoint, VpcEndpoint) and not _is_routed(target, puller, vpc):
            return _by_private_dns(flow, endpoint, puller, vpc)
        return target
    if isinstance(endpoint, VpcEndpoint):
        return _by_private_dns(flow, endpoint, puller, vpc)
    if isinstance(endpoint, Unknown):
        # The address in the text tells where the name led then; an endpoint made since would take it over.
        why = f"whether an endpoint of {vpc.id} serves {flow.host} could not be read"
        return Hop("name", make(puller.place, "AWS::EC2::VPC", vpc.id), "unknown", why, missing=endpoint)
    return _publicly(flow, puller, vpc)


def _by_private_dns(
    flow: Flow, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc
) -> VpcEndpoint | tuple[Network, ...] | Hop:
    """Where a name leads that an endpoint serves: past it, if others than the VPC's resolver are asked or it is idle.

    https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
    """
    item = make(puller.place, "AWS::EC2::VPC", vpc.id)
    if isinstance(vpc.custom_resolvers, Unknown):
        why = f"which resolvers {vpc.id} names for {flow.host} could not be read"
        return Hop("name", item, "unknown", why, missing=vpc.custom_resolvers)
    servers = ", ".join(vpc.custom_resolvers.value)
    if servers and not flow.address:
        why = f"{vpc.id} names {servers} as resolvers, which may lead {flow.host} to {endpoint.id} or past it"
        missing = Unknown(f"the address of {flow.host}", "not-visible", resource=vpc.id, detail=why)
        return Hop("name", item, "unknown", why, missing=missing)
    if flow.address and (servers or not answers(endpoint)):
        return networks_of([flow.address])
    # An address outside the VPC is from before, as its own resolver leads to an endpoint that answers.
    return endpoint


def _publicly(flow: Flow, puller: Puller, vpc: Vpc) -> tuple[Network, ...] | Hop:
    """The public addresses that the name can have."""
    if flow.address:
        return networks_of([flow.address])
    if not flow.is_public:
        why = f"{flow.host} may be a private registry, and ECS's text does not show its address"
        return Hop(
            "name", None, "unknown", why, missing=Unknown(f"the address of {flow.host}", "not-visible", detail=why)
        )
    own_region = flow.region == puller.place.region
    if flow.service == "s3" and own_region and isinstance(vpc.s3_prefix_list, Known) and vpc.s3_prefix_list.value:
        return networks_of(vpc.s3_prefix_list.value.cidrs) or PUBLIC_IPV4
    return PUBLIC_IPV4


def _may_have(endpoint: VpcEndpoint, address: str, vpc: Vpc) -> bool:
    """Whether the address lies where the endpoint has its interfaces."""
    subnets = vpc.subnets.value if isinstance(vpc.subnets, Known) else ()
    ranges = (ip_network(one.cidr) for one in subnets if one.id in endpoint.subnets and one.cidr)
    return any(ip_address(address) in network for network in ranges)


def _behind_private_address(address: str, vpc: Vpc) -> VpcEndpoint | tuple[Network, ...] | Hop:
    """The endpoint whose interface holds the private address that the text shows, else that address."""
    for fact in (vpc.endpoint_interfaces, vpc.endpoints, vpc.subnets):
        if isinstance(fact, Unknown):
            return Hop("name", None, "unknown", f"whose private address {address} is could not be read", missing=fact)
    assert isinstance(vpc.endpoint_interfaces, Known)
    assert isinstance(vpc.endpoints, Known)
    assert isinstance(vpc.subnets, Known)
    holder = next((one.id for one in vpc.endpoint_interfaces.value if one.private_ip == address), None)
    endpoint = next((one for one in vpc.endpoints.value if holder in one.interfaces), None)
    if endpoint:
        return endpoint
    inside = any(
        subnet.cidr and ip_network(f"{address}").overlaps(ip_network(subnet.cidr)) for subnet in vpc.subnets.value
    )
    if inside:
        why = f"{address} lies in {vpc.id}, and no endpoint interface there has it"
        missing = Unknown(f"what {address} in {vpc.id} is", "not-visible", detail=why)
        return Hop("name", None, "unknown", why, missing=missing)
    return networks_of([address])


def _is_routed(private: tuple[Network, ...], puller: Puller, vpc: Vpc) -> bool:
    """Whether a route leads to private addresses: one to a NAT gateway or an internet gateway does not."""
    table = table_of(puller.subnet.id, vpc.route_tables.value) if isinstance(vpc.route_tables, Known) else None
    routes = routes_for(table, private, {})[0] if table else ()
    return table is None or any(not route.target.startswith(("nat-", "igw-")) for route in routes)


def _is_dialled(endpoint: VpcEndpoint, flow: Flow) -> bool:
    """Whether the name is known to lead to the endpoint: it answers, or the text shows its address."""
    return answers(endpoint) or flow.address is not None


def _to_idle_endpoint(flow: Flow, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """To an endpoint that does not answer: the name may lead past it, so the public way must end nowhere too."""
    networks = _publicly(flow, puller, vpc)
    past = () if isinstance(networks, Hop) else _to_addresses(flow, networks, puller, vpc)
    if any(hop.cause == "endpoint-not-available" for hop in past):
        return _to_endpoint(flow, endpoint, puller, vpc)
    item = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
    why = f"{flow.host} leads to {endpoint.id}, which does not answer, or to a public address"
    missing = Unknown(f"the address of {flow.host}", "not-visible", resource=endpoint.id, detail=why)
    return (Hop("name", item, "unknown", why, missing=missing),)


def _to_endpoint(flow: Flow, endpoint: VpcEndpoint, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    item = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
    leads = "leads to" if _is_dialled(endpoint, flow) else "is to lead to"
    name = Hop("name", item, "ok", f"{flow.host} {leads} {endpoint.id} by private DNS")
    networks = _endpoint_networks(endpoint, flow.address, vpc)
    if isinstance(networks, Unknown):
        why = f"where {endpoint.id} has its interfaces could not be read"
        egress = Hop("security-group", item, "unknown", why, missing=networks)
        return (name, egress, *endpoint_hops(flow, endpoint, (), puller, vpc))
    egress = egress_hop(Peer(networks, endpoint.groups), puller, vpc)
    return (name, egress, *_own_acl(networks, puller, vpc), *endpoint_hops(flow, endpoint, networks, puller, vpc))


def _own_acl(networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """The puller's ACL towards an endpoint; traffic inside one subnet passes none.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
    """
    far = without(networks, networks_of([puller.subnet.cidr])) if puller.subnet.cidr else networks
    if not far:
        return ()
    hop = acl_hop("network-acl", puller.subnet.id, far, puller, vpc)
    if hop.verdict == "fail" and far != networks:
        why = f"{hop.why}; the endpoint has an interface in {puller.subnet.id} too, which no ACL filters"
        missing = Unknown("which interface of the endpoint was dialled", "not-visible", detail=why)
        return (Hop("network-acl", hop.resource, "unknown", why, missing=missing),)
    return (hop,)


def _endpoint_networks(endpoint: VpcEndpoint, address: str | None, vpc: Vpc) -> tuple[Network, ...] | Unknown:
    """Where the endpoint answers: the dialled address or its interfaces' addresses, else their subnets.

    An address counts only inside one of the endpoint's subnets; another one is not the endpoint's.
    """
    if isinstance(vpc.subnets, Unknown):
        return vpc.subnets
    ranges = [ip_network(one.cidr) for one in vpc.subnets.value if one.id in endpoint.subnets and one.cidr is not None]
    if not ranges:
        return Unknown(f"the subnets of {endpoint.id}", "not-visible", "ec2:DescribeSubnets", endpoint.id)
    found = (
        [one.private_ip for one in vpc.endpoint_interfaces.value if one.id in endpoint.interfaces]
        if isinstance(vpc.endpoint_interfaces, Known)
        else []
    )
    for candidates in ([address], found):
        inside = [one for one in candidates if one and any(ip_address(one) in network for network in ranges)]
        if inside:
            return networks_of(inside)
    return networks_of(str(network) for network in ranges)


def _to_addresses(flow: Flow, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    name, onward = _name_hop(flow, puller, vpc), route_hops(flow, networks, puller, vpc)
    if onward[0].verdict != "ok" and _belongs_to_an_endpoint(flow, puller, vpc):
        # On the way to the endpoint it does not matter what lets out to public addresses.
        return (name, *onward, *(_once_it_leads_there(flow, puller, vpc) if onward[0].cause else ()))
    prefix_list = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    to_s3 = flow.service == "s3" and flow.region == puller.place.region
    peer = Peer(networks, (), prefix_list.id if to_s3 and prefix_list else None)
    return (
        name,
        egress_hop(peer, puller, vpc),
        acl_hop("network-acl", puller.subnet.id, networks, puller, vpc),
        *onward,
    )


def _once_it_leads_there(flow: Flow, puller: Puller, vpc: Vpc) -> tuple[Hop, ...]:
    """The hops to the endpoint that would serve the name, behind what keeps the name from leading there."""
    wanted = of_service(vpc, flow.service) if flow.service else ()
    endpoint = next((one for one in wanted if answers(one) and covers(one, flow.host, puller.place)), None)
    return _to_endpoint(replace(flow, address=None), endpoint, puller, vpc)[1:] if endpoint else ()


def _belongs_to_an_endpoint(flow: Flow, puller: Puller, vpc: Vpc) -> bool:
    """Whether the VPC's own design is to reach the host by an interface endpoint."""
    return missing_way(flow, vpc, puller.place) not in ("no-route-to-registry", "s3-endpoint-missing")


def _name_hop(flow: Flow, puller: Puller, vpc: Vpc) -> Hop:
    """Judge whether the host's public name resolves: without DNS support the VPC's resolver does not answer.

    Other resolvers answer without it, and whether they do is not visible.
    https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    """
    item = make(puller.place, "AWS::EC2::VPC", vpc.id)
    if flow.address:
        return Hop("name", None, "ok", f"the name resolved to {flow.address}, as ECS's text shows")
    if isinstance(vpc.dns_support, Unknown):
        why = f"whether {vpc.id} has DNS support could not be read"
        return Hop("name", item, "unknown", why, missing=vpc.dns_support)
    if not vpc.dns_support.value and isinstance(vpc.custom_resolvers, Unknown):
        why = f"{vpc.id} has enableDnsSupport off, and which resolvers it names could not be read"
        return Hop("name", item, "unknown", why, missing=vpc.custom_resolvers)
    if not vpc.dns_support.value and vpc.custom_resolvers == Known(()):
        why = f"{vpc.id} has enableDnsSupport off, so its resolver does not answer for {flow.host}"
        return Hop("name", item, "fail", why, cause="vpc-dns-off")
    return Hop("name", item, "ok", f"no endpoint of {vpc.id} serves {flow.host}, so it resolves to a public address")
