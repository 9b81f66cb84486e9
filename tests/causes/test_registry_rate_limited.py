import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, Problem
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import (
    CacheRule,
    ContainerDefinition,
    EcrLookup,
    RateLimit,
    RegistryLookup,
    TaskDefinition,
)
from pull_doctor.intake.symptom import Phase, Symptom
from tests.causes.factory import (
    DIGEST,
    EC2_TASK,
    FAILED_AT,
    HUB_IMAGE,
    IMAGE,
    ROLE,
    SILENT,
    TASK,
    THERE,
    TIMEOUT,
    World,
    failure,
    outcome,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import PLACE, REGISTRY

CAUSE = "registry-rate-limited"
LIMITED = Symptom("resolve", "rate-limited", http_status=429)
PULLS = "toomanyrequests: You have reached your pull rate limit."
ANONYMOUS = "toomanyrequests: You have reached your unauthenticated pull rate limit."
BARE = "429 Too Many Requests"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hub-AbCdEf"
CACHED = f"{REGISTRY}/docker-hub/library/nginx:1.27"
HUB_RULE = CacheRule("docker-hub", "registry-1.docker.io", SECRET)
MISSING, FOUND = EcrLookup("image"), EcrLookup(None, THERE)


def world(image: str = HUB_IMAGE, message: str = PULLS, login: str | None = None, **more: Any) -> World:
    container = ContainerDefinition("app", essential=True, image=image, registry_credentials=login)
    failed = replace(failure(more.pop("symptom", LIMITED), image), message=message)
    return World(failures=(failed,), definition=TaskDefinition("web", 87, ROLE, (container,)), **more)


def found(made: World, **facts: Any) -> Problem:
    limited = problem(outcome(CAUSE, made, **facts))
    assert (limited.still, limited.text_proves, limited.inferred) == ("unknown", True, ())
    assert len(limited.fixes) in (1, 2)
    return limited


def test_docker_hub_counts_by_address() -> None:
    limited = found(world())
    assert limited.title == "pull limit of Docker Hub is reached"
    assert limited.culprit.id == "registry-1.docker.io"
    assert "100 pulls in six hours" in limited.explanation
    assert "the pull leaves by nat-1" in str(limited.evidence)
    cache, login = limited.fixes
    assert f"{REGISTRY}/docker-hub/library/nginx:1.27 in the task definition" in cache.text
    create, rule, rights = cache.commands
    assert isinstance(create, str)
    words = shlex.split(create)
    assert words[words.index("--name") + 1] == "ecr-pullthroughcache/docker-hub"
    assert isinstance(rule, AwsCommand)
    assert rule.parameters["upstreamRegistryUrl"] == "registry-1.docker.io"
    assert ":secret:ecr-pullthroughcache/docker-hub-<" in rule.parameters["credentialArn"]
    assert isinstance(rights, AwsCommand)
    assert rights.parameters["RoleName"] == "web-exec"
    assert "ecr:BatchImportUpstreamImage" in rights.parameters["PolicyDocument"]
    assert "ecr:CreateRepository" in rights.parameters["PolicyDocument"]
    assert "two rights more" in str(cache.effect)
    assert "repositoryCredentials" in login.text


def test_docker_hub_counts_by_login() -> None:
    limited = found(world(login=SECRET))
    assert SECRET in limited.explanation
    assert "by address" not in limited.explanation
    assert "nat-1" not in str(limited.evidence)
    assert limited.fixes[1].text == f"put a login with a higher limit into {SECRET}"


def test_the_text_tells_that_the_pull_was_not_signed_in() -> None:
    limited = found(world(message=ANONYMOUS, login=SECRET))
    assert "was not signed in" in limited.explanation
    assert f"a login in {SECRET}, which was not used" in limited.explanation


def test_an_anonymous_token_is_no_login() -> None:
    limited = found(world(message=f"failed to fetch anonymous token: 429: {PULLS}", login=SECRET))
    assert "was not signed in" in limited.explanation
    assert "nat-1" in str(limited.evidence)


def test_on_a_host_the_agent_may_have_a_login() -> None:
    assert "in the agent's settings" in found(world(task=EC2_TASK)).explanation
    assert "in the agent's settings" not in found(world(task=EC2_TASK, message=ANONYMOUS)).explanation
    managed = replace(EC2_TASK, launch_type="MANAGED_INSTANCES")
    assert "The task does not sign in" in found(world(task=managed)).explanation


def test_whether_it_signs_in_may_be_unknown() -> None:
    unread = Unknown("task definition web:87", "denied", "ecs:DescribeTaskDefinition")
    assert "counts by login. Where there is none" in found(world(), container=unread).explanation


def test_a_bare_status_may_be_the_limit_of_requests() -> None:
    limited = found(world(message=BARE))
    assert limited.title == "request limit of Docker Hub is reached"
    assert "100 pulls" not in limited.explanation


def test_a_login_that_failed_too_often_is_no_limit_of_pulls() -> None:
    message = "toomanyrequests: too many failed login attempts for username or IP address"
    limited = found(world(message=message))
    assert limited.title == "login is locked out by Docker Hub"
    assert "100 pulls" not in limited.explanation
    assert "a login that fails" in limited.fixes[0].text
    assert SECRET in str(found(world(message=message, login=SECRET)).fixes[0].commands)


@pytest.mark.parametrize(
    ("image", "title", "rule"),
    [
        ("public.ecr.aws/nginx/nginx:1", "ECR Public", {"ecr-public": "public.ecr.aws"}),
        (f"quay.io/acme/app@{DIGEST}", "quay.io", {"quay": "quay.io"}),
        ("registry.k8s.io/pause:3.9", "registry.k8s.io", {"kubernetes": "registry.k8s.io"}),
    ],
)
def test_a_cache_that_needs_no_login(image: str, title: str, rule: dict[str, str]) -> None:
    limited = found(world(image, BARE))
    assert limited.title == f"pull limit of {title} is reached"
    ((prefix, host),) = rule.items()
    assert parameters(limited) == {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": host}
    assert limited.fixes[0].applicability == "your-call"
    assert f"{REGISTRY}/{prefix}/{image.partition('/')[2]} in" in limited.fixes[0].text


@pytest.mark.parametrize(
    ("image", "prefix"),
    [
        ("ghcr.io/acme/app:1", "github"),
        ("registry.gitlab.com/acme/app:1", "gitlab"),
        ("acme.azurecr.io/app:1", "azure"),
        ("cgr.dev/acme/app:1", "chainguard"),
    ],
)
def test_a_cache_that_needs_a_login(image: str, prefix: str) -> None:
    cache, login = found(world(image, BARE)).fixes
    assert cache.applicability == "fill-in"
    assert f"ecr-pullthroughcache/{prefix} " in str(cache.commands[0])
    assert "repositoryCredentials" in login.text


def test_registries_without_private_images_need_no_login() -> None:
    assert [fix.text for fix in found(world("public.ecr.aws/nginx/nginx:1")).fixes[1:]] == ["start fewer tasks at once"]


def test_a_registry_that_ecr_cannot_cache_is_copied() -> None:
    limited = found(world("registry.example.com/team/app:1", BARE))
    assert "registry.example.com" in limited.title
    repository, copy = limited.fixes[0].commands
    assert repository == AwsCommand("ecr", "CreateRepository", {"repositoryName": "team/app"})
    assert shlex.split(str(copy))[-2:] == [f"{REGISTRY}/team/app:1", "registry.example.com/team/app:1"]


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_where_there_is_no_cache_the_image_is_copied(partition: str) -> None:
    task = replace(TASK, place=replace(PLACE, partition=partition))
    commands = [command for fix in found(world(task=task)).fixes for command in fix.commands]
    assert "CreatePullThroughCacheRule" not in str(commands)
    assert "imagetools" in str(commands)


def test_an_unread_role_is_said_to_need_the_rights() -> None:
    limited = found(world(), role=Unknown("the execution role", "denied"))
    assert len(limited.fixes[0].commands) == 2
    assert "ecr:BatchImportUpstreamImage and ecr:CreateRepository" in str(limited.fixes[0].effect)


def test_what_pull_doctor_is_told_is_of_its_own_address() -> None:
    limit = RateLimit(100, 76, 21600, "198.51.100.7")
    limited = found(world(registry=RegistryLookup("found", 200, rate_limit=limit)))
    (told,) = [one.text for one in limited.evidence if "76 of 100 pulls in 6 hours" in one.text]
    assert "198.51.100.7" in told
    assert "not the task's" in told
    assert "76" not in limited.explanation
    throttled = Unknown("the image in its registry", "throttled", detail="status 429")
    assert "from another address than the task's" in str(found(world(), registry_image=throttled).evidence)
    refused = Unknown("the image in its registry", "switched-off")
    assert "pull-doctor" not in str(found(world(), registry_image=refused).evidence)


@pytest.mark.parametrize(
    ("phase", "host", "action", "code"),
    [
        ("sign-in", "api.ecr.eu-west-1.amazonaws.com", "GetAuthorizationToken", "L-55A41110"),
        ("resolve", REGISTRY, "BatchGetImage", "L-16E70933"),
        ("download", REGISTRY, "GetDownloadUrlForLayer", "L-A60A366D"),
    ],
)
def test_ecrs_own_limit_is_a_quota_of_the_phase(phase: Phase, host: str, action: str, code: str) -> None:
    limited = found(world(IMAGE, BARE, symptom=Symptom(phase, "rate-limited")))
    assert limited.title == "request limit of ECR is reached"
    assert limited.culprit.id == host
    assert f"calls of {action} a second" in limited.explanation
    fewer, more = limited.fixes
    assert fewer.text == "start fewer tasks at once"
    assert f"--quota-code {code} " in str(more.commands[0])


def test_without_a_phase_the_quotas_are_listed() -> None:
    limited = found(world(IMAGE, BARE, symptom=Symptom("unknown", "rate-limited")))
    assert parameters(limited, 1) == {"ServiceCode": "ecr"}


def test_where_the_rules_are_unread_it_is_said() -> None:
    unread = Unknown("the rules of ECR's pull-through cache", "denied", "ecr:DescribePullThroughCacheRules")
    limited = found(world(CACHED, BARE), cache_rule=unread)
    assert limited.title == "request limit of ECR is reached"
    assert "may be the upstream's limit: the rules of ECR's pull-through cache could not be read" in limited.explanation


def test_the_rule_decides_and_not_the_name() -> None:
    assert "upstream" not in str(found(world(CACHED, BARE)))


def test_behind_a_cache_rule_that_fetches_either_may_set_the_limit() -> None:
    limited = found(world(CACHED, BARE, cache_rules=(HUB_RULE,), lookup=MISSING))
    assert limited.title == "limit of ECR, or of the upstream of its cache, is reached"
    assert (limited.culprit.type, limited.culprit.id) == ("AWS::ECR::PullThroughCacheRule", "docker-hub")
    assert "does not say which of the two" in limited.explanation
    assert "ECR does not have image" in str(limited.evidence)
    login, fewer = limited.fixes
    assert f"--secret-id {SECRET} " in str(login.commands[0])
    assert fewer.text == "start fewer tasks at once"


def test_the_words_of_the_upstream_tell_which() -> None:
    limited = found(world(CACHED, PULLS, cache_rules=(HUB_RULE,)))
    assert limited.title == "pull limit of registry-1.docker.io is reached"


def test_a_rule_without_a_login_is_given_one() -> None:
    limited = found(world(CACHED, PULLS, cache_rules=(replace(HUB_RULE, credential=None),)))
    create, update = limited.fixes[0].commands
    assert "ecr-pullthroughcache/docker-hub " in str(create)
    assert isinstance(update, AwsCommand)
    assert (update.operation, update.parameters["ecrRepositoryPrefix"]) == ("UpdatePullThroughCacheRule", "docker-hub")
    public = CacheRule("docker-hub", "public.ecr.aws")
    assert [fix.text for fix in found(world(CACHED, BARE, cache_rules=(public,), lookup=MISSING)).fixes] == [
        "start fewer tasks at once"
    ]


def test_what_the_cache_had_it_serves_itself() -> None:
    limited = found(world(CACHED, BARE, cache_rules=(HUB_RULE,), lookup=FOUND))
    assert limited.title == "request limit of ECR is reached"
    late = EcrLookup(None, replace(THERE, pushed_at=FAILED_AT + timedelta(minutes=1)))
    assert "upstream" in found(world(CACHED, BARE, cache_rules=(HUB_RULE,), lookup=late)).title


def test_no_cache_takes_part_in_the_sign_in() -> None:
    limited = found(world(CACHED, BARE, cache_rules=(HUB_RULE,), symptom=Symptom("sign-in", "rate-limited")))
    assert limited.title == "request limit of ECR is reached"
    assert "pull-through" not in limited.explanation


def test_a_strangers_names_cannot_break_a_command() -> None:
    hostile = replace(HUB_RULE, credential="arn:aws:secretsmanager:eu-west-1:1:secret:$(id)")
    command = found(world(CACHED, PULLS, cache_rules=(hostile,))).fixes[0].commands[0]
    assert isinstance(command, str)
    assert "arn:aws:secretsmanager:eu-west-1:1:secret:$(id)" in shlex.split(command)


def test_only_the_text_tells() -> None:
    assert "network-timeout" in ok(outcome(CAUSE, world(symptom=TIMEOUT)))
    assert missing(outcome(CAUSE, world(symptom=SILENT)))


def test_paths_that_are_unknown_take_nothing_away() -> None:
    unread = Unknown("the path", "denied")
    assert "nat-" not in str(found(world(), traces=unread))


def test_a_name_is_no_word_of_the_upstream() -> None:
    image = f"{REGISTRY}/docker-hub/acme/upstream:1"
    text = f"unexpected status from HEAD request to https://{REGISTRY}/v2/docker-hub/acme/upstream/manifests/1: {BARE}"
    limited = found(world(image, text, cache_rules=(HUB_RULE,), lookup=FOUND))
    assert limited.title == "request limit of ECR is reached"


@pytest.mark.parametrize("rules", [(), Unknown("the cache rules", "denied", "ecr:DescribePullThroughCacheRules")])
def test_the_text_tells_of_an_upstream_whose_rule_is_not_known(rules: Any) -> None:
    text = "toomanyrequests: The request rate limit of the upstream registry was exceeded"
    limited = found(world(CACHED, text, cache_rules=rules, lookup=MISSING))
    assert limited.title == "pull limit of the upstream of ECR's cache is reached"
    assert "higher limit" in limited.fixes[0].text
    assert "quota" not in str(limited.fixes)
