"""What security groups and network ACLs let through, exactly, over sets of addresses and ports.

Security groups are stateful and only allow; an ACL is stateless, its first matching rule by number decides, and what
no rule matches is denied. https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pull_doctor.facts.values import AclEntry, GroupRule, NetworkAcl, SecurityGroup
from pull_doctor.network.addresses import Network, cut, network_of, networks_of, without

Answer = Literal["allow", "deny", "partly"]
"""``partly``: some of the addresses (or ports) pass and some do not, or one rule cannot be read."""

HTTPS = (443, 443)
LINUX_REPLY_PORTS = (32768, 60999)
WINDOWS_REPLY_PORTS = (49152, 65535)
NAT_REPLY_PORTS = (1024, 65535)

_TCP = ("-1", "6", "tcp")
_ALL_PORTS = (0, 65535)


@dataclass(frozen=True, slots=True)
class Peer:
    """The far end as rules can name it: its addresses, its security groups, and its prefix list.

    ``groups`` is ``None`` where the groups of the far end are not known.
    """

    networks: tuple[Network, ...]
    groups: tuple[str, ...] | None = ()
    prefix_list: str | None = None


def groups_let(
    groups: Iterable[SecurityGroup],
    direction: Literal["ingress", "egress"],
    peer: Peer,
    elsewhere: Collection[str] = (),
    lists: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Answer, str]:
    """Say whether the groups together allow tcp 443 with the peer, and by which group and source.

    ``elsewhere`` are prefix lists that hold none of the peer's addresses for sure; ``lists`` the CIDRs of those that
    were read.
    """
    known = lists or {}
    if not peer.networks:
        return "partly", "the address of the far end is not known"
    left = peer.networks
    unreadable = ""
    to = "to" if direction == "egress" else "from"
    for group in groups:
        rules = group.ingress if direction == "ingress" else group.egress
        for rule in rules:
            if not _covers_https(rule):
                continue
            if peer.groups is not None and (shared := set(rule.groups) & set(peer.groups)):
                return "allow", f"{group.id} allows tcp 443 {to} {min(shared)}"
            if peer.prefix_list and peer.prefix_list in rule.prefix_lists:
                return "allow", f"{group.id} allows tcp 443 {to} {peer.prefix_list}"
            unread = [one for one in rule.prefix_lists if one not in elsewhere and one not in known]
            if unread or (rule.groups and peer.groups is None):
                unreadable = (*unread, *rule.groups)[0]
            listed = {one: known[one] for one in rule.prefix_lists if one in known and one not in elsewhere}
            left = without(left, networks_of([*rule.cidrs, *(cidr for cidrs in listed.values() for cidr in cidrs)]))
            if not left:
                return "allow", f"{group.id} allows tcp 443 {to} {', '.join((*rule.cidrs, *listed))}"
    if unreadable:
        return "partly", f"what {unreadable} in a rule stands for is not known"
    return ("deny", "") if left == peer.networks else ("partly", "only part of the addresses is allowed")


def _covers_https(rule: GroupRule) -> bool:
    return rule.protocol in _TCP and (rule.ports is None or rule.ports[0] <= HTTPS[0] <= rule.ports[1])


def acl_lets(
    acl: NetworkAcl, direction: Literal["ingress", "egress"], networks: Iterable[Network], ports: tuple[int, int]
) -> tuple[Answer, AclEntry | None]:
    """Say whether the ACL lets tcp through for all these addresses and ports.

    The entry is the first that denies any of them; ``None`` with ``deny`` is the closing rule that denies what
    nothing matched.
    """
    pending = [(network, ports) for network in networks]
    entries = sorted((e for e in acl.entries if e.egress == (direction == "egress")), key=lambda e: e.number)
    allowed = False
    denying: list[AclEntry] = []
    for entry in entries:
        if entry.protocol not in _TCP:
            continue
        left: list[tuple[Network, tuple[int, int]]] = []
        for network, wanted in pending:
            inside, outside = cut(network, network_of(entry.cidr))
            matched, other_ports = _cut_ports(wanted, _ports_of(entry))
            if inside is None or matched is None:
                left.append((network, wanted))
                continue
            if entry.allow:
                allowed = True
            elif entry not in denying:
                denying.append(entry)
            left += [(piece, wanted) for piece in outside]
            left += [(inside, rest) for rest in other_ports]
        pending = left
    if not pending and not denying:
        return "allow", None
    return ("partly" if allowed else "deny"), (denying[0] if denying else None)


def _ports_of(entry: AclEntry) -> tuple[int, int]:
    return _ALL_PORTS if entry.ports is None or entry.protocol == "-1" else entry.ports


def _cut_ports(
    wanted: tuple[int, int], taken: tuple[int, int]
) -> tuple[tuple[int, int] | None, tuple[tuple[int, int], ...]]:
    low, high = max(wanted[0], taken[0]), min(wanted[1], taken[1])
    if low > high:
        return None, (wanted,)
    rest = ((wanted[0], low - 1), (high + 1, wanted[1]))
    return (low, high), tuple(part for part in rest if part[0] <= part[1])
