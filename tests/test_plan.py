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
from pull_doctor.facts.values import (
    CacheRule,
    ContainerDefinition,
    EcrLookup,
    GroupRule,
    Key,
    NamedPolicy,
    Parameter,
    PrefixList,
    ReplicationRule,
    Repository,
    RolePolicies,
    Route,
    Secret,
    Simulated,
)
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Attachment
from pull_doctor.plan import QUESTIONS, RANKING_FACTS, plan, questions_of
from pull_doctor.view import View
from pull_doctor.view.rights import PULL_ACTIONS
from tests.causes.factory import (
    CONTAINER_INSTANCE,
    DEPLOYMENT,
    DIGEST,
    EC2_TASK,
    HUB_IMAGE,
    IMAGE,
    NOT_FOUND,
    PROFILE,
    ROLE,
    SERVICE,
    SIGN_IN_DENIED,
    TASK,
    TIMEOUT,
    World,
    allowing,
    document,
    failure,
    refused,
    sibling,
    task_arn,
)
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, REGION, routes

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/db-a1b2c3"
THERE = World()
WITH_SIBLING = replace(THERE, siblings=(sibling(),))
MISSING = replace(WITH_SIBLING, lookup=EcrLookup("image"))
DENIED = replace(WITH_SIBLING, pull=refused(PULL_ACTIONS))
HUB = replace(WITH_SIBLING, failures=(failure(image=f"docker.io/library/{HUB_IMAGE}"),))
ALONE = replace(WITH_SIBLING, service=None, task=replace(TASK, service=None, group="family:web"))
EC2 = replace(WITH_SIBLING, task=EC2_TASK)
INJECTING = replace(
    THERE.task_definition,
    containers=(ContainerDefinition("app", essential=True, image=IMAGE, secrets=(SECRET, "db")),),
)
HOST_PULLS = replace(EC2, definition=replace(INJECTING, execution_role=None))
LISTED = replace(
    routes(NAT_VPC, Route("pl-own", "nat-1", "active")),
    prefix_lists={"pl-own": Known(PrefixList("pl-own", "everywhere", ("0.0.0.0/0",)))},
)
WORLDS = {
    "ec2": EC2,
    "ec2, the instance's role": HOST_PULLS,
    "prefix list": replace(THERE, vpc=LISTED, definition=INJECTING),
    "deployment gone": replace(
        THERE, service=replace(SERVICE, deployments=(replace(DEPLOYMENT, id="ecs-svc/2"),)), definition=INJECTING
    ),
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
        definition=INJECTING,
        secrets=(Secret(SECRET), Parameter("db")),
    ),
}
TAGGED = allowing(*PULL_ACTIONS, Condition={"StringEquals": {"ecr:ResourceTag/team": "web"}})
AS_WRITTEN: dict[str, Any] = {
    "pull": Unknown("what it may do", "denied"),
    "policies": RolePolicies((NamedPolicy("own", document(TAGGED)),)),
}
OF_A_CACHE: dict[str, Any] = {
    "cache": AS_WRITTEN["pull"],
    "cache_rules": (CacheRule("team", "quay.io"),),
    "lookup": EcrLookup("image"),
}
WORLDS |= {"tagged": replace(THERE, **AS_WRITTEN), "tagged cache": replace(THERE, **AS_WRITTEN, **OF_A_CACHE)} | {
    f"{name}, by the policies as they are written{of_what}": replace(WORLDS[name], **AS_WRITTEN, **more)
    for name in ("ec2, the instance's role", "deployment gone", "prefix list")
    for of_what, more in (("", {}), (", of a cache", OF_A_CACHE))
}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
WORLDS["key"] = replace(THERE, repository=Repository("arn:repository", "KMS", KEY))
WORLDS |= {
    "pinned by its revision": replace(THERE, failures=(failure(NOT_FOUND),)),
    "platform, elsewhere": replace(HUB, failures=(failure(Symptom("resolve", "platform-mismatch"), HUB_IMAGE),)),
    "storage": replace(THERE, failures=(failure(Symptom("unpack", "disk-full")),)),
    "cache with a login": replace(MISSING, cache_rules=(CacheRule("team", "registry-1.docker.io", SECRET),)),
    "copied": replace(
        MISSING,
        failures=(failure(NOT_FOUND, IMAGE.replace(REGION, "us-east-1")),),
        replication=(ReplicationRule((("us-east-1", ACCOUNT),)),),
    ),
}
LOGIN = ContainerDefinition("app", essential=True, image=HUB_IMAGE, registry_credentials=SECRET, secrets=("db",))
OF_STORES: dict[str, Any] = {
    "failures": (failure(Symptom("prepare", "secret-unavailable")),),
    "secrets": (Secret(SECRET, key=KEY), Parameter("db")),
    "secret_policy": document(allowing("secretsmanager:GetSecretValue")),
    "keys": (Key(KEY, "Enabled", "CUSTOMER"),),
    "reading": Unknown("what it may do", "denied"),
}
BOTH_STORES = replace(
    INJECTING, containers=(*INJECTING.containers, LOGIN, ContainerDefinition("own", essential=True, image=IMAGE))
)
WORLDS |= {
    f"{name}, stores": replace(WORLDS[name], **OF_STORES, definition=definition)
    for name, definition in (
        ("ec2", BOTH_STORES),
        ("deployment gone", BOTH_STORES),
        ("prefix list", BOTH_STORES),
        ("ec2, the instance's role", replace(BOTH_STORES, execution_role=None)),
    )
}
WORLDS["stores, silent"] = replace(
    WORLDS["ec2, stores"],
    failures=(replace(failure(Symptom("unknown", "undetermined")), message="Task failed to start"),),
)


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
OF_ECR: set[type[Question[Any]]] = {
    ask.EcrImageOf,
    ask.Organization,
    ask.RepositoryPolicy,
    ask.RegistryPolicyOf,
    ask.RepositoryDetails,
}
VPC = set(ask.OF_A_VPC) - {ask.S3PrefixList}
OF_NAMES: set[type[Question[Any]]] = {ask.ResolverRules, ask.DnsFirewallOf}
"""Read where ECS's text leaves open whether a name did not resolve, as the silent one of these worlds does."""


def test_a_service_task_with_an_ecr_image_takes_two_waves() -> None:
    first, second = WITH_SIBLING.waves()
    assert kinds(first) == {*FIRST, *OF_ECR}
    assert kinds(second) == {*VPC, *OF_NAMES, ask.OneRole, ask.Simulation, ask.Siblings}


def test_a_docker_hub_image_asks_its_registry_and_nothing_of_what_the_role_may_do() -> None:
    first, second = HUB.waves()
    assert kinds(first) == {*FIRST, ask.RegistryImage}
    assert kinds(second) == {*VPC, *OF_NAMES, ask.OneRole, ask.Siblings}


def test_a_task_on_ec2_takes_three_waves() -> None:
    first, second, third = EC2.waves()
    assert kinds(first) == (FIRST - {ask.OneSubnet, ask.OneInterface}) | {ask.OneContainerInstance, *OF_ECR}
    assert kinds(second) == {ask.OneInstance, ask.OneRole, ask.Simulation, ask.Siblings}
    assert kinds(third) == VPC | OF_NAMES


def test_the_rights_of_an_instances_role_take_one_wave_more() -> None:
    first, second, third, fourth = HOST_PULLS.waves()
    assert [kinds(wave) for wave in (first, second)] == [kinds(EC2.waves()[0]), {ask.OneInstance, ask.Siblings}]
    assert kinds(third) == VPC | OF_NAMES | {ask.OneInstanceProfile}
    assert kinds(fourth) == {ask.OneRole, ask.Simulation}
    assert {one.role for one in fourth if isinstance(one, (ask.OneRole, ask.Simulation))} == {PROFILE.role}


def test_outside_aws_no_network_is_read() -> None:
    machine = replace(CONTAINER_INSTANCE, instance="mi-0123")
    outside = replace(THERE, task=replace(EC2_TASK, launch_type="EXTERNAL"), container_instance=machine)
    assert len(outside.waves()) == 2
    network = {*ask.OF_A_VPC, *OF_NAMES, ask.OneSubnet, ask.OneInterface, ask.OneInstance}
    assert not network & set().union(*map(kinds, outside.waves()))


def test_a_customers_prefix_list_takes_a_third_wave() -> None:
    world = WORLDS["prefix list"]
    assert world.waves()[2] == (ask.PrefixListEntries(ACCOUNT, REGION, "pl-own"),)
    assert [kinds(wave) for wave in world.waves()[:2]] == [kinds(wave) for wave in THERE.waves()]


def test_a_prefix_list_of_a_group_on_the_way_is_read_and_no_others() -> None:
    assert isinstance(ENDPOINT_VPC.security_groups, Known)
    listed = {"sg-task": "pl-out", "sg-endpoint": "pl-in", "sg-other": "pl-else"}
    groups = tuple(
        replace(
            group,
            egress=(*group.egress, GroupRule("-1", prefix_lists=(listed.get(group.id, "pl-else"),))),
            ingress=(*group.ingress, GroupRule("-1", prefix_lists=(f"{listed.get(group.id, 'pl-else')}-2",))),
        )
        for group in ENDPOINT_VPC.security_groups.value
    )
    lists = dict.fromkeys(("pl-out", "pl-in-2"), Known(PrefixList("pl-out", "own", ())))
    world = replace(THERE, vpc=replace(ENDPOINT_VPC, security_groups=Known(groups), prefix_lists=lists))
    asked = [one.prefix_list for wave in world.waves() for one in wave if isinstance(one, ask.PrefixListEntries)]
    assert asked == ["pl-out", "pl-in-2"]


def test_what_leads_names_elsewhere_is_read_only_where_a_name_may_be_at_fault() -> None:
    def of_names(symptom: Symptom) -> set[type[Question[Any]]]:
        return OF_NAMES & set().union(*map(kinds, replace(THERE, failures=(failure(symptom),)).waves()))

    assert of_names(Symptom("sign-in", "dns-failure")) == OF_NAMES
    assert of_names(TIMEOUT) == of_names(replace(TIMEOUT, address="52.217.1.1")) == set()
    assert of_names(replace(TIMEOUT, address="10.0.1.9")) == {ask.ResolverRules}
    assert of_names(replace(TIMEOUT, address="not one")) == set()


def test_the_hosted_zones_are_asked_for_the_hosts_of_start_and_pull() -> None:
    zones = [one for wave in WORLDS["secrets"].waves() for one in wave if isinstance(one, ask.HostedZones)]
    (hosts,) = (one.hosts for one in zones)
    assert {
        f"secretsmanager.{REGION}.amazonaws.com",
        f"ssm.{REGION}.amazonaws.com",
        f"api.ecr.{REGION}.amazonaws.com",
        IMAGE.partition("/")[0],
    } <= set(hosts)


def test_a_deployment_that_is_gone_is_asked_of_its_service_revision_and_in_no_wave_of_its_own() -> None:
    first, second = WORLDS["deployment gone"].waves()
    assert ask.StartedWith not in kinds(first)
    assert ask.StartedWith(ACCOUNT, REGION, "prod", "web", "ecs-svc/1") in second
    assert ask.StartedWith not in set().union(*map(kinds, (*THERE.waves(), *ALONE.waves(), *EC2.waves())))


def test_tags_are_asked_for_only_where_the_image_is_missing() -> None:
    assert ask.EcrTagsOf not in set().union(*map(kinds, WITH_SIBLING.waves()))
    waves = MISSING.waves()
    assert len(waves) == 2
    assert ask.EcrTagsOf in kinds(waves[1])
    no_repository = replace(MISSING, lookup=EcrLookup("repository"))
    assert ask.EcrTagsOf not in set().union(*map(kinds, no_repository.waves()))


def test_the_owners_policies_are_asked_for_unless_ecr_had_accepted_the_pull_and_would_now() -> None:
    accepted = (failure(NOT_FOUND),)
    owners = {ask.RepositoryPolicy, ask.RegistryPolicyOf}
    assert not owners & set().union(*map(kinds, replace(WITH_SIBLING, failures=accepted).waves()))
    waves = replace(DENIED, failures=accepted).waves()
    assert kinds(waves[2]) == owners


def test_the_roles_policies_are_read_only_where_the_simulation_leaves_something_open() -> None:
    assert ask.PoliciesOfRole not in set().union(*map(kinds, (*WITH_SIBLING.waves(), *DENIED.waves())))
    hangs = (Simulated("ecr:BatchGetImage", "implicitDeny", missing_context=("aws:SourceVpce",)),)
    limited = (Simulated("ecr:BatchGetImage", "implicitDeny", boundary_allows=False),)
    unread = Unknown("what it may do", "denied")
    for world in (replace(THERE, pull=hangs), replace(THERE, pull=limited), replace(THERE, sign_in=unread)):
        assert [kinds(wave) for wave in world.waves()][2:] == [{ask.PoliciesOfRole}]


def test_the_repositorys_tags_are_read_only_where_a_policy_speaks_of_them() -> None:
    waves = WORLDS["tagged"].waves()
    assert [kinds(wave) for wave in waves][2:] == [{ask.PoliciesOfRole}, {ask.RepositoryTags}]
    of_the_policy = replace(THERE, policy=document(TAGGED)).waves()
    assert ask.RepositoryTags in kinds(of_the_policy[1])


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


def test_on_ec2_the_tasks_own_interface_is_not_read() -> None:
    asked = [one for wave in EC2.waves() for one in wave]
    assert not {ask.OneSubnet, ask.OneInterface} & kinds(tuple(asked))
    assert ask.OneContainerInstance(ACCOUNT, REGION, "prod", CONTAINER_INSTANCE.arn) in asked


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
    assert len(answers) == len(FIRST) + len(OF_ECR)


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
    "key",
    "region",
    "account",
    "instance",
    "prefix_list",
    "deployment",
    "arn",
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
        named = [getattr(question, name, None) for name in NAMES]
        assert any(one.rsplit("/", 1)[-1] in question.fact for one in named if isinstance(one, str)), question


def test_a_text_that_shows_a_refusal_asks_for_no_more() -> None:
    denied = replace(WITH_SIBLING, failures=(failure(SIGN_IN_DENIED),))
    plain = [kinds(wave) for wave in WITH_SIBLING.waves()]
    assert [kinds(wave) for wave in denied.waves()] == [plain[0] - {ask.RepositoryDetails}, plain[1] - OF_NAMES]
    assert isinstance(denied.view().sign_in_rights, Known)
