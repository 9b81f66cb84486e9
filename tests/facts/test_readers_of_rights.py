"""What the readers of rights ask for, and what they make of answers that are unlike the usual one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pull_doctor.facts import questions as q
from pull_doctor.facts import values as v
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.engine import ask
from pull_doctor.facts.fact import Known, Unknown
from tests.facts import answers_of_rights
from tests.facts.botocore_world import OWN_ACCOUNT, REGION, Answer, AwsError, World
from tests.facts.case import HERE, KEY, REPOSITORY, ROLE, SECRET, put

THEIRS = "444455556666"


def role_of(arn: str, trust: str = "%7B%7D") -> Known[Any] | Unknown:
    role = {
        "Path": "/",
        "RoleName": "pull",
        "RoleId": "AROAEXAMPLE123456",
        "Arn": arn,
        "CreateDate": "2026-01-01T00:00:00Z",
    }
    return put(q.OneRole(*HERE, ROLE), GetRole=[{"Role": role | {"AssumeRolePolicyDocument": trust}}])


def test_a_role_of_the_same_name_under_another_path_is_another_role() -> None:
    assert role_of(ROLE.replace("role/", "role/service-role/")) == Known(None)
    other = ROLE.replace("pull", "Pull")
    assert role_of(other) == Known(v.Role(other, "{}", id="AROAEXAMPLE123456", tags=()))


def test_a_role_is_asked_for_by_its_name_without_its_path() -> None:
    world = World({"GetRole": [AwsError("NoSuchEntity", status=404)]})
    ask(Aws(world.session()), q.OneRole(*HERE, ROLE.replace("role/", "role/service-role/")))
    assert world.calls[0][2] == {"RoleName": "pull"}


def test_a_trust_policy_that_is_no_policy_is_unknown() -> None:
    for trust in ("not-json", "%5B%5D", "%22text%22"):
        fact = role_of(ROLE, trust)
        assert isinstance(fact, Unknown)
        assert fact.detail == f"the trust policy of {ROLE} is not JSON"


@pytest.mark.parametrize(
    "key", ["", "alias/aws/secretsmanager", f"arn:aws:kms:{REGION}:{OWN_ACCOUNT}:alias/aws/secretsmanager"]
)
def test_aws_s_own_key_is_no_key_of_the_customer(key: str) -> None:
    answer = {"ARN": SECRET} | ({"KmsKeyId": key} if key else {})
    assert put(q.OneSecret(*HERE, SECRET), DescribeSecret=[answer]) == Known(v.Secret(SECRET))
    parameter = {"Name": "/db"} | ({"KeyId": key.replace("secretsmanager", "ssm")} if key else {})
    fact = put(q.OneParameter(*HERE, "/db"), DescribeParameters=[{"Parameters": [parameter]}])
    assert fact == Known(v.Parameter("/db"))


def test_a_secret_without_a_policy_has_none() -> None:
    answer = {"ARN": SECRET, "Name": "prod/db"}
    assert put(q.SecretPolicy(*HERE, SECRET), GetResourcePolicy=[answer]) == Known(None)


def test_an_alias_of_the_customer_s_is_a_key() -> None:
    answer = {"ARN": SECRET, "KmsKeyId": "alias/mine"}
    assert put(q.OneSecret(*HERE, SECRET), DescribeSecret=[answer]) == Known(v.Secret(SECRET, key="alias/mine"))


def test_a_parameter_is_absent_only_once_every_page_is_read() -> None:
    question = q.OneParameter(*HERE, "/db")
    other = {"Parameters": [{"Name": "/db-2", "KeyId": KEY}]}
    assert put(question, DescribeParameters=[{"Parameters": [], "NextToken": "2"}, other]) == Known(None)
    refused: list[Answer] = [{"Parameters": [], "NextToken": "2"}, AwsError("ThrottlingException")]
    fact = put(question, DescribeParameters=refused)
    assert isinstance(fact, Unknown)
    assert fact.why == "throttled"


def test_what_could_not_be_read_is_named_by_its_own_id() -> None:
    refused = [AwsError("AccessDeniedException")]
    secret = put(q.OneSecret(*HERE, SECRET), DescribeSecret=refused)
    parameter = put(q.OneParameter(*HERE, "/db"), DescribeParameters=refused)
    assert isinstance(secret, Unknown)
    assert isinstance(parameter, Unknown)
    assert (secret.resource, parameter.resource) == (SECRET, "/db")


POLICIES = next(case for case in answers_of_rights.CASES if isinstance(case.question, q.PoliciesOfRole))


def policies(**changed: Sequence[Answer]) -> Known[Any] | Unknown:
    """The policies of a role whose listings have one page each, but for what is changed."""
    listed: dict[str, Any] = {POLICIES.operation: POLICIES.pages[:1], **POLICIES.more}
    return put(POLICIES.question, **{**listed, **changed})


def test_a_role_may_have_no_policy_and_no_boundary() -> None:
    role = {name: value for name, value in answers_of_rights.GIVEN.items() if name != "PermissionsBoundary"}
    fact = policies(
        GetRole=[{"Role": role}],
        ListAttachedRolePolicies=[{"AttachedPolicies": []}],
        ListRolePolicies=[{"PolicyNames": []}],
    )
    assert fact == Known(v.RolePolicies(()))


@pytest.mark.parametrize("gone", ["GetPolicy", "GetPolicyVersion", "GetRolePolicy"])
def test_a_policy_that_went_between_two_calls_is_not_a_role_that_is_not_there(gone: str) -> None:
    assert isinstance(policies(), Known)
    fact = policies(**{gone: [AwsError("NoSuchEntity", status=404)]})
    assert isinstance(fact, Unknown)
    assert fact.action == f"iam:{gone}"


def test_no_policies_of_a_role_that_is_not_there_or_is_another_one() -> None:
    assert policies(GetRole=[AwsError("NoSuchEntity", status=404)]) == Known(None)
    elsewhere = answers_of_rights.GIVEN | {"Arn": ROLE.replace("role/", "role/team/")}
    assert policies(GetRole=[{"Role": elsewhere}]) == Known(None)


def test_a_policy_that_is_not_json_is_unknown() -> None:
    broken: Answer = {"PolicyVersion": {"VersionId": "v1", "Document": "%7Bbroken"}}
    fact = policies(GetPolicyVersion=[broken])
    assert isinstance(fact, Unknown)
    assert fact.detail == f"policy {answers_of_rights.PULL} is not JSON"


def test_every_policy_is_read_in_its_default_version() -> None:
    world = World({POLICIES.operation: POLICIES.pages[:1], **POLICIES.more})
    ask(Aws(world.session()), POLICIES.question)
    asked = [parameters["VersionId"] for _, operation, parameters in world.calls if operation == "GetPolicyVersion"]
    assert asked == ["v1", "v7"]


def test_the_scope_is_asked_for_only_where_there_is_a_policy() -> None:
    world = World({"GetRegistryPolicy": [AwsError("RegistryPolicyNotFoundException")]})
    assert ask(Aws(world.session()), q.RegistryPolicyOf(*HERE, OWN_ACCOUNT)) == Known(v.RegistryRules(None))
    assert world.operations() == ["GetRegistryPolicy"]


def test_a_scope_that_is_new_is_unknown() -> None:
    policy: Answer = {"registryId": OWN_ACCOUNT, "policyText": "{}"}
    question = q.RegistryPolicyOf(*HERE, OWN_ACCOUNT)
    fact = put(question, GetRegistryPolicy=[policy], GetAccountSetting=[{"name": "REGISTRY_POLICY_SCOPE"}])
    assert isinstance(fact, Unknown)
    fact = put(question, GetRegistryPolicy=[policy], GetAccountSetting=[{"value": "V3"}])
    assert isinstance(fact, Unknown)
    assert fact.detail == "the scope of the registry's policy is V3"


def test_the_policy_of_another_registry_is_not_taken_for_the_one_asked_about() -> None:
    answer: Answer = {"registryId": THEIRS, "policyText": "{}"}
    fact = put(q.RegistryPolicyOf(*HERE, OWN_ACCOUNT), GetRegistryPolicy=[answer])
    assert isinstance(fact, Unknown)
    assert fact.detail == f"ECR answered for registry {THEIRS}"


@pytest.mark.parametrize("kind", [q.RegistryPolicyOf, q.CacheRulesOf])
def test_what_only_the_owner_is_told_is_not_asked_with_other_credentials(kind: Any) -> None:
    world = World({})
    assert ask(Aws(world.session()), kind(*HERE, THEIRS)) == Unknown(
        kind(*HERE, THEIRS).fact,
        "not-visible",
        None if kind is q.RegistryPolicyOf else "ecr:DescribePullThroughCacheRules",  # one of two, none was called
        account=THEIRS,
        region=REGION,
        detail=f"AWS tells this to account {THEIRS} only, and no reader role is set for it",
    )
    assert world.operations() == ["GetCallerIdentity"]


def test_a_key_s_policy_is_told_to_its_owner_alone_its_state_also_to_others() -> None:
    key = KEY.replace(OWN_ACCOUNT, THEIRS)
    metadata = {"KeyId": "1234abcd", "Arn": key, "KeyState": "Disabled", "KeyManager": "CUSTOMER"}
    world = World({"DescribeKey": [{"KeyMetadata": metadata}]})
    aws = Aws(world.session())
    assert ask(aws, q.OneKey(*HERE, key)) == Known(v.Key(key, "Disabled", "CUSTOMER"))
    fact = ask(aws, q.KeyPolicy(*HERE, key))
    assert isinstance(fact, Unknown)
    assert (fact.why, fact.account, fact.resource) == ("not-visible", THEIRS, key)
    assert "GetKeyPolicy" not in world.operations()


def test_a_repository_that_aws_s_own_key_of_ecr_encrypts_has_none() -> None:
    plain = {"repositoryArn": REPOSITORY, "encryptionConfiguration": {"encryptionType": "AES256"}}
    question = q.RepositoryDetails(*HERE, OWN_ACCOUNT, "web")
    answer = [{"repositories": [plain]}]
    assert put(question, DescribeRepositories=answer) == Known(v.Repository(REPOSITORY, "AES256"))
    for strange in ({"repositoryArn": REPOSITORY}, plain | {"encryptionConfiguration": {"encryptionType": "KMS"}}):
        assert isinstance(put(question, DescribeRepositories=[{"repositories": [strange]}]), Unknown)
    assert isinstance(put(question, DescribeRepositories=[{"repositories": []}]), Unknown)


def test_tags_are_asked_for_by_the_repository_s_own_arn() -> None:
    world = World({"ListTagsForResource": [{"tags": []}]})
    question = q.RepositoryTags(OWN_ACCOUNT, "cn-north-1", THEIRS, "team/web")
    assert ask(Aws(world.session()), question) == Known(())
    assert world.calls[-1][2] == {"resourceArn": f"arn:aws-cn:ecr:cn-north-1:{THEIRS}:repository/team/web"}


@pytest.mark.parametrize(
    ("question", "home"),
    [
        (q.EcrImageOf(*HERE, THEIRS, "web", "1", None), (THEIRS, REGION)),
        (q.OneSecret(*HERE, "prod/db"), HERE),
        (q.OneSecret(*HERE, f"arn:aws:secretsmanager:us-east-1:{THEIRS}:secret:db-a1b2c3"), (THEIRS, "us-east-1")),
        (q.SecretPolicy(*HERE, f"arn:aws:secretsmanager:us-east-1:{THEIRS}:secret:db-a1b2c3"), (THEIRS, "us-east-1")),
        (q.OneKey(*HERE, f"arn:aws:kms:us-east-1:{THEIRS}:key/1234"), (THEIRS, "us-east-1")),
        (q.KeyPolicy(*HERE, "1234"), HERE),
        (q.OneKey(*HERE, "alias/mine"), HERE),
        (q.OneRole(*HERE, ROLE), HERE),
    ],
    ids=str,
)
def test_where_the_thing_itself_is(question: q.Question[Any], home: tuple[str, str]) -> None:
    assert question.home == home


def test_a_secret_is_looked_for_in_the_region_of_its_arn() -> None:
    arn = f"arn:aws:secretsmanager:us-east-1:{OWN_ACCOUNT}:secret:db-a1b2c3"
    refused = put(q.OneSecret(*HERE, arn), DescribeSecret=[AwsError("AccessDeniedException")])
    assert isinstance(refused, Unknown)
    assert (refused.account, refused.region, refused.resource) == (OWN_ACCOUNT, "us-east-1", arn)


def test_a_refused_read_of_another_account_s_repository_names_that_account() -> None:
    refused = put(q.RepositoryPolicy(*HERE, THEIRS, "web"), GetRepositoryPolicy=[AwsError("AccessDeniedException")])
    assert isinstance(refused, Unknown)
    assert (refused.why, refused.account, refused.resource) == ("denied", THEIRS, "web")


@pytest.mark.parametrize("failure", [{}, {"failure": ""}])
def test_a_cache_rule_that_works_has_no_failure(failure: dict[str, str]) -> None:
    answer = {"ecrRepositoryPrefix": "ROOT", "isValid": True} | failure
    world = World({"ValidatePullThroughCacheRule": [answer]})
    fact = ask(Aws(world.session()), q.CacheRuleWorks(*HERE, OWN_ACCOUNT, "ROOT"))
    assert fact == Known(v.CacheRuleState(valid=True))
    assert world.calls[-1][2] == {"registryId": OWN_ACCOUNT, "ecrRepositoryPrefix": "ROOT"}
