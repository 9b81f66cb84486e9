"""Which secrets, parameters, roles, and keys a view asks about, and where."""

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import ContainerDefinition, Parameter, Secret, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import IMAGE, NOT_FOUND, ROLE, TIMEOUT, World, failure
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
    assert asked(there, ask.OneSecret) == [ask.OneSecret("999988887777", "us-east-1", arn)]
    assert asked(there, ask.SecretPolicy) == [ask.SecretPolicy("999988887777", "us-east-1", arn)]


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


@pytest.mark.parametrize(
    ("key", "resource"),
    [("1234abcd", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"), ("arn:aws:kms:a:1:key/2", "arn:aws:kms:a:1:key/2")],
)
def test_the_right_to_its_key_is_asked_for(key: str, resource: str) -> None:
    of = world(SECRET, secrets=(Secret(SECRET, key=key),))
    assert [one.resource for one in asked(of, ask.Simulation) if one.actions == ("kms:Decrypt",)] == [resource]


def test_the_alias_of_a_key_names_none() -> None:
    of = world(SECRET, secrets=(Secret(SECRET, key=f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/database"),))
    assert [one for one in asked(of, ask.Simulation) if one.actions == ("kms:Decrypt",)] == []
    injected = of.view().injected
    assert isinstance(injected, Known)
    assert isinstance(injected.value[0].key_rights, Unknown)


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
