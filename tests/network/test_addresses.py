from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.network.addresses import PUBLIC_IPV4, Network, cut, networks_of, without


def networks(lengths: st.SearchStrategy[int]) -> st.SearchStrategy[Network]:
    """Small networks that overlap often: all inside 10.0.0.0/24, or in fd00::/120."""
    numbers = st.tuples(st.integers(0, 255), lengths)
    v4 = numbers.map(lambda pair: IPv4Network((0x0A000000 + pair[0], pair[1]), strict=False))
    v6 = numbers.map(lambda pair: IPv6Network(((0xFD << 120) + pair[0], 96 + pair[1]), strict=False))
    return v4 | v6


NETWORK = networks(st.integers(24, 32))
SOME = st.lists(NETWORK, max_size=5)


def addresses(some: list[Network] | tuple[Network, ...]) -> set[object]:
    return {address for network in some for address in network}


@given(NETWORK, NETWORK)
def test_a_cut_keeps_every_address_once(network: Network, taken: Network) -> None:
    inside, outside = cut(network, taken)
    parts = [*([inside] if inside else []), *outside]
    assert sum(part.num_addresses for part in parts) == network.num_addresses
    assert addresses(parts) == addresses([network])
    assert addresses([inside] if inside else []) == addresses([network]) & addresses([taken])


@given(SOME, SOME)
def test_without_is_the_difference_of_sets(some: list[Network], taken: list[Network]) -> None:
    assert addresses(without(some, taken)) == addresses(some) - addresses(taken)


@given(SOME)
def test_networks_of_joins_and_loses_nothing(some: list[Network]) -> None:
    joined = networks_of(str(network) for network in some)
    assert addresses(joined) == addresses(some)
    assert sum(network.num_addresses for network in joined) == len(addresses(some))


def test_host_bits_are_dropped() -> None:
    assert networks_of(["10.0.1.7/24"]) == (ip_network("10.0.1.0/24"),)


def test_public_addresses_are_those_of_the_internet() -> None:
    def public(address: str) -> bool:
        return any(ip_address(address) in network for network in PUBLIC_IPV4)

    assert all(public(one) for one in ("1.1.1.1", "52.218.1.2", "99.255.255.255", "172.32.0.1", "223.255.255.255"))
    assert not any(
        public(one)
        for one in ("10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.31.9.9", "192.168.0.1", "198.19.0.1")
    )
