"""Sets of addresses as tuples of networks, cut exactly: what a route or a rule takes, and what is left."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import TypeVar

Network = IPv4Network | IPv6Network
Same = TypeVar("Same", IPv4Network, IPv6Network)

IPV4, IPV6 = 4, 6
NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
)


def cut(network: Network, taken: Network) -> tuple[Network | None, tuple[Network, ...]]:
    """Split ``network`` into the part inside ``taken`` (``None`` if there is none) and the rest."""
    if isinstance(network, IPv4Network):
        return _cut(network, taken) if isinstance(taken, IPv4Network) else (None, (network,))
    return _cut(network, taken) if isinstance(taken, IPv6Network) else (None, (network,))


def _cut(network: Same, taken: Same) -> tuple[Same | None, tuple[Same, ...]]:
    # Of two networks the longer one lies in the other or beside it: far quicker than `subnet_of`, and asked most.
    if network.prefixlen >= taken.prefixlen:
        return (network, ()) if network.network_address in taken else (None, (network,))
    if taken.network_address in network:
        return taken, tuple(network.address_exclude(taken))
    return None, (network,)


def without(networks: Iterable[Network], taken: Iterable[Network]) -> tuple[Network, ...]:
    """What is left of ``networks`` once every network of ``taken`` is cut out."""
    left = tuple(networks)
    for one in taken:
        left = tuple(piece for network in left for piece in cut(network, one)[1])
    return left


@lru_cache(maxsize=8192)
def network_of(cidr: str) -> Network:
    """The network of one CIDR; host bits are dropped. Kept, as every path meets the same routes and rules again."""
    return ip_network(cidr, strict=False)


def networks_of(cidrs: Iterable[str]) -> tuple[Network, ...]:
    """The CIDRs as networks, joined where they touch; host bits are dropped."""
    parsed = [network_of(cidr) for cidr in cidrs]
    v4 = [network for network in parsed if isinstance(network, IPv4Network)]
    v6 = [network for network in parsed if isinstance(network, IPv6Network)]
    return (*collapse_addresses(v4), *collapse_addresses(v6))


PUBLIC_IPV4 = without(networks_of(["0.0.0.0/0"]), networks_of(NOT_PUBLIC))
"""Every IPv4 address that the internet routes: where a host is whose address is not known."""

PUBLIC_IPV6 = networks_of(["2000::/3"])
"""The same for IPv6: https://www.iana.org/assignments/ipv6-address-space/ipv6-address-space.xhtml"""

NAT64 = networks_of(["64:ff9b::/96"])
"""Where DNS64 puts the names that have IPv4 addresses alone; the last 32 bits are the IPv4 address.

https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html
"""


def version_of(networks: Iterable[Network]) -> int:
    """The IP version of a way, which has one; 4 of a way without an address."""
    return next((network.version for network in networks), 4)


def is_nat64(networks: Iterable[Network]) -> bool:
    """Whether a way leads to addresses that a NAT gateway has to translate from IPv6 to IPv4."""
    known = tuple(networks)
    return bool(known) and not without(known, NAT64)


def behind_nat64(networks: Iterable[Network]) -> tuple[Network, ...]:
    """The IPv4 addresses to which a NAT gateway translates: the one that is embedded, or any public one."""
    known = tuple(networks)
    if known == NAT64:
        return PUBLIC_IPV4
    return networks_of(str(IPv4Address(int(one.network_address) & _LAST_32_BITS)) for one in known)


_LAST_32_BITS = 0xFFFFFFFF
_AMAZON_RESOLVERS = ("amazonprovideddns", "169.254.169.253", "fd00:ec2::253")


def custom_name_servers(servers: Iterable[str], vpc_cidrs: Iterable[str]) -> tuple[str, ...]:
    """The name servers that are not Amazon's own: those of the VPC have the second address of its ranges.

    https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    """
    own = {str(ip_network(cidr)[2]) for cidr in vpc_cidrs}
    return tuple(one for one in servers if one.casefold() not in _AMAZON_RESOLVERS and _plain(one) not in own)


def _plain(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return address
