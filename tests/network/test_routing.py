from ipaddress import IPv4Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.facts.values import Route, RouteTable
from pull_doctor.network.addresses import networks_of
from pull_doctor.network.routing import routes_for, table_of, unread_prefix_lists

LISTS = {"pl-1": ("10.0.0.64/26", "10.0.0.8/30")}
CIDRS = st.tuples(st.integers(0, 255), st.integers(20, 32)).map(
    lambda pair: str(IPv4Network((0x0A000000 + pair[0], pair[1]), strict=False))
)
# A table cannot hold two routes to one destination.
ROUTES = st.lists(CIDRS | st.just("pl-1") | st.just("0.0.0.0/0"), max_size=8, unique=True).map(
    lambda destinations: tuple(Route(one, f"nat-{at}", "active") for at, one in enumerate(destinations))
)
ADDRESS = st.integers(0, 260).map(lambda number: str(ip_address(0x0A000000 + number)))


def table(*routes: Route) -> RouteTable:
    return RouteTable("rtb-1", False, (), routes)  # noqa: FBT003 - RouteTable's `main`


def longest(routes: tuple[Route, ...], address: str) -> tuple[int, set[str]]:
    """The longest matching prefix and the targets that have it, by looking at every route."""
    matching = [
        (network.prefixlen, route.target)
        for route in routes
        for network in map(ip_network, LISTS.get(route.destination, (route.destination,)))
        if ip_address(address) in network
    ]
    best = max((length for length, _ in matching), default=-1)
    return best, {target for length, target in matching if length == best}


@given(ROUTES, ADDRESS)
def test_the_longest_match_takes_a_single_address(routes: tuple[Route, ...], address: str) -> None:
    taken, left = routes_for(table(*routes), networks_of([address]), LISTS)
    best, targets = longest(routes, address)
    assert bool(left) == (best < 0)
    assert len(taken) == (best >= 0)
    assert {route.target for route in taken} <= targets


@given(ROUTES, st.lists(CIDRS, min_size=1, max_size=3))
def test_a_set_is_routed_as_its_addresses_are(routes: tuple[Route, ...], cidrs: list[str]) -> None:
    wanted = [network for network in networks_of(cidrs) if network.num_addresses <= 1024]
    taken, left = routes_for(table(*routes), wanted, LISTS)
    single = [(one, routes_for(table(*routes), networks_of([str(one)]), LISTS)[0]) for net in wanted for one in net]
    assert {route for _, found in single for route in found} == set(taken)
    assert {one for one, found in single if not found} == {one for network in left for one in network}


def test_a_filtered_route_takes_only_what_no_other_one_takes() -> None:
    """As where a Route Server's route is not installed beside one of the table's own."""
    filtered, own = Route("10.0.0.0/24", "eni-1", "filtered"), Route("10.0.0.0/24", "nat-1", "active")
    for found in ((filtered, own), (own, filtered)):
        assert routes_for(table(*found), networks_of(["10.0.0.9"]), {}) == ((own,), ())
    wider = Route("0.0.0.0/0", "nat-1", "active")
    assert routes_for(table(filtered, wider), networks_of(["10.0.0.9"]), {}) == ((wider,), ())
    assert routes_for(table(filtered), networks_of(["10.0.0.9"]), {}) == ((filtered,), ())
    # A blackhole is in force: the longest prefix wins.
    dead = Route("10.0.0.0/24", "eni-1", "blackhole")
    assert routes_for(table(dead, wider), networks_of(["10.0.0.9"]), {}) == ((dead,), ())


def test_a_route_that_was_made_wins_over_a_propagated_one() -> None:
    propagated, made = Route("10.0.0.0/24", "vgw-1", "active", propagated=True), Route("10.0.0.0/24", "nat-1", "active")
    for found in ((propagated, made), (made, propagated)):
        assert routes_for(table(*found), networks_of(["10.0.0.9"]), {}) == ((made,), ())
    wider = Route("10.0.0.0/23", "nat-1", "active")
    assert routes_for(table(wider, propagated), networks_of(["10.0.0.9"]), {}) == ((propagated,), ())


def test_a_subnet_without_a_table_of_its_own_uses_the_main_one() -> None:
    main = RouteTable("rtb-main", True, (), ())  # noqa: FBT003 - RouteTable's `main`
    own = RouteTable("rtb-own", False, ("subnet-1",), ())  # noqa: FBT003 - the same
    assert table_of("subnet-1", (main, own)) == own
    assert table_of("subnet-2", (own, main)) == main
    assert table_of("subnet-2", (own,)) is None


def test_a_prefix_list_that_is_not_read_is_named() -> None:
    routes = (Route("pl-9", "nat-1", "active"), Route("pl-1", "nat-2", "active"), Route("pl-s3", "vpce-1", "active"))
    assert unread_prefix_lists(table(*routes), LISTS, {"vpce-1"}) == ("pl-9",)
    assert unread_prefix_lists(table(*routes), LISTS, {"pl-s3"}) == ("pl-9",)
    assert unread_prefix_lists(table(*routes), LISTS, ()) == ("pl-9", "pl-s3")
