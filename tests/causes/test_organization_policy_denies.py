from dataclasses import replace

import pytest

from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import Simulated
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.rights import PULL_ACTIONS
from tests.causes.factory import NOT_FOUND, ROLE, SIGN_IN_DENIED, World, failure, outcome
from tests.causes.helpers import missing, ok, problem
from tests.network.factory import ACCOUNT, REGION

CAUSE = "organization-policy-denies"
MEMBER = World(organization="o-exampleorg1")
NOT_ALLOWED = tuple(Simulated(one, "implicitDeny", organization_allows=False) for one in PULL_ACTIONS)
FORBIDDEN = (failure(Symptom("resolve", "registry-access-denied", http_status=403)),)
TOLD = replace(SIGN_IN_DENIED, denied_by="service-control-policy", explicit_deny=True)


def test_a_simulation_that_the_organization_does_not_pass_is_one_step_short_of_proof() -> None:
    found = problem(outcome(CAUSE, replace(MEMBER, pull=NOT_ALLOWED, failures=FORBIDDEN)))
    assert found.title == "service control policy denies ecr:BatchGetImage and 1 more"
    assert (found.culprit.id, found.still, found.text_proves) == (ROLE, "yes", False)
    assert "was not given" in found.inferred[0]
    (fix,) = found.fixes
    assert (fix.applicability, fix.commands) == ("your-call", ())
    assert f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app" in fix.text


@pytest.mark.parametrize("layer", ["service-control-policy", "resource-control-policy"])
def test_the_text_proves_it(layer: str) -> None:
    found = problem(outcome(CAUSE, replace(MEMBER, failures=(failure(replace(TOLD, denied_by=layer)),))))  # type: ignore[arg-type] # one of its literals
    assert (found.still, found.text_proves, found.inferred) == ("unknown", True, ())
    assert layer.replace("-", " ") in found.evidence[0].text
    assert found.fixes


def test_an_account_that_has_left_its_organization_is_rid_of_its_policies() -> None:
    found = problem(outcome(CAUSE, World(failures=(failure(TOLD),))))
    assert (found.still, found.fixes) == ("no", ())
    assert found.evidence[-1].text.endswith("in no organization now")


def test_a_simulation_never_rules_it_out() -> None:
    assert "o-exampleorg1" not in missing(outcome(CAUSE, MEMBER))[0]
    assert ACCOUNT in missing(outcome(CAUSE, MEMBER))[0]


def test_an_account_in_no_organization_has_no_such_policy() -> None:
    assert ACCOUNT in ok(outcome(CAUSE, World()))


def test_the_policies_of_the_repositorys_own_organization_count_too() -> None:
    image = f"999988887777.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"
    assert "999988887777" in missing(outcome(CAUSE, World(failures=(failure(image=image),))))[0]


def test_a_text_that_shows_the_request_accepted_rules_it_out() -> None:
    assert "accepted" in ok(outcome(CAUSE, replace(MEMBER, failures=(failure(NOT_FOUND),))))


def test_an_organization_that_is_not_read_is_not_judged() -> None:
    unread = Unknown("the organization", "denied", "organizations:DescribeOrganization")
    assert missing(outcome(CAUSE, World(), organization=unread)) == (unread.fact,)


def test_a_condition_that_the_simulation_was_not_given_is_no_denial() -> None:
    one = replace(NOT_ALLOWED[0], missing_context=("aws:SourceVpc",))
    assert missing(outcome(CAUSE, replace(MEMBER, pull=(one,), failures=FORBIDDEN)))


def test_a_text_that_names_another_layer_is_one_more_step_short() -> None:
    told = (failure(replace(TOLD, action="ecr:BatchGetImage", denied_by="identity-policy")),)
    found = problem(outcome(CAUSE, replace(MEMBER, pull=NOT_ALLOWED, failures=told)))
    assert "names the identity policy" in found.inferred[1]


def test_a_text_about_another_layer_or_another_service_does_not_prove_it() -> None:
    for told in (replace(TOLD, denied_by="identity-policy"), replace(TOLD, action="secretsmanager:GetSecretValue")):
        assert missing(outcome(CAUSE, replace(MEMBER, failures=(failure(told),))))
