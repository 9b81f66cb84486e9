from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrLookup, Replication, RepositoryNames
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.contents import Arriving
from tests.causes.factory import HUB_IMAGE, IMAGE, NOT_FOUND, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, REGION, REGISTRY

CAUSE = "repository-not-found"
TOLD = Symptom("resolve", "repository-not-found")
GONE = World(failures=(failure(TOLD),), lookup=EcrLookup("repository"), repositories=("web", "app", "other/app-2"))


def test_no_such_repository_and_a_near_miss() -> None:
    found = problem(outcome(CAUSE, GONE))
    assert found.culprit.id == "team/app"
    assert (found.still, found.text_proves, found.where) == ("yes", True, "team/app")
    assert "similar name: app. It differs only by the path before its name" in found.explanation
    name, create = found.fixes
    assert f"name {REGISTRY}/app:v1.4.2 in" in name.text
    assert parameters(found, 1) == {"registryId": ACCOUNT, "repositoryName": "team/app"}
    assert {name.applicability, create.applicability} == {"your-call"}


def test_fargate_says_only_not_found() -> None:
    found = problem(outcome(CAUSE, replace(GONE, failures=(failure(NOT_FOUND),), repositories=())))
    assert not found.text_proves
    assert [one.source for one in found.evidence] == ["text", "fact", "fact"]
    assert found.evidence[-1].text.endswith("is close to team/app (0 searched)")
    assert len(found.fixes) == 1
    some = Known(RepositoryNames(("web", "db"), complete=False))
    assert "(2 searched, of more)" in str(problem(outcome(CAUSE, GONE, ecr_repositories=some)).evidence)


def test_without_the_text_the_lookup_alone_tells() -> None:
    found = problem(outcome(CAUSE, replace(GONE, failures=(failure(TIMEOUT),))))
    assert {one.source for one in found.evidence} == {"fact"}


def test_it_is_looked_for_where_the_image_names_it() -> None:
    image = "999988887777.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
    found = problem(outcome(CAUSE, replace(GONE, failures=(failure(TOLD, image),))))
    assert found.culprit.arn == "arn:aws:ecr:us-east-1:999988887777:repository/team/app"
    assert f"account 999988887777's; the task itself runs in account {ACCOUNT} ({REGION})" in found.explanation
    assert [(fix.account, fix.region) for fix in found.fixes] == [("999988887777", "us-east-1")]


def test_the_repository_is_in_the_tasks_own_region() -> None:
    image = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app:v1"
    world = replace(GONE, failures=(failure(TOLD, image),))
    found = problem(outcome(CAUSE, world, own_ecr_image=Known(EcrLookup("image"))))
    assert f"the task's own registry {ACCOUNT} ({REGION}), and has no tag v1" in str(found.evidence)
    assert f"name {REGISTRY}/team/app:v1 in the task definition" in found.fixes[0].text
    asked = {question for question in world.waves()[1] if isinstance(question, ask.EcrImageOf)}
    assert {(question.registry, question.region) for question in asked} == {(ACCOUNT, REGION)}
    assert not any(isinstance(one, ask.EcrImageOf) for wave in GONE.waves()[1:] for one in wave)


def test_a_copy_that_has_not_arrived_makes_the_repository() -> None:
    copying = Arriving(ACCOUNT, "us-east-1", Replication(REGION, ACCOUNT, "IN_PROGRESS"))
    found = problem(outcome(CAUSE, GONE, arriving=Known(copying)))
    assert (found.still, found.title) == ("yes", "ECR repository does not exist")
    assert "has not finished copying it (IN_PROGRESS)" in str(found.evidence)
    assert [one.commands for one in found.fixes] == [(), ()]
    assert f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app:v1.4.2" in found.fixes[1].text
    assert "similar name" not in found.explanation
    assert found.text_proves


def test_a_strangers_repositories_are_not_listed() -> None:
    image = "999988887777.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1"
    fact = replace(GONE, failures=(failure(TOLD, image),)).view().ecr_repositories
    assert isinstance(fact, Unknown)
    assert fact.why == "prerequisite"


def test_the_repository_is_there() -> None:
    assert "team/app" in ok(outcome(CAUSE, World(failures=(failure(NOT_FOUND),), lookup=EcrLookup("image"))))
    assert "team/app" in ok(outcome(CAUSE, World()))


def test_created_since() -> None:
    found = problem(outcome(CAUSE, World(failures=(failure(TOLD),))))
    assert (found.still, found.text_proves, found.fixes) == ("no", True, ())


@pytest.mark.parametrize("lookup", [EcrLookup("repository"), EcrLookup("image")])
def test_under_a_caches_prefix_nothing_is_missing_yet(lookup: EcrLookup) -> None:
    image = f"{REGISTRY}/quay/acme/app:1"
    rules = Unknown("the cache rules", "denied", "ecr:DescribePullThroughCacheRules")
    world = replace(GONE, failures=(failure(TOLD, image),), lookup=lookup, cache_rules=rules)
    assert missing(outcome(CAUSE, world)) == (rules.fact,)
    fitting = replace(world, cache_rules=(CacheRule("quay", "quay.io"),))
    assert isinstance(outcome(CAUSE, fitting), NotApplicable)


def test_a_usual_prefix_without_a_rule_is_no_caches() -> None:
    image = f"{REGISTRY}/quay/acme/app:1"
    found = problem(outcome(CAUSE, replace(GONE, failures=(failure(TOLD, image),), cache_rules=())))
    assert found.culprit.id == "quay/acme/app"
    unread = Unknown("the cache rules", "denied")
    assert problem(outcome(CAUSE, replace(GONE, cache_rules=unread))).culprit.id == "team/app"


def test_a_cache_rule_with_another_prefix_is_named() -> None:
    image = f"{REGISTRY}/docker-hub/library/nginx:1"
    world = replace(GONE, failures=(failure(TOLD, image),))
    rules = (CacheRule("dockerhub", "registry-1.docker.io"),)
    found = problem(outcome(CAUSE, replace(world, cache_rules=rules)))
    assert "rule dockerhub" in str(found.evidence)
    assert "no rule of the registry fits it" in found.explanation
    assert f"{REGISTRY}/dockerhub/library/nginx:1" in found.fixes[0].text
    none = problem(outcome(CAUSE, replace(world, cache_rules=())))
    assert "docker-hub is a usual prefix" in str(none.evidence)
    assert [bool(fix.commands) for fix in none.fixes] == [True]
    assert "cache" not in problem(outcome(CAUSE, GONE)).explanation


def test_a_registry_that_could_not_be_asked_is_not_judged() -> None:
    unread = Unknown("image team/app:v1.4.2", "denied", "ecr:DescribeImages")
    untold = replace(GONE, failures=(failure(NOT_FOUND),))
    assert missing(outcome(CAUSE, untold, ecr_image=unread)) == (unread.fact,)
    found = problem(outcome(CAUSE, GONE, ecr_image=unread, ecr_repositories=unread))
    assert (found.still, found.text_proves) == ("unknown", True)
    assert [one.source for one in found.evidence] == ["text"]


def test_names_that_were_not_read_are_not_said_to_be_none() -> None:
    found = problem(outcome(CAUSE, GONE, ecr_repositories=Unknown("the repositories", "denied")))
    assert "similar" not in found.explanation
    assert "searched" not in str(found.evidence)
    assert IMAGE in found.explanation


def test_another_registry_is_not_applicable() -> None:
    found = outcome(
        CAUSE, replace(GONE, failures=(failure(TOLD, HUB_IMAGE),)), ecr_image=Known(EcrLookup("repository"))
    )
    assert isinstance(found, NotApplicable)


@pytest.mark.parametrize("name", ["team--app", "team__app", "a"])
def test_a_name_that_ecr_does_not_take_is_not_asked_for_and_not_created(name: str) -> None:
    image = f"{REGISTRY}/{name}:v1"
    odd = replace(GONE, failures=(failure(NOT_FOUND, image),), repositories=("team-app", "team/app"))
    assert not any(isinstance(one, ask.EcrImageOf) for wave in odd.waves() for one in wave)
    found = problem(outcome(CAUSE, odd))
    assert "ECR takes no such name" in found.explanation
    assert not any(fix.commands for fix in found.fixes)
    assert name == "a" or f"name {REGISTRY}/team-app:v1 in" in found.fixes[0].text


def test_a_refusal_that_leaves_open_whether_there_is_a_repository() -> None:
    text = "CannotPullContainerError: pull access denied for team/app, repository does not exist or may require login"
    refused = replace(failure(Symptom("resolve", "registry-access-denied")), message=text)
    found = problem(outcome(CAUSE, replace(GONE, failures=(refused,))))
    assert found.shown
    assert not found.text_proves
    assert "in one breath" in found.inferred[0]
    denied = replace(refused, message="CannotPullContainerError: unexpected status: 403 Forbidden")
    assert not problem(outcome(CAUSE, replace(GONE, failures=(denied,)))).shown
