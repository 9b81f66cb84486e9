"""The causes of what the start reads do not accuse each other's defect."""

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import ContainerDefinition, NamedPolicy, RolePolicies, Secret, TaskDefinition
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.network.vpc import Vpc
from pull_doctor.ranking import rank
from tests.causes.factory import IMAGE, READ_AT, ROLE, World, allowing, document, failure, refused
from tests.causes.helpers import parameters
from tests.causes.stored import OTHER, SECRET, granting, statements
from tests.causes.test_secret_store_unreachable import with_store
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC

PRIVATE = "registry.example.com/acme/proxy:3"
FROM_ASM = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
TIMEOUT = f"{FROM_ASM}RequestCanceled: request context canceled caused by: context deadline exceeded"
DENIED = (
    f"{FROM_ASM}AccessDeniedException: User: arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/0f is not authorized to "
    f"perform: secretsmanager:GetSecretValue on resource: {{}} because no identity-based policy allows the action"
)
GONE = f"{FROM_ASM}failed to fetch secret {{}} from secrets manager: ResourceNotFoundException: it is not there"
INJECTED, LOGIN = Secret(SECRET), Secret(OTHER)
SOURCE = "source-condition-mismatch"
ALONE = TaskDefinition("web", 87, ROLE, (ContainerDefinition("app", essential=True, image=IMAGE, secrets=(SECRET,)),))


def world(text: str, vpc: Vpc = NAT_VPC, **more: Any) -> World:
    """A task that injects one secret, and has a sidecar from a private registry with another one."""
    app = ContainerDefinition("app", essential=True, image=IMAGE, secrets=(SECRET,))
    proxy = ContainerDefinition("proxy", essential=True, image=PRIVATE, registry_credentials=OTHER)
    told = replace(failure(read_symptom(text)), message=text)
    members: dict[str, Any] = {
        "secrets": (INJECTED, LOGIN),
        "definition": TaskDefinition("web", 87, ROLE, (app, proxy)),
    }
    return World(vpc=vpc, failures=(told,), **(members | more))


def found(of: World) -> list[tuple[str, str]]:
    ranking = rank(of.views(), READ_AT).findings
    return [
        (one.row.cause, one.certainty) for one in ranking if one.certainty != "possible" and one.problem.still == "yes"
    ]


MAY_NOT = refused(("secretsmanager:GetSecretValue",))


@pytest.mark.parametrize(
    ("of", "cause"),
    [
        (world(TIMEOUT, ENDPOINT_VPC), "secret-store-unreachable"),
        (world(GONE.format(SECRET), secrets=(LOGIN,)), "task-secret-unavailable"),
        (world(GONE.format(OTHER), secrets=(INJECTED,)), "registry-credentials-missing"),
        (world(DENIED.format(SECRET), reading=MAY_NOT), "task-secret-unavailable"),
        (world(DENIED.format(OTHER), reading=MAY_NOT), "registry-credentials-unreadable"),
    ],
    ids=["no way", "secret gone", "login gone", "secret denied", "login denied"],
)
def test_one_defect_has_one_cause(of: World, cause: str) -> None:
    assert found(of) == [(cause, "proven")]


BOUND = granting("Deny", Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-other"}})
OWN: dict[str, Any] = {"definition": ALONE, "secret_policy": BOUND}


@pytest.mark.parametrize(
    "text", [DENIED.format(SECRET).partition(" because")[0], f"{FROM_ASM}ThrottlingException: Rate"]
)
def test_a_condition_on_the_way_is_one_cause_in_every_layer(text: str) -> None:
    (one,) = (each for each in rank(world(text, with_store(), **OWN).views(), READ_AT).findings)
    assert (one.row.cause, one.certainty, one.problem.culprit.id) == (SOURCE, "proven", SECRET)
    assert one.problem.title == "aws:SourceVpce condition in the secret's policy does not fit the path"
    amended = statements(parameters(one.problem)["ResourcePolicy"])
    assert amended[0]["Condition"] == {"StringNotEquals": {"aws:SourceVpce": ["vpce-other", "vpce-secrets"]}}


def test_a_request_through_no_endpoint_fits_no_condition() -> None:
    (one,) = rank(world(DENIED.format(SECRET), **OWN).views(), READ_AT).findings
    assert (one.row.cause, one.problem.fixes[0].commands) == (SOURCE, ())
    fits = {**OWN, "secret_policy": BOUND.replace("vpce-other", "vpce-secrets")}
    assert found(world(f"{FROM_ASM}ThrottlingException: Rate", with_store(), **fits)) == []


def test_a_policy_that_is_not_read_may_hang_on_the_way() -> None:
    unread = Unknown("the secret's policy", "denied")
    ranking = rank(world(f"{FROM_ASM}AccessDeniedException", **{**OWN, "secret_policy": unread}).views(), READ_AT)
    assert SOURCE in {one.cause for one in ranking.not_checked}
    by_tag = granting("Deny", Condition={"StringEquals": {"secretsmanager:ResourceTag/team": "web"}})
    ranking = rank(world(f"{FROM_ASM}ThrottlingException: Rate", **{**OWN, "secret_policy": by_tag}).views(), READ_AT)
    assert {one.cause for one in ranking.not_checked} == {"task-secret-unavailable"}


def test_a_condition_in_the_roles_own_policy() -> None:
    hangs = tuple(replace(one, missing_context=("aws:SourceVpce",)) for one in MAY_NOT)
    bound = allowing("secretsmanager:GetSecretValue", Condition={"StringEquals": {"aws:SourceVpce": "vpce-other"}})
    own = RolePolicies((NamedPolicy("own", document(bound)),))
    of_role = {**OWN, "secret_policy": None, "reading": hangs, "policies": own}
    (one,) = rank(world(DENIED.format(SECRET), with_store(), **of_role).views(), READ_AT).findings
    assert (one.row.cause, one.certainty, one.problem.culprit.id) == (SOURCE, "proven", ROLE)
    assert parameters(one.problem)["PolicyName"] == "own"


def test_both_stand_where_the_text_does_not_say_which() -> None:
    nameless = f"{FROM_ASM}AccessDeniedException: it is not allowed"
    both = [("registry-credentials-unreadable", "proven"), ("task-secret-unavailable", "proven")]
    assert found(world(nameless, reading=MAY_NOT)) == both


OF_THE_LOGIN = FROM_ASM.replace("retrieve secret from asm", "get registry auth from asm")


def test_the_registrys_login_is_not_what_the_task_injects() -> None:
    nameless = f"{OF_THE_LOGIN}ResourceNotFoundException: Secrets Manager can't find the specified secret."
    assert found(world(nameless, secrets=(LOGIN,))) == []
    assert found(world(nameless, secrets=(INJECTED,))) == [("registry-credentials-missing", "proven")]
    assert found(world(f"{OF_THE_LOGIN}ThrottlingException: Rate exceeded")) == []


@pytest.mark.parametrize("text", [TIMEOUT, f"{FROM_ASM}ThrottlingException: Rate exceeded"])
def test_where_nothing_is_broken_nothing_is_accused(text: str) -> None:
    assert found(world(text)) == []
    assert found(world(text, with_store())) == []


def test_a_defect_that_the_text_is_not_about_is_only_possible() -> None:
    app = ContainerDefinition("app", essential=True, image=IMAGE, secrets=(SECRET, OTHER))
    throttled = f"{FROM_ASM}failed to fetch secret {SECRET} from secrets manager: ThrottlingException: Rate exceeded"
    of = world(throttled, secrets=(INJECTED,), definition=TaskDefinition("web", 87, ROLE, (app,)))
    (one,) = rank(of.views(), READ_AT).findings
    assert (one.row.cause, one.certainty, one.problem.culprit.id) == ("task-secret-unavailable", "possible", OTHER)
