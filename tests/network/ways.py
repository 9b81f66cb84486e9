"""What the tests of walks share: the healthy ways as hops, and how a walk must end."""

from __future__ import annotations

from pull_doctor.facts.fact import Unknown
from pull_doctor.network.flows import Flow
from pull_doctor.network.vpc import Puller, Vpc
from tests.network.factory import (
    PULLER,
    walked,
)

BY_NAT = [
    ("name", "vpc-1", "ok"),
    ("security-group", "sg-task", "ok"),
    ("network-acl", "acl-task", "ok"),
    ("route", "rtb-private", "ok"),
    ("nat-gateway", "nat-1", "ok"),
    ("nat-network-acl", "acl-public", "ok"),
]
BY_ENDPOINT = [
    ("name", "vpce-dkr", "ok"),
    ("security-group", "sg-task", "ok"),
    ("network-acl", "acl-task", "ok"),
    ("endpoint", "vpce-dkr", "ok"),
    ("endpoint-security-group", "sg-endpoint", "ok"),
    ("endpoint-network-acl", "acl-endpoint", "ok"),
]
BY_GATEWAY = [*BY_NAT[:3], ("route", "rtb-private", "ok"), ("endpoint", "vpce-s3", "ok")]
BY_IGW = [*BY_NAT[:4], ("internet-gateway", "igw-1", "ok"), ("public-address", "eni-task", "ok")]

UNREAD = Unknown("something", "denied")
FACTS = [name for name in Vpc.__dataclass_fields__ if name not in ("id", "prefix_lists")]


def assert_ends(vpc: Vpc, flow: Flow, disposition: str, at: tuple[str, str | None], puller: Puller = PULLER) -> str:
    """Assert the disposition and the one hop that is not ok; return why that hop is so."""
    trace = walked(vpc, flow, puller)
    odd = [hop for hop in trace.hops if hop.verdict != "ok"]
    assert [(hop.step, hop.resource.id if hop.resource else None) for hop in odd] == [at], trace
    assert trace.disposition == disposition
    assert odd[0].cause == (None if disposition == "undetermined" else disposition)
    assert bool(odd[0].missing) == (disposition == "undetermined")
    return odd[0].why
