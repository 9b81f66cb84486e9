"""Whose an address is: an endpoint's of the VPC, a resolver's, one inside the VPC, or one that a route leads to."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import Route, VpcEndpoint
from pull_doctor.network.addresses import Network
from pull_doctor.network.routing import routes_for, table_of
from pull_doctor.network.vpc import Puller, Vpc

NOT_FOR_PRIVATE = ("nat-", "igw-", "eigw-")
"""How targets of routes begin that lead to no private address."""

_AMAZON_RESOLVERS = ("169.254.169.253", "fd00:ec2::253")


def endpoint_at(answer: str, vpc: Vpc) -> VpcEndpoint | None:
    """The endpoint of the VPC that has this address, or this name of its own."""
    endpoints = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    interfaces = vpc.endpoint_interfaces.value if isinstance(vpc.endpoint_interfaces, Known) else ()
    holder = next((one.id for one in interfaces if answer in (one.private_ip, *one.ipv6)), None)
    name = answer.lower().rstrip(".")
    return next(
        (one for one in endpoints if holder in one.interfaces or name.startswith((f"{one.id}-", f"{one.id}."))), None
    )


def resolvers_of(vpc: Vpc) -> tuple[str, ...]:
    """The addresses of Amazon's resolver in the VPC, and of those that its DHCP options name."""
    cidrs = vpc.cidrs.value if isinstance(vpc.cidrs, Known) else ()
    others = vpc.custom_resolvers.value if isinstance(vpc.custom_resolvers, Known) else ()
    return (*_AMAZON_RESOLVERS, *(str(ip_network(cidr)[2]) for cidr in cidrs), *others)


def may_have(endpoint: VpcEndpoint, address: str, vpc: Vpc) -> bool:
    """Whether the address lies where the endpoint has its interfaces."""
    subnets = vpc.subnets.value if isinstance(vpc.subnets, Known) else ()
    return _lies_in(address, (one.cidr for one in subnets if one.id in endpoint.subnets))


def lies_inside(address: str, vpc: Vpc) -> bool:
    """Whether the address lies in a range of the VPC."""
    subnets = vpc.subnets.value if isinstance(vpc.subnets, Known) else ()
    whole = vpc.cidrs.value if isinstance(vpc.cidrs, Known) else ()
    return _lies_in(address, (*whole, *(one.cidr for one in subnets)))


def _lies_in(address: str, cidrs: Iterable[str | None]) -> bool:
    return any(ip_address(address) in ip_network(cidr) for cidr in cidrs if cidr)


def is_global(address: str, vpc: Vpc) -> bool:
    """Whether the internet routes the address, and the VPC has not taken its range for itself."""
    return ip_address(address).is_global and not lies_inside(address, vpc)


def is_address(answer: str) -> bool:
    """Whether a record's value is an address, and no name."""
    try:
        ip_address(answer)
    except ValueError:
        return False
    return True


def is_routed(private: tuple[Network, ...], puller: Puller, vpc: Vpc) -> bool:
    """Whether a route may lead to private addresses: one to a NAT gateway or an internet gateway does not."""
    routes = _routes(private, puller, vpc)
    return routes is None or any(not route.target.startswith(NOT_FOR_PRIVATE) for route in routes)


def is_unrouted(networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> bool:
    """Whether no route takes any of the addresses."""
    return _routes(networks, puller, vpc) == ()


def _routes(networks: tuple[Network, ...], puller: Puller, vpc: Vpc) -> tuple[Route, ...] | None:
    table = table_of(puller.subnet.id, vpc.route_tables.value) if isinstance(vpc.route_tables, Known) else None
    return routes_for(table, networks, {})[0] if table else None
