from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import AwsCommand, NotApplicable
from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import Key, Repository
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import REPOSITORY, SILENT, TIMEOUT, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ACCOUNT, REGION
from tests.ranked_worlds import ranked

CAUSE = "ecr-key-unusable"
ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEY = Key(ARN, "Enabled", "CUSTOMER")
SAID = Symptom("download", "kms-denied")
OUTAGE = Symptom("resolve", "registry-unavailable-5xx", http_status=500)
HEALTHY = World(failures=(failure(OUTAGE),), repository=Repository(REPOSITORY.arn, "KMS", ARN), keys=(KEY,))


def in_state(state: str, **more: Any) -> World:
    return replace(HEALTHY, keys=(replace(KEY, state=state),), **more)


@pytest.mark.parametrize(
    ("state", "operations"),
    [
        ("Disabled", ["EnableKey"]),
        ("PendingDeletion", ["CancelKeyDeletion", "EnableKey"]),
        ("PendingImport", []),
        ("Unavailable", []),
    ],
)
def test_a_key_that_cannot_decrypt(state: str, operations: list[str]) -> None:
    found = problem(outcome(CAUSE, in_state(state)))
    assert (found.culprit.arn, found.culprit.type, found.still) == (ARN, "AWS::KMS::Key", "yes")
    commands = found.fixes[0].commands
    assert [one.operation for one in commands if isinstance(one, AwsCommand)] == operations
    assert [one.parameters["KeyId"] for one in commands if isinstance(one, AwsCommand)] == [ARN] * len(operations)


def test_the_text_that_speaks_of_kms_is_evidence() -> None:
    found = problem(outcome(CAUSE, in_state("Disabled", failures=(failure(SAID),))))
    assert [one.source for one in found.evidence] == ["text", "fact", "fact"]


def test_a_key_that_is_gone_takes_the_images_with_it() -> None:
    found = problem(outcome(CAUSE, replace(HEALTHY, keys=())))
    assert found.title.endswith("does not exist")
    assert found.fixes[0].commands == ()
    assert "another key" in found.fixes[0].text


def test_the_fix_is_made_in_the_keys_own_account() -> None:
    foreign = ARN.replace(ACCOUNT, "999988887777")
    world = replace(
        HEALTHY,
        repository=replace(REPOSITORY, encryption="KMS", key=foreign),
        keys=(Key(foreign, "Disabled", "CUSTOMER"),),
    )
    assert problem(outcome(CAUSE, world)).fixes[0].account == "999988887777"


def test_the_twin_has_an_enabled_key() -> None:
    assert "Enabled" in ok(outcome(CAUSE, HEALTHY))


def test_other_encryption_needs_no_key() -> None:
    assert "AES256" in ok(outcome(CAUSE, replace(HEALTHY, repository=REPOSITORY)))
    of_aws = replace(HEALTHY, keys=(replace(KEY, manager="AWS"),))
    assert "AWS's own" in ok(outcome(CAUSE, of_aws))


def test_a_grant_that_was_revoked_does_not_show() -> None:
    named = missing(outcome(CAUSE, replace(HEALTHY, failures=(failure(SAID),))))
    assert named == (f"ECR's grant on KMS key {ARN}",)


def test_a_state_that_is_not_known_is_not_judged() -> None:
    assert ARN in missing(outcome(CAUSE, in_state("Creating")))[0]


def test_what_could_not_be_read_is_not_judged() -> None:
    unread = Unknown("KMS key 1", "denied", "kms:DescribeKey")
    assert missing(outcome(CAUSE, replace(HEALTHY, keys=unread))) == (unread.fact,)
    assert missing(outcome(CAUSE, replace(HEALTHY, repository=unread))) == (unread.fact,)


def test_a_repository_that_is_gone_has_no_key() -> None:
    assert isinstance(outcome(CAUSE, replace(HEALTHY, repository=None)), NotApplicable)


@pytest.mark.parametrize(
    "symptom", [TIMEOUT, Symptom("prepare", "kms-denied"), Symptom("unpack", "other-pull-failure")]
)
def test_a_text_of_something_else_reads_no_key(symptom: Symptom) -> None:
    world = in_state("Disabled", failures=(failure(symptom),))
    assert symptom.kind in ok(outcome(CAUSE, world))
    asked = {type(one) for wave in world.waves() for one in wave}
    assert not asked & {ask.RepositoryDetails, ask.OneKey}


def test_the_key_is_read_in_the_second_wave() -> None:
    first, second = HEALTHY.waves()
    assert ask.RepositoryDetails in {type(one) for one in first}
    assert [one.key for one in second if isinstance(one, ask.OneKey)] == [ARN]


@pytest.mark.parametrize(("symptom", "certainty"), [(SAID, "proven"), (OUTAGE, "proven"), (SILENT, "likely")])
def test_it_is_the_first_cause(symptom: Symptom, certainty: str) -> None:
    first = ranked(in_state("Disabled", failures=(failure(symptom),))).findings[0]
    assert (first.row.cause, first.certainty) == (CAUSE, certainty)


def test_that_s3_asks_for_fewer_requests_is_not_the_keys_doing() -> None:
    slowed = replace(failure(Symptom("download", "registry-unavailable-5xx", http_status=503)), message="503 Slow Down")
    world = in_state("Disabled", failures=(slowed,))
    found = [(one.row.cause, one.certainty) for one in ranked(world).findings]
    assert found == [("registry-unavailable", "proven"), (CAUSE, "possible")]
    unread = replace(world, keys=Unknown("the key", "denied", "kms:DescribeKey"))
    (down,) = ranked(unread).findings
    assert (down.row.cause, down.certainty) == ("registry-unavailable", "proven")
