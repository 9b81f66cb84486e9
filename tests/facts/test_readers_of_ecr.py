"""What the readers of ECR's images ask for, and what they make of answers that are unlike the usual one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.facts.botocore_world import OWN_ACCOUNT, AwsError, World
from tests.facts.case import DIGEST, HERE, INDEX, MANIFEST, index, put

THEIRS = "444455556666"


def test_the_digest_decides() -> None:
    world = World({"DescribeImages": [AwsError("RepositoryNotFoundException")]})
    question = q.EcrImageOf(OWN_ACCOUNT, "us-east-1", "444455556666", "web", "1", DIGEST)
    assert ask(Aws(world.session()), question) == Known(v.EcrLookup("repository"))
    assert world.calls[-1][2] == {
        "registryId": "444455556666",
        "repositoryName": "web",
        "imageIds": [{"imageDigest": DIGEST}],
    }


_ARCHIVED = {"imageDetails": [{"imageDigest": DIGEST, "imageStatus": "ARCHIVED"}]}
_ONE = q.EcrImageOf(*HERE, OWN_ACCOUNT, "web", "1", None)


def test_an_image_that_is_not_active_is_found_where_the_plain_question_does_not_find_it() -> None:
    world = World({"DescribeImages": [AwsError("ImageNotFoundException"), _ARCHIVED]})
    assert ask(Aws(world.session()), _ONE) == Known(v.EcrLookup(None, v.EcrImage(DIGEST, (), None, "ARCHIVED")))
    assert "filter" not in world.calls[0][2]
    assert world.calls[1][2]["filter"] == {"imageStatus": "ANY"}


@pytest.mark.parametrize("refusal", ["ImageNotFoundException", "InvalidParameterException", "ValidationException"])
def test_what_is_not_found_of_any_status_is_missing(refusal: str) -> None:
    fact = put(_ONE, DescribeImages=[AwsError("ImageNotFoundException"), AwsError(refusal)])
    assert fact == Known(v.EcrLookup("image"))
    assert put(_ONE, DescribeImages=[AwsError("ImageNotFoundException"), {"imageDetails": []}]) == fact


def test_a_second_look_that_fails_leaves_it_open() -> None:
    fact = put(_ONE, DescribeImages=[AwsError("ImageNotFoundException"), AwsError("ThrottlingException")])
    assert isinstance(fact, Unknown)
    assert fact.why == "throttled"


def test_tags_beyond_five_pages_are_said_to_be_left_unread() -> None:
    page = {"imageDetails": [{"imageDigest": DIGEST, "imageTags": ["1"]}]}
    pages = [page | {"nextToken": str(n)} for n in range(9)]
    world = World({"DescribeImages": pages})
    fact = ask(Aws(world.session()), q.EcrTagsOf(*HERE, OWN_ACCOUNT, "web"))
    assert isinstance(fact, Known)
    assert (len(fact.value.images), fact.value.complete) == (5, False)
    assert world.operations() == ["DescribeImages"] * 5


def test_repositories_beyond_five_pages_are_said_to_be_left_unread() -> None:
    pages = [{"repositories": [{"repositoryName": f"r{n}"}], "nextToken": str(n)} for n in range(9)]
    fact = put(q.EcrRepositories(*HERE, OWN_ACCOUNT), DescribeRepositories=pages)
    assert fact == Known(v.RepositoryNames(("r0", "r1", "r2", "r3", "r4"), complete=False))


def manifest(*images: dict[str, Any], failures: Sequence[dict[str, str]] = ()) -> Known[Any] | Unknown:
    answer = {"images": list(images), "failures": list(failures)}
    return put(q.EcrManifestOf(*HERE, OWN_ACCOUNT, "web", "1", None), BatchGetImage=[answer])


def test_one_image_is_asked_for_by_tag_or_digest_and_as_an_index() -> None:
    world = World({"BatchGetImage": [AwsError("RepositoryNotFoundException")]})
    ask(Aws(world.session()), q.EcrManifestOf(*HERE, "444455556666", "web", "1", DIGEST))
    asked_for = world.calls[-1][2]
    assert asked_for["imageIds"] == [{"imageDigest": DIGEST}]
    assert (asked_for["registryId"], asked_for["repositoryName"]) == ("444455556666", "web")
    assert {INDEX, MANIFEST} < set(asked_for["acceptedMediaTypes"])


def test_the_manifest_of_one_image_does_not_say_its_platform() -> None:
    single = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []})
    assert manifest({"imageManifest": single}) == Known(v.Manifest(MANIFEST, is_index=False))
    assert manifest({"imageManifest": "{}", "imageManifestMediaType": "text/x"}) == Known(
        v.Manifest("text/x", is_index=False)
    )


@pytest.mark.parametrize("unnamed", [None, {}, {"os": "linux"}])
def test_an_index_with_an_entry_of_unknown_platform_does_not_say_what_it_offers(unnamed: dict[str, str] | None) -> None:
    text = index({"os": "linux", "architecture": "amd64"}, unnamed)
    assert manifest({"imageManifest": text}) == Known(v.Manifest(INDEX, is_index=True))


def test_an_index_of_attestations_alone_offers_no_platform() -> None:
    text = index({"os": "unknown", "architecture": "unknown"})
    assert manifest({"imageManifest": text}) == Known(v.Manifest(INDEX, is_index=True, platforms=(), attestations=1))


@pytest.mark.parametrize("text", ["{", "[]", '"manifests"', "[" * 100_000, '{"manifests": [], "x": "' + "x" * 10**6])
def test_a_manifest_that_is_none_or_too_long_is_unknown(text: str) -> None:
    fact = manifest({"imageManifest": text})
    assert isinstance(fact, Unknown)
    assert (fact.detail or "").startswith("the manifest is")


@pytest.mark.parametrize(
    ("code", "known"),
    [("ImageNotFound", True), ("KmsError", False), ("UpstreamAccessDenied", False), ("ImageInaccessible", False)],
)
def test_a_manifest_is_absent_only_if_ecr_says_so(code: str, *, known: bool) -> None:
    fact = manifest(failures=[{"failureCode": code}])
    assert (fact == Known(None)) is known
    assert (isinstance(fact, Unknown) and fact.detail == f"ECR gave no manifest: {code}") is not known


def test_an_answer_without_manifest_and_without_failure_is_unknown() -> None:
    fact = manifest()
    assert isinstance(fact, Unknown)
    assert fact.detail == "ECR gave no manifest: no reason"


def test_archived_images_are_among_the_tags() -> None:
    archived = {"imageDigest": DIGEST, "imageTags": ["1"], "imageStatus": "ARCHIVED"}
    world = World({"DescribeImages": [{"imageDetails": [archived]}]})
    fact = ask(Aws(world.session()), q.EcrTagsOf(*HERE, OWN_ACCOUNT, "web"))
    assert fact == Known(v.EcrTags((v.EcrImage(DIGEST, ("1",), None, "ARCHIVED"),), complete=True))
    assert world.calls[0][2]["filter"] == {"tagStatus": "TAGGED", "imageStatus": "ANY"}


def test_a_manifest_is_what_ecr_calls_it_not_what_its_pusher_did() -> None:
    text = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "manifests": []})
    assert manifest({"imageManifest": text, "imageManifestMediaType": INDEX}) == Known(
        v.Manifest(INDEX, is_index=True, platforms=())
    )


def lifecycle(*rules: dict[str, Any]) -> Known[Any] | Unknown:
    text = json.dumps({"rules": list(rules)})
    return put(q.LifecycleRulesOf(*HERE, OWN_ACCOUNT, "web"), GetLifecyclePolicy=[{"lifecyclePolicyText": text}])


RULE: dict[str, Any] = {
    "rulePriority": 1,
    "description": "",
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1},
    "action": {"type": "expire"},
}


def test_a_rule_may_go_without_a_description() -> None:
    assert lifecycle(RULE) == Known((v.LifecycleRule(1, "expire", "untagged", "sinceImagePushed", 1, "days"),))


@pytest.mark.parametrize("missing", ["rulePriority", "selection", "action"])
def test_a_rule_that_is_not_understood_leaves_the_policy_unknown(missing: str) -> None:
    fact = lifecycle(RULE, {name: value for name, value in RULE.items() if name != missing})
    assert isinstance(fact, Unknown)
    assert fact.why == "crashed"


def test_a_registry_without_replication_copies_nowhere() -> None:
    for answer in ({"registryId": OWN_ACCOUNT}, {"registryId": OWN_ACCOUNT, "replicationConfiguration": {"rules": []}}):
        assert put(q.ReplicationRulesOf(*HERE, OWN_ACCOUNT), DescribeRegistry=[answer]) == Known(())


def test_the_rules_of_another_registry_are_not_taken_for_those_asked_for() -> None:
    answer = {"registryId": THEIRS, "replicationConfiguration": {"rules": []}}
    fact = put(q.ReplicationRulesOf(*HERE, OWN_ACCOUNT), DescribeRegistry=[answer])
    assert isinstance(fact, Unknown)
    assert fact.detail == f"ECR answered for registry {THEIRS}"


@pytest.mark.parametrize(
    ("tag", "digest", "asked_for"),
    [("1", None, {"imageTag": "1"}), (None, DIGEST, {"imageDigest": DIGEST}), ("1", DIGEST, {"imageDigest": DIGEST})],
)
def test_the_copies_of_one_image_are_asked_for_where_it_was_pushed_to(
    tag: str | None, digest: str | None, asked_for: dict[str, str]
) -> None:
    world = World({"DescribeImageReplicationStatus": [{"replicationStatuses": []}]})
    fact = ask(Aws(world.session()), q.ReplicationOf(OWN_ACCOUNT, "us-east-1", OWN_ACCOUNT, "web", tag, digest))
    assert fact == Known(())
    assert world.calls[-1][2] == {"registryId": OWN_ACCOUNT, "repositoryName": "web", "imageId": asked_for}
