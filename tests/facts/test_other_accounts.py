"""What belongs to another account, over the wire: read with its reader role, or as far as its policies admit others."""

from __future__ import annotations

import json
import logging
from typing import Any, NamedTuple

import boto3
import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws, ReaderRole
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.emulated.aws import EmulatedAws

REGION = "eu-west-1"
OURS, THEIRS = "555555555551", "555555555552"
HERE = (OURS, REGION)
OWNERS_ALONE = (q.ReplicationRulesOf, q.RegistryPolicyOf, q.CacheRulesOf, q.CacheRuleWorks, q.KeyPolicy)
"""What AWS tells nobody but the owner."""
READER = ReaderRole(f"arn:aws:iam::{THEIRS}:role/doctors/pull-doctor-reader", "shared-word")


class Owned(NamedTuple):
    """The names and ARNs of what the other account has."""

    repository: str
    key: str
    secret: str
    region: str


def _policy(account: str, action: str) -> str:
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def owned(aws: EmulatedAws) -> Owned:
    trust = json.loads(_policy(OURS, "sts:AssumeRole"))
    del trust["Statement"][0]["Resource"]
    trust["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": READER.external_id}}
    iam = aws.client("iam", account=THEIRS)
    iam.create_role(RoleName="pull-doctor-reader", Path="/doctors/", AssumeRolePolicyDocument=json.dumps(trust))
    key = aws.client("kms", account=THEIRS).create_key(Policy=_policy(THEIRS, "kms:*"))["KeyMetadata"]["Arn"]
    ecr = aws.client("ecr", account=THEIRS)
    ecr.create_repository(
        repositoryName="base",
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key},
        tags=[{"Key": "team", "Value": "base"}],
    )
    ecr.put_registry_policy(policyText=_policy(OURS, "ecr:*"))
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io")
    to = {"region": "us-west-2", "registryId": THEIRS}
    ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [to]}]})
    secrets = aws.client("secretsmanager", account=THEIRS, region="us-east-1")
    secret = secrets.create_secret(Name="hub", SecretString="{}")["ARN"]
    return Owned("base", key, secret, "us-east-1")


@pytest.fixture
def session(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    return boto3.Session(OURS, "secret", region_name=REGION)


def known(reading: Aws, question: q.Question[Any]) -> Any:
    fact = ask(reading, question)
    assert isinstance(fact, Known), fact
    return fact.value


def unknown(reading: Aws, question: q.Question[Any]) -> Unknown:
    fact = ask(reading, question)
    assert isinstance(fact, Unknown), fact
    return fact


def every_question(owned: Owned) -> list[q.Question[Any]]:
    return [
        q.EcrImageOf(*HERE, THEIRS, owned.repository, "1", None),
        q.EcrTagsOf(*HERE, THEIRS, owned.repository),
        q.EcrRepositories(*HERE, THEIRS),
        q.EcrManifestOf(*HERE, THEIRS, owned.repository, "1", None),
        q.LifecycleRulesOf(*HERE, THEIRS, owned.repository),
        q.ReplicationRulesOf(*HERE, THEIRS),
        q.ReplicationOf(*HERE, THEIRS, owned.repository, "1", None),
        q.RepositoryPolicy(*HERE, THEIRS, owned.repository),
        q.RegistryPolicyOf(*HERE, THEIRS),
        q.CacheRulesOf(*HERE, THEIRS),
        q.CacheRuleWorks(*HERE, THEIRS, "hub"),
        q.RepositoryDetails(*HERE, THEIRS, owned.repository),
        q.RepositoryTags(*HERE, THEIRS, owned.repository),
        q.OneKey(*HERE, owned.key),
        q.KeyPolicy(*HERE, owned.key),
        q.OneSecret(*HERE, owned.secret),
        q.SecretPolicy(*HERE, owned.secret),
    ]


def test_every_question_of_another_account_is_among_them(owned: Owned) -> None:
    kinds = {type(question) for question in every_question(owned)}
    assert kinds == set(q.OF_ANOTHER_ACCOUNT) - {q.OneParameter}  # another account's have no reader here


def test_with_the_owner_s_reader_role_everything_is_read(owned: Owned, session: boto3.Session) -> None:
    reading = Aws(session, reader_roles={THEIRS: READER})
    answers = [known(reading, question) for question in every_question(owned)]
    assert answers == [
        v.EcrLookup("image"),
        v.EcrTags((), complete=True),
        v.RepositoryNames(("base",), complete=True),
        None,
        (),
        (v.ReplicationRule((("us-west-2", THEIRS),)),),
        None,
        None,
        v.RegistryRules(_policy(OURS, "ecr:*"), "V2"),
        (v.CacheRule("hub", "registry-1.docker.io"),),
        v.CacheRuleState(valid=True),
        v.Repository(f"arn:aws:ecr:{REGION}:{THEIRS}:repository/base", "KMS", owned.key),
        (("team", "base"),),
        v.Key(owned.key, "Enabled", "CUSTOMER"),
        _policy(THEIRS, "kms:*"),
        v.Secret(owned.secret),
        None,
    ]


def test_the_calls_are_those_of_the_reader_role(aws: EmulatedAws, owned: Owned, session: boto3.Session) -> None:
    before = len(aws.calls)
    known(Aws(session, reader_roles={THEIRS: READER}), q.RepositoryPolicy(*HERE, THEIRS, owned.repository))
    reader = f"arn:aws:sts::{THEIRS}:assumed-role/pull-doctor-reader/pull-doctor"
    assert [(call.action, call.caller) for call in aws.calls[before:]] == [
        ("sts:GetCallerIdentity", f"arn:aws:iam::{OURS}:root"),
        ("sts:AssumeRole", f"arn:aws:iam::{OURS}:root"),
        ("ecr:GetRepositoryPolicy", reader),
    ]


@pytest.mark.parametrize("external_id", ["another-word", None])
def test_a_reader_role_that_cannot_be_assumed_leaves_everything_unknown(
    owned: Owned, session: boto3.Session, external_id: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    reading = Aws(session, reader_roles={THEIRS: ReaderRole(READER.arn, external_id)})
    for question in every_question(owned):
        fact = unknown(reading, question)
        assert (fact.why, fact.action, fact.resource, fact.account) == ("denied", "sts:AssumeRole", READER.arn, THEIRS)
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_without_a_reader_role_nothing_is_known_that_the_owner_does_not_share(
    owned: Owned, session: boto3.Session
) -> None:
    reading = Aws(session)
    for question in every_question(owned):
        fact = unknown(reading, question)
        alone = isinstance(question, OWNERS_ALONE)
        assert (fact.why, fact.account) == ("not-visible" if alone else "denied", THEIRS), question
        assert fact.region == (owned.region if question.fact.endswith(owned.secret) else REGION)


def test_what_the_owner_shares_is_read_with_the_own_credentials(
    aws: EmulatedAws, owned: Owned, session: boto3.Session
) -> None:
    aws.client("ecr", account=THEIRS).create_repository(repositoryName="shared")
    policy = _policy(OURS, "ecr:*")
    aws.client("ecr", account=THEIRS).set_repository_policy(repositoryName="shared", policyText=policy)
    key = aws.client("kms", account=THEIRS).create_key(Policy=_policy(OURS, "kms:*"))["KeyMetadata"]["Arn"]
    secrets = aws.client("secretsmanager", account=THEIRS, region=owned.region)
    secret = secrets.create_secret(Name="shared", SecretString="{}")["ARN"]
    secrets.put_resource_policy(SecretId=secret, ResourcePolicy=_policy(OURS, "secretsmanager:*"))

    reading = Aws(session)
    assert known(reading, q.RepositoryPolicy(*HERE, THEIRS, "shared")) == policy
    assert known(reading, q.RepositoryTags(*HERE, THEIRS, "shared")) == ()
    assert known(reading, q.LifecycleRulesOf(*HERE, THEIRS, "shared")) == ()
    assert known(reading, q.ReplicationOf(*HERE, THEIRS, "shared", "1", None)) is None
    assert known(reading, q.EcrManifestOf(*HERE, THEIRS, "shared", "1", None)) is None
    assert known(reading, q.RepositoryDetails(*HERE, THEIRS, "shared")).encryption == "AES256"
    assert known(reading, q.OneKey(*HERE, key)).state == "Enabled"
    assert unknown(reading, q.KeyPolicy(*HERE, key)).why == "not-visible"
    assert unknown(reading, q.CacheRuleWorks(*HERE, THEIRS, "hub")).why == "not-visible"
    assert unknown(reading, q.ReplicationRulesOf(*HERE, THEIRS)).why == "not-visible"
    assert known(reading, q.OneSecret(*HERE, secret)).arn == secret
    assert json.loads(known(reading, q.SecretPolicy(*HERE, secret))) == json.loads(_policy(OURS, "secretsmanager:*"))


@pytest.mark.usefixtures("owned")
def test_a_task_s_own_reader_role_reads_what_a_third_account_shares(aws: EmulatedAws, session: boto3.Session) -> None:
    """The task ran in the account of the reader role; its image belongs to an account without one."""
    third = "555555555553"
    policy = _policy(THEIRS, "ecr:*")
    aws.client("ecr", account=third).create_repository(repositoryName="third")
    aws.client("ecr", account=third).set_repository_policy(repositoryName="third", policyText=policy)
    reading = Aws(session, reader_roles={THEIRS: READER})
    assert known(reading, q.RepositoryPolicy(THEIRS, REGION, third, "third")) == policy
    assert unknown(reading, q.RepositoryPolicy(OURS, REGION, third, "third")).why == "denied"


def test_the_image_of_the_own_account_is_read_with_the_own_credentials(
    aws: EmulatedAws, session: boto3.Session
) -> None:
    """The task ran in the account of the reader role; its image belongs to the account of these credentials."""
    aws.client("ecr", account=OURS).create_repository(repositoryName="ours")
    reading = Aws(session, reader_roles={THEIRS: READER})
    before = len(aws.calls)
    assert known(reading, q.RepositoryPolicy(THEIRS, REGION, OURS, "ours")) is None
    assert "sts:AssumeRole" not in [call.action for call in aws.calls[before:]]
