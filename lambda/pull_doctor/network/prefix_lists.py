"""Which prefix lists the way of a pull may hang on: their addresses are read only where a route or group names one."""

from __future__ import annotations

from collections.abc import Iterable

from pull_doctor.facts.fact import Known
from pull_doctor.facts.values import RouteTable
from pull_doctor.network.endpoints import of_service
from pull_doctor.network.routing import table_of
from pull_doctor.network.vpc import Puller, Vpc


def named_on_the_way(puller: Puller, vpc: Vpc, services: Iterable[str]) -> tuple[str, ...]:
    """The ids of the prefix lists in the puller's routes and groups, and in those behind them; Amazon S3's apart.

    Behind them are the routes of the NAT gateways that the puller's routes lead to, and the groups of the endpoints of
    ``services``. A gateway endpoint's list holds nothing but its own service's addresses, so that none is read for a
    route to one. https://docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html
    """
    s3 = vpc.s3_prefix_list.value if isinstance(vpc.s3_prefix_list, Known) else None
    named = [*_in_routes(puller, vpc), *_in_groups(puller, vpc, services)]
    return tuple(dict.fromkeys(one for one in named if s3 is None or one != s3.id))


def _in_routes(puller: Puller, vpc: Vpc) -> list[str]:
    endpoints = vpc.endpoints.value if isinstance(vpc.endpoints, Known) else ()
    gateways = {one.id for one in endpoints if one.type == "Gateway"} | {"VpcLattice"}
    return [
        route.destination
        for table in _tables(puller, vpc)
        for route in table.routes
        if route.destination.startswith("pl-") and route.target not in gateways
    ]


def _tables(puller: Puller, vpc: Vpc) -> list[RouteTable]:
    tables = vpc.route_tables.value if isinstance(vpc.route_tables, Known) else ()
    own = table_of(puller.subnet.id, tables)
    if own is None:
        return []
    targets = {route.target for route in own.routes}
    nats = vpc.nat_gateways.value if isinstance(vpc.nat_gateways, Known) else ()
    used = [nat for nat in nats if nat.id in targets]
    behind = [table_of(nat.subnet, tables) for nat in used if nat.subnet]
    regional = {nat.route_table for nat in used}
    return [own, *filter(None, behind), *(table for table in tables if table.id in regional)]


def _in_groups(puller: Puller, vpc: Vpc, services: Iterable[str]) -> list[str]:
    groups = {one.id: one for one in vpc.security_groups.value} if isinstance(vpc.security_groups, Known) else {}
    own = puller.groups.value if isinstance(puller.groups, Known) else ()
    far = [group for endpoint in of_service(vpc, *services) for group in endpoint.groups]
    rules = [
        *(rule for group in own if group in groups for rule in groups[group].egress),
        *(rule for group in far if group in groups for rule in groups[group].ingress),
    ]
    return [one for rule in rules for one in rule.prefix_lists]
