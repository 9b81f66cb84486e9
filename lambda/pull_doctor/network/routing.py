"""Which route takes which part of a destination: the longest matching prefix wins, over whole sets of addresses.

A subnet without an association of its own uses the VPC's main table. A route that was made wins over one that was
propagated.
https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from pull_doctor.facts.fact import Known, Unknown, Why
from pull_doctor.facts.values import Route, RouteTable
from pull_doctor.network.addresses import Network, cut, network_of, networks_of, without
from pull_doctor.network.vpc import Vpc


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
    # stable sort keeps AWS's own order then. A route that is filtered out is not in force beside another one.
    candidates.sort(key=lambda found: (found[1].state == "filtered", -found[0].prefixlen, found[1].propagated))
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


def beyond(table: RouteTable, networks: tuple[Network, ...]) -> tuple[Network, ...]:
    """What is left of a public host's addresses once the VPC's own are out: those of IPv6 are public ones too."""
    own = networks_of(route.destination for route in table.routes if route.target == "local")
    return without(networks, own) or networks


def read_prefix_lists(vpc: Vpc) -> dict[str, tuple[str, ...]]:
    """The CIDRs of the customers' prefix lists that were read, by their ids."""
    return {name: fact.value.cidrs for name, fact in vpc.prefix_lists.items() if isinstance(fact, Known) and fact.value}


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


def prefix_lists_in(table: RouteTable, vpc: Vpc, networks: tuple[Network, ...]) -> dict[str, tuple[str, ...]]:
    """The CIDRs of the prefix lists in the table that may take the networks: S3's own list only what is all S3's."""
    elsewhere = _for_other_hosts(vpc, networks)
    serving_others = {route.destination for route in table.routes if route.target in elsewhere} | elsewhere
    lists = {name: cidrs for name, cidrs in read_prefix_lists(vpc).items() if name not in serving_others}
    s3 = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    return lists | ({s3.id: s3.cidrs} if s3 and s3.id not in elsewhere else {})


def unread_list(table: RouteTable, vpc: Vpc, networks: tuple[Network, ...]) -> Unknown | None:
    """The first prefix list in the table that may take the networks and was not read."""
    lists = prefix_lists_in(table, vpc, networks)
    name = next(iter(unread_prefix_lists(table, lists, _for_other_hosts(vpc, networks))), None)
    if name is None:
        return None
    why = f"{table.id} has a route to {name}, whose addresses are not read"
    answer = vpc.prefix_lists.get(name)
    if isinstance(answer, Unknown):
        return replace(answer, resource=name)
    seen: Why = "not-visible" if isinstance(answer, Known) else "not-modelled"
    return Unknown(f"the addresses of {name}", seen, "ec2:GetManagedPrefixListEntries", name, detail=why)


def _for_other_hosts(vpc: Vpc, networks: tuple[Network, ...]) -> set[str]:
    """What leads to S3, DynamoDB, or VPC Lattice alone: gateway endpoints, S3's own prefix list, and Lattice's target.

    A flow to S3 finds its gateway endpoint before. VPC Lattice writes its route into every table of a VPC:
    https://docs.aws.amazon.com/vpc-lattice/latest/ug/how-it-works.html
    """
    gateways = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    s3 = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    others = {"VpcLattice"} | {one.id for one in gateways if one.type == "Gateway"}
    return others if s3 is None or not without(networks, networks_of(s3.cidrs)) else others | {s3.id}


def _destinations(route: Route, prefix_lists: Mapping[str, tuple[str, ...]]) -> tuple[Network, ...]:
    if route.destination.startswith("pl-"):
        return networks_of(prefix_lists.get(route.destination, ()))
    return (network_of(route.destination),)
