from ipaddress import IPv4Network, ip_address, ip_network
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.facts.values import AclEntry, GroupRule, NetworkAcl, SecurityGroup
from pull_doctor.network.addresses import networks_of
from pull_doctor.network.filters import HTTPS, Peer, acl_lets, groups_let

Direction = Literal["ingress", "egress"]
CIDRS = st.tuples(st.integers(0, 31), st.integers(27, 32)).map(
    lambda pair: str(IPv4Network((0x0A000000 + pair[0], pair[1]), strict=False))
) | st.just("0.0.0.0/0")
PORTS = st.tuples(st.integers(440, 450), st.integers(440, 450)).map(lambda pair: (min(pair), max(pair)))
PROTOCOLS = st.sampled_from(["-1", "6", "17", "1"])
ENTRIES = st.lists(
    st.builds(
        AclEntry, st.integers(1, 200), st.booleans(), st.booleans(), PROTOCOLS, CIDRS | st.just("fd00::/8"), PORTS
    ),
    max_size=7,
    unique_by=lambda entry: (entry.number, entry.egress),
)


def first_match(entries: list[AclEntry], direction: Direction, address: str, port: int) -> AclEntry | None:
    """The rule that decides on one address and port, by walking the rules in the order of their numbers."""
    for entry in sorted(entries, key=lambda one: one.number):
        low, high = (0, 65535) if entry.protocol == "-1" or entry.ports is None else entry.ports
        if (
            entry.egress == (direction == "egress")
            and entry.protocol in ("-1", "6")
            and ip_address(address) in ip_network(entry.cidr)
            and low <= port <= high
        ):
            return entry
    return None


def acl(entries: list[AclEntry]) -> NetworkAcl:
    return NetworkAcl("acl-1", (), tuple(entries))


@given(ENTRIES, st.sampled_from(["ingress", "egress"]), st.integers(0, 40), st.integers(438, 452))
def test_one_address_and_port_is_decided_by_the_first_match(
    entries: list[AclEntry], direction: Direction, host: int, port: int
) -> None:
    address = str(ip_address(0x0A000000 + host))
    deciding = first_match(entries, direction, address, port)
    answer, denying = acl_lets(acl(entries), direction, networks_of([address]), (port, port))
    if deciding is not None and deciding.allow:
        assert (answer, denying) == ("allow", None)
    else:
        assert (answer, denying) == ("deny", deciding)


@given(ENTRIES, st.sampled_from(["ingress", "egress"]), CIDRS, PORTS)
def test_a_set_is_decided_as_its_members_are(
    entries: list[AclEntry], direction: Direction, cidr: str, ports: tuple[int, int]
) -> None:
    wanted = networks_of(["10.0.0.0/27" if cidr == "0.0.0.0/0" else cidr])
    verdicts = {
        (deciding := first_match(entries, direction, str(address), port)) is not None and deciding.allow
        for network in wanted
        for address in network
        for port in range(ports[0], ports[1] + 1)
    }
    expected = {frozenset([True]): "allow", frozenset([False]): "deny"}.get(frozenset(verdicts), "partly")
    assert acl_lets(acl(entries), direction, wanted, ports)[0] == expected


@given(ENTRIES, st.integers(0, 31), st.booleans())
def test_an_allow_before_all_rules_never_blocks_and_taking_it_out_never_opens(
    entries: list[AclEntry],
    host: int,
    egress: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    direction: Direction = "egress" if egress else "ingress"
    wanted = networks_of([str(ip_address(0x0A000000 + host))])
    before = acl_lets(acl(entries), direction, wanted, HTTPS)[0]
    permissive = AclEntry(0, egress, True, "-1", "0.0.0.0/0")  # noqa: FBT003 - AclEntry's `allow`
    assert acl_lets(acl([*entries, permissive]), direction, wanted, HTTPS)[0] == "allow"
    restrictive = AclEntry(0, egress, False, "-1", "0.0.0.0/0")  # noqa: FBT003 - the same
    assert acl_lets(acl([*entries, restrictive]), direction, wanted, HTTPS) == ("deny", restrictive)
    for entry in entries:
        if entry.allow:
            without = [one for one in entries if one is not entry]
            after = acl_lets(acl(without), direction, wanted, HTTPS)[0]
            # Only a deny behind it, or nothing, or another allow can decide then: never a new way.
            assert before == "allow" or after != "allow"


RULES = st.lists(
    st.builds(
        GroupRule,
        st.sampled_from(["-1", "tcp", "udp", "6"]),
        st.none() | PORTS,
        st.lists(CIDRS, max_size=2).map(tuple),
        st.sampled_from([(), ("sg-peer",), ("sg-other",)]),
        st.sampled_from([(), ("pl-s3",), ("pl-other",)]),
    ),
    max_size=5,
).map(tuple)


def group(*rules: GroupRule) -> SecurityGroup:
    return SecurityGroup("sg-1", rules, rules)


@given(RULES, st.integers(0, 40))
def test_groups_allow_one_address_if_any_rule_does(rules: tuple[GroupRule, ...], host: int) -> None:
    address = str(ip_address(0x0A000000 + host))
    allowed = any(
        rule.protocol in ("-1", "tcp", "6")
        and (rule.ports is None or rule.ports[0] <= 443 <= rule.ports[1])
        and ("sg-peer" in rule.groups or any(ip_address(address) in ip_network(cidr) for cidr in rule.cidrs))
        for rule in rules
    )
    answer, why = groups_let([group(*rules)], "ingress", Peer(networks_of([address]), ("sg-peer",)))
    assert (answer == "allow") == allowed
    assert ("sg-1" in why) == allowed


@given(RULES, RULES, st.integers(0, 40))
def test_a_further_rule_never_blocks(rules: tuple[GroupRule, ...], more: tuple[GroupRule, ...], host: int) -> None:
    peer = Peer(networks_of([str(ip_address(0x0A000000 + host))]), ("sg-peer",), "pl-s3")
    order = ["deny", "partly", "allow"]
    fewer = groups_let([group(*rules)], "egress", peer)[0]
    both = groups_let([group(*rules), group(*more)], "egress", peer)[0]
    assert order.index(both) >= order.index(fewer)


@given(RULES, st.integers(0, 40))
def test_not_knowing_the_peer_never_denies_nor_allows_what_knowing_does_not(
    rules: tuple[GroupRule, ...], host: int
) -> None:
    here = networks_of([str(ip_address(0x0A000000 + host))])
    known = groups_let([group(*rules)], "egress", Peer(here, ("sg-peer",), "pl-s3"))[0]
    unknown = groups_let([group(*rules)], "egress", Peer(here, None))[0]
    assert unknown in ("partly", known)


def test_several_groups_cover_a_range_together() -> None:
    peer = Peer(networks_of(["10.0.0.0/24"]))
    lower, upper = (
        SecurityGroup(f"sg-{n}", (GroupRule("tcp", (443, 443), (cidr,)),), ())
        for n, cidr in ((1, "10.0.0.0/25"), (2, "10.0.0.128/25"))
    )
    assert groups_let([lower], "ingress", peer)[0] == "partly"
    assert groups_let([lower, upper], "ingress", peer)[0] == "allow"


def test_a_peer_without_any_address_is_not_decided() -> None:
    assert groups_let([group(GroupRule("-1", None, ("0.0.0.0/0",)))], "egress", Peer(()))[0] == "partly"


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_what_no_rule_matches_is_denied(direction: Direction) -> None:
    assert acl_lets(acl([]), direction, networks_of(["10.0.0.0/24"]), HTTPS) == ("deny", None)
