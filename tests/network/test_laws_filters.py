"""An ACL decides over whole sets of addresses and ports as its first matching rule decides over each of them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.facts.values import AclEntry, NetworkAcl
from pull_doctor.network.addresses import PUBLIC_IPV4, Network, networks_of
from pull_doctor.network.filters import HTTPS, LINUX_REPLY_PORTS, NAT_REPLY_PORTS, acl_lets

Direction = Literal["ingress", "egress"]
Range = tuple[int, int]

V6_BASE = int(ip_address("2001:db8::"))
V4 = st.tuples(st.integers(0, 255), st.integers(22, 32)).map(
    lambda pair: str(IPv4Network((0x0A000000 + pair[0], pair[1]), strict=False))
)
V6 = st.tuples(st.integers(0, 255), st.integers(118, 128)).map(
    lambda pair: str(IPv6Network((V6_BASE + pair[0], pair[1]), strict=False))
)
WIDE = st.sampled_from(["0.0.0.0/0", "::/0", "52.0.0.0/8", "52.218.0.0/17", "0.0.0.0/1", "128.0.0.0/1"])
EDGES = st.sampled_from([0, 1, 80, 442, 443, 444, 1023, 1024, 32767, 32768, 49152, 60999, 61000, 65535])
PORTS = st.tuples(EDGES, EDGES).map(lambda pair: (min(pair), max(pair)))
ENTRIES = st.lists(
    st.builds(
        AclEntry,
        st.integers(1, 300),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["-1", "6", "6", "17"]),
        V4 | V6 | WIDE,
        st.none() | PORTS,
    ),
    max_size=8,
    unique_by=lambda entry: (entry.number, entry.egress),
)
WANTED = st.lists(V4 | V6, min_size=1, max_size=2).map(networks_of) | st.just(PUBLIC_IPV4)
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from(["ingress", "egress"])
ASKED = st.sampled_from([HTTPS, LINUX_REPLY_PORTS, NAT_REPLY_PORTS])


def ports_of(entry: AclEntry) -> Range:
    return (0, 65535) if entry.protocol == "-1" or entry.ports is None else entry.ports


def allowed(entries: list[AclEntry], direction: Direction, address: int, version: int, port: int) -> bool:
    """What the first rule by number decides that matches one address and port; none matches: denied."""
    for entry in sorted(entries, key=lambda one: one.number):
        network, (low, high) = ip_network(entry.cidr), ports_of(entry)
        if (
            entry.egress == (direction == "egress")
            and entry.protocol in ("-1", "6")
            and network.version == version
            and int(network.network_address) <= address <= int(network.broadcast_address)
            and low <= port <= high
        ):
            return entry.allow
    return False


def verdicts(entries: list[AclEntry], direction: Direction, wanted: tuple[Network, ...], ports: Range) -> set[bool]:
    """What is decided over one address and port of every part into which the rules cut what is wanted."""
    cuts = [*wanted, *(ip_network(entry.cidr) for entry in entries)]
    addresses = {
        (edge, one.version) for one in cuts for edge in (int(one.network_address), int(one.broadcast_address) + 1)
    }
    edges = {edge for low, high in (ports, *map(ports_of, entries)) for edge in (low, high + 1)}
    return {
        allowed(entries, direction, address, version, port)
        for address, version in addresses
        for one in wanted
        if one.version == version and int(one.network_address) <= address <= int(one.broadcast_address)
        for port in edges
        if ports[0] <= port <= ports[1]
    }


@given(ENTRIES, DIRECTIONS, WANTED, ASKED)
def test_a_set_is_decided_as_the_first_matches_of_its_parts(
    entries: list[AclEntry], direction: Direction, wanted: tuple[Network, ...], ports: Range
) -> None:
    found = verdicts(entries, direction, wanted, ports)
    expected = "partly" if len(found) > 1 else "allow" if found == {True} else "deny"
    assert acl_lets(NetworkAcl("acl-1", (), tuple(entries)), direction, wanted, ports)[0] == expected


@given(ENTRIES, DIRECTIONS, WANTED, ASKED, st.randoms(use_true_random=False))
def test_the_order_in_which_ec2_lists_the_rules_does_not_matter(
    entries: list[AclEntry], direction: Direction, wanted: tuple[Network, ...], ports: Range, chance: object
) -> None:
    shuffled = list(entries)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis' own kind of random.Random
    one, other = (NetworkAcl("acl-1", (), tuple(each)) for each in (entries, shuffled))
    assert acl_lets(one, direction, wanted, ports) == acl_lets(other, direction, wanted, ports)
