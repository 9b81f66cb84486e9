from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import ResolverRule
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import HUB_IMAGE, SILENT, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ENDPOINT_VPC, NAT_VPC, REGION, REGISTRY, having

CAUSE = "resolver-rule-misroutes"
LOOKUP = Symptom("resolve", "dns-failure", host=REGISTRY, resolver="10.0.0.2")
AWS = ResolverRule("rslvr-rr-1", "amazonaws.com", "FORWARD", ("10.9.0.53",))
ALL = replace(AWS, domain="")


def world(*rules: ResolverRule, symptom: Symptom = LOOKUP, image: str | None = None, vpc: object = NAT_VPC) -> World:
    failed = failure(symptom, image or f"{REGISTRY}/team/app:1")
    return World(vpc=having(vpc, resolver_rules=Known(rules)), failures=(failed,))  # type: ignore[arg-type] # a Vpc


@pytest.mark.parametrize("rule", [AWS, ALL])
def test_a_rule_that_forwards_a_name_whose_lookup_failed(rule: ResolverRule) -> None:
    found = problem(outcome(CAUSE, world(rule)))
    assert found.culprit.id == "rslvr-rr-1"
    assert len(found.inferred) == 1
    assert "10.9.0.53" in found.inferred[0]
    assert found.phases == ("resolve",)
    assert [one.source for one in found.evidence] == ["fact", "text"]
    assert parameters(found)["DomainName"] == f"{REGION}.amazonaws.com"
    (off,) = found.fixes[1].commands
    assert isinstance(off, AwsCommand)
    assert off.operation == "DisassociateResolverRule"


def test_another_registry_by_a_rule_for_everything() -> None:
    lookup = replace(LOOKUP, host="registry-1.docker.io")
    found = problem(outcome(CAUSE, world(ALL, symptom=lookup, image=HUB_IMAGE)))
    assert parameters(found)["DomainName"] == "registry-1.docker.io"


def test_a_private_address_that_serves_nothing() -> None:
    led = replace(TIMEOUT, host=REGISTRY, address="10.9.0.7")
    found = problem(outcome(CAUSE, world(AWS, symptom=led)))
    assert found.traces
    assert "10.9.0.7" in found.explanation
    assert len(found.inferred) == 1


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (replace(AWS, domain="example.com"),),
        (AWS, ResolverRule("rslvr-rr-2", f"{REGION}.amazonaws.com", "SYSTEM")),
        (ResolverRule("rslvr-autodefined-rr-internet-resolver", "", "RECURSIVE"),),
    ],
)
def test_names_that_stay_in_the_vpc(rules: tuple[ResolverRule, ...]) -> None:
    assert "vpc-1" in ok(outcome(CAUSE, world(*rules)))


def test_an_endpoint_has_a_longer_name_than_the_rule() -> None:
    assert "does not forward" in ok(outcome(CAUSE, world(AWS, vpc=ENDPOINT_VPC)))


def test_other_resolvers_may_not_ask_the_rule() -> None:
    others = having(NAT_VPC, custom_resolvers=Known(("10.9.0.53",)))
    assert missing(outcome(CAUSE, world(AWS, vpc=others)))


def test_a_host_that_may_not_exist_at_all() -> None:
    host = "registry.exmaple.com"
    lookup = replace(LOOKUP, host=host)
    assert missing(outcome(CAUSE, world(ALL, symptom=lookup, image=f"{host}/app:1"))) == (f"whether {host} exists",)


def test_forwarding_alone_is_no_defect() -> None:
    silent = world(AWS, symptom=SILENT)
    assert "the address of" in missing(outcome(CAUSE, silent))[0]


def test_rules_that_are_not_read() -> None:
    unread = Unknown("the Resolver rules", "denied")
    masked = replace(world(), vpc=having(NAT_VPC, resolver_rules=unread))
    assert missing(outcome(CAUSE, masked)) == (unread.fact,)


def test_texts_that_give_no_reason_to_ask() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, world(AWS, symptom=TIMEOUT)))
    assert "52.1.2.3" in ok(outcome(CAUSE, world(AWS, symptom=replace(TIMEOUT, address="52.1.2.3"))))
