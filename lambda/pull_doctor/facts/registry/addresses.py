"""Tells public addresses from those that a name of a stranger must not lead to.

https://www.iana.org/assignments/iana-ipv6-special-registry/
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def is_public(text: str) -> bool:
    """Whether this is the address of one machine on the public internet.

    An IPv4 address inside IPv6 (mapped, or NAT64) counts as that address. 6to4 and Teredo do not count as public:
    they lead to whatever address is written into them.
    """
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        inner = IPv4Address(address.packed[-4:]) if address in _NAT64 else address.ipv4_mapped
        if inner is None:
            tunnel = address.sixtofour or address.teredo
            return address in _GLOBAL_UNICAST and address.is_global and not tunnel
        address = inner
    return address.is_global and not address.is_multicast
