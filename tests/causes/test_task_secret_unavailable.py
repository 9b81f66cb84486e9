import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable, Problem
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.injected import Injected, parse_value_from
from pull_doctor.facts.values import Parameter, Secret, Simulated
from pull_doctor.intake.symptoms import read_symptom
from tests.causes.factory import ROLE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, PLACE, REGION

CAUSE = "task-secret-unavailable"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/database-AbCdEf"
OTHER = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/cache-GhIjKl"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/prod/database"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
FROM_ASM = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
FETCH = f"{FROM_ASM}failed to fetch secret {SECRET} from secrets manager: "
NOT_FOUND = f"{FETCH}ResourceNotFoundException: Secrets Manager can't find the specified secret."
MARKED = f"{FETCH}InvalidRequestException: You can't perform this operation because it was marked for deletion."
DENIED = (
    f"{FETCH}AccessDeniedException: User: arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/0f is not authorized to "
    f"perform: secretsmanager:GetSecretValue on resource: {SECRET} because no identity-based policy allows the action"
)
KMS = f"{FETCH}AccessDeniedException: Access to KMS is not allowed"
THROTTLED = f"{FROM_ASM}ThrottlingException: Rate exceeded"
TEXTS = (NOT_FOUND, MARKED, DENIED, KMS, THROTTLED)
UNREAD = Unknown("it", "denied")


def right(action: str, decision: Any = "allowed", **more: Any) -> Fact[tuple[Simulated, ...] | None]:
    return Known((Simulated(action, decision, **more),))


MAY = right("secretsmanager:GetSecretValue")
MAY_NOT = right("secretsmanager:GetSecretValue", "implicitDeny")


def secret(arn: str = SECRET, **more: Any) -> Injected:
    source = parse_value_from(f"{arn}:password::", PLACE)
    assert source
    facts: dict[str, Any] = {"found": Known(Secret(arn)), "rights": MAY, "policy": Known(None)}
    return Injected(source, **(facts | more))


def parameter(**more: Any) -> Injected:
    source = parse_value_from("/prod/database", PLACE)
    assert source
    facts: dict[str, Any] = {"found": Known(Parameter("/prod/database")), "rights": right("ssm:GetParameters")}
    return Injected(source, **(facts | {"policy": Known(None)} | more))


def judged(text: str, *injected: Injected, **facts: Any) -> Any:
    told = replace(failure(read_symptom(text)), message=text)
    return outcome(CAUSE, World(failures=(told,)), **({"injected": Known(injected)} | facts))


GONE = secret(found=Known(None))
DELETED = secret(found=Known(Secret(SECRET, deleted_at=datetime(2026, 11, 30, tzinfo=UTC))))
REFUSED = secret(rights=MAY_NOT)


def test_the_texts_are_about_secrets() -> None:
    assert {read_symptom(text).phase for text in TEXTS} == {"prepare"}
    assert {read_symptom(text).kind for text in TEXTS} == {"secret-unavailable", "kms-denied"}


def test_a_secret_that_does_not_exist() -> None:
    found = problem(judged(THROTTLED, GONE))
    assert found.title == "secret that the task injects does not exist"
    assert (found.culprit.id, found.still, found.text_proves) == (SECRET, "yes", False)
    told = problem(judged(NOT_FOUND, GONE))
    assert told.text_proves
    assert [one.source for one in told.evidence] == ["text", "fact"]


def test_a_secret_that_is_marked_for_deletion() -> None:
    found = problem(judged(MARKED, DELETED))
    assert found.title == "secret that the task injects is marked for deletion"
    assert "2026-11-30" in str(found.evidence)
    assert parameters(found) == {"SecretId": SECRET}
    assert found.fixes[0].applicability == "your-call"


def test_a_parameter_that_does_not_exist() -> None:
    text = FROM_ASM.replace("secret from asm", "secrets from ssm") + "invalid parameters: /prod/database"
    found = problem(judged(text, parameter(found=Known(None))))
    assert (found.culprit.id, found.text_proves) == (PARAMETER, True)
    assert parameters(found)["Name"] == "/prod/database"
    assert found.fixes[0].applicability == "fill-in"


def test_a_role_that_may_not_read_it() -> None:
    found = problem(judged(DENIED, REFUSED))
    assert found.title == "execution role lacks secretsmanager:GetSecretValue"
    assert (found.still, found.text_proves) == ("yes", True)
    assert found.fixes[0].applicability == "exact"
    (statement,) = json.loads(parameters(found)["PolicyDocument"])["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("secretsmanager:GetSecretValue", SECRET)
    assert parameters(found)["RoleName"] == "web-exec"


def test_one_policy_gives_all_missing_rights() -> None:
    both = problem(judged(THROTTLED, REFUSED, secret(OTHER, rights=MAY_NOT)))
    assert {one["Resource"] for one in json.loads(parameters(both)["PolicyDocument"])["Statement"]} == {SECRET, OTHER}


@pytest.mark.parametrize(
    ("more", "word"),
    [({"decision": "explicitDeny", "statements": ("guard",)}, "guard"), ({"boundary_allows": False}, "boundary")],
)
def test_what_denies_it_is_taken_out_by_hand(more: dict[str, Any], word: str) -> None:
    rights = right("secretsmanager:GetSecretValue", **({"decision": "implicitDeny"} | more))
    found = problem(judged(DENIED, secret(rights=rights)))
    assert [(fix.applicability, fix.commands) for fix in found.fixes] == [("your-call", ())]
    assert word in found.fixes[0].text
    assert "is denied" in found.title


def test_all_of_it_is_there_and_may_be_read() -> None:
    why = ok(judged(THROTTLED, secret(), parameter()))
    assert SECRET in why
    assert PARAMETER in why


# The secret's own policy


def policy(effect: str = "Allow", **more: Any) -> Fact[str | None]:
    statement = {"Effect": effect, "Principal": {"AWS": ROLE}, "Action": "secretsmanager:GetSecretValue"}
    return Known(json.dumps({"Statement": statement | more}))


def test_the_secrets_policy_suffices_in_one_account() -> None:
    ok(judged(THROTTLED, secret(rights=MAY_NOT, policy=policy())))
    assert missing(judged(THROTTLED, secret(rights=MAY_NOT, policy=UNREAD))) == ("it",)
    conditional = policy(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})
    assert SECRET in missing(judged(THROTTLED, secret(rights=MAY_NOT, policy=conditional)))[0]


def test_the_secrets_policy_may_deny() -> None:
    assert SECRET in missing(judged(THROTTLED, secret(policy=policy("Deny"))))[0]
    assert missing(judged(THROTTLED, secret(policy=UNREAD))) == ("it",)


def test_across_accounts_both_sides_must_allow() -> None:
    arn = SECRET.replace(ACCOUNT, "999988887777")
    problem(judged(THROTTLED, secret(arn, rights=MAY_NOT, policy=policy())))
    assert arn in missing(judged(THROTTLED, secret(arn)))[0]
    ok(judged(THROTTLED, secret(arn, policy=policy())))


# Its key


def keyed(**more: Any) -> Injected:
    return secret(found=Known(Secret(SECRET, key=KEY)), **more)


def test_a_key_that_the_role_may_not_use() -> None:
    found = problem(judged(KMS, keyed(key_rights=right("kms:Decrypt", "implicitDeny"))))
    assert (found.title, found.text_proves) == (
        "execution role may not use the key of a secret that the task injects",
        True,
    )
    assert json.loads(parameters(found)["PolicyDocument"])["Statement"][0]["Resource"] == KEY
    assert found.fixes[0].applicability == "your-call"


def test_the_keys_own_policy_is_not_read() -> None:
    refused = keyed(key_rights=right("kms:Decrypt", "implicitDeny"))
    assert KEY in missing(judged(THROTTLED, refused))[0]
    ok(judged(THROTTLED, keyed(key_rights=right("kms:Decrypt"))))
    # The text says that the key was refused; the role's own policies are not what refuses it.
    assert problem(judged(KMS, keyed(key_rights=right("kms:Decrypt")))).still == "unknown"
    assert missing(judged(THROTTLED, keyed(key_rights=UNREAD))) == ("it",)


# What ECS's text says


@pytest.mark.parametrize("text", [NOT_FOUND, MARKED, DENIED])
def test_the_text_proves_what_is_mended(text: str) -> None:
    found = problem(judged(text, secret(), parameter()))
    assert (found.culprit.id, found.still, found.text_proves, found.fixes) == (SECRET, "no", True, ())


@pytest.mark.parametrize("text", [NOT_FOUND, MARKED, DENIED, KMS])
def test_the_text_proves_it_where_the_secret_is_not_read(text: str) -> None:
    found = problem(judged(text, secret(found=UNREAD, rights=UNREAD)))
    assert (found.culprit.id, found.still, found.text_proves) == (SECRET, "unknown", True)
    assert found.fixes[0].commands == ()
    # Whether the task injects that secret, or signs in to a registry with it, only the task definition tells.
    assert missing(judged(text, injected=UNREAD)) == ("it",)


def test_a_json_key_that_the_secret_does_not_have() -> None:
    found = problem(judged(f"{FROM_ASM}retrieved secret from Secrets Manager did not contain json key user", secret()))
    assert (found.still, found.text_proves) == ("unknown", True)
    several = problem(judged(f"{FROM_ASM}retrieved secret did not contain json key user", secret(), secret(OTHER)))
    assert SECRET in several.inferred[0]


def test_the_secret_that_the_text_names_comes_first() -> None:
    found = problem(judged(DENIED, secret(OTHER, rights=MAY_NOT), REFUSED))
    assert found.culprit.id == SECRET
    # The text names one that is fine now; another that is gone did not stop this task.
    assert problem(judged(DENIED, secret(), secret(OTHER, found=Known(None)))).culprit.id == SECRET


def test_a_text_about_a_secret_that_the_task_does_not_inject() -> None:
    assert SECRET in ok(judged(NOT_FOUND, secret(OTHER)))
    found = problem(judged(NOT_FOUND, secret(OTHER, found=Known(None))))
    assert (found.culprit.id, found.text_proves) == (OTHER, False)
    assert SECRET in found.inferred[0]


def test_a_name_that_begins_like_another_is_not_that_one() -> None:
    longer = NOT_FOUND.replace(SECRET, SECRET + "2")
    assert f"{SECRET}2" in ok(judged(longer, secret()))


def test_the_credentials_of_a_registry_are_another_matter() -> None:
    text = "CannotPullContainerAuthError: engine docker private registry credentials: not found"
    ok(judged(text, GONE))


@pytest.mark.parametrize(
    "text",
    [
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref team/app:1",
        f"{FROM_ASM}RequestError: send request failed: dial tcp 10.0.3.7:443: i/o timeout",
        f"CannotPullContainerError: {ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/app:1: not found",
    ],
)
def test_a_text_of_another_failure_rules_it_out(text: str) -> None:
    assert "ECS's text" in ok(judged(text, GONE))


@pytest.mark.parametrize("fact", ["found", "rights", "policy"])
def test_what_is_not_read_leaves_it_open(fact: str) -> None:
    unread: dict[str, Any] = {fact: UNREAD}
    assert missing(judged(THROTTLED, secret(**unread))) == ("it",)
    assert isinstance(judged(THROTTLED, secret(**unread), secret(OTHER, found=Known(None))), Problem)


@pytest.mark.parametrize("more", [{"missing_context": ("aws:SourceVpc",)}, {"organization_allows": False}], ids=str)
def test_what_a_condition_or_the_organization_decides_is_open(more: dict[str, Any]) -> None:
    rights = right("secretsmanager:GetSecretValue", "implicitDeny", **more)
    assert ROLE in missing(judged(THROTTLED, secret(rights=rights)))[0]


def test_a_role_that_iam_does_not_know_has_a_cause_of_its_own() -> None:
    assert ROLE in missing(judged(THROTTLED, secret(rights=Known(None))))[0]


def test_a_task_that_injects_nothing() -> None:
    assert isinstance(judged(NOT_FOUND), NotApplicable)
