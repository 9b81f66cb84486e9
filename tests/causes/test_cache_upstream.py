"""The upstream of a pull-through cache: its secret, ECR's own test of the rule, and the way of a first pull."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pull_doctor.causes.outcome import AwsCommand, Problem
from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import CacheRule, CacheRuleState, EcrLookup, RegistryLookup, Secret
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.cache import CACHE_ACTIONS
from tests.causes.factory import NOT_FOUND, SILENT, TIMEOUT, World, failure, outcome, refused
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, REGION, REGISTRY, change, routes
from tests.ranked_worlds import ranked

CAUSE = "pull-through-cache-broken"
IMAGE = f"{REGISTRY}/hub/library/nginx:1"
NAME = "ecr-pullthroughcache/hub-Ab12Cd"
ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{NAME}"
RULE = CacheRule("hub", "registry-1.docker.io", ARN)
SECRET = Secret(ARN)
MARKED = Secret(ARN, datetime(2026, 11, 1, tzinfo=UTC))
NO_REPOSITORY = Symptom("resolve", "repository-not-found")
FORBIDDEN = Symptom("resolve", "registry-access-denied", http_status=403)
OF_THE_UPSTREAM = Symptom("resolve", "pull-through-cache-failure")
UNREAD_STATE = Unknown("whether the cache rule works", "denied", "ecr:ValidatePullThroughCacheRule")
FAILED = CacheRuleState(valid=False, failure="Authentication against the\n upstream registry failed.")
HEALTHY = World(
    failures=(failure(NO_REPOSITORY, IMAGE),),
    lookup=EcrLookup("repository"),
    cache_rules=(RULE,),
    repositories=(),
    secrets=(SECRET,),
)
THERE = replace(HEALTHY, lookup=World().lookup)
GONE = replace(HEALTHY, secrets=())


def saying(world: World, text: str, symptom: Symptom = OF_THE_UPSTREAM) -> World:
    return replace(world, failures=(replace(failure(symptom, IMAGE), message=f"CannotPullContainerError: {text}"),))


def asking(world: World, symptom: Symptom) -> World:
    return replace(world, failures=(failure(symptom, IMAGE),))


def certainties(world: World) -> list[str]:
    return [one.certainty for one in ranked(world).findings if one.row.cause == CAUSE]


def texts(found: Problem) -> str:
    return " | ".join(one.text for one in found.evidence)


def test_the_twin_has_a_secret_and_a_rule_that_works() -> None:
    assert missing(outcome(CAUSE, HEALTHY)) == (
        f"the upstream registry-1.docker.io of hub/library/nginx of registry {ACCOUNT} ({REGION})",
    )


@pytest.mark.parametrize("symptom", [NO_REPOSITORY, NOT_FOUND, FORBIDDEN, OF_THE_UPSTREAM])
def test_a_secret_that_is_gone(symptom: Symptom) -> None:
    world = replace(asking(GONE, symptom), cache_state=FAILED)
    found = problem(outcome(CAUSE, world))
    assert (found.title, found.culprit.id) == ("secret of the pull-through cache rule does not exist", ARN)
    assert (found.still, found.inferred) == ("yes", ())
    (fix,) = found.fixes
    assert "ecr-pullthroughcache/<name>" in str(fix.commands[0])
    assert isinstance(fix.commands[1], AwsCommand)
    update = fix.commands[1].parameters
    assert (update["registryId"], update["ecrRepositoryPrefix"]) == (ACCOUNT, "hub")
    assert update["credentialArn"].startswith(
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/<"
    )
    assert certainties(world) == ["proven"]


def test_a_secret_that_is_marked_for_deletion_can_be_restored() -> None:
    found = problem(outcome(CAUSE, replace(HEALTHY, secrets=(MARKED,), cache_state=UNREAD_STATE)))
    assert found.title == "secret of the pull-through cache rule is marked for deletion"
    assert "2026-11-01" in texts(found)
    restore = found.fixes[0].commands[0]
    assert isinstance(restore, AwsCommand)
    assert (restore.operation, restore.parameters) == ("RestoreSecret", {"SecretId": ARN})
    assert certainties(replace(HEALTHY, secrets=(MARKED,), cache_state=UNREAD_STATE)) == ["proven"]


def test_a_rule_that_ecr_finds_to_work_all_the_same_takes_the_proof_away() -> None:
    assert "passes all the same" in problem(outcome(CAUSE, GONE)).inferred[0]
    assert certainties(GONE) == ["likely"]


def test_what_ecr_has_it_serves_whatever_became_of_the_secret() -> None:
    broken = replace(THERE, secrets=(), cache_state=FAILED)
    for symptom in (TIMEOUT, NOT_FOUND, FORBIDDEN, SILENT):
        assert IMAGE in ok(outcome(CAUSE, asking(broken, symptom)))
        assert ask.CacheRuleWorks not in {type(one) for wave in asking(broken, symptom).waves() for one in wave}
    assert problem(outcome(CAUSE, asking(broken, OF_THE_UPSTREAM))).culprit.id == ARN


@pytest.mark.parametrize(
    ("arn", "title"),
    [
        (ARN.replace(ACCOUNT, "999988887777"), "secret of the pull-through cache rule is in another account"),
        (ARN.replace(REGION, "us-east-1"), "secret of the pull-through cache rule is in another Region"),
        (ARN.replace(NAME, "docker-hub-Ab12Cd"), "name of the cache rule's secret lacks ecr-pullthroughcache/"),
    ],
)
def test_a_secret_that_ecr_does_not_take(arn: str, title: str) -> None:
    world = replace(HEALTHY, cache_rules=(replace(RULE, credential=arn),), secrets=(Secret(arn),), cache_state=FAILED)
    found = problem(outcome(CAUSE, world))
    assert (found.title, found.inferred) == (title, ())
    assert certainties(replace(world, cache_state=UNREAD_STATE)) == ["likely"]
    assert "upstream" in missing(outcome(CAUSE, replace(world, cache_state=CacheRuleState(valid=True))))[0]


def test_ecrs_own_test_fails() -> None:
    world = replace(HEALTHY, cache_state=FAILED)
    found = problem(outcome(CAUSE, world))
    assert (found.title, found.culprit.id) == ("pull-through cache rule hub fails ECR's own test", "hub")
    assert "registry-1.docker.io: Authentication against the upstream registry failed |" in f"{texts(found)} |"
    assert "put-secret-value" in str(found.fixes[0].commands)
    assert certainties(world) == ["proven"]
    long = replace(world, cache_state=CacheRuleState(valid=False, failure="word " * 500))
    assert max(len(one.text) for one in problem(outcome(CAUSE, long)).evidence) < 320
    silent = replace(world, cache_state=CacheRuleState(valid=False))
    assert "fails against registry-1.docker.io" in texts(problem(outcome(CAUSE, silent)))


def test_a_rule_without_a_secret_is_at_fault_only_where_ecr_says_that_it_does_not_work() -> None:
    bare = replace(HEALTHY, cache_rules=(replace(RULE, credential=None),), secrets=())
    assert "upstream" in missing(outcome(CAUSE, bare))[0]
    found = problem(outcome(CAUSE, replace(bare, cache_state=FAILED)))
    assert found.title == "pull-through cache rule names no secret for its upstream"
    quay = replace(bare, cache_rules=(CacheRule("hub", "quay.io"),), cache_state=FAILED)
    assert problem(outcome(CAUSE, quay)).title == "pull-through cache rule hub fails ECR's own test"
    role = f"arn:aws:iam::{ACCOUNT}:role/cache"
    of_ecr = CacheRule("hub", f"999988887777.dkr.ecr.{REGION}.amazonaws.com", custom_role=role)
    assert role in problem(outcome(CAUSE, replace(bare, cache_rules=(of_ecr,), cache_state=FAILED))).fixes[0].text


def test_what_could_not_be_read_is_said_and_accuses_nobody() -> None:
    unread = replace(HEALTHY, cache_state=UNREAD_STATE)
    assert missing(outcome(CAUSE, unread))[0] == UNREAD_STATE.fact
    gone_since = replace(HEALTHY, cache_state=None)
    assert "upstream" in missing(outcome(CAUSE, gone_since))[0]


def test_the_rights_come_first_and_the_upstream_is_what_stops_the_pull_next() -> None:
    both = replace(GONE, cache=refused(CACHE_ACTIONS), cache_state=FAILED)
    found = problem(outcome(CAUSE, both))
    assert found.title.startswith("execution role lacks")
    assert "secret of the pull-through cache rule does not exist." in found.explanation
    assert ARN in texts(found)
    rights, secret, _ = found.fixes
    assert "rights on hub/*" in rights.text, "a report may print no more than two: one for each defect"
    assert secret.text.startswith("name a secret in the rule")
    assert "not one of the two" in str(secret.effect)
    assert problem(outcome(CAUSE, asking(both, OF_THE_UPSTREAM))).culprit.id == ARN


def test_rights_that_could_not_be_read_do_not_hide_the_secret() -> None:
    unread = Unknown("what it may do", "denied", "iam:SimulatePrincipalPolicy")
    world = replace(GONE, cache=unread, policies=unread, cache_state=FAILED)
    assert problem(outcome(CAUSE, world)).culprit.id == ARN


UNREADABLE = "UnableToDecryptSecretValueException: The secret is accessible but is unable to be decrypted."
REFUSED = "denied: The authentication to the upstream registry failed. Verify that the credentials are correct."


def test_a_text_that_says_that_the_secret_cannot_be_read_proves_it() -> None:
    unread = saying(replace(HEALTHY, cache_state=UNREAD_STATE), UNREADABLE)
    found = problem(outcome(CAUSE, unread))
    assert (found.title, found.text_proves) == ("ECR could not read the secret of the pull-through cache", True)
    assert (found.still, [fix.applicability for fix in found.fixes]) == ("unknown", ["fill-in"])
    mended = problem(outcome(CAUSE, saying(HEALTHY, UNREADABLE)))
    assert (mended.still, mended.fixes) == ("no", ())
    unknown_rule = saying(replace(HEALTHY, cache_rules=Unknown("the rules", "denied", "x:Y")), UNREADABLE)
    assert problem(outcome(CAUSE, unknown_rule)).still == "unknown"
    marked = problem(outcome(CAUSE, saying(replace(HEALTHY, secrets=(MARKED,), cache_state=FAILED), UNREADABLE)))
    assert (marked.culprit.id, marked.text_proves, marked.still) == (ARN, True, "yes")


def test_a_login_that_was_not_taken_is_likely_as_long_as_ecrs_own_test_is_not_read() -> None:
    unread = saying(replace(HEALTHY, cache_state=UNREAD_STATE), REFUSED)
    assert certainties(unread) == ["likely"]
    # An upstream refuses alike what it does not have: Docker Hub does.
    assert "upstream" in missing(outcome(CAUSE, saying(HEALTHY, REFUSED)))[0]
    assert certainties(saying(replace(HEALTHY, cache_state=FAILED), REFUSED)) == ["proven"]
    assert IMAGE in ok(outcome(CAUSE, saying(THERE, REFUSED)))


def test_the_rule_root_leaves_a_doubt() -> None:
    root = replace(GONE, cache_rules=(replace(RULE, prefix="ROOT"),), cache_state=FAILED)
    assert "ROOT" in problem(outcome(CAUSE, root)).inferred[0]
    assert certainties(root) == ["likely"]


def test_a_first_pull_without_a_way_to_the_internet() -> None:
    closed = replace(HEALTHY, vpc=ENDPOINT_VPC)
    found = problem(outcome(CAUSE, closed))
    assert found.title == "first pull through the cache has no way to the internet"
    assert len(found.inferred) == 1
    assert "AWS says only that the first one may" in found.inferred[0]
    hidden = problem(outcome(CAUSE, replace(closed, registry=RegistryLookup("hidden", 401))))
    assert "registry-1.docker.io has the image" in hidden.inferred[1]
    assert f"docker pull {IMAGE}" in found.fixes[0].commands
    assert certainties(closed) == ["likely"]


@pytest.mark.parametrize(
    "world",
    [
        HEALTHY,
        replace(HEALTHY, vpc=ENDPOINT_VPC, cache_state=UNREAD_STATE),
        replace(HEALTHY, vpc=change(NAT_VPC, "nat_gateways", "nat-1", state="available")),
        replace(HEALTHY, vpc=replace(ENDPOINT_VPC, route_tables=UNREAD_STATE)),
        replace(HEALTHY, vpc=ENDPOINT_VPC, cache_rules=(replace(RULE, upstream="registry.corp.example"),)),
    ],
)
def test_a_way_that_is_there_or_not_known_accuses_nobody(world: World) -> None:
    assert any("upstream" in one for one in missing(outcome(CAUSE, world)))


def test_an_image_that_ecr_has_needs_no_way() -> None:
    assert IMAGE in ok(outcome(CAUSE, replace(THERE, vpc=ENDPOINT_VPC)))
    no_rights = replace(HEALTHY, vpc=ENDPOINT_VPC, cache=refused(CACHE_ACTIONS))
    assert problem(outcome(CAUSE, no_rights)).title.startswith("execution role lacks")
    assert problem(outcome(CAUSE, replace(HEALTHY, vpc=routes(NAT_VPC)))).title.startswith("first pull")


BY_ADDRESS = Symptom("download", "network-timeout", address="104.18.121.25")
BY_HOST = replace(BY_ADDRESS, host="production.cloudflare.docker.com")


def test_layers_that_were_asked_for_at_the_upstream() -> None:
    closed = asking(replace(HEALTHY, vpc=ENDPOINT_VPC), BY_HOST)
    found = problem(outcome(CAUSE, closed))
    assert "production.cloudflare.docker.com" in found.explanation
    assert (found.still, found.inferred, found.phases) == ("yes", (), ("download",))
    assert [(one.row.cause, one.certainty) for one in ranked(closed).findings] == [(CAUSE, "proven")]
    kept = replace(closed, lookup=World().lookup)
    fetched = problem(outcome(CAUSE, kept))
    assert (fetched.still, fetched.fixes) == ("no", ())


def test_an_address_that_is_not_s3s_is_taken_for_the_upstreams() -> None:
    closed = asking(replace(HEALTHY, vpc=ENDPOINT_VPC), BY_ADDRESS)
    assert "104.18.121.25" in problem(outcome(CAUSE, closed)).inferred[0]
    assert certainties(closed) == ["likely"]
    of_s3 = asking(closed, replace(BY_ADDRESS, address="52.218.1.1"))
    assert "manifest" in ok(outcome(CAUSE, of_s3))


def test_a_host_that_is_in_no_table_is_taken_for_the_upstreams() -> None:
    closed = asking(replace(HEALTHY, vpc=ENDPOINT_VPC), replace(BY_HOST, host="d2glxqk2uabbnd.cloudfront.net"))
    assert "cloudfront.net is the upstream's" in problem(outcome(CAUSE, closed)).inferred[0]
    assert certainties(closed) == ["likely"]


def test_layers_of_the_upstream_where_the_way_is_there_or_not_known() -> None:
    assert "manifest" in ok(outcome(CAUSE, asking(HEALTHY, BY_HOST)))
    closed = asking(replace(HEALTHY, vpc=ENDPOINT_VPC), BY_HOST)
    assert missing(outcome(CAUSE, replace(closed, cache_rules=UNREAD_STATE))) == (UNREAD_STATE.fact,)
    assert "manifest" in ok(outcome(CAUSE, replace(closed, cache_rules=())))
    unread = replace(closed, vpc=replace(ENDPOINT_VPC, route_tables=UNREAD_STATE))
    assert missing(outcome(CAUSE, unread)) == (UNREAD_STATE.fact,)


def test_a_timeout_shows_no_other_defect_of_the_cache() -> None:
    for world in (GONE, replace(HEALTHY, cache=refused(CACHE_ACTIONS)), replace(HEALTHY, vpc=ENDPOINT_VPC)):
        assert certainties(asking(world, TIMEOUT)) == ["possible"]


MISSING = RegistryLookup("missing", 404)


@pytest.mark.parametrize("symptom", [NO_REPOSITORY, NOT_FOUND, FORBIDDEN])
def test_an_image_that_the_upstream_does_not_have(symptom: Symptom) -> None:
    world = asking(replace(HEALTHY, registry=MISSING), symptom)
    found = problem(outcome(CAUSE, world))
    assert found.title == "upstream of the pull-through cache does not have the image"
    assert "registry-1.docker.io says that it does not have library/nginx:1 (status 404)" in texts(found)
    assert certainties(world) == ["proven"]
    rights = problem(outcome(CAUSE, replace(world, cache=refused(CACHE_ACTIONS))))
    assert rights.title.startswith("execution role lacks")
    assert "upstream of the pull-through cache does not have the image." in rights.explanation


@pytest.mark.parametrize(
    "world",
    [
        replace(HEALTHY, registry=RegistryLookup("hidden", 401)),
        replace(THERE, registry=MISSING),
        replace(
            HEALTHY, registry=MISSING, cache_rules=(CacheRule("hub", f"999988887777.dkr.ecr.{REGION}.amazonaws.com"),)
        ),
    ],
)
def test_an_upstream_that_hides_it_or_is_not_asked(world: World) -> None:
    assert not isinstance(outcome(CAUSE, world), Problem)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (RULE, "library/nginx"),
        (replace(RULE, prefix="hub/"), "library/nginx"),
        (replace(RULE, prefix="hub/library", upstream_prefix="library"), "library/nginx"),
        (replace(RULE, upstream_prefix="ROOT"), "library/nginx"),
        (replace(RULE, prefix="ROOT"), "hub/library/nginx"),
    ],
)
def test_the_upstream_is_asked_for_the_name_that_ecr_asks_it_for(rule: CacheRule, name: str) -> None:
    asked = ask.RegistryImage(ACCOUNT, REGION, "registry-1.docker.io", name, "1")
    assert asked in replace(HEALTHY, cache_rules=(rule,)).waves()[1]
    assert asked not in asking(replace(HEALTHY, cache_rules=(rule,)), TIMEOUT).waves()[1]


def test_secret_and_rule_are_asked_for_in_the_second_wave() -> None:
    first, second = HEALTHY.waves()
    assert ask.CacheRuleWorks not in {type(one) for one in first}
    assert ask.CacheRuleWorks in {type(one) for one in second}
    assert ask.OneSecret(ACCOUNT, REGION, ARN) in second


def test_a_text_of_the_upstream_shows_that_it_was_reached() -> None:
    """What stands in the way of asking it now was not what this pull stopped on."""
    for world in (replace(HEALTHY, cache=refused(CACHE_ACTIONS)), replace(HEALTHY, vpc=ENDPOINT_VPC)):
        assert certainties(saying(world, REFUSED)) == ["possible"]
