"""The hops at which security groups and network ACLs decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import NetworkAcl, SecurityGroup
from pull_doctor.network.addresses import IPV4, PUBLIC_IPV6, Network, networks_of, without
from pull_doctor.network.filters import HTTPS, Answer, Peer, acl_lets, groups_let
from pull_doctor.network.routing import read_prefix_lists
from pull_doctor.network.trace import Hop, Step, Verdict
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.resource import Resource, make

CLOSING_RULE = 32767
"""The number under which EC2 shows an ACL's closing ``*`` rule."""

_FEW = 3
"""As many addresses as a sentence names."""

VERDICTS: dict[Answer, Verdict] = {"allow": "ok", "deny": "fail", "partly": "unknown"}


def egress_hop(peer: Peer, puller: Puller, vpc: Vpc) -> Hop:
    """Judge the puller's security groups on tcp 443 to the peer."""
    groups = groups_of(puller.groups, vpc)
    if isinstance(groups, Unknown):
        why = "the security groups of the pulling interface could not be read"
        return Hop("security-group", None, "unknown", why, missing=groups)
    named = ", ".join(group.id for group in groups)
    item = make(puller.place, "AWS::EC2::SecurityGroup", groups[0].id) if groups else None
    answer, reason = groups_let(groups, "egress", peer, _lists_of_other_hosts(peer, vpc), read_prefix_lists(vpc))
    why = {
        "allow": reason,
        "deny": f"{named} has no outbound rule that allows tcp 443 to {_some(peer.networks)}",
        "partly": f"{named}: {reason}",
    }[answer]
    return Hop(
        "security-group",
        item,
        VERDICTS[answer],
        why,
        cause="security-group-egress-blocks" if answer == "deny" else None,
        missing=not_told(f"whether {named} allows tcp 443 to {_some(peer.networks)}", why, item, answer),
    )


def _lists_of_other_hosts(peer: Peer, vpc: Vpc) -> tuple[str, ...]:
    """The prefix list of Amazon S3, unless the peer is S3: it holds nothing but S3's addresses."""
    s3 = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    return (s3.id,) if s3 and s3.id != peer.prefix_list else ()


def groups_of(wanted: Fact[tuple[str, ...]], vpc: Vpc) -> tuple[SecurityGroup, ...] | Unknown:
    """The security groups with these ids, or what could not be read of them."""
    if isinstance(wanted, Unknown):
        return wanted
    if isinstance(vpc.security_groups, Unknown):
        return vpc.security_groups
    known = {group.id: group for group in vpc.security_groups.value}
    absent = [group for group in wanted.value if group not in known]
    if absent or not wanted.value:
        named = f"security group {absent[0]}" if absent else "the security groups"
        return Unknown(f"{named} of the interface", "not-visible", resource=absent[0] if absent else None)
    return tuple(known[group] for group in wanted.value)


def acl_hop(step: Step, subnet: str, networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> Hop:
    """Judge the subnet's ACL on a connection to tcp 443 that starts in the subnet, and on the reply."""
    acl = acl_of(subnet, vpc.network_acls)
    if isinstance(acl, Unknown):
        return Hop(step, None, "unknown", f"the network ACL of {subnet} could not be read", missing=acl)
    checks: tuple[AclCheck, ...] = (("egress", networks, HTTPS), ("ingress", networks, puller.reply_ports))
    return judge_acl(step, acl, checks, puller)


AclCheck = tuple[Literal["ingress", "egress"], tuple[Network, ...], tuple[int, int]]


def judge_acl(step: Step, acl: NetworkAcl, checks: Sequence[AclCheck], puller: Puller) -> Hop:
    """Judge an ACL on each direction that the connection and its reply take through it."""
    item = make(puller.place, "AWS::EC2::NetworkAcl", acl.id)
    doubt: str | None = None
    for direction, networks, ports in checks:
        if not networks:
            doubt = doubt or "the address of the other end is not known"
            continue
        answer, entry = acl_lets(acl, direction, networks, ports)
        if answer == "allow":
            continue
        by = f"rule {entry.number}" if entry and entry.number != CLOSING_RULE else "rule *"
        span = f"tcp {ports[0]}" if ports[0] == ports[1] else f"tcp {ports[0]}-{ports[1]}"
        way = "out to" if direction == "egress" else "in from"
        why = f"{acl.id} {by} denies {span} {way} {_some(networks)}"
        if answer == "deny":
            return Hop(step, item, "fail", why, cause="network-acl-blocks")
        doubt = doubt or f"{why}, for part of the addresses or ports"
    if doubt:
        missing = not_told(f"whether {acl.id} lets the connection through", doubt, item, "partly")
        return Hop(step, item, "unknown", doubt, missing=missing)
    return Hop(step, item, "ok", f"{acl.id} allows the request and the reply")


def acl_of(subnet: str, acls: Fact[tuple[NetworkAcl, ...]]) -> NetworkAcl | Unknown:
    """The ACL associated with the subnet; every subnet has exactly one."""
    if isinstance(acls, Unknown):
        return acls
    found = next((acl for acl in acls.value if subnet in acl.subnets), None)
    return found or Unknown(f"the network ACL of {subnet}", "not-visible", "ec2:DescribeNetworkAcls", subnet)


def not_told(fact: str, detail: str, item: Resource | None, answer: Answer) -> Unknown | None:
    """What an answer of ``partly`` leaves open: the address or a rule's content is not known well enough."""
    if answer != "partly":
        return None
    return Unknown(fact, "not-modelled", resource=item.id if item else None, detail=detail)


def puller_networks(puller: Puller, version: int = IPV4) -> tuple[Network, ...]:
    """The puller's address, or its whole subnet where the address is not known or not one of the subnet's."""
    if version != IPV4:
        known = puller.ipv6.value if isinstance(puller.ipv6, Known) else ()
        return networks_of(known or ([puller.subnet.ipv6_cidr] if puller.subnet.ipv6_cidr else []))
    subnet = networks_of([puller.subnet.cidr]) if puller.subnet.cidr else ()
    own = networks_of([puller.private_ip]) if puller.private_ip else ()
    return subnet if without(own, subnet) else own or subnet


def _some(networks: tuple[Network, ...]) -> str:
    if networks == PUBLIC_IPV6:
        return "public IPv6 addresses"
    if len(networks) <= _FEW:
        return " or ".join(str(one.network_address if one.num_addresses == 1 else one) for one in networks)
    return "public addresses" if any(network.is_global for network in networks) else "its addresses"
