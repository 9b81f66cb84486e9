"""Which questions are put, and when: the plan is pure, so the waves of reads are counted here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.runner import fact_names
from pull_doctor.facts import questions as ask
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import ContainerDefinition, EcrLookup, Parameter, Secret
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Attachment
from pull_doctor.plan import QUESTIONS, RANKING_FACTS, plan, questions_of
from pull_doctor.view import View
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.causes.factory import (
    DIGEST,
    HUB_IMAGE,
    IMAGE,
    NOT_FOUND,
    ROLE,
    SIGN_IN_DENIED,
    TASK,
    World,
    failure,
    refused,
    sibling,
    task_arn,
)
from tests.network.factory import ACCOUNT, REGION

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/db-a1b2c3"
THERE = World()
WITH_SIBLING = replace(THERE, siblings=(sibling(),))
MISSING = replace(WITH_SIBLING, lookup=EcrLookup("image"))
DENIED = replace(WITH_SIBLING, pull=refused(PULL_ACTIONS))
HUB = replace(WITH_SIBLING, failures=(failure(image=f"docker.io/library/{HUB_IMAGE}"),))
ALONE = replace(WITH_SIBLING, service=None, task=replace(TASK, service=None, group="family:web"))
WORLDS = {
    "ecr": WITH_SIBLING,
    "missing": MISSING,
    "denied": DENIED,
    "docker hub": HUB,
    "no service": ALONE,
    "no repository": replace(MISSING, lookup=EcrLookup("repository")),
    "platform": replace(THERE, failures=(failure(Symptom("resolve", "platform-mismatch")),)),
    "pinned": replace(THERE, failures=(failure(Symptom("resolve", "image-not-found", digest=DIGEST)),)),
    "no registry named": replace(THERE, failures=(failure(NOT_FOUND, "team/app:1"),)),
    "role": replace(
        THERE,
        failures=(failure(Symptom("prepare", "role-assume-failure")),),
        definition=replace(THERE.task_definition, task_role=f"arn:aws:iam::{ACCOUNT}:role/web"),
    ),
    "named role": replace(THERE, failures=(failure(Symptom("prepare", "role-assume-failure", principal=ROLE)),)),
    "secrets": replace(
        THERE,
        failures=(failure(Symptom("prepare", "secret-unavailable")),),
        definition=replace(
            THERE.task_definition,
            containers=(ContainerDefinition("app", essential=True, image=IMAGE, secrets=(SECRET, "db")),),
        ),
        secrets=(Secret(SECRET), Parameter("db")),
    ),
}


def kinds(wave: tuple[Question[Any], ...]) -> set[type[Question[Any]]]:
    return {type(question) for question in wave}


FIRST = {
    ask.OneSubnet,
    ask.OneInterface,
    ask.OneService,
    ask.OneTaskDefinition,
    ask.RunningTasks,
    ask.S3PrefixList,
}
VPC = set(QUESTIONS["vpc"]) - {ask.OneSubnet, ask.S3PrefixList}


def test_a_service_task_with_an_ecr_image_takes_two_waves() -> None:
    first, second = WITH_SIBLING.waves()
    assert kinds(first) == {*FIRST, ask.EcrImageOf, ask.Organization}
    assert kinds(second) == {*VPC, ask.OneRole, ask.Simulation, ask.Siblings}


def test_a_docker_hub_image_asks_its_registry_and_nothing_of_what_the_role_may_do() -> None:
    first, second = HUB.waves()
    assert kinds(first) == {*FIRST, ask.RegistryImage}
    assert kinds(second) == {*VPC, ask.OneRole, ask.Siblings}


def test_tags_are_asked_for_only_where_the_image_is_missing() -> None:
    assert ask.EcrTagsOf not in set().union(*map(kinds, WITH_SIBLING.waves()))
    waves = MISSING.waves()
    assert len(waves) == 2
    assert ask.EcrTagsOf in kinds(waves[1])
    no_repository = replace(MISSING, lookup=EcrLookup("repository"))
    assert ask.EcrTagsOf not in set().union(*map(kinds, no_repository.waves()))


def test_the_repository_policy_is_asked_for_only_where_the_role_is_denied() -> None:
    assert ask.RepositoryPolicy not in set().union(*map(kinds, WITH_SIBLING.waves()))
    waves = DENIED.waves()
    assert kinds(waves[2]) == {ask.RepositoryPolicy}
    sign_in_only = replace(WITH_SIBLING, sign_in=refused(SIGN_IN_ACTIONS))
    assert ask.RepositoryPolicy not in set().union(*map(kinds, sign_in_only.waves()))


def test_siblings_are_asked_for_only_where_a_task_runs() -> None:
    assert ask.Siblings not in set().union(*map(kinds, THERE.waves()))


def test_a_task_does_not_ask_for_itself_as_a_sibling() -> None:
    world = replace(THERE, siblings=(replace(sibling(), arn=task_arn("failed")),))
    assert ask.Siblings not in set().union(*map(kinds, world.waves()))


@pytest.mark.parametrize("name", WORLDS)
def test_no_question_is_put_twice_and_all_ask_the_tasks_own_account(name: str) -> None:
    asked = [question for wave in WORLDS[name].waves() for question in wave]
    assert len(asked) == len(set(asked))
    assert {question.account for question in asked} == {ACCOUNT}


def test_a_task_without_a_service_asks_for_its_family() -> None:
    asked = [question for wave in ALONE.waves() for question in wave]
    assert not any(isinstance(question, ask.OneService) for question in asked)
    running = [question for question in asked if isinstance(question, ask.RunningTasks)]
    assert running == [ask.RunningTasks(ACCOUNT, REGION, "prod", None, "web")]


def test_what_the_event_tells_is_not_asked() -> None:
    overridden = replace(WITH_SIBLING, task=replace(TASK, execution_role_override=f"{ROLE}-2"))
    simulated = {
        question.role for wave in overridden.waves() for question in wave if isinstance(question, ask.Simulation)
    }
    assert simulated == {f"{ROLE}-2"}
    assert {type(question) for question in overridden.waves()[0]} >= {ask.Simulation}
    early = replace(WITH_SIBLING, task=replace(TASK, attachment=Attachment("subnet-task")))
    assert ask.OneInterface not in set().union(*map(kinds, early.waves()))


def test_the_image_is_looked_up_where_its_name_says() -> None:
    elsewhere = "999988887777.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
    asked = [q for wave in replace(THERE, failures=(failure(image=elsewhere),)).waves() for q in wave]
    assert ask.EcrImageOf(ACCOUNT, "us-east-1", "999988887777", "team/app", "v1", None) in asked
    digest = "sha256:" + "b" * 64
    pinned = replace(THERE, failures=(failure(image=f"{IMAGE}@{digest}"),))
    lookups = [q for wave in pinned.waves() for q in wave if isinstance(q, ask.EcrImageOf)]
    assert [(one.tag, one.digest) for one in lookups] == [(None, digest)]


def test_an_ec2_task_reads_no_network_of_its_own() -> None:
    host = replace(WITH_SIBLING, task=replace(TASK, launch_type="EC2", container_instance="arn:i"))
    asked = set().union(*map(kinds, host.waves()))
    assert not asked & {*VPC, ask.OneSubnet}


def test_an_image_that_is_no_reference_asks_nothing_about_it() -> None:
    world = replace(WITH_SIBLING, failures=(failure(image="https://not/a reference"),))
    asked = set().union(*map(kinds, world.waves()))
    assert not asked & {ask.EcrImageOf, ask.EcrTagsOf, ask.RepositoryPolicy, ask.Simulation}


def test_several_failures_share_their_questions() -> None:
    two = replace(WITH_SIBLING, failures=(failure(), failure(container="sidecar", image=f"{IMAGE}-2")))
    one, both = WITH_SIBLING.waves(), two.waves()
    assert len(both) == 2
    assert sum(map(len, both)) == sum(map(len, one)) + 1


def test_an_answer_that_could_not_be_had_is_not_asked_again() -> None:
    answers = Answers()
    for _ in range(5):
        asked = plan(TASK, THERE.failures, answers)
        answers = answers.with_more({question: Unknown(question.fact, "denied") for question in asked})
    assert not asked
    assert len(answers) == len(FIRST) + len({ask.EcrImageOf, ask.Organization})


@pytest.mark.parametrize("fact", sorted({*fact_names(), *RANKING_FACTS, *QUESTIONS}))
def test_questions_are_those_that_the_fact_really_asks(fact: str) -> None:
    """Drive a view fact by fact, in every world, and gather the kinds of questions that one fact alone asks."""
    asked: set[type[Question[Any]]] = set()
    for world in WORLDS.values():
        answers = Answers()
        while True:
            view = View(world.task, world.failures[0], answers)
            getattr(view, fact)
            if not view.open_questions:
                break
            asked |= {type(question) for question in view.open_questions}
            answers = answers.with_more({question: world.answer(question) for question in view.open_questions})
    assert asked == set(questions_of(fact))


NAMES = (
    "vpc",
    "subnet",
    "interface",
    "service",
    "family",
    "cluster",
    "repository",
    "registry",
    "role",
    "secret",
    "parameter",
    "region",
    "account",
)
"""The members of a question that say what it is about, the last two for what is a Region's or an account's own."""


def test_every_question_has_a_noun_phrase_with_an_id() -> None:
    everything = {question for world in WORLDS.values() for wave in world.waves() for question in wave}
    assert kinds(tuple(everything)) == {
        kind
        for kind in vars(ask).values()
        if isinstance(kind, type) and issubclass(kind, Question) and kind not in (Question, ask.OfAVpc)
    }
    for question in everything:
        assert any(
            value in question.fact for name in NAMES if isinstance(value := getattr(question, name, None), str)
        ) or question.fact.startswith("task definition web:87")


def test_a_text_that_shows_a_refusal_asks_for_the_repositorys_policy_at_once() -> None:
    denied = replace(WITH_SIBLING, failures=(failure(SIGN_IN_DENIED),))
    plain = [kinds(wave) for wave in WITH_SIBLING.waves()]
    assert [kinds(wave) for wave in denied.waves()] == [plain[0] | {ask.RepositoryPolicy}, plain[1]]
    assert isinstance(denied.view().sign_in_rights, Known)
