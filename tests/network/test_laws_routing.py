"""Route choice over whole sets of addresses of both families equals what each single address would take."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.facts.values import Route, RouteTable
from pull_doctor.network.addresses import PUBLIC_IPV4, Network, networks_of
from pull_doctor.network.routing import routes_for

LISTS = {
    "pl-both": ("10.0.0.64/26", "10.0.0.8/30", "2001:db8::40/122"),
    "pl-public": ("52.218.0.0/17", "3.5.64.0/21"),
    "pl-everything": ("0.0.0.0/0", "::/0"),
    "pl-empty": (),
}
DEFAULTS = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "::/1", "8000::/1", "2000::/3")
PUBLIC = ("52.0.0.0/8", "52.218.0.0/16", "54.0.0.0/9", "3.0.0.0/8", "3.5.64.0/22", "8.8.8.8/32")
V4 = st.tuples(st.integers(0, 255), st.integers(20, 32)).map(
    lambda pair: str(IPv4Network((0x0A000000 + pair[0], pair[1]), strict=False))
)
V6_BASE = int(ip_address("2001:db8::"))
V6 = st.tuples(st.integers(0, 255), st.integers(116, 128)).map(
    lambda pair: str(IPv6Network((V6_BASE + pair[0], pair[1]), strict=False))
)
DESTINATIONS = V4 | V6 | st.sampled_from(DEFAULTS) | st.sampled_from(PUBLIC) | st.sampled_from(sorted(LISTS))
TARGETS = st.sampled_from(["nat-1", "nat-2", "igw-1", "tgw-1"])
# A table cannot hold two routes to one destination.
ROUTES = st.lists(st.tuples(DESTINATIONS, TARGETS), max_size=9, unique_by=lambda pair: pair[0]).map(
    lambda pairs: tuple(Route(destination, target, "active") for destination, target in pairs)
)
WANTED = st.lists(
    V4 | V6 | st.sampled_from([str(one) for one in PUBLIC_IPV4]) | st.just("::/0"), min_size=1, max_size=3
)


def table(routes: tuple[Route, ...]) -> RouteTable:
    return RouteTable("rtb-1", False, (), routes)  # noqa: FBT003 - RouteTable's `main`


def networks(route: Route) -> list[Network]:
    return [ip_network(one) for one in LISTS.get(route.destination, (route.destination,))]


def best(routes: tuple[Route, ...], address: int, version: int) -> set[Route]:
    """The routes with the longest prefix that has the address, by looking at every route."""
    point = ip_network((address, 32 if version == 4 else 128)).network_address
    matching = [
        (network.prefixlen, route)
        for route in routes
        for network in networks(route)
        if network.version == version and point in network
    ]
    longest = max((length for length, _ in matching), default=-1)
    return {route for length, route in matching if length == longest}


def points(wanted: list[Network], routes: tuple[Route, ...]) -> set[tuple[int, int]]:
    """One address of every part into which the routes cut what is wanted: where a network starts, or just ended."""
    cuts = [*wanted, *(network for route in routes for network in networks(route))]
    edges = {
        (edge, network.version)
        for network in cuts
        for edge in (int(network.network_address), int(network.broadcast_address) + 1)
    }
    return {
        (edge, version)
        for edge, version in edges
        for network in wanted
        if network.version == version and int(network.network_address) <= edge <= int(network.broadcast_address)
    }


@given(ROUTES, WANTED)
def test_the_routes_of_a_set_are_the_longest_matches_of_its_addresses(
    routes: tuple[Route, ...], cidrs: list[str]
) -> None:
    wanted = list(networks_of(cidrs))
    taken, left = routes_for(table(routes), wanted, LISTS)
    expected = [(best(routes, *point), point) for point in points(wanted, routes)]
    for found, (edge, version) in expected:
        unrouted = any(
            network.version == version and int(network.network_address) <= edge <= int(network.broadcast_address)
            for network in left
        )
        assert unrouted == (not found)
        # Two prefix lists can hold the same network; which of them wins AWS does not say.
        assert not found or found & set(taken)
    assert set(taken) <= {route for found, _ in expected for route in found}


@given(ROUTES, WANTED, DESTINATIONS, TARGETS)
def test_a_further_route_leaves_no_address_without_one(
    routes: tuple[Route, ...], cidrs: list[str], destination: str, target: str
) -> None:
    wanted = networks_of(cidrs)
    _, before = routes_for(table(routes), wanted, LISTS)
    _, after = routes_for(table((*routes, Route(destination, target, "active"))), wanted, LISTS)
    assert all(
        any(one.version == other.version and one.subnet_of(other) for other in before)  # type: ignore[arg-type] # of one version
        for one in after
    )


@given(ROUTES, WANTED)
def test_a_split_default_is_a_default(routes: tuple[Route, ...], cidrs: list[str]) -> None:
    rest = tuple(route for route in routes if all(network.prefixlen > 1 for network in networks(route)))
    halves = (Route("0.0.0.0/1", "nat-9", "active"), Route("128.0.0.0/1", "nat-9", "active"))
    wanted = tuple(network for network in networks_of(cidrs) if network.version == 4)
    split, left = routes_for(table((*rest, *halves)), wanted, LISTS)
    whole, _ = routes_for(table((*rest, Route("0.0.0.0/0", "nat-9", "active"))), wanted, LISTS)
    assert not left
    assert {route.target for route in split} == {route.target for route in whole}
