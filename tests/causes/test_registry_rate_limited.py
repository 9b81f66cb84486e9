from dataclasses import replace

import pytest

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import ContainerDefinition, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import DIGEST, HUB_IMAGE, IMAGE, ROLE, SILENT, TASK, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import PLACE, REGISTRY

CAUSE = "registry-rate-limited"
LIMITED = Symptom("resolve", "rate-limited", http_status=429)
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hub-AbCdEf"


def world(image: str = HUB_IMAGE, login: str | None = None) -> World:
    container = ContainerDefinition("app", essential=True, image=image, registry_credentials=login)
    return World(failures=(failure(LIMITED, image),), definition=TaskDefinition("web", 87, ROLE, (container,)))


def test_docker_hub_counts_by_address() -> None:
    found = problem(outcome(CAUSE, world()))
    assert found.title == "pull limit of Docker Hub is reached"
    assert found.culprit.id == "registry-1.docker.io"
    assert (found.still, found.text_proves) == ("unknown", True)
    assert "100 pulls in six hours" in found.explanation
    cache, login = found.fixes
    assert cache.applicability == "fill-in"
    assert f"{REGISTRY}/docker-hub/library/nginx:1.27" in cache.text
    assert parameters(found)["upstreamRegistryUrl"] == "registry-1.docker.io"
    assert "ecr-pullthroughcache/<name>" in parameters(found)["credentialArn"]
    assert "repositoryCredentials" in login.text


def test_docker_hub_counts_by_login() -> None:
    found = problem(outcome(CAUSE, world(login=SECRET)))
    assert SECRET in found.explanation
    assert "by address" not in found.explanation
    assert "repositoryCredentials" not in found.fixes[1].text


def test_whether_it_signs_in_may_be_unknown() -> None:
    unread = Unknown("task definition web:87", "denied", "ecs:DescribeTaskDefinition")
    found = problem(outcome(CAUSE, world(), container=unread))
    assert "by login, and by address where there is none" in found.explanation


@pytest.mark.parametrize(
    ("image", "rule"),
    [
        (
            "public.ecr.aws/nginx/nginx:1",
            {"ecrRepositoryPrefix": "ecr-public", "upstreamRegistryUrl": "public.ecr.aws"},
        ),
        (f"quay.io/acme/app@{DIGEST}", {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}),
    ],
)
def test_a_cache_that_needs_no_login(image: str, rule: dict[str, str]) -> None:
    found = problem(outcome(CAUSE, world(image)))
    assert parameters(found) == rule
    assert found.fixes[0].applicability == "your-call"
    assert f"{REGISTRY}/{rule['ecrRepositoryPrefix']}/{image.partition('/')[2]} in" in found.fixes[0].text


def test_ecrs_own_limit_is_a_quota() -> None:
    found = problem(outcome(CAUSE, world(IMAGE)))
    assert found.title == "pull limit of ECR is reached"
    (fix,) = found.fixes
    assert fix.commands == (AwsCommand("service-quotas", "ListServiceQuotas", {"ServiceCode": "ecr"}),)


def test_behind_a_cache_the_limit_may_be_the_upstreams() -> None:
    found = problem(outcome(CAUSE, world(f"{REGISTRY}/docker-hub/library/nginx:1.27")))
    assert "upstream" in found.title
    assert not any(fix.commands for fix in found.fixes)


def test_the_host_that_the_text_names_is_the_one_that_limits() -> None:
    sign_in = replace(LIMITED, phase="sign-in", host="api.ecr.eu-west-1.amazonaws.com")
    found = problem(outcome(CAUSE, World(failures=(failure(sign_in),))))
    assert found.culprit.id == "api.ecr.eu-west-1.amazonaws.com"


def test_a_registry_of_which_nothing_is_known() -> None:
    found = problem(outcome(CAUSE, world("registry.example.com/app:1")))
    assert "registry.example.com" in found.title
    assert len(found.fixes) == 1


def test_china_has_no_cache() -> None:
    task = replace(TASK, place=replace(PLACE, partition="aws-cn", region="cn-north-1"))
    assert not any(fix.commands for fix in problem(outcome(CAUSE, replace(world(), task=task))).fixes)


def test_only_the_text_tells() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, replace(world(), failures=(failure(TIMEOUT, HUB_IMAGE),))))
    assert missing(outcome(CAUSE, replace(world(), failures=(failure(SILENT, HUB_IMAGE),))))
