"""Which route takes which part of a destination: the longest matching prefix wins, over whole sets of addresses.

A subnet without an association of its own uses the VPC's main table.
https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_network

from pull_doctor.facts.values import Route, RouteTable
from pull_doctor.network.addresses import Network, cut, networks_of


def table_of(subnet: str, tables: Iterable[RouteTable]) -> RouteTable | None:
    """The route table in force for a subnet: its own, else the VPC's main one."""
    known = tuple(tables)
    own = next((table for table in known if subnet in table.subnets), None)
    return own or next((table for table in known if table.main), None)


def routes_for(
    table: RouteTable, networks: Iterable[Network], prefix_lists: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[Route, ...], tuple[Network, ...]]:
    """The distinct routes that take any of ``networks``, and the networks that no route takes.

    ``prefix_lists`` holds the CIDRs of each prefix list that is known; routes to others are left out here
    (``unread_prefix_lists`` names them).
    """
    candidates = [(network, route) for route in table.routes for network in _destinations(route, prefix_lists)]
    # A route to a prefix list wins over a CIDR route of the same length only where AWS says so; the
    # stable sort keeps AWS's own order then.
    candidates.sort(key=lambda candidate: -candidate[0].prefixlen)
    pending = tuple(networks)
    taken: list[Route] = []
    for destination, route in candidates:
        left: list[Network] = []
        for network in pending:
            inside, outside = cut(network, destination)
            if inside is not None and route not in taken:
                taken.append(route)
            left += outside
        pending = tuple(left)
        if not pending:
            break
    return tuple(taken), pending


def unread_prefix_lists(
    table: RouteTable, prefix_lists: Mapping[str, tuple[str, ...]], elsewhere: Collection[str]
) -> tuple[str, ...]:
    """The prefix lists in the table's routes whose CIDRs are not known.

    ``elsewhere`` holds targets and prefix lists that serve other hosts for sure: a gateway endpoint's list has nothing
    but its own service's addresses.
    """
    return tuple(
        route.destination
        for route in table.routes
        if route.destination.startswith("pl-")
        and route.destination not in prefix_lists
        and not {route.destination, route.target} & set(elsewhere)
    )


def _destinations(route: Route, prefix_lists: Mapping[str, tuple[str, ...]]) -> tuple[Network, ...]:
    if route.destination.startswith("pl-"):
        return networks_of(prefix_lists.get(route.destination, ()))
    return (ip_network(route.destination, strict=False),)
