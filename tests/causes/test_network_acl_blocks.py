from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import AclEntry, NetworkAcl, NetworkInterface
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ENDPOINT_VPC, NAT_VPC, OPEN_ACL, S3_CIDRS, add, change, entry, having

CAUSE = "network-acl-blocks"
OUT, IN = OPEN_ACL
HTTPS_OUT = entry(100, egress=True, allow=True, ports=(443, 443))
HTTPS_IN = entry(100, egress=False, allow=True, ports=(443, 443))
CLOSING = entry(32767, egress=False, allow=False, protocol="-1")
API_TIMEOUT = Symptom("sign-in", "network-timeout", host="api.ecr.eu-west-1.amazonaws.com", address="34.255.83.146")


def with_acl(acl: str, *entries: AclEntry, world: World = World()) -> World:  # noqa: B008 - a frozen value
    return replace(world, vpc=change(world.vpc, "network_acls", acl, entries=entries))


def rules(world: World) -> list[tuple[str, str, int, bool, str, int, int]]:
    """The fix's calls: operation, ACL, number, egress, CIDR, and ports."""
    (fix,) = problem(outcome(CAUSE, world)).fixes
    calls = [one for one in fix.commands if isinstance(one, AwsCommand)]
    made = [(one.operation, one.parameters) for one in calls]
    return [
        (name, p["NetworkAclId"], p["RuleNumber"], p["Egress"], p["CidrBlock"], *p["PortRange"].values())
        for name, p in made
    ]


def mended(world: World) -> World:
    """The world with the fix's rules."""
    for operation, acl, number, egress, cidr, first, last in rules(world):
        made = AclEntry(number, egress, True, "6", cidr, (first, last))  # noqa: FBT003 - `allow`
        assert isinstance(world.vpc.network_acls, Known)
        before = next(one.entries for one in world.vpc.network_acls.value if one.id == acl)
        same = [one for one in before if (one.number, one.egress) == (number, egress)]
        assert bool(same) == (operation == "ReplaceNetworkAclEntry")
        kept = tuple(one for one in before if one not in same)
        world = with_acl(acl, *kept, made, world=world)
    return world


def test_replies_that_no_rule_lets_in() -> None:
    world = with_acl("acl-task", HTTPS_OUT, HTTPS_IN, CLOSING)
    found = problem(outcome(CAUSE, world))
    assert found.title == "network ACL of the task's subnet denies the replies in"
    assert found.culprit.id == "acl-task"
    assert "acl-task rule * denies tcp 32768-60999 in from" in found.explanation
    assert any(one.text == "acl-task is the network ACL of subnet-task" for one in found.evidence)
    (fix,) = found.fixes
    assert (fix.applicability, "subnet-task" in (fix.effect or "")) == ("exact", True)
    assert rules(world) == [("CreateNetworkAclEntry", "acl-task", 110, False, "0.0.0.0/0", 1024, 65535)]
    ok(outcome(CAUSE, mended(world)))


def test_an_acl_that_allows_nothing_needs_both_directions() -> None:
    world = with_acl("acl-task")
    assert problem(outcome(CAUSE, world)).title == "network ACL of the task's subnet denies tcp 443 out"
    assert [one[2:4] for one in rules(world)] == [(10, True), (10, False)]
    ok(outcome(CAUSE, mended(world)))


def test_a_rule_that_denies_is_preceded() -> None:
    deny = entry(90, egress=True, allow=False, ports=(443, 443))
    world = with_acl("acl-task", *OPEN_ACL, deny, entry(89, egress=True, allow=True, ports=(80, 80)))
    (fix,) = problem(outcome(CAUSE, world)).fixes
    assert fix.applicability == "your-call"
    assert rules(world) == [("CreateNetworkAclEntry", "acl-task", 88, True, "0.0.0.0/0", 443, 443)]
    ok(outcome(CAUSE, mended(world)))


def test_a_rule_that_none_can_precede_is_replaced() -> None:
    world = with_acl("acl-task", *OPEN_ACL, entry(1, egress=True, allow=False, ports=(443, 443)))
    assert rules(world) == [("ReplaceNetworkAclEntry", "acl-task", 1, True, "0.0.0.0/0", 443, 443)]
    ok(outcome(CAUSE, mended(world)))


def test_a_rule_against_other_addresses_is_left_alone() -> None:
    """The dialled address is denied by rule 90; rule 50 keeps others out and must go on doing so."""
    blocked = (entry(50, egress=True, allow=False, cidr="198.51.0.0/16"), entry(90, egress=True, allow=False))
    world = with_acl("acl-task", *OPEN_ACL, *blocked, world=World(failures=(failure(API_TIMEOUT),)))
    assert [one[2] for one in rules(world)] == [89]
    only_here = World(vpc=world.vpc)
    assert [one[2] for one in rules(only_here)] == [89]


def test_the_ranges_of_s3_alone_are_denied() -> None:
    ranges = [entry(40 + i, egress=True, allow=False, cidr=cidr) for i, cidr in enumerate(S3_CIDRS)]
    ipv6 = entry(32768, egress=True, allow=False, protocol="-1", cidr="::/0")
    world = with_acl("acl-task", *OPEN_ACL, *ranges, ipv6)
    assert [trace.phase for trace in problem(outcome(CAUSE, world)).traces] == ["download"]
    assert [one[2] for one in rules(world)] == [39]
    ok(outcome(CAUSE, mended(world)))


def test_the_acl_of_the_nat_gateways_subnet() -> None:
    world = with_acl("acl-public", OUT, HTTPS_IN)
    found = problem(outcome(CAUSE, world))
    assert found.title == "network ACL of the NAT gateway's subnet denies the replies in"
    assert rules(world) == [("CreateNetworkAclEntry", "acl-public", 110, False, "0.0.0.0/0", 1024, 65535)]
    ok(outcome(CAUSE, mended(world)))
    closed = with_acl("acl-public")
    assert [one[3:5] for one in rules(closed)] == [
        (False, "10.0.1.0/24"),
        (True, "0.0.0.0/0"),
        (False, "0.0.0.0/0"),
        (True, "10.0.1.0/24"),
    ]
    assert sorted(one[2] for one in rules(closed)) == [10, 10, 20, 20]
    ok(outcome(CAUSE, mended(closed)))


def test_the_acl_of_the_endpoints_subnet() -> None:
    world = with_acl("acl-endpoint", OUT, world=World(vpc=ENDPOINT_VPC))
    found = problem(outcome(CAUSE, world))
    assert found.title == "network ACL of the endpoint's subnet denies tcp 443 in"
    assert rules(world) == [("CreateNetworkAclEntry", "acl-endpoint", 10, False, "10.0.1.0/24", 443, 443)]
    ok(outcome(CAUSE, mended(world)))


def test_the_tasks_acl_towards_the_endpoints() -> None:
    world = with_acl("acl-task", world=World(vpc=ENDPOINT_VPC))
    assert {one[4] for one in rules(world)} == {"10.0.2.0/24", "0.0.0.0/0"}
    ok(outcome(CAUSE, mended(world)))


def test_every_subnet_of_an_endpoint_is_opened() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", subnets=("subnet-endpoint", "subnet-public"))
    vpc = change(vpc, "network_acls", "acl-public", entries=())
    world = with_acl("acl-endpoint", world=World(vpc=vpc))
    opened = {one[1] for one in rules(world)}
    assert opened == {"acl-endpoint", "acl-public"}
    ok(outcome(CAUSE, mended(world)))


def test_one_acl_of_all_subnets_gets_each_rule_once() -> None:
    everywhere = NetworkAcl("acl-all", ("subnet-task", "subnet-endpoint", "subnet-public"), ())
    world = World(vpc=replace(NAT_VPC, network_acls=Known((everywhere,))))
    numbers = [(one[3], one[2]) for one in rules(world)]
    assert len(numbers) == len(set(numbers))
    ok(outcome(CAUSE, mended(world)))


def test_an_endpoint_in_the_tasks_own_subnet_passes_no_acl() -> None:
    vpc = ENDPOINT_VPC
    for kind in ("api", "dkr"):
        vpc = change(vpc, "endpoints", f"vpce-{kind}", subnets=("subnet-task",))
        vpc = change(vpc, "endpoint_interfaces", f"eni-{kind}", subnet="subnet-task", private_ip="10.0.1.12")
    world = with_acl("acl-task", OUT, entry(90, egress=False, allow=True, cidr="52.218.0.0/16"), world=World(vpc=vpc))
    assert missing(outcome(CAUSE, world))
    assert "passes no" not in ok(outcome(CAUSE, World(vpc=vpc)))


def test_an_endpoint_with_one_subnet_open_is_not_told() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", subnets=("subnet-endpoint", "subnet-public"))
    vpc = change(vpc, "network_acls", "acl-endpoint", entries=())
    vpc = add(vpc, "endpoint_interfaces", NetworkInterface("eni-more", "subnet-public", (), "10.0.3.12", None))
    found = problem(outcome(CAUSE, World(vpc=vpc)))
    assert [trace.phase for trace in found.traces] == ["sign-in"]


@pytest.mark.parametrize(
    "entries",
    [
        OPEN_ACL,
        (HTTPS_OUT, entry(100, egress=False, allow=True, ports=(1024, 65535))),
        (HTTPS_OUT, entry(100, egress=False, allow=True, ports=(32768, 65535))),
        (*OPEN_ACL, entry(1, egress=True, allow=False, protocol="17")),
        (*OPEN_ACL, entry(1, egress=True, allow=False, ports=(80, 80))),
    ],
)
def test_an_acl_that_lets_through(entries: tuple[AclEntry, ...]) -> None:
    assert "acl-task allows" in ok(outcome(CAUSE, with_acl("acl-task", *entries)))


def test_a_part_of_the_reply_ports_leaves_it_open() -> None:
    narrow = entry(100, egress=False, allow=True, ports=(49152, 65535))
    assert "acl-task" in missing(outcome(CAUSE, with_acl("acl-task", HTTPS_OUT, narrow)))[0]


@pytest.mark.parametrize("fact", ["network_acls", "endpoints"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread: Any = Unknown(f"the {fact}", "denied")
    closed = with_acl("acl-task").vpc
    assert f"the {fact}" in " ".join(missing(outcome(CAUSE, World(vpc=having(closed, **{fact: unread})))))


def test_an_acl_behind_a_name_that_leads_past_the_endpoint() -> None:
    past = having(with_acl("acl-endpoint", world=World(vpc=ENDPOINT_VPC)).vpc, dns_hostnames=Known(value=False))
    found = problem(outcome(CAUSE, World(vpc=past)))
    assert found.culprit.id == "acl-endpoint"
    assert {trace.disposition for trace in found.traces} == {"vpc-dns-off"}
