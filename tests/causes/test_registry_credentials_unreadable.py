from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import NotApplicable
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.policy.stored import Stored
from tests.causes.factory import HUB_IMAGE, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.causes.stored import (
    FOREIGN,
    KEY,
    MAY_DECRYPT,
    MAY_NOT,
    MAY_NOT_DECRYPT,
    OTHER,
    READ,
    SECRET,
    UNREAD,
    granting,
    keyed,
    secret,
    statements,
)
from tests.network.factory import ACCOUNT

CAUSE = "registry-credentials-unreadable"
ON_EC2 = "CannotPullContainerAuthError: engine docker private registry credentials: not found"
DENIED = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable "
    f"to retrieve secret from asm: AccessDeniedException: User: arn:aws:sts::{ACCOUNT}:assumed-role/web-exec/0f is not "
    f"authorized to perform: secretsmanager:GetSecretValue on resource: {SECRET} because no identity-based policy "
    "allows the secretsmanager:GetSecretValue action"
)


def judged(text: str, *logins: Stored, **facts: Any) -> Any:
    told = replace(failure(read_symptom(text), HUB_IMAGE), message=text)
    values: dict[str, Any] = {"logins": Known(logins), "injected": Known(())}
    return outcome(CAUSE, World(failures=(told,)), **(values | facts))


@pytest.mark.parametrize(("text", "told"), [(DENIED, True), (ON_EC2, False)])
def test_the_role_may_not_read_it(text: str, told: bool) -> None:  # noqa: FBT001 - a case
    found = problem(judged(text, secret(rights=MAY_NOT)))
    assert found.title == "execution role lacks secretsmanager:GetSecretValue for the registry's login"
    assert (found.culprit.id, found.text_proves, found.inferred) == (SECRET, told, ())
    (statement,) = statements(parameters(found)["PolicyDocument"])
    assert (statement["Action"], statement["Resource"]) == (READ, SECRET)
    assert found.fixes[0].applicability == "exact"


def test_the_role_may_read_it() -> None:
    assert SECRET in ok(judged(ON_EC2, secret()))
    assert SECRET in ok(judged(ON_EC2, keyed()))
    assert SECRET in ok(judged(ON_EC2, secret(rights=MAY_NOT, policy=granting())))
    assert problem(judged(DENIED, secret())).still == "no"


def test_its_key() -> None:
    found = problem(judged(ON_EC2, keyed(MAY_NOT_DECRYPT)))
    assert "grant" in found.inferred[0]
    assert statements(parameters(found)["PolicyDocument"])[0]["Resource"] == KEY
    disabled = problem(judged(ON_EC2, keyed(MAY_DECRYPT, state="Disabled")))
    assert disabled.title == "key of the secret with the login to a registry is disabled"


def test_the_secret_of_another_account() -> None:
    found = problem(judged(ON_EC2, secret(FOREIGN)))
    assert found.title.startswith("secret's own policy does not grant secretsmanager:GetSecretValue")
    assert len(found.evidence) == 2, "nor does its key"


def test_what_is_not_read_leaves_it_open() -> None:
    assert missing(judged(ON_EC2, secret(rights=UNREAD))) == ("it",)
    assert missing(judged(ON_EC2, keyed(policy=UNREAD))) == ("it",)
    unread = Unknown("task definition web:87", "denied")
    assert missing(judged(ON_EC2, logins=unread)) == (unread.fact,)


def test_one_that_is_gone_is_not_unreadable() -> None:
    ok(judged(ON_EC2, secret(found=Known(None), rights=MAY_NOT)))


def test_a_task_without_a_login() -> None:
    assert isinstance(judged(ON_EC2), NotApplicable)


def test_a_text_about_a_secret_that_the_task_injects() -> None:
    injected = secret(OTHER, rights=MAY_NOT)
    assert OTHER in ok(judged(DENIED.replace(SECRET, OTHER), secret(rights=MAY_NOT), injected=Known((injected,))))
    # On EC2 the code of the text says that it is about the login, whatever else cannot be read.
    assert problem(judged(ON_EC2, secret(rights=MAY_NOT), injected=Known((injected,)))).culprit.id == SECRET


def test_a_registry_that_refuses_has_been_shown_a_login() -> None:
    text = "CannotPullContainerError: Head https://quay.io/v2/acme/web/manifests/3: unauthorized: access denied"
    found = problem(judged(text, secret(rights=MAY_NOT)))
    assert found.phases == ("prepare",), "it shows in no later phase"
    assert "network-timeout" in ok(judged("dial tcp 10.0.0.1:443: i/o timeout", logins=UNREAD))
