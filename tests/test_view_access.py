"""What is known of each request of a pull, and which policies it is judged by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import NamedPolicy, RegistryRules, RolePolicies, Simulated
from pull_doctor.intake.symptom import Symptom
from pull_doctor.policy.request import Caller, Values
from pull_doctor.policy.rulings import Ruling
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.causes.factory import (
    EXECUTION_ROLE,
    HUB_IMAGE,
    MAY_PULL,
    POLICIES,
    ROLE,
    SIGN_IN_DENIED,
    TASK,
    World,
    allowing,
    document,
    failure,
    refused,
)
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, PUBLIC_VPC, REGION, change, routes

UNREAD = Unknown("what it may do", "denied", "iam:SimulatePrincipalPolicy")
WRITTEN = World(sign_in=UNREAD, pull=UNREAD)
OTHER = "999988887777"
FOREIGN = (failure(image=f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"),)


def rulings(world: World) -> tuple[Ruling, ...]:
    found = world.view().rulings
    assert isinstance(found, Known), found
    return found.value


def context(world: World, action: str = "ecr:BatchGetImage") -> dict[str, Values]:
    """What is known of the request on which the role's policies were judged."""
    ruling = next(one for one in rulings(world) if one.need.action == action)
    verdict = ruling.verdict("identity-policy")
    assert verdict is not None
    assert verdict.request is not None
    return dict(verdict.request.context)


def effects(world: World, action: str = "ecr:BatchGetImage") -> dict[str, str]:
    ruling = next(one for one in rulings(world) if one.need.action == action)
    return {one.layer: one.effect for one in ruling.verdicts}


def test_a_pull_needs_three_rights_in_the_order_of_its_phases() -> None:
    found = [(one.need.action, one.need.phase, one.need.resource) for one in rulings(World())]
    repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app"
    assert found == [
        ("ecr:GetAuthorizationToken", "sign-in", "*"),
        ("ecr:BatchGetImage", "resolve", repository),
        ("ecr:GetDownloadUrlForLayer", "download", repository),
    ]
    assert {one.role for one in rulings(World())} == {ROLE}
    assert rulings(World(failures=FOREIGN))[1].foreign


@pytest.mark.parametrize(
    ("world", "why"),
    [
        (World(failures=(failure(image=f"docker.io/library/{HUB_IMAGE}"),)), "prerequisite"),
        (World(execution_role=None), "prerequisite"),
        (World(sign_in=None, pull=None), "prerequisite"),
    ],
)
def test_where_there_is_nothing_to_decide_it_says_so(world: World, why: str) -> None:
    found = world.view().rulings
    assert isinstance(found, Unknown)
    assert found.why == why
    assert found.detail


# Which policies decide


def test_the_simulation_decides_where_it_settles_it() -> None:
    assert effects(World()) == {"identity-policy": "allow"}
    assert effects(World(pull=refused(PULL_ACTIONS))) == {"identity-policy": "no"}
    denied = refused(PULL_ACTIONS, decision="explicitDeny")
    assert effects(World(pull=denied, policies=UNREAD)) == {"identity-policy": "deny"}


def test_the_policies_decide_where_the_simulation_is_refused() -> None:
    assert effects(WRITTEN) == {"identity-policy": "allow"}
    limited = replace(POLICIES, boundary=NamedPolicy("limit", document(allowing("s3:*"))))
    assert effects(replace(WRITTEN, policies=limited)) == {"identity-policy": "allow", "permissions-boundary": "no"}
    assert effects(replace(WRITTEN, policies=UNREAD)) == {"identity-policy": "unknown"}
    # That it has no boundary is known from the role itself.
    unread = replace(WRITTEN, policies=UNREAD, roles=Unknown("the role", "denied"))
    assert effects(unread) == {"identity-policy": "unknown", "permissions-boundary": "unknown"}


def test_a_boundary_that_denies_is_told_by_its_document_alone() -> None:
    denies = replace(
        POLICIES, boundary=NamedPolicy("limit", document(allowing("*"), allowing("ecr:BatchGetImage", Effect="Deny")))
    )
    limited = (Simulated("ecr:BatchGetImage", "implicitDeny", boundary_allows=False), MAY_PULL[1])
    found = effects(World(pull=limited, policies=denies))
    assert (found["identity-policy"], found["permissions-boundary"]) == ("allow", "deny")


def test_what_the_simulation_settled_stands_beside_the_policies() -> None:
    limits = Simulated("ecr:BatchGetImage", "implicitDeny", boundary_allows=False, organization_allows=False)
    world = World(pull=(limits, MAY_PULL[1]))
    assert effects(world) == {
        "identity-policy": "allow",
        "permissions-boundary": "no",
        "service-control-policy": "no",
    }
    assert effects(replace(world, policies=UNREAD))["identity-policy"] == "unknown"


def test_a_registrys_policy_counts_only_in_its_second_version() -> None:
    deny = document(allowing("ecr:*", Effect="Deny", Principal="*"))
    assert effects(World(registry_rules=RegistryRules(deny, "V2")))["registry-policy"] == "deny"
    assert "registry-policy" not in effects(World(registry_rules=RegistryRules(deny, "V1")))
    assert effects(World(registry_rules=UNREAD))["registry-policy"] == "unknown"
    assert "registry-policy" not in effects(World(registry_rules=RegistryRules(deny, "V2")), *SIGN_IN_ACTIONS)


# What the request carries


def test_every_request_of_a_pull_is_made_over_tls_and_by_nobody_else() -> None:
    found = context(WRITTEN)
    assert found["aws:securetransport"] == ("true",)
    assert found["aws:viaawsservice"] == ("false",)
    assert (found["aws:requestedregion"], found["aws:resourceaccount"]) == ((REGION,), (ACCOUNT,))
    assert "aws:currenttime" not in found


def test_the_organization_is_the_roles_and_in_one_account_the_repositorys_too() -> None:
    member = replace(WRITTEN, organization="o-exampleorg1")
    assert context(member)["aws:principalorgid"] == context(member)["aws:resourceorgid"] == ("o-exampleorg1",)
    assert context(WRITTEN)["aws:principalorgid"] == ()
    foreign = context(replace(member, failures=FOREIGN))
    assert foreign["aws:principalorgid"] == ("o-exampleorg1",)
    assert foreign["aws:resourceaccount"] == (OTHER,)
    assert "aws:resourceorgid" not in foreign
    unread = context(replace(WRITTEN, organization=UNREAD))
    assert "aws:principalorgid" not in unread


WAY = ("aws:sourcevpce", "aws:sourcevpc", "aws:sourceip")


def way(world: World, action: str = "ecr:BatchGetImage") -> tuple[Values | None, ...]:
    known = context(world, action)
    return tuple(known.get(key) for key in WAY)


def test_the_way_is_that_of_the_endpoint_that_the_request_comes_through() -> None:
    inside = replace(WRITTEN, vpc=ENDPOINT_VPC)
    assert way(inside) == way(inside, "ecr:GetDownloadUrlForLayer") == (("vpce-dkr",), ("vpc-1",), ())
    assert way(inside, "ecr:GetAuthorizationToken") == (("vpce-api",), ("vpc-1",), ())


def test_past_every_endpoint_the_request_carries_neither() -> None:
    assert way(replace(WRITTEN, vpc=NAT_VPC)) == ((), (), None)
    assert WRITTEN.interface is not None
    outside = replace(
        WRITTEN,
        vpc=PUBLIC_VPC,
        interface=replace(WRITTEN.interface, public_ip="198.51.100.7"),
    )
    assert way(outside) == ((), (), ("198.51.100.7",))


@pytest.mark.parametrize(
    "vpc",
    [
        routes(NAT_VPC),
        change(ENDPOINT_VPC, "security_groups", "sg-endpoint", ingress=()),
        replace(ENDPOINT_VPC, endpoints=Unknown("the endpoints", "denied")),
        replace(NAT_VPC, route_tables=Unknown("the route tables", "denied")),
    ],
    ids=["no route", "closed", "endpoints unread", "routes unread"],
)
def test_a_way_that_is_not_seen_to_work_is_not_known(vpc: Any) -> None:
    assert way(replace(WRITTEN, vpc=vpc)) == (None, None, None)


def test_up_to_platform_version_1_3_0_the_sign_in_leaves_outside_the_vpc() -> None:
    old = replace(WRITTEN, vpc=ENDPOINT_VPC, task=replace(TASK, platform_version="1.3.0"))
    assert way(old, "ecr:GetAuthorizationToken") == ((), (), None)
    assert way(old) == (("vpce-dkr",), ("vpc-1",), ())


def test_tags_are_those_that_the_policy_speaks_of() -> None:
    tagged = allowing("ecr:*", Condition={"StringEquals": {"aws:PrincipalTag/Team": "web", "aws:ResourceTag/env": "x"}})
    world = replace(
        WRITTEN,
        policies=RolePolicies((NamedPolicy("own", document(tagged)),)),
        roles=(replace(EXECUTION_ROLE, tags=(("team", "web"), ("else", "where"))),),
        repository_tags=(("owner", "me"),),
    )
    found = context(world)
    assert (found["aws:principaltag/team"], found["aws:resourcetag/env"]) == (("web",), ())
    assert not {"aws:principaltag/else", "aws:resourcetag/owner", "ecr:resourcetag/env"} & set(found)
    assert "aws:resourcetag/env" not in context(world, "ecr:GetAuthorizationToken")
    unread = context(replace(world, repository_tags=UNREAD, roles=(replace(EXECUTION_ROLE, tags=None),)))
    assert not {"aws:principaltag/team", "aws:resourcetag/env"} & set(unread)


def test_the_caller_is_the_roles_session_as_far_as_it_is_told() -> None:
    def caller(symptom: Symptom, world: World = WRITTEN) -> Caller:
        one = rulings(replace(world, failures=(failure(symptom),)))[0].verdict("identity-policy")
        assert one is not None
        assert one.request is not None
        assert isinstance(one.request.principal, Caller)
        return one.request.principal

    known = replace(WRITTEN, roles=(replace(EXECUTION_ROLE, id="AROAEXAMPLE"),))
    assert caller(SIGN_IN_DENIED, known) == Caller(ROLE, "AROAEXAMPLE", "failed", bounded=False)
    assert caller(replace(SIGN_IN_DENIED, principal=None)) == Caller(ROLE, None, None, bounded=False)
    of_another = replace(SIGN_IN_DENIED, principal=f"arn:aws:sts::{OTHER}:assumed-role/web-exec/failed")
    assert caller(of_another).session is None
    assert caller(SIGN_IN_DENIED, replace(WRITTEN, roles=UNREAD)).bounded is None


def test_a_role_of_another_account_is_left_open() -> None:
    world = World(execution_role=f"arn:aws:iam::{OTHER}:role/theirs")
    assert effects(world) == {"identity-policy": "unknown", "permissions-boundary": "unknown"}
    one = rulings(world)[1].verdict("identity-policy")
    assert one is not None
    assert one.missing is not None
    assert OTHER in (one.missing.detail or "")
