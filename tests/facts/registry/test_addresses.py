from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.facts.registry.addresses import is_public


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "52.217.0.1",
        "2606:2800:21f:cb07::1",
        "2600:1f18::1",
        "::ffff:93.184.215.14",
        "64:ff9b::5db8:d70e",
    ],
)
def test_addresses_on_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - an address to refuse, none to bind
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "192.168.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::93.184.215.14",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::5db8:d70e",
        "100::1",
        "2001:0:5ef5:79fb::1",
        "2001:db8::1",
        "2002:5db8:d70e::1",
        "2002:a9fe:a9fe::1",
        "4000::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "",
        "registry.example.com",
        "127.1",
    ],
)
def test_all_others(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_counts_as_itself(inner: IPv4Address) -> None:
    mapped = IPv6Address((0xFFFF << 32) + int(inner))
    nat64 = IPv6Address((0x64FF9B << 96) + int(inner))
    assert is_public(str(mapped)) == is_public(str(nat64)) == is_public(str(inner))


@given(st.ip_addresses())
def test_what_is_private_is_never_public(address: IPv4Address | IPv6Address) -> None:
    if address.is_private or address.is_multicast or address.is_link_local or address.is_loopback:
        inside = isinstance(address, IPv6Address) and address.ipv4_mapped
        assert inside or not is_public(str(address))
