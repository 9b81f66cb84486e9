from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable, Problem
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NamedPolicy, RegistryRules, Role, RolePolicies, Simulated
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.causes.factory import (
    NOT_FOUND,
    POLICIES,
    ROLE,
    SIGN_IN_DENIED,
    TASK,
    TRUST,
    World,
    allowing,
    document,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, REGION, change, routes

CAUSE = "source-condition-mismatch"
FORBIDDEN = Symptom("resolve", "registry-access-denied", http_status=403)
UNREAD = Unknown("the policies", "denied")
OTHER = "999988887777"
ALONE: dict[str, Any] = {"Action": "ecr:*", "Principal": "*"}


def only(vpce: str, **more: Any) -> dict[str, Any]:
    """Deny whatever comes another way than through this endpoint."""
    return ALONE | {"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:SourceVpce": vpce}}} | more


def from_(key: str, value: Any) -> dict[str, Any]:
    return allowing("ecr:*", Condition={"StringEquals": {key: value}})


def hanging(actions: tuple[str, ...]) -> tuple[Simulated, ...]:
    return tuple(Simulated(one, "implicitDeny", missing_context=("aws:SourceVpce",)) for one in actions)


INSIDE = World(vpc=ENDPOINT_VPC, failures=(failure(FORBIDDEN),))
PAST = replace(INSIDE, vpc=NAT_VPC)


def of_role(world: World, *statements: dict[str, Any]) -> World:
    signing_in = allowing(*SIGN_IN_ACTIONS)
    own = RolePolicies((NamedPolicy("own", document(signing_in, *statements)),))
    return replace(world, pull=hanging(PULL_ACTIONS), policies=own)


def of_boundary(world: World, statement: dict[str, Any]) -> World:
    limit = NamedPolicy(f"arn:aws:iam::{ACCOUNT}:policy/limit", document(allowing(*SIGN_IN_ACTIONS), statement))
    roles = (Role(ROLE, TRUST, limit.name),)
    return replace(world, pull=hanging(PULL_ACTIONS), policies=replace(POLICIES, boundary=limit), roles=roles)


def of_registry(world: World, statement: dict[str, Any]) -> World:
    return replace(world, registry_rules=RegistryRules(document(statement | {"Resource": "*"}), "V2"))


def of_endpoint(world: World, statement: dict[str, Any], endpoint: str = "vpce-dkr") -> World:
    return replace(world, vpc=change(world.vpc, "endpoints", endpoint, policy=document(statement | {"Resource": "*"})))


LAYERS = {
    "the role's policy": (of_role(INSIDE, from_("aws:SourceVpce", "vpce-old")), "pull-permission-denied"),
    "the permissions boundary": (
        of_boundary(INSIDE, from_("aws:SourceVpce", "vpce-old")),
        "permissions-boundary-denies",
    ),
    "the repository's policy": (replace(INSIDE, policy=document(only("vpce-old"))), "repository-policy-denies"),
    "the registry's policy": (of_registry(INSIDE, only("vpce-old")), "registry-policy-denies"),
    "the endpoint's policy": (
        of_endpoint(INSIDE, from_("aws:SourceVpce", "vpce-old") | {"Principal": "*"}),
        "endpoint-policy-denies",
    ),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_condition_of_whichever_layer_that_names_another_endpoint(layer: str) -> None:
    world, of_the_layer = LAYERS[layer]
    found = problem(outcome(CAUSE, world))
    assert found.title == f"aws:SourceVpce condition in {layer} does not fit the path"
    said = " ".join(one.text for one in found.evidence)
    assert "vpce-old" in said
    assert "carries aws:SourceVpce vpce-dkr" in said
    assert (found.still, found.inferred) == ("yes", ())
    assert "resolve" in found.phases
    # One defect has one name.
    assert isinstance(outcome(of_the_layer, world), NotApplicable)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_condition_that_names_the_endpoint_in_use(layer: str) -> None:
    world, of_the_layer = LAYERS[layer]
    fits = json.loads(json.dumps(world.policy).replace("vpce-old", "vpce-dkr"))
    policies = _renamed(world.policies)
    rules = world.registry_rules
    assert isinstance(rules, RegistryRules)
    assert isinstance(world.vpc.endpoints, Known)
    endpoints = Known(
        tuple(
            replace(one, policy=(one.policy or "").replace("vpce-old", one.id) or None)
            for one in world.vpc.endpoints.value
        )
    )
    healthy = replace(
        world,
        policy=fits,
        policies=policies,
        registry_rules=replace(rules, policy=(rules.policy or "").replace("vpce-old", "vpce-dkr") or None),
        vpc=replace(world.vpc, endpoints=endpoints),
    )
    assert ROLE in ok(outcome(CAUSE, healthy))
    ok(outcome(of_the_layer, healthy))


def _renamed(policies: Any) -> Any:
    identity = tuple(replace(one, document=one.document.replace("vpce-old", "vpce-dkr")) for one in policies.identity)
    limit = policies.boundary
    if limit:
        limit = replace(limit, document=limit.document.replace("vpce-old", "vpce-dkr"))
    return RolePolicies(identity, limit)


@pytest.mark.parametrize(
    ("layer", "operation"),
    [
        ("the role's policy", "PutRolePolicy"),
        ("the repository's policy", "SetRepositoryPolicy"),
        ("the registry's policy", "PutRegistryPolicy"),
        ("the endpoint's policy", "ModifyVpcEndpoint"),
    ],
)
def test_the_fix_is_the_whole_policy_with_the_endpoint_that_was_found(layer: str, operation: str) -> None:
    world, _ = LAYERS[layer]
    found = problem(outcome(CAUSE, world))
    (command,) = found.fixes[0].commands
    assert isinstance(command, AwsCommand)
    assert command.operation == operation
    written = parameters(found)[
        next(one for one in command.parameters if one.lower().startswith("policy") and one != "PolicyName")
    ]
    assert '"aws:SourceVpce":["vpce-old","vpce-dkr"]' in written
    mended = {
        "PutRolePolicy": lambda: replace(world, policies=RolePolicies((NamedPolicy("own", written),))),
        "SetRepositoryPolicy": lambda: replace(world, policy=written),
        "PutRegistryPolicy": lambda: replace(world, registry_rules=RegistryRules(written, "V2")),
        "ModifyVpcEndpoint": lambda: replace(world, vpc=change(world.vpc, "endpoints", "vpce-dkr", policy=written)),
    }[operation]()
    ok(outcome(CAUSE, mended))


def test_a_boundary_is_a_managed_policy_and_changed_by_hand() -> None:
    found = problem(outcome(CAUSE, LAYERS["the permissions boundary"][0]))
    assert found.fixes[0].commands == ()
    assert "admit vpce-dkr besides vpce-old" in found.fixes[0].text


def test_a_request_that_leaves_by_a_nat_gateway_carries_no_endpoint() -> None:
    found = problem(outcome(CAUSE, replace(PAST, policy=document(only("vpce-dkr")))))
    said = [one.text for one in found.evidence]
    assert any("comes through no VPC endpoint" in one for one in said)
    assert any("nat-1" in one for one in said)
    assert (found.fixes[0].applicability, found.fixes[0].commands) == ("your-call", ())
    assert "vpce-dkr" in found.fixes[0].text


def test_a_condition_on_the_vpc() -> None:
    for vpc, fits in (("vpc-1", True), ("vpc-2", False)):
        found = outcome(CAUSE, of_role(INSIDE, from_("aws:SourceVpc", vpc)))
        assert isinstance(found, Problem) != fits
    found = problem(outcome(CAUSE, of_role(INSIDE, from_("aws:SourceVpc", "vpc-2"))))
    assert '"aws:SourceVpc":["vpc-2","vpc-1"]' in parameters(found)["PolicyDocument"]


def test_up_to_platform_version_1_3_0_the_sign_in_carries_nothing_of_the_vpc() -> None:
    old = replace(
        INSIDE,
        task=replace(TASK, platform_version="1.3.0"),
        sign_in=hanging(SIGN_IN_ACTIONS),
        policies=RolePolicies((NamedPolicy("own", document(from_("aws:SourceVpce", ["vpce-api", "vpce-dkr"]))),)),
        failures=(failure(SIGN_IN_DENIED),),
    )
    found = problem(outcome(CAUSE, old))
    assert found.phases == ("sign-in",)
    assert [one.source for one in found.evidence][:2] == ["text", "fact"]
    assert "1.3.0" in str(found.evidence)
    assert "1.4.0" in found.fixes[0].text
    ok(outcome(CAUSE, replace(old, task=TASK)))


def test_the_owners_policy_is_mended_in_the_owners_account() -> None:
    theirs = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"
    grant = {"Effect": "Allow", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-old"}}} | ALONE
    world = replace(INSIDE, failures=(failure(FORBIDDEN, theirs),), policy=document(grant))
    found = problem(outcome(CAUSE, world))
    assert (found.fixes[0].account, parameters(found)["registryId"]) == (OTHER, OTHER)


def test_what_is_refused_besides_has_its_own_cause() -> None:
    flat = {"Effect": "Deny"} | ALONE
    world = replace(INSIDE, policy=document(only("vpce-old"), flat))
    ok(outcome(CAUSE, world))
    problem(outcome("repository-policy-denies", world))


def test_a_way_that_is_not_known_leaves_it_open_in_both() -> None:
    world = replace(INSIDE, vpc=replace(ENDPOINT_VPC, endpoints=Unknown("the endpoints", "denied")))
    world = replace(world, policy=document(only("vpce-old")))
    assert missing(outcome(CAUSE, world))
    assert missing(outcome("repository-policy-denies", world))
    closed = replace(world, vpc=routes(NAT_VPC))
    assert missing(outcome(CAUSE, closed))


@pytest.mark.parametrize("fact", ["policy", "registry_rules"])
def test_a_policy_that_is_not_read_may_have_such_a_condition(fact: str) -> None:
    assert missing(outcome(CAUSE, replace(INSIDE, **{fact: UNREAD}))) == (UNREAD.fact,)  # type: ignore[arg-type] # two of its members
    own = replace(INSIDE, pull=hanging(PULL_ACTIONS), policies=UNREAD)
    assert ROLE in missing(outcome(CAUSE, own))[0]


def test_what_is_open_for_another_reason_is_not_this_causes_to_tell() -> None:
    hours = {"Effect": "Deny", "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}} | ALONE
    ok(outcome(CAUSE, replace(INSIDE, policy=document(hours))))


def test_where_ecr_accepted_the_pull_only_an_endpoint_for_layers_can_refuse() -> None:
    accepted = replace(INSIDE, failures=(failure(NOT_FOUND),), policy=document(only("vpce-old")))
    ok(outcome(CAUSE, accepted))
    layers = replace(INSIDE, failures=(failure(Symptom("download", "s3-layer-denied", http_status=403)),))
    statement: dict[str, Any] = {"Action": "s3:GetObject", "Principal": "*", "Effect": "Allow"}
    statement |= {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-2"}}}
    found = problem(outcome(CAUSE, of_endpoint(layers, statement, "vpce-s3")))
    assert (found.culprit.id, found.phases) == ("vpce-s3", ("download",))
    assert isinstance(outcome("s3-endpoint-policy-denies", of_endpoint(layers, statement, "vpce-s3")), NotApplicable)


def test_what_the_text_speaks_of_comes_first() -> None:
    told = replace(
        FORBIDDEN,
        action="ecr:BatchGetImage",
        denied_by="resource-policy",
        principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/failed",
        explicit_deny=True,
    )
    both = replace(of_role(INSIDE, from_("aws:SourceVpce", "vpce-old")), policy=document(only("vpce-old")))
    assert "the role's policy" in problem(outcome(CAUSE, both)).title
    found = problem(outcome(CAUSE, replace(both, failures=(failure(told),))))
    assert "the repository's policy" in found.title
    assert found.evidence[0].source == "text"
    assert len(found.fixes) == len(("role", "repository"))
    another = problem(outcome(CAUSE, replace(both, failures=(failure(replace(told, denied_by="session-policy")),))))
    assert "session policy" in another.inferred[0]


def test_no_role_pulls_nothing() -> None:
    assert isinstance(outcome(CAUSE, replace(INSIDE, execution_role=None)), NotApplicable)
    assert isinstance(outcome(CAUSE, replace(INSIDE, sign_in=None, pull=None, roles=())), NotApplicable)


def test_one_policy_that_refuses_what_takes_two_ways_admits_both() -> None:
    signing_in = tuple(Simulated(one, "explicitDeny", missing_context=("aws:SourceVpce",)) for one in SIGN_IN_ACTIONS)
    own = of_role(INSIDE, allowing("ecr:*"), {**only("vpce-old"), "Resource": "*"})
    found = problem(outcome(CAUSE, replace(own, sign_in=signing_in)))
    carried = [one.text for one in found.evidence if " carries aws:SourceVpce " in one.text]
    assert [one.partition(" for ")[0].removeprefix("the request of ") for one in carried] == [
        "ecr:GetAuthorizationToken",
        " and ".join(PULL_ACTIONS),
    ]
    assert [one.rpartition(" ")[2] for one in carried] == ["vpce-api", "vpce-dkr"]
    (fix,) = found.fixes
    written = json.loads(parameters(found)["PolicyDocument"])["Statement"][-1]
    assert written["Condition"]["StringNotEquals"]["aws:SourceVpce"] == ["vpce-old", "vpce-api", "vpce-dkr"]
    assert "vpce-api and vpce-dkr" in fix.text


def test_where_only_some_requests_come_through_an_endpoint_the_condition_has_to_go() -> None:
    old = replace(INSIDE, task=replace(TASK, platform_version="1.3.0"))
    signing_in = tuple(Simulated(one, "explicitDeny", missing_context=("aws:SourceVpce",)) for one in SIGN_IN_ACTIONS)
    own = replace(of_role(old, allowing("ecr:*"), {**only("vpce-old"), "Resource": "*"}), sign_in=signing_in)
    found = problem(outcome(CAUSE, own))
    assert any("outside the VPC" in one.text for one in found.evidence)
    assert any(one.text.endswith("carries aws:SourceVpce vpce-dkr") for one in found.evidence)
    assert (found.fixes[0].commands, found.fixes[0].applicability) == ((), "your-call")


def test_the_amended_policy_of_a_repository_names_no_deleted_role() -> None:
    gone = ALONE | {"Effect": "Allow", "Principal": {"AWS": "AROAEXAMPLEOFANOLDROLE"}}
    role = Role(ROLE, TRUST, id="AROAEXAMPLEOFTHENEWONE")
    found = problem(outcome(CAUSE, replace(INSIDE, policy=document(only("vpce-old"), gone), roles=(role,))))
    (left,) = json.loads(parameters(found)["policyText"])["Statement"]
    assert left["Condition"] == {"StringNotEquals": {"aws:SourceVpce": ["vpce-old", "vpce-dkr"]}}
