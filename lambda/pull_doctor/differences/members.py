"""How two values of one thing differ, member by member, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any

from pull_doctor.causes.shared.image.images import moment
from pull_doctor.facts.values import AccessExclusion, AclEntry, FirewallRule, GroupRule, Route, ZoneRecord


def members(was: Any, now: Any) -> Iterator[str]:
    """What differs between two values of one thing."""
    for field in fields(was):
        member, old, new = field.name, getattr(was, field.name), getattr(now, field.name)
        words = _WORDS.get(member, member.replace("_", " "))
        if member in _UNTOLD or old == new or (member == "dns_names" and was.private_dns != now.private_dns):
            continue
        if member == "id" and None in (old, new):  # an earlier version did not save it
            continue
        if member in _SWITCHES:
            yield _SWITCHES[member][0 if new else 1]
        elif member in _TEXTS:
            yield f"has another {words}" if old and new else f"has {'a' if new else 'no'} {words} now"
        elif isinstance(old, tuple) and isinstance(new, tuple):
            if member == "routes":
                yield from _states(old, new)
            held, holds = _phrases(member, words, old), _phrases(member, words, new)
            yield from (f"has {phrase} now" for phrase in sorted(holds - held))
            yield from (f"no longer has {phrase}" for phrase in sorted(held - holds))
        elif old is None:
            yield f"has {words} {said(new)} now"
        elif new is None:
            yield f"no longer has {words} {said(old)}"
        else:
            yield f"has {words} {said(new)} now, not {said(old)}"


def _states(was: tuple[Route, ...], now: tuple[Route, ...]) -> Iterator[str]:
    old, new = ({(one.destination, one.target): one.state for one in each} for each in (was, now))
    for destination, target in sorted(old.keys() & new.keys()):
        state, before = new[destination, target], old[destination, target]
        if state != before:
            yield f"has the route {destination} -> {target} in state {state} now, not {before}"


_WORDS = {
    "boundary": "permissions boundary",
    "cidrs": "addresses",
    "deleted_at": "date of deletion",
    "dhcp_options": "DHCP option set",
    "dns_names": "DNS names",
    "groups": "security groups",
    "id": "unique id",
    "ipv6": "IPv6 addresses",
    "ipv6_cidrs": "IPv6 addresses",
    "key": "KMS key",
    "private_ip": "private address",
    "public_ip": "public address",
    "trust": "trust policy",
}
_TEXTS = ("policy", "trust")
_SWITCHES = {
    "main": ("is the main route table now", "is not the main route table any more"),
    "private_dns": ("has private DNS on now", "has private DNS off now"),
    "inbound_resolver_only": (
        "has private DNS for inbound resolvers only now",
        "has private DNS for all of the VPC now",
    ),
    "private": ("is private now", "is public now"),
    "regional": ("is regional now", "is zonal now"),
}
_UNTOLD = ("interfaces", "managed_by", "tags", "gateway_block")
"""Members that follow from another one that is told, or that no pull depends on."""


def _phrases(member: str, words: str, elements: tuple[Any, ...]) -> set[str]:
    """Each element as a noun phrase."""
    phrases = set()
    for one in elements:
        if isinstance(one, Route):
            phrases.add(f"the route {one.destination} -> {one.target}")
        elif isinstance(one, AclEntry):
            does, way = "allows" if one.allow else "denies", "out to" if one.egress else "in from"
            phrases.add(f"rule {one.number} ({does} {_traffic(one.protocol, one.ports)} {way} {one.cidr})")
        elif isinstance(one, GroupRule):
            traffic = f"{_traffic(one.protocol, one.ports)} {'out to' if member == 'egress' else 'in from'}"
            peers = (*one.cidrs, *one.groups, *one.prefix_lists)
            phrases |= {f"a rule that allows {traffic} {peer}" for peer in peers}
        elif isinstance(one, ZoneRecord):
            phrases.add(f"the record {one.name} {one.type} {said(one.values)}")
        elif isinstance(one, AccessExclusion):
            phrases.add(f"{one.resource} ({one.mode}) among its {words}")
        elif isinstance(one, FirewallRule):
            on = one.domain_list if one.domains is None else said(one.domains)
            phrases.add(f"DNS Firewall rule {one.priority} of {one.group} ({one.action} {on})")
        else:
            phrases.add(f"{one} among its {words}")
    return phrases


def _traffic(protocol: str, ports: tuple[int, int] | None) -> str:
    if protocol == "-1":
        return "everything"
    name = {"1": "icmp", "6": "tcp", "17": "udp", "tcp": "tcp", "udp": "udp", "icmp": "icmp"}.get(
        protocol, f"protocol {protocol}"
    )
    if ports is None:
        return name
    return f"{name} {'-'.join(map(str, dict.fromkeys(ports)))}"


def said(value: Any) -> str:
    """A value as a sentence names it."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, tuple):
        return ", ".join(sorted(map(str, value))) or "none"
    return str(value)
