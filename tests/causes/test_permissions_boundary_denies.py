from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable, Ok, Problem, Undetermined
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import NamedPolicy, Role, Simulated
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.causes.factory import (
    POLICIES,
    ROLE,
    SIGN_IN_DENIED,
    TRUST,
    World,
    allowed,
    allowing,
    document,
    failure,
    outcome,
    refused,
)
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ACCOUNT

CAUSE = "permissions-boundary-denies"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/guard-rail"
UNREAD = Unknown("the policies", "denied")
LIMITED = (Role(ROLE, TRUST, BOUNDARY),)


def kept(actions: tuple[str, ...]) -> tuple[Simulated, ...]:
    return tuple(Simulated(one, "implicitDeny", boundary_allows=False) for one in actions)


WHOLE = World(roles=LIMITED, sign_in=kept(SIGN_IN_ACTIONS), pull=kept(PULL_ACTIONS))
TOLD = (failure(replace(SIGN_IN_DENIED, denied_by="permissions-boundary")),)


def test_a_boundary_that_allows_none_of_it() -> None:
    found = problem(outcome(CAUSE, WHOLE))
    assert found.title == "permissions boundary does not allow ecr:GetAuthorizationToken and 2 more"
    assert (found.culprit.id, found.still, found.text_proves) == (ROLE, "yes", False)
    assert BOUNDARY in found.evidence[0].text
    assert found.phases == ("sign-in", "resolve", "download")
    assert {fix.applicability for fix in found.fixes} == {"your-call"}
    (command,) = found.fixes[1].commands
    assert isinstance(command, AwsCommand)
    assert (command.operation, command.parameters) == ("DeleteRolePermissionsBoundary", {"RoleName": "web-exec"})


def test_only_what_the_boundary_keeps_is_named() -> None:
    found = problem(outcome(CAUSE, replace(WHOLE, sign_in=allowed(SIGN_IN_ACTIONS))))
    assert found.title == "permissions boundary does not allow ecr:BatchGetImage and 1 more"
    assert found.phases == ("resolve", "download")


def test_a_boundary_that_allows_it() -> None:
    assert ROLE in ok(outcome(CAUSE, World(roles=LIMITED)))
    both = tuple(Simulated(one, "implicitDeny", boundary_allows=True) for one in PULL_ACTIONS)
    assert ROLE in ok(outcome(CAUSE, World(roles=LIMITED, pull=both)))


def test_a_role_without_a_boundary_is_fine_whatever_else_is_refused() -> None:
    unread = Unknown("what it may do", "denied")
    assert "has no permissions boundary" in ok(outcome(CAUSE, World(pull=refused(PULL_ACTIONS))))
    assert "has no permissions boundary" in ok(outcome(CAUSE, World(sign_in=unread, pull=unread, policies=unread)))


def test_a_boundary_is_not_blamed_for_what_a_condition_decides() -> None:
    one = Simulated("ecr:BatchGetImage", "implicitDeny", missing_context=("aws:SourceVpce",), boundary_allows=False)
    assert ROLE in missing(outcome(CAUSE, World(roles=LIMITED, pull=(one,), policies=UNREAD)))[0]


def test_a_boundary_is_read_where_the_simulation_leaves_it_open() -> None:
    one = Simulated("ecr:BatchGetImage", "implicitDeny", missing_context=("aws:SourceVpce",), boundary_allows=False)
    narrow = document(allowing("ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"))
    for limit, refused_now in ((narrow, True), (document(allowing("ecr:*")), False)):
        policies = replace(POLICIES, boundary=NamedPolicy(BOUNDARY, limit))
        found = outcome(CAUSE, World(roles=LIMITED, pull=(one,), policies=policies))
        if not refused_now:
            ok(found)
            continue
        evidence = problem(found).evidence[0].text
        assert evidence == f"the permissions boundary {BOUNDARY} of {ROLE} does not allow ecr:BatchGetImage"


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", Undetermined),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/failed", Ok),
        (ROLE, Problem),
        (ACCOUNT, Problem),
    ],
)
def test_what_a_repository_policy_grants_past_the_boundary(principal: str, expected: type) -> None:
    """What is granted to the role is limited by its boundary, what is granted to its session is not."""
    policy = document({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "ecr:*"})
    told = replace(TOLD[0].symptom, action="ecr:BatchGetImage", denied_by="identity-policy")
    world = World(roles=LIMITED, pull=kept(PULL_ACTIONS), policy=policy, failures=(failure(told),))
    found = outcome(CAUSE, world)
    assert isinstance(found, expected), found
    assert not isinstance(found, Undetermined) or ROLE in missing(found)[0]
    # It cannot grant the sign-in.
    assert "sign-in" in problem(outcome(CAUSE, replace(world, sign_in=kept(SIGN_IN_ACTIONS)))).phases


def test_a_repository_policy_that_is_not_read_may_grant_it_past_the_boundary() -> None:
    unread = Unknown("the policy of team/app", "denied")
    world = World(roles=LIMITED, pull=kept(PULL_ACTIONS), policy=unread)
    assert missing(outcome(CAUSE, world)) == (unread.fact,)


@pytest.mark.parametrize("fact", ["sign_in", "pull"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    world = replace(World(roles=LIMITED, policies=UNREAD), **{fact: Unknown(f"the {fact}", "denied")})  # type: ignore[arg-type] # two of its members
    assert missing(outcome(CAUSE, world)) == (f"the {fact}",)


def test_the_boundary_is_named_by_the_simulation_where_the_role_is_not_read() -> None:
    found = problem(outcome(CAUSE, replace(WHOLE, roles=Unknown("the role", "denied"), policies=UNREAD)))
    assert (found.still, BOUNDARY in str(found.evidence)) == ("yes", False)


# What ECS's text proves


def test_the_text_proves_it() -> None:
    found = problem(outcome(CAUSE, replace(WHOLE, failures=TOLD)))
    assert (found.still, found.text_proves) == ("yes", True)
    assert [one.source for one in found.evidence] == ["text", "fact"]


def test_the_text_proves_it_when_it_is_mended() -> None:
    for world in (World(failures=TOLD), World(failures=TOLD, roles=LIMITED)):
        found = problem(outcome(CAUSE, world))
        assert (found.still, found.text_proves, found.fixes) == ("no", True, ())
        assert found.evidence[-1].text.endswith("now")
        assert "did not allow" in found.explanation


def test_the_text_proves_it_without_any_fact() -> None:
    unread = Unknown("it", "denied")
    facts = dict.fromkeys(("role", "role_details", "rulings"), unread)
    found = problem(outcome(CAUSE, World(failures=TOLD), **facts))
    assert (found.culprit.id, found.still) == (ROLE, "unknown")
    assert {fix.applicability for fix in found.fixes} == {"your-call"}


def test_facts_of_one_role_say_nothing_of_another_that_the_text_names() -> None:
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/other/i-1"
    told = (failure(replace(SIGN_IN_DENIED, denied_by="permissions-boundary", principal=principal)),)
    found = problem(outcome(CAUSE, replace(WHOLE, failures=told)))
    assert (found.culprit.id, found.still) == (f"arn:aws:iam::{ACCOUNT}:role/other", "unknown")
    assert {one.source for one in found.evidence} == {"text"}


def test_a_text_that_blames_another_layer_takes_the_proof_away() -> None:
    found = problem(outcome(CAUSE, replace(WHOLE, failures=(failure(SIGN_IN_DENIED),))))
    assert "identity policy" in found.inferred[0]
    assert problem(outcome(CAUSE, replace(WHOLE, failures=TOLD))).inferred == ()


def test_a_right_to_a_secret_is_not_this_cause() -> None:
    told = replace(SIGN_IN_DENIED, denied_by="permissions-boundary", action="secretsmanager:GetSecretValue")
    ok(outcome(CAUSE, World(failures=(failure(told),))))


def test_no_role_has_no_boundary() -> None:
    assert isinstance(outcome(CAUSE, World(execution_role=None)), NotApplicable)
    assert isinstance(outcome(CAUSE, World(sign_in=None, pull=None, roles=())), NotApplicable)
