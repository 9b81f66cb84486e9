"""Which secrets, parameters, roles, and keys a view asks about, and where."""

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import (
    ContainerDefinition,
    Key,
    NamedPolicy,
    Parameter,
    RolePolicies,
    Secret,
    TaskDefinition,
)
from pull_doctor.intake.symptom import Symptom
from pull_doctor.policy.rulings import Ruling
from pull_doctor.policy.stored import Stored
from tests.causes.factory import (
    HUB_IMAGE,
    IMAGE,
    NOT_FOUND,
    ROLE,
    TIMEOUT,
    World,
    allowing,
    document,
    failure,
)
from tests.causes.stored import TO_THE_ACCOUNT, granting
from tests.causes.test_secret_store_unreachable import with_store
from tests.network.factory import ACCOUNT, REGION

UNAVAILABLE = Symptom("prepare", "secret-unavailable")
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/database-AbCdEf"
OF_SECRETS = (ask.OneSecret, ask.SecretPolicy, ask.OneParameter)


def world(*value_from: str, symptom: Symptom = UNAVAILABLE, secrets: Any = ()) -> World:
    containers = tuple(
        ContainerDefinition(f"c{number}", essential=True, image=IMAGE, secrets=(one,))
        for number, one in enumerate(value_from)
    )
    definition = TaskDefinition("web", 87, ROLE, containers)
    return World(failures=(failure(symptom),), definition=definition, secrets=secrets)


def asked(of: World, *kinds: type[Question[Any]]) -> list[Any]:
    return [question for wave in of.waves() for question in wave if isinstance(question, kinds)]


def test_the_secrets_of_every_container_are_asked_for() -> None:
    found = asked(world(f"{SECRET}:password::", "/prod/database"), ask.OneSecret, ask.OneParameter)
    assert found == [
        ask.OneSecret(ACCOUNT, REGION, SECRET),
        ask.OneParameter(ACCOUNT, REGION, "/prod/database"),
    ]


def test_each_is_asked_for_where_it_is() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:db-AbCdEf"
    there = world(arn, secrets=(Secret(arn),))
    (found,), (policy,) = asked(there, ask.OneSecret), asked(there, ask.SecretPolicy)
    assert (found, policy) == (ask.OneSecret(ACCOUNT, REGION, arn), ask.SecretPolicy(ACCOUNT, REGION, arn))
    assert found.home == policy.home == ("999988887777", "us-east-1")


def test_a_parameters_arn_does_not_tell_a_leading_slash() -> None:
    of = world(f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/database", secrets=(Parameter("/database"),))
    assert [one.parameter for one in asked(of, ask.OneParameter)] == ["database", "/database"]
    injected = of.view().injected
    assert isinstance(injected, Known)
    assert injected.value[0].found == Known(Parameter("/database"))


@pytest.mark.parametrize("symptom", [TIMEOUT, NOT_FOUND, Symptom("prepare", "role-assume-failure")], ids=str)
def test_secrets_are_not_asked_for_where_the_text_speaks_of_something_else(symptom: Symptom) -> None:
    assert asked(world(SECRET, symptom=symptom), *OF_SECRETS) == []


def test_the_rights_are_those_on_the_secret_as_it_is_known() -> None:
    cut = SECRET.rpartition("-")[0]
    of = world(cut, secrets=(Secret(cut),))
    simulated = {(one.actions, one.resource) for one in asked(of, ask.Simulation)}
    assert (("secretsmanager:GetSecretValue",), cut) in simulated


OF_THE_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:"
KEY = Key(f"{OF_THE_KEY}key/1234abcd", "Enabled", "CUSTOMER")


def of_keys(of: World) -> list[str]:
    return [one.resource for one in asked(of, ask.Simulation) if one.actions == ("kms:Decrypt",)]


@pytest.mark.parametrize("key", ["1234abcd", KEY.arn])
def test_the_right_to_its_key_is_asked_for_with_the_key_itself(key: str) -> None:
    of = replace(world(SECRET, secrets=(Secret(SECRET, key=key),)), keys=(KEY,))
    assert of_keys(of) == [KEY.arn]
    assert asked(of, ask.KeyPolicy) == [ask.KeyPolicy(ACCOUNT, REGION, KEY.arn)]
    with_key = next(wave for wave in of.waves() if ask.OneKey(ACCOUNT, REGION, KEY.arn) in wave)
    assert ask.KeyPolicy(ACCOUNT, REGION, KEY.arn) in with_key


def test_the_alias_of_a_key_is_looked_up_first() -> None:
    alias = f"{OF_THE_KEY}alias/database"
    of = replace(
        world(SECRET, secrets=(Secret(SECRET, key="alias/database"),)), keys=(Key(alias, "Enabled", "CUSTOMER"),)
    )
    assert asked(of, ask.OneKey) == [ask.OneKey(ACCOUNT, REGION, alias)]
    assert of_keys(of) == [alias]
    unread = replace(of, keys=Unknown("the key", "denied"))
    assert (of_keys(unread), one(unread).decrypting) == ([], Unknown("the key", "denied"))


def test_aws_own_key_needs_no_right() -> None:
    of = replace(world(SECRET, secrets=(Secret(SECRET, key=KEY.arn),)), keys=(replace(KEY, manager="AWS"),))
    assert one(of).decrypting is None


def one(of: World) -> Stored:
    """The only value that the task injects."""
    injected = of.view().injected
    assert isinstance(injected, Known)
    return injected.value[0]


# What is decided, and what the requests carry


def effects(found: Fact[Ruling] | None) -> dict[str, str]:
    assert isinstance(found, Known)
    return {verdict.layer: verdict.effect for verdict in found.value.verdicts}


def test_every_layer_is_judged() -> None:
    of = replace(
        world(SECRET, secrets=(Secret(SECRET, key=KEY.arn),)),
        keys=(KEY,),
        secret_policy=granting("Deny"),
        key_policy=TO_THE_ACCOUNT,
    )
    assert effects(one(of).reading) == {"identity-policy": "allow", "resource-policy": "deny"}
    assert effects(one(of).decrypting) == {"identity-policy": "allow", "resource-policy": "allow"}


@pytest.mark.parametrize(
    ("more", "effect"),
    [
        ({"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}, "allow"),
        ({"kms:ViaService": f"ssm.{REGION}.amazonaws.com"}, "no"),
        ({"kms:EncryptionContext:SecretARN": SECRET}, "allow"),
        ({"kms:CallerAccount": ACCOUNT}, "allow"),
        ({"aws:SourceVpce": "vpce-1"}, "unknown"),
        ({"kms:KeyOrigin": "AWS_KMS"}, "unknown"),
    ],
)
def test_what_a_request_to_its_key_carries(more: dict[str, str], effect: str) -> None:
    policy = granting(action="kms:Decrypt", Condition={"StringEquals": more})
    of = replace(world(SECRET, secrets=(Secret(SECRET, key=KEY.arn),)), keys=(KEY,), key_policy=policy)
    assert effects(one(of).decrypting)["resource-policy"] == effect


def test_a_request_to_a_store_carries_the_endpoint_that_it_takes() -> None:
    bound = {"StringEquals": {"aws:SourceVpce": "vpce-secrets"}}
    of = replace(world(SECRET, secrets=(Secret(SECRET),)), secret_policy=granting("Deny", Condition=bound))
    # By NAT, the request carries no endpoint.
    assert effects(one(of).reading)["resource-policy"] == "no"
    assert effects(one(replace(of, vpc=with_store())).reading)["resource-policy"] == "deny"


def test_the_policies_as_they_are_written_where_the_simulation_is_refused() -> None:
    refused = replace(world(SECRET, secrets=(Secret(SECRET),)), reading=Unknown("it", "denied"))
    assert effects(one(refused).reading)["identity-policy"] == "no"
    own = RolePolicies((NamedPolicy("own", document(allowing("secretsmanager:GetSecretValue"))),))
    assert effects(one(replace(refused, policies=own)).reading) == {"identity-policy": "allow"}


# Logins to registries


def login(named: str | None, image: str = HUB_IMAGE, symptom: Symptom = UNAVAILABLE) -> World:
    container = ContainerDefinition("app", essential=True, image=image, registry_credentials=named)
    definition = TaskDefinition("web", 87, ROLE, (container,))
    return World(failures=(failure(symptom, image),), definition=definition)


def test_a_login_is_asked_for_by_its_arn_or_its_name() -> None:
    assert asked(login(SECRET), ask.OneSecret) == [ask.OneSecret(ACCOUNT, REGION, SECRET)]
    by_name = replace(login("hub"), secrets=(Secret(SECRET),))
    assert asked(by_name, ask.OneSecret) == [ask.OneSecret(ACCOUNT, REGION, "hub")]


def test_ecs_ignores_the_login_of_an_image_in_ecr() -> None:
    assert asked(login(SECRET, IMAGE), ask.OneSecret) == []
    assert login(SECRET, IMAGE).view().logins == Known(())


@pytest.mark.parametrize(
    ("symptom", "asks"),
    [
        (Symptom("resolve", "registry-access-denied"), True),
        (Symptom("resolve", "auth-missing-credentials"), True),
        (TIMEOUT, False),
        (NOT_FOUND, False),
    ],
    ids=str,
)
def test_a_login_is_asked_for_where_the_text_may_speak_of_one(symptom: Symptom, asks: bool) -> None:  # noqa: FBT001 - a case
    assert bool(asked(login(SECRET, symptom=symptom), ask.OneSecret)) == asks
    assert asked(login(SECRET, symptom=symptom), ask.OneParameter) == []


def test_a_value_from_of_another_form_is_not_guessed() -> None:
    injected = world("arn:aws:s3:::bucket/key").view().injected
    assert isinstance(injected, Unknown)
    assert "arn:aws:s3:::bucket/key" in injected.fact


def test_a_role_of_another_account_is_neither_read_nor_simulated() -> None:
    foreign = World(execution_role=ROLE.replace(ACCOUNT, "999988887777"))
    assert asked(foreign, ask.OneRole, ask.Simulation) == []
    details = foreign.view().role_details
    assert isinstance(details, Unknown)
    assert details.why == "not-visible"


def test_a_role_named_without_its_arn_is_one_of_the_tasks_account() -> None:
    named = World(execution_role="web-exec")
    assert named.view().role == Known(ROLE)
    overridden = replace(named, task=replace(named.task, task_role_override="web"))
    assert overridden.view().task_role == Known(f"arn:aws:iam::{ACCOUNT}:role/web")


def test_the_role_is_not_read_where_ecr_had_accepted_its_requests() -> None:
    assert asked(World(failures=(failure(NOT_FOUND),)), ask.OneRole) == []
    assert asked(World(failures=(failure(TIMEOUT),)), ask.OneRole) == [ask.OneRole(ACCOUNT, REGION, ROLE)]
