from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import DnsFirewall, FirewallRule
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import HUB_IMAGE, SILENT, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import NAT_VPC, REGISTRY, having

CAUSE = "dns-firewall-blocks"
LOOKUP = Symptom("resolve", "dns-failure", host=REGISTRY, resolver="10.0.0.2")


def rule(action: str, *domains: str, priority: int = 100) -> FirewallRule:
    return FirewallRule("rslvr-frg-1", priority, action, f"rslvr-fdl-{action.lower()}", "NXDOMAIN", domains or None)


def world(*rules: FirewallRule, symptom: Symptom = LOOKUP, image: str | None = None) -> World:
    vpc = having(NAT_VPC, dns_firewall=Known(DnsFirewall(rules)))
    return World(vpc=vpc, failures=(failure(symptom, image or f"{REGISTRY}/team/app:1"),))


def test_a_rule_that_blocks_the_registry() -> None:
    found = problem(outcome(CAUSE, world(rule("BLOCK", "*.amazonaws.com"))))
    assert (found.culprit.id, found.inferred) == ("rslvr-frg-1", ())
    assert REGISTRY in found.explanation
    assert len(found.traces) == 3
    assert parameters(found) == {
        "FirewallDomainListId": "rslvr-fdl-block",
        "Operation": "REMOVE",
        "Domains": ["*.amazonaws.com"],
    }


def test_a_walled_garden_that_lets_out_other_names() -> None:
    garden = (rule("ALLOW", "*.example.com", priority=10), rule("BLOCK", "*"))
    lookup = replace(LOOKUP, host="registry-1.docker.io")
    found = problem(outcome(CAUSE, world(*garden, symptom=lookup, image=HUB_IMAGE)))
    assert parameters(found)["FirewallDomainListId"] == "rslvr-fdl-allow"
    assert "registry-1.docker.io" in parameters(found)["Domains"]
    (alert,) = found.fixes[1].commands
    assert isinstance(alert, AwsCommand)
    assert alert.parameters["Action"] == "ALERT"


def test_everything_blocked_without_a_list_that_is_allowed() -> None:
    (fix,) = problem(outcome(CAUSE, world(rule("BLOCK", "*")))).fixes
    assert isinstance(fix.commands[0], AwsCommand)
    assert fix.commands[0].operation == "UpdateFirewallRule"


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (rule("BLOCK", "*.example.com"),),
        (rule("ALERT", "*"),),
        (rule("ALLOW", "*.amazonaws.com", priority=10), rule("BLOCK", "*")),
    ],
)
def test_names_that_pass(rules: tuple[FirewallRule, ...]) -> None:
    assert "vpc-1" in ok(outcome(CAUSE, world(*rules)))


def test_a_list_that_is_not_shown() -> None:
    assert missing(outcome(CAUSE, world(rule("BLOCK")))) == ("the domains of rslvr-fdl-block",)


def test_rules_that_are_not_read() -> None:
    unread = Unknown("the DNS Firewall rules", "denied")
    masked = replace(world(), vpc=having(NAT_VPC, dns_firewall=unread))
    assert missing(outcome(CAUSE, masked)) == (unread.fact,)


def test_texts_that_give_no_reason_to_ask() -> None:
    for symptom in (TIMEOUT, replace(TIMEOUT, address="52.1.2.3")):
        assert ok(outcome(CAUSE, world(rule("BLOCK", "*"), symptom=symptom)))
    silent = world(rule("BLOCK", "*"), symptom=SILENT)
    problem(outcome(CAUSE, silent))
    vpc = replace(silent.vpc, dns_firewall=None)
    assert missing(outcome(CAUSE, silent, vpc=vpc)) == ("whether a lookup failed",)
