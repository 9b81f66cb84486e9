"""The hops of an interface endpoint: its state, its security groups, its subnets' network ACLs, and its policy.

One interface in any Availability Zone serves the whole VPC.
https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
"""

from __future__ import annotations

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import VpcEndpoint
from pull_doctor.network.addresses import IPV4, Network, networks_of, version_of, without
from pull_doctor.network.endpoints import answers
from pull_doctor.network.filter_hops import VERDICTS, AclCheck, acl_of, groups_of, judge_acl, not_told, puller_networks
from pull_doctor.network.filters import HTTPS, Peer, groups_let
from pull_doctor.network.flows import Flow
from pull_doctor.network.policy_hops import policy_hops
from pull_doctor.network.routing import read_prefix_lists
from pull_doctor.network.trace import Hop
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource, make


def endpoint_hops(
    flow: Flow, endpoint: VpcEndpoint, networks: tuple[Network, ...], puller: Puller, vpc: Vpc
) -> tuple[Hop, ...]:
    """Judge the endpoint, its security groups on tcp 443 from the puller, its subnets' ACLs, and its policy."""
    item = make(puller.place, "AWS::EC2::VPCEndpoint", endpoint.id)
    if not answers(endpoint):
        state = "has no network interface" if endpoint.state in ("available", "partial") else f"is {endpoint.state}"
        return (Hop("endpoint", item, "fail", f"{endpoint.id} {state}", cause="endpoint-not-available"),)
    near = puller_networks(puller, version_of(networks))
    hops = [_state_hop(endpoint, item), _ingress_hop(endpoint, near, puller, vpc)]
    if networks:
        acl = _acl_hop(endpoint, _subnets_at(endpoint, flow.address, vpc), near, puller, vpc)
        hops += [acl] if acl else []
    return (*hops, *policy_hops(flow, endpoint, puller, vpc))


def _state_hop(endpoint: VpcEndpoint, item: Resource) -> Hop:
    if endpoint.state == "available":
        return Hop("endpoint", item, "ok", f"{endpoint.id} is available")
    why = f"{endpoint.id} is {endpoint.state}: some of its interfaces do not answer"
    missing = Unknown(f"which interface of {endpoint.id} was dialled", "not-visible", resource=endpoint.id, detail=why)
    return Hop("endpoint", item, "unknown", why, missing=missing)


def _ingress_hop(endpoint: VpcEndpoint, near: tuple[Network, ...], puller: Puller, vpc: Vpc) -> Hop:
    groups = groups_of(Known(endpoint.groups), vpc)
    if isinstance(groups, Unknown):
        why = f"the security groups of {endpoint.id} could not be read"
        return Hop("endpoint-security-group", None, "unknown", why, missing=groups)
    known_groups = puller.groups.value if isinstance(puller.groups, Known) else None
    peer = Peer(near, known_groups)
    answer, reason = groups_let(groups, "ingress", peer, (), read_prefix_lists(vpc))
    item = make(puller.place, "AWS::EC2::SecurityGroup", groups[0].id)
    named = ", ".join(group.id for group in groups)
    own = puller.private_ip or puller.subnet.cidr if version_of(near) == IPV4 else ", ".join(map(str, near))
    address = own or puller.subnet.id
    who = f"{address} or {', '.join(known_groups)}" if known_groups else address
    why = {
        "allow": f"{reason}, the group of {address}"
        if known_groups and reason.endswith(known_groups)
        else f"{reason}, which covers {address}",
        "deny": f"{named} of {endpoint.id} has no inbound rule that allows tcp 443 from {who}",
        "partly": f"{named} of {endpoint.id}: {reason}",
    }[answer]
    missing = not_told(f"whether {named} of {endpoint.id} allows tcp 443 from {who}", why, item, answer)
    if answer == "partly" and isinstance(puller.groups, Unknown):
        missing = puller.groups
    return Hop(
        "endpoint-security-group",
        item,
        VERDICTS[answer],
        why,
        cause="endpoint-security-group-blocks" if answer == "deny" else None,
        missing=missing,
    )


def _subnets_at(endpoint: VpcEndpoint, address: str | None, vpc: Vpc) -> tuple[str, ...]:
    """The endpoint's subnet that has the dialled address, else all of its subnets."""
    known = vpc.subnets.value if isinstance(vpc.subnets, Known) and address else ()
    dialled = networks_of([address] if address else [])
    there = {one.id for one in known if not without(dialled, networks_of(filter(None, (one.cidr, one.ipv6_cidr))))}
    return tuple(one for one in endpoint.subnets if one in there) or endpoint.subnets


def _acl_hop(
    endpoint: VpcEndpoint, subnets: tuple[str, ...], near: tuple[Network, ...], puller: Puller, vpc: Vpc
) -> Hop | None:
    """Judge the ACLs of these subnets together, the puller's own apart: only all of them failing proves a block."""
    hops = []
    for subnet in subnets:
        if subnet == puller.subnet.id:
            continue
        acl = acl_of(subnet, vpc.network_acls)
        if isinstance(acl, Unknown):
            why = f"the network ACL of {subnet} could not be read"
            hops.append(Hop("endpoint-network-acl", None, "unknown", why, missing=acl))
            continue
        checks: tuple[AclCheck, ...] = (("ingress", near, HTTPS), ("egress", near, puller.reply_ports))
        hops.append(judge_acl("endpoint-network-acl", acl, checks, puller))
    if not hops:
        return None
    verdicts = {hop.verdict for hop in hops}
    if verdicts == {"fail"} and len(hops) == len(subnets):
        return hops[0]
    if verdicts == {"ok"}:
        return hops[0]
    open_hop = next(hop for hop in hops if hop.verdict != "ok")
    missing = open_hop.missing or not_told(
        f"which interface of {endpoint.id} was dialled", open_hop.why, open_hop.resource, "partly"
    )
    return Hop("endpoint-network-acl", open_hop.resource, "unknown", open_hop.why, missing=missing)
