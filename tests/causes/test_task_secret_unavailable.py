from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable, Problem
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import Secret
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.policy.stored import Stored
from tests.causes.factory import ROLE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.causes.stored import (
    FOREIGN,
    KEY,
    MAY_DECRYPT,
    MAY_NOT,
    MAY_NOT_DECRYPT,
    OTHER,
    OWNER,
    PARAMETER,
    READ,
    SECRET,
    UNREAD,
    granting,
    keyed,
    parameter,
    right,
    secret,
    statements,
)
from tests.network.factory import ACCOUNT, REGION

CAUSE = "task-secret-unavailable"
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


def judged(text: str, *injected: Stored, **facts: Any) -> Any:
    told = replace(failure(read_symptom(text)), message=text)
    logins: Fact[tuple[Stored, ...]] = Known(())
    return outcome(CAUSE, World(failures=(told,)), **({"injected": Known(injected), "logins": logins} | facts))


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
    (statement,) = statements(parameters(found)["PolicyDocument"])
    assert (statement["Action"], statement["Resource"]) == ("secretsmanager:GetSecretValue", SECRET)
    assert parameters(found)["RoleName"] == "web-exec"


def test_one_policy_gives_all_missing_rights() -> None:
    both = problem(judged(THROTTLED, REFUSED, secret(OTHER, rights=MAY_NOT)))
    assert {one["Resource"] for one in statements(parameters(both)["PolicyDocument"])} == {SECRET, OTHER}


@pytest.mark.parametrize(
    ("more", "word"),
    [({"decision": "explicitDeny", "statements": ("guard",)}, "guard"), ({"boundary_allows": False}, "boundary")],
)
def test_what_denies_it_is_taken_out_by_hand(more: dict[str, Any], word: str) -> None:
    rights = right(READ, **({"decision": "implicitDeny"} | more))
    found = problem(judged(DENIED, secret(rights=rights)))
    assert [(fix.applicability, fix.commands) for fix in found.fixes] == [("your-call", ())]
    assert word in found.fixes[0].text
    assert "is denied" in found.title


def test_all_of_it_is_there_and_may_be_read() -> None:
    why = ok(judged(THROTTLED, secret(), parameter()))
    assert SECRET in why
    assert PARAMETER in why


# The secret's own policy


def test_the_secrets_policy_suffices_in_one_account() -> None:
    ok(judged(THROTTLED, secret(rights=MAY_NOT, policy=granting())))
    assert missing(judged(THROTTLED, secret(rights=MAY_NOT, policy=UNREAD))) == ("it",)
    of_the_organization = granting(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})
    ok(judged(THROTTLED, secret(rights=MAY_NOT, policy=of_the_organization)))
    # The account as principal leaves it to the role's own policies.
    problem(judged(THROTTLED, secret(rights=MAY_NOT, policy=granting(role=f"arn:aws:iam::{ACCOUNT}:root"))))
    conditional = granting(Condition={"StringEquals": {"secretsmanager:ResourceTag/team": "web"}})
    assert SECRET in missing(judged(THROTTLED, secret(rights=MAY_NOT, policy=conditional)))[0]


def test_the_secrets_policy_may_deny() -> None:
    found = problem(judged(THROTTLED, secret(policy=granting("Deny"))))
    assert found.title == "secret's own policy denies secretsmanager:GetSecretValue"
    assert "statement 1" in found.evidence[0].text
    assert parameters(found) == {"SecretId": SECRET}
    assert found.fixes[0].applicability == "your-call"
    beside = problem(judged(THROTTLED, secret(policy=_with_another(granting("Deny")))))
    assert len(statements(parameters(beside)["ResourcePolicy"])) == 1
    assert missing(judged(THROTTLED, secret(policy=UNREAD))) == ("it",)


def _with_another(policy: str) -> str:
    return policy.replace('"Statement": [', '"Statement": [' + granting(role=ROLE + "-2").split("[", 1)[1][:-2] + ", ")


def test_across_accounts_both_sides_must_allow() -> None:
    keys: dict[str, Any] = {"arn": FOREIGN, "key": KEY.replace(ACCOUNT, OWNER)}
    granted = granting(action="kms:Decrypt")
    ok(judged(THROTTLED, keyed(policy=granted, **keys)))
    refused = problem(judged(THROTTLED, secret(FOREIGN, rights=MAY_NOT, policy=granting())))
    assert refused.title == "execution role lacks secretsmanager:GetSecretValue"
    for policy in (None, granting(role=ROLE + "-2")):
        found = problem(judged(THROTTLED, secret(FOREIGN, policy=policy)))
        assert found.title == "secret's own policy does not grant secretsmanager:GetSecretValue"
        assert (found.fixes[0].account, found.fixes[0].applicability) == (OWNER, "exact")
        (*_, statement) = statements(parameters(found)["ResourcePolicy"])
        assert (statement["Principal"], statement["Action"]) == ({"AWS": ROLE}, READ)
    assert missing(judged(THROTTLED, replace(keyed(policy=granted, **keys), reading=UNREAD))) == ("it",)


def test_the_policies_of_a_foreign_secret_and_of_its_key_are_set_together() -> None:
    of_the_owner = granting(role=f"arn:aws:iam::{OWNER}:root", action="kms:*")
    neither = keyed(policy=of_the_owner, arn=FOREIGN, key=KEY.replace(ACCOUNT, OWNER), shared=None)
    found = problem(judged(THROTTLED, neither))
    assert [getattr(one, "operation", None) for one in found.fixes[0].commands] == ["PutResourcePolicy", "PutKeyPolicy"]
    assert (found.fixes[0].account, found.fixes[0].effect is None) == (OWNER, False)


def test_aws_own_key_serves_no_other_account() -> None:
    found = problem(judged(THROTTLED, secret(FOREIGN, policy=granting())))
    assert found.title == "key of the secret that the task injects is of no use to this task"
    assert OWNER in found.evidence[0].text
    assert (found.fixes[0].account, found.fixes[0].applicability) == (OWNER, "fill-in")


def test_a_refusal_for_the_way_is_left_to_its_own_cause() -> None:
    bound = granting("Deny", Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-2"}})
    for text in (DENIED, THROTTLED):
        left = judged(text, secret(policy=bound))
        assert isinstance(left, NotApplicable)
        assert "names vpce-2 for aws:SourceVpce, and the request carries vpce-1" in left.why
    ok(judged(THROTTLED, secret(policy=bound.replace("vpce-2", "vpce-1"))))


# Its key


def test_a_key_that_the_role_may_not_use() -> None:
    found = problem(judged(KMS, keyed(MAY_NOT_DECRYPT)))
    assert (found.title, found.text_proves, found.inferred) == (
        "execution role may not use the key of a secret that the task injects",
        True,
        (),
    )
    (statement,) = statements(parameters(found)["PolicyDocument"])
    assert (statement["Action"], statement["Resource"]) == ("kms:Decrypt", KEY)
    assert found.fixes[0].applicability == "exact"


def test_a_role_that_lacks_both_rights_gets_both() -> None:
    found = problem(judged(DENIED, keyed(MAY_NOT_DECRYPT, reading=MAY_NOT, shared=None)))
    assert (found.text_proves, found.inferred, len(found.evidence)) == (True, (), 3)
    given = statements(parameters(found)["PolicyDocument"])
    assert [one["Action"] for one in given] == [READ, "kms:Decrypt"]


def test_a_grant_of_the_key_is_not_read() -> None:
    found = problem(judged(THROTTLED, keyed(MAY_NOT_DECRYPT)))
    assert "grant" in found.inferred[0]
    denied = problem(judged(THROTTLED, keyed(right("kms:Decrypt", "explicitDeny"))))
    assert denied.inferred == ()


def test_the_keys_policy_must_admit_the_role_or_its_account() -> None:
    ok(judged(THROTTLED, keyed()))
    ok(judged(THROTTLED, keyed(MAY_NOT_DECRYPT, granting(action="kms:Decrypt"))))
    found = problem(judged(KMS, keyed(MAY_DECRYPT, granting(role=ROLE + "-2", action="kms:Decrypt"))))
    assert found.title == "policy of the key does not grant kms:Decrypt"
    assert parameters(found)["KeyId"] == KEY
    assert statements(parameters(found)["Policy"])[1]["Principal"] == {"AWS": ROLE}
    denies = problem(judged(KMS, keyed(MAY_DECRYPT, granting("Deny", action="kms:Decrypt"))))
    assert denies.title == "policy of the key denies kms:Decrypt"
    assert denies.fixes[0].commands == ()
    assert missing(judged(THROTTLED, keyed(policy=UNREAD))) == ("it",)


@pytest.mark.parametrize(
    ("state", "operations"),
    [("Disabled", ["EnableKey"]), ("PendingDeletion", ["CancelKeyDeletion", "EnableKey"]), ("Unavailable", [])],
)
def test_a_key_that_decrypts_nothing(state: str, operations: list[str]) -> None:
    found = problem(judged(KMS, keyed(state=state)))
    assert found.title.startswith("key of the secret that the task injects is ")
    assert [getattr(one, "operation", None) for one in found.fixes[0].commands] == operations
    assert found.text_proves


def test_a_key_that_is_not_read() -> None:
    assert missing(judged(THROTTLED, replace(keyed(), key=UNREAD))) == ("it",)
    gone = problem(judged(THROTTLED, replace(keyed(), key=Known(None))))
    assert "KMS knows no key" in gone.evidence[0].text
    # The text says that the key was refused; AWS's own key, which is used now, refuses nobody.
    assert problem(judged(KMS, secret())).still == "unknown"
    assert problem(judged(KMS, keyed())).still == "no"


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
    assert (found.culprit.id, found.text_proves, found.shown) == (OTHER, False, False)


def test_a_secret_that_the_text_is_not_about_does_not_explain_it() -> None:
    throttled = f"{FETCH}ThrottlingException: Rate exceeded"
    assert not problem(judged(throttled, secret(), secret(OTHER, Known(None)))).shown
    assert problem(judged(throttled, secret(found=Known(None)), secret(OTHER))).shown
    assert problem(judged(THROTTLED, secret(), secret(OTHER, Known(None)))).shown


def test_a_defect_of_which_the_text_says_something_else() -> None:
    # A secret that is not found was asked for by somebody who may read it.
    since = problem(judged(NOT_FOUND, REFUSED))
    assert (since.text_proves, since.shown) == (False, True)
    assert f"{SECRET} is not found" in since.inferred[0]
    nameless = f"{FROM_ASM}ResourceNotFoundException: Secrets Manager can't find the specified secret."
    assert "what it means is not found" in problem(judged(nameless, REFUSED)).inferred[0]
    cut_short = f"{FROM_ASM}AccessDeniedException: it is not allowed"
    disabled = keyed(state="Disabled")
    assert problem(judged(cut_short, disabled)).inferred == ()
    assert "may not be read" in problem(judged(DENIED, disabled)).inferred[0]


def test_a_secret_named_without_the_end_of_its_arn_is_the_one_that_the_text_names_with_it() -> None:
    short = SECRET.rpartition("-")[0]
    unread = problem(judged(DENIED, secret(short, found=UNREAD, rights=UNREAD)))
    assert (unread.culprit.id, unread.text_proves, unread.inferred) == (short, True, ())
    longer = DENIED.replace("database-AbCdEf", "database-backup-AbCdEf")
    assert "database-backup" in ok(judged(longer, secret(short)))


def test_an_arn_at_the_end_of_a_sentence_is_named() -> None:
    text = f"{FROM_ASM}AccessDeniedException: the role may not read {SECRET}. Check its policies."
    assert problem(judged(text, REFUSED, secret(OTHER, Known(None)))).culprit.id == SECRET


def test_what_the_role_may_read_now_is_said_where_it_was_read() -> None:
    told = problem(judged(DENIED, secret(), secret(OTHER, Known(None))))
    assert (told.still, OTHER in told.evidence[-1].text) == ("unknown", True)
    by_organization = KMS.replace(
        "Access to KMS is not allowed",
        f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: {KEY} with an explicit deny in a "
        "resource control policy",
    )
    assert problem(judged(by_organization, keyed())).still == "unknown"


def test_a_name_that_begins_like_another_is_not_that_one() -> None:
    longer = NOT_FOUND.replace(SECRET, SECRET + "2")
    assert f"{SECRET}2" in ok(judged(longer, secret()))


def test_the_credentials_of_a_registry_are_another_matter() -> None:
    text = "CannotPullContainerAuthError: engine docker private registry credentials: not found"
    ok(judged(text, GONE))


def test_the_login_to_a_registry_may_be_what_the_text_means() -> None:
    assert OTHER in ok(judged(NOT_FOUND.replace(SECRET, OTHER), secret(), logins=Known((secret(OTHER),))))
    nameless = f"{FROM_ASM}ResourceNotFoundException: Secrets Manager can't find the specified secret."
    assert OTHER in ok(judged(nameless, secret(), logins=Known((secret(OTHER, Known(None)),))))
    assert SECRET in problem(judged(nameless, secret(), logins=Known((secret(OTHER),)))).inferred[0]


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


def test_another_layer_than_the_one_that_the_text_names() -> None:
    found = problem(judged(DENIED, secret(policy=granting("Deny"))))
    assert (found.text_proves, found.culprit.id) == (False, SECRET)
    assert "names the identity policy" in found.inferred[0]


def test_what_a_condition_decides_is_open() -> None:
    rights = right(READ, "implicitDeny", missing_context=("aws:SourceVpc",))
    assert ROLE in missing(judged(THROTTLED, secret(rights=rights)))[0]


def test_what_the_organization_does_not_allow() -> None:
    found = problem(judged(DENIED, secret(rights=right(READ, "implicitDeny", organization_allows=False))))
    assert found.title == "execution role is denied secretsmanager:GetSecretValue"
    assert [(fix.applicability, fix.commands) for fix in found.fixes] == [("your-call", ())]


@pytest.mark.parametrize("layer", ["a VPC endpoint policy", "a service control policy"])
def test_a_layer_that_is_not_read_may_refuse_it_still(layer: str) -> None:
    text = DENIED.replace("an identity-based policy", layer).replace("no identity-based policy", f"no {layer[2:]}")
    assert problem(judged(text, secret())).still == "unknown"


def test_a_task_that_injects_nothing() -> None:
    assert isinstance(judged(NOT_FOUND), NotApplicable)


def test_a_layer_that_is_not_read_is_named_in_the_fix() -> None:
    text = DENIED.replace("because no identity-based policy allows", "because no VPC endpoint policy allows")
    told = problem(judged(text, secret()))
    assert (told.still, told.fixes[0].commands) == ("unknown", ())
    assert told.fixes[0].text.startswith("let the endpoint policy allow secretsmanager:GetSecretValue to ")


def test_an_unread_policy_of_another_account_is_mended_there() -> None:
    text = DENIED.replace(SECRET, FOREIGN).replace("no identity-based policy", "no resource-based policy")
    granted = granting(action="kms:Decrypt")
    unread = keyed(policy=granted, arn=FOREIGN, key=KEY.replace(ACCOUNT, OWNER), shared=UNREAD)
    (fix,) = problem(judged(text, unread)).fixes
    assert (fix.account, fix.commands) == (OWNER, ())
    assert f"let the policy of the secret {FOREIGN} allow" in fix.text
    explicit = text.replace(
        "because no resource-based policy allows", "with an explicit deny in a resource-based policy"
    )
    assert "take out of the policy of the secret" in problem(judged(explicit, unread)).fixes[0].text


def test_what_the_execution_role_may_do_now_says_nothing_of_another_role() -> None:
    assert problem(judged(DENIED.replace("web-exec", "web-task"), secret())).still == "unknown"


@pytest.mark.parametrize(
    "why", ["DecryptionFailure: Secrets Manager can't decrypt the text", "KMSInvalidStateException: it is pending"]
)
def test_the_text_shows_a_key_that_did_not_decrypt(why: str) -> None:
    told = problem(judged(FETCH + why, keyed()))
    assert (told.title, told.still) == ("key of a secret that the task injects could not be used", "no")
    assert problem(judged(FETCH + why, keyed(state="Disabled"))).text_proves


@pytest.mark.parametrize(
    "why",
    [
        "ResourceNotFoundException: Secrets Manager can't find the resource with staging label: AWSPREVIOUS",
        "invalid character 'h' looking for beginning of value",
    ],
)
def test_a_secret_that_is_there_may_lack_what_is_asked_of_it(why: str) -> None:
    assert problem(judged(FETCH + why, secret())).still == "unknown"
