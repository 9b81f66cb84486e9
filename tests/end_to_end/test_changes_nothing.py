"""A diagnosis changes nothing: over texts of every kind it reads, and it takes no image.

Reading a manifest with ecr:BatchGetImage counts as a pull, and under a pull-through cache rule it may fetch the image:
it is read only where ECS's text is about the manifest, and never where a cache may stand behind it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from pull_doctor.facts.aws import Aws, ReaderRole
from pull_doctor.facts.permissions import actions
from pull_doctor.intake.symptom import Kind
from pull_doctor.intake.symptoms import read_symptom
from tests.emulated.aws import EmulatedAws
from tests.emulated.front import Call
from tests.end_to_end.harness import OFFLINE, reading, report_on, session
from tests.worlds import World, build

MANIFEST = "ecr:BatchGetImage"
TRIES = {"ecr:ValidatePullThroughCacheRule", "iam:SimulatePrincipalPolicy"}
"""Actions that change nothing, though their names are not those of a read."""
TAKES = {"ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability", "ecr:GetAuthorizationToken"}
ABOUT_THE_MANIFEST: tuple[Kind, ...] = ("platform-mismatch", "unsupported-manifest")

_TEXTS = Path(__file__).parents[1] / "intake" / "symptom_texts.txt"
_ROWS = [line.split(" ", 2) for line in _TEXTS.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
TEXTS = {kind: text for kind, _, text in reversed(_ROWS)} | {"undetermined": "Task failed to start"}
"""The first of the listed texts of every kind."""
MANIFEST_TEXTS = [TEXTS[kind] for kind in ABOUT_THE_MANIFEST]

OURS, OWNER = "555555555591", "555555555592"
CACHE = {"ecrRepositoryPrefix": "team", "upstreamRegistryUrl": "registry-1.docker.io"}


def calls(aws: EmulatedAws, world: World, text: str, reader: Aws | None = None) -> list[Call]:
    """The calls of the diagnosis of the world's task, had it failed with this text."""
    event = world.saying(text)
    if not text.startswith("CannotPull"):  # ECS says this of the task alone
        del event["detail"]["containers"][0]["reason"]
    reader = reader or reading(aws, world.account)
    before = len(aws.calls)
    report_on(aws, event, reader)
    made = aws.calls[before:]
    assert made
    return made


def manifests_read(aws: EmulatedAws, world: World, reader: Aws | None = None) -> list[Call]:
    """The calls that read a manifest, for a text of each kind about one."""
    made = [call for text in MANIFEST_TEXTS for call in calls(aws, world, text, reader)]
    return [call for call in made if call.action == MANIFEST]


@pytest.fixture(scope="module")
def world(aws: EmulatedAws) -> World:
    """A task whose image is in ECR, in its own account."""
    return build(aws, "healthy", account=OURS, image="ecr")


@pytest.fixture
def cache(world: World) -> Iterator[None]:
    """A pull-through cache rule that fits the image's repository."""
    ecr = world.builder.client("ecr")
    ecr.create_pull_through_cache_rule(**CACHE)
    yield
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="team")


def test_there_is_a_text_of_every_kind() -> None:
    assert set(TEXTS) == set(get_args(Kind)) - {"not-a-pull-failure"}
    for kind, text in TEXTS.items():
        assert read_symptom(text).kind == kind


@pytest.mark.parametrize(
    "name",
    [
        "image-tag-missing",
        "cache-without-rights",
        pytest.param("healthy", marks=pytest.mark.slow),
        pytest.param("route-removed-on-ec2", marks=pytest.mark.slow),
    ],
)
def test_whatever_the_text_a_diagnosis_only_reads(aws: EmulatedAws, name: str) -> None:
    here = build(aws, name, **({} if name == "cache-without-rights" else {"image": "ecr"}))
    for kind, text in TEXTS.items():
        made = {call.action for call in calls(aws, here, text)}
        assert made <= {*actions(), "sts:GetCallerIdentity"}, kind
        assert not made & TAKES, kind
        verbs = {action.partition(":")[2] for action in made - TRIES - {MANIFEST}}
        assert all(verb.startswith(("Describe", "Get", "List")) for verb in verbs), kind
        assert kind in ABOUT_THE_MANIFEST or MANIFEST not in made, kind
        assert name != "cache-without-rights" or MANIFEST not in made, kind


def test_the_manifest_is_read_once_where_the_text_is_about_it(aws: EmulatedAws, world: World) -> None:
    for text in MANIFEST_TEXTS:
        assert [call.action for call in calls(aws, world, text)].count(MANIFEST) == 1


@pytest.mark.usefixtures("cache")
def test_under_a_cache_rule_no_manifest_is_read(aws: EmulatedAws, world: World) -> None:
    assert manifests_read(aws, world) == []


def test_a_rule_for_whatever_no_other_fits_is_a_cache_rule_too(aws: EmulatedAws, world: World) -> None:
    ecr = world.builder.client("ecr")
    ecr.create_pull_through_cache_rule(**CACHE | {"ecrRepositoryPrefix": "ROOT"})
    try:
        assert manifests_read(aws, world) == []
    finally:
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="ROOT")


@pytest.mark.parametrize("kind", ["denied", "second-page-missing"])
def test_where_the_cache_rules_cannot_be_read_no_manifest_is(aws: EmulatedAws, world: World, kind: str) -> None:
    with aws.fault("ecr:DescribePullThroughCacheRules", kind):  # type: ignore[arg-type] # one of the kinds
        assert manifests_read(aws, world) == []


def test_where_the_read_is_switched_off_no_manifest_is_read(aws: EmulatedAws, world: World) -> None:
    for switch in (MANIFEST, "ecr:Batch*"):
        off = Aws(session(aws, OURS), switched_off=frozenset({switch}), registry=OFFLINE)
        assert manifests_read(aws, world, off) == []


def test_of_another_account_s_registry_only_its_reader_role_reads_a_manifest(
    aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its policy lets this account read the image, and nobody but the owner knows its cache rules."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    theirs = build(aws, "healthy", account=OURS, image_account=OWNER)
    repository = theirs.image.partition("/")[2].rpartition(":")[0]
    principal = {"AWS": f"arn:aws:iam::{OURS}:root"}
    share = {"Effect": "Allow", "Principal": principal, "Action": "ecr:*"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    policies = [json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (share, trust)]
    aws.client("ecr", account=OWNER).set_repository_policy(repositoryName=repository, policyText=policies[0])
    assert manifests_read(aws, theirs) == []

    iam = aws.client("iam", account=OWNER)
    role = iam.create_role(RoleName="reader-of-manifests", AssumeRolePolicyDocument=policies[1])["Role"]["Arn"]
    with_role = Aws(session(aws, OURS), reader_roles={OWNER: ReaderRole(role, None)}, registry=OFFLINE)
    made = manifests_read(aws, theirs, with_role)
    assert len(made) == len(MANIFEST_TEXTS)
    assert {call.caller for call in made} == {f"arn:aws:sts::{OWNER}:assumed-role/reader-of-manifests/pull-doctor"}
