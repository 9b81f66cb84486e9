import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable, Problem
from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrLookup, NamedPolicy, RegistryRules, RolePolicies, Simulated
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.cache import CACHE_ACTIONS, CREATE, IMPORT
from pull_doctor.view.rights import PULL_ACTIONS
from tests.causes.factory import (
    NOT_FOUND,
    ROLE,
    SIGN_IN_DENIED,
    SILENT,
    THERE,
    TIMEOUT,
    World,
    allowed,
    allowing,
    document,
    failure,
    outcome,
    refused,
)
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, REGION, REGISTRY
from tests.ranked_worlds import ranked

CAUSE = "pull-through-cache-broken"
IMAGE = f"{REGISTRY}/hub/library/nginx:1"
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/hub/library/nginx"
RULE = CacheRule("hub", "registry-1.docker.io")
QUAY = CacheRule("quay", "quay.io")
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/failed"
NO_REPOSITORY = Symptom("resolve", "repository-not-found")
SAID = Symptom("resolve", "pull-through-cache-failure", action=IMPORT, principal=SESSION, denied_by="identity-policy")
FORBIDDEN = Symptom("resolve", "registry-access-denied", http_status=403)
HEALTHY = World(
    failures=(failure(NO_REPOSITORY, IMAGE),), lookup=EcrLookup("repository"), cache_rules=(QUAY, RULE), repositories=()
)
NO_RIGHTS = replace(HEALTHY, cache=refused(CACHE_ACTIONS))
NO_IMAGE = replace(NO_RIGHTS, lookup=EcrLookup("image"), failures=(failure(NOT_FOUND, IMAGE),))
UNREAD = Unknown("the pull-through cache rules", "denied", "ecr:DescribePullThroughCacheRules")


def asking(world: World, image: str, symptom: Symptom = NO_REPOSITORY) -> World:
    return replace(world, failures=(failure(symptom, image),))


def granting(*actions: str, to: str = ROLE) -> str:
    return document(allowing(*actions, Principal={"AWS": to}))


def by_registry(*actions: str, **more: Any) -> RegistryRules:
    return RegistryRules(granting(*actions, **more), "V1")


def actions_of(found: Problem) -> tuple[list[str], str]:
    (statement,) = json.loads(parameters(found)["PolicyDocument"])["Statement"]
    return statement["Action"], statement["Resource"]


def test_the_role_has_neither_right() -> None:
    found = problem(outcome(CAUSE, NO_RIGHTS))
    assert found.title == f"execution role lacks {IMPORT} and 1 more"
    assert (found.culprit.id, found.still, found.inferred) == (ROLE, "yes", ())
    assert actions_of(found) == (list(CACHE_ACTIONS), f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/hub/*")
    assert [one.applicability for one in found.fixes] == ["exact", "exact"]
    registry = json.loads(parameters(found, 1)["policyText"])["Statement"]
    assert [one["Principal"] for one in registry] == [{"AWS": ROLE}]
    texts = " ".join(one.text for one in found.evidence)
    assert "cache rule hub" in texts
    assert f"registry {ACCOUNT} has no policy that could grant" in texts


def test_where_the_repository_is_there_it_needs_not_be_made() -> None:
    found = problem(outcome(CAUSE, NO_IMAGE))
    assert found.title == f"execution role lacks {IMPORT}"
    assert actions_of(found)[0] == [IMPORT]
    may_import = replace(NO_IMAGE, cache=(Simulated(IMPORT, "allowed"), Simulated(CREATE, "implicitDeny")))
    assert "upstream" in missing(outcome(CAUSE, may_import))[0]


def test_the_right_to_make_the_repository_alone_is_wanting() -> None:
    world = replace(HEALTHY, cache=(Simulated(IMPORT, "allowed"), Simulated(CREATE, "implicitDeny")))
    assert problem(outcome(CAUSE, world)).title == f"execution role lacks {CREATE}"


def test_the_twin_has_the_rights_and_the_upstream_is_left() -> None:
    assert missing(outcome(CAUSE, HEALTHY)) == (
        f"the upstream registry-1.docker.io of hub/library/nginx of registry {ACCOUNT} ({REGION})",
    )


def test_an_image_that_was_fetched_before_needs_no_right() -> None:
    there = replace(NO_RIGHTS, lookup=World().lookup)
    for symptom in (TIMEOUT, NOT_FOUND, FORBIDDEN):
        assert IMAGE in ok(outcome(CAUSE, asking(there, IMAGE, symptom)))


def test_an_image_that_was_fetched_since_accuses_nobody() -> None:
    for symptom in (NOT_FOUND, NO_REPOSITORY):
        ranking = ranked(replace(asking(HEALTHY, IMAGE, symptom), lookup=World().lookup))
        assert ranking.findings == ()
        assert CAUSE in {one.cause for one in ranking.ruled_out}


def test_a_digest_that_was_pinned_may_be_gone_where_the_tag_is_there() -> None:
    pinned = replace(NOT_FOUND, digest="sha256:" + "f" * 64)
    world = replace(asking(NO_RIGHTS, IMAGE, pinned), lookup=World().lookup)
    assert "sha256:ffff" in missing(outcome(CAUSE, world))[0]
    assert isinstance(outcome(CAUSE, replace(world, cache_rules=())), NotApplicable)


@pytest.mark.parametrize("scope", ["V1", "V2"])
def test_the_registrys_policy_grants_both_in_either_scope(scope: Any) -> None:
    granted = replace(NO_RIGHTS, registry_rules=RegistryRules(granting(*CACHE_ACTIONS), scope))
    assert "upstream" in missing(outcome(CAUSE, granted))[0]
    half = problem(outcome(CAUSE, replace(NO_RIGHTS, registry_rules=by_registry(IMPORT))))
    assert actions_of(half)[0] == [CREATE]
    assert len(json.loads(parameters(half, 1)["policyText"])["Statement"]) == 2
    other = replace(NO_RIGHTS, registry_rules=by_registry(*CACHE_ACTIONS, to=f"{ROLE}-2"))
    texts = " ".join(one.text for one in problem(outcome(CAUSE, other)).evidence)
    assert f"the policy of registry {ACCOUNT} does not grant" in texts


def test_the_repositorys_policy_grants_the_import() -> None:
    granted = replace(NO_IMAGE, policy=granting(IMPORT))
    assert "upstream" in missing(outcome(CAUSE, granted))[0]
    # A repository that is not there has no policy.
    assert problem(outcome(CAUSE, replace(NO_RIGHTS, policy=granting(*CACHE_ACTIONS)))).still == "yes"


def test_a_registrys_policy_that_could_not_be_read_may_grant_them() -> None:
    unread = Unknown("the policy of the registry", "denied", "ecr:GetRegistryPolicy")
    assert missing(outcome(CAUSE, replace(NO_RIGHTS, registry_rules=unread))) == (unread.fact,)


def test_a_deny_and_a_boundary_are_named() -> None:
    denied = problem(
        outcome(CAUSE, replace(NO_RIGHTS, cache=refused(CACHE_ACTIONS, decision="explicitDeny", by=("own",))))
    )
    assert "deny" in denied.evidence[-1].text
    assert denied.title.startswith("execution role is denied")
    assert "take the deny out" in denied.fixes[0].text
    limited = tuple(replace(one, boundary_allows=False) for one in refused(CACHE_ACTIONS))
    found = problem(outcome(CAUSE, replace(NO_RIGHTS, cache=limited, policies=RolePolicies(()))))
    assert any("boundary" in fix.text for fix in found.fixes)


def test_without_the_simulation_the_policies_as_written_tell() -> None:
    unread = Unknown("what it may do", "denied", "iam:SimulatePrincipalPolicy")
    without = replace(HEALTHY, cache=unread, pull=unread, sign_in=unread)
    assert problem(outcome(CAUSE, without)).still == "yes"
    own = RolePolicies((NamedPolicy("cache", document(allowing("ecr:*"))),))
    assert "upstream" in missing(outcome(CAUSE, replace(without, policies=own)))[0]
    assert missing(outcome(CAUSE, replace(without, policies=unread))) == (unread.fact,)


@pytest.mark.parametrize(
    ("repository", "rules", "prefix"),
    [
        ("docker-hub/library/nginx", ("docker-hub",), "docker-hub"),
        ("docker-hub/library/nginx", ("docker-hub/",), "docker-hub/"),
        ("docker-hubx/library/nginx", ("docker-hub",), None),
        ("docker-hub", ("docker-hub",), None),
        ("team/hub/nginx", ("team", "team/hub", "ROOT"), "team/hub"),
        ("other/nginx", ("team", "ROOT"), "ROOT"),
        ("nginx", ("ROOT",), "ROOT"),
        ("nginx", (), None),
    ],
)
def test_the_longest_prefix_wins(repository: str, rules: tuple[str, ...], prefix: str | None) -> None:
    world = replace(HEALTHY, cache_rules=tuple(CacheRule(one, "quay.io") for one in rules))
    rule = asking(world, f"{REGISTRY}/{repository}:1").view().cache_rule
    assert isinstance(rule, Known)
    assert (rule.value.prefix if rule.value else None) == prefix


def test_root_fits_an_own_repository_as_well() -> None:
    root = replace(NO_RIGHTS, cache_rules=(CacheRule("ROOT", "quay.io"),))
    found = problem(outcome(CAUSE, root))
    assert "ROOT" in found.inferred[0]
    assert actions_of(found)[1].endswith(":repository/*")


def test_no_rule_fits() -> None:
    assert isinstance(outcome(CAUSE, replace(NO_RIGHTS, cache_rules=(QUAY,))), NotApplicable)


def test_rules_that_could_not_be_read() -> None:
    unread = replace(NO_RIGHTS, cache_rules=UNREAD)
    assert missing(outcome(CAUSE, unread)) == (UNREAD.fact,)
    said = problem(outcome(CAUSE, asking(unread, IMAGE, SAID)))
    assert (said.still, said.text_proves) == ("unknown", True)
    assert actions_of(said) == ([IMPORT], REPOSITORY)


def test_the_text_proves_the_right_that_was_wanting() -> None:
    found = problem(outcome(CAUSE, asking(NO_RIGHTS, IMAGE, SAID)))
    assert (found.text_proves, found.still) == (True, "yes")
    mended = problem(outcome(CAUSE, asking(HEALTHY, IMAGE, SAID)))
    assert (mended.text_proves, mended.still, mended.fixes) == (True, "no", ())
    fetched = problem(outcome(CAUSE, replace(asking(HEALTHY, IMAGE, SAID), lookup=World().lookup)))
    assert (fetched.still, fetched.fixes) == ("no", ())


def test_a_text_that_names_another_layer_is_not_mended_by_a_policy_of_the_role() -> None:
    limited = replace(SAID, denied_by="permissions-boundary")
    found = problem(outcome(CAUSE, asking(replace(HEALTHY, cache_rules=UNREAD), IMAGE, limited)))
    assert "permissions boundary" in found.fixes[0].text
    assert found.fixes[0].commands == ()


def test_official_images_of_docker_hub_need_library() -> None:
    short = asking(HEALTHY, f"{REGISTRY}/hub/nginx:1", FORBIDDEN)
    found = problem(outcome(CAUSE, short))
    assert "library/" in found.title
    assert f"{REGISTRY}/hub/library/nginx:1" in found.fixes[0].text
    assert found.inferred == ()
    assert ranked(short).findings[0].row.cause == CAUSE
    assert "library/" in problem(outcome(CAUSE, replace(short, cache=refused(CACHE_ACTIONS)))).title
    silent = problem(outcome(CAUSE, asking(short, f"{REGISTRY}/hub/nginx:1", NOT_FOUND)))
    assert "403" in silent.inferred[0]


@pytest.mark.parametrize(
    ("image", "rule"),
    [
        (IMAGE, RULE),
        (f"{REGISTRY}/hub/acme/app:1", RULE),
        (f"{REGISTRY}/hub/nginx:1", replace(RULE, upstream="quay.io")),
        (f"{REGISTRY}/hub/nginx:1", replace(RULE, upstream_prefix="library")),
        (f"{REGISTRY}/nginx:1", replace(RULE, prefix="ROOT")),
    ],
)
def test_other_names_do_not(image: str, rule: CacheRule) -> None:
    assert "upstream" in missing(outcome(CAUSE, replace(asking(HEALTHY, image, FORBIDDEN), cache_rules=(rule,))))[0]


@pytest.mark.parametrize("world", [NO_RIGHTS, NO_IMAGE, asking(NO_RIGHTS, IMAGE, SAID)])
def test_it_is_the_one_cause(world: World) -> None:
    ranking = ranked(world)
    assert [(one.row.cause, one.certainty) for one in ranking.findings] == [(CAUSE, "proven")]
    (why,) = (one.why for one in ranking.not_applicable if one.cause == "image-not-found")
    assert "cache rule hub fits hub/library/nginx" in why


def test_a_silent_text_makes_it_likely() -> None:
    assert [one.certainty for one in ranked(asking(NO_RIGHTS, IMAGE, SILENT)).findings] == ["likely"]


def test_the_right_to_read_what_is_under_a_rule_is_told_here_too() -> None:
    lacking = replace(HEALTHY, lookup=World().lookup, pull=refused(PULL_ACTIONS))
    said = replace(SAID, kind="auth-denied-ecr-permission", action="ecr:BatchGetImage")
    for symptom in (FORBIDDEN, said):
        world = asking(lacking, IMAGE, symptom)
        assert [one.row.cause for one in ranked(world).findings] == [CAUSE]
        assert isinstance(outcome("pull-permission-denied", world), NotApplicable)
    sign_in = asking(replace(lacking, pull=allowed(PULL_ACTIONS)), IMAGE, SIGN_IN_DENIED)
    assert ranked(sign_in).findings[0].row.cause == "pull-permission-denied"


def test_other_texts_of_the_cache_leave_the_upstream_open() -> None:
    upstream = Symptom("resolve", "pull-through-cache-failure")
    assert "upstream" in missing(outcome(CAUSE, asking(HEALTHY, IMAGE, upstream)))[0]
    none = replace(HEALTHY, cache_rules=())
    assert "the cache rule of" in missing(outcome(CAUSE, asking(none, IMAGE, upstream)))[0]


def test_what_the_text_shows_to_have_come_needs_no_cache() -> None:
    assert "manifest" in ok(outcome(CAUSE, asking(NO_RIGHTS, IMAGE, Symptom("download", "network-timeout"))))


def test_the_rules_are_read_only_where_a_cache_may_matter() -> None:
    def kinds(world: World) -> list[set[Any]]:
        return [{type(one) for one in wave} for wave in world.waves()]

    assert ask.CacheRulesOf not in set().union(*kinds(World(failures=(failure(TIMEOUT),))))
    assert ask.CacheRulesOf not in set().union(*kinds(World(failures=(failure(SIGN_IN_DENIED),))))
    told, silent = kinds(HEALTHY), kinds(asking(HEALTHY, IMAGE, SILENT))
    assert ask.CacheRulesOf in told[0]
    assert len(told) == 2
    assert ask.CacheRulesOf in silent[1]
    simulated = [one.actions for wave in HEALTHY.waves() for one in wave if isinstance(one, ask.Simulation)]
    assert CACHE_ACTIONS in simulated
    elsewhere = replace(HEALTHY, cache_rules=(QUAY,))
    assert CACHE_ACTIONS not in [
        one.actions for wave in elsewhere.waves() for one in wave if isinstance(one, ask.Simulation)
    ]


def test_across_accounts_it_takes_both_sides() -> None:
    owner = "999988887777"
    image = IMAGE.replace(ACCOUNT, owner)
    foreign = asking(NO_IMAGE, image, NOT_FOUND)
    found = problem(outcome(CAUSE, foreign))
    assert [(one.account, one.effect) for one in found.fixes] == [
        (ACCOUNT, "it takes each of these"),
        (owner, "it takes each of these"),
    ]
    granted = replace(foreign, registry_rules=by_registry(IMPORT))
    assert [one.account for one in problem(outcome(CAUSE, granted)).fixes] == [ACCOUNT]
    both = replace(granted, cache=allowed(CACHE_ACTIONS))
    assert "upstream" in missing(outcome(CAUSE, both))[0]


def test_a_layer_that_the_text_names_and_that_is_not_judged() -> None:
    by_endpoint = replace(HEALTHY, failures=(failure(replace(SAID, denied_by="endpoint-policy"), IMAGE),))
    told = problem(outcome(CAUSE, by_endpoint))
    assert (told.title, told.still) == (f"execution role is denied {IMPORT}", "unknown")
    assert [fix.text.partition(" that")[0] for fix in told.fixes] == ["let the endpoint policy"]
    assert problem(outcome(CAUSE, replace(by_endpoint, lookup=EcrLookup(None, THERE)))).still == "no"


def test_a_layer_that_the_text_names_beside_the_one_that_is_found() -> None:
    by_boundary = failure(replace(SAID, denied_by="permissions-boundary"), IMAGE)
    found = problem(outcome(CAUSE, replace(NO_RIGHTS, failures=(by_boundary,))))
    assert found.fixes[0].text.startswith("let the permissions boundary that ECS's text names allow")
    assert (found.fixes[1].applicability, found.fixes[1].effect) == ("exact", "it takes each of these")
