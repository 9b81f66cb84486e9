import json
from dataclasses import replace
from typing import Any

import pytest

from pull_doctor.causes.outcome import Problem
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.facts.values import Route
from pull_doctor.intake.symptom import Symptom
from tests.causes.factory import DEPLOYMENT, ROLE, SERVICE, SIGN_IN_DENIED, World, failure, outcome
from tests.causes.helpers import missing, ok, parameters, problem
from tests.network.factory import ACCOUNT, ENDPOINT_VPC, NAT_VPC, REGION, change, having, routes

CAUSE = "endpoint-policy-denies"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
FORBIDDEN = Symptom("resolve", "registry-access-denied", http_status=403)
PULLS = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def world(endpoint: str, *statements: dict[str, Any], symptom: Symptom = FORBIDDEN, **more: Any) -> World:
    vpc = change(ENDPOINT_VPC, "endpoints", endpoint, policy=policy(*statements), managed_by="stack net")
    return World(vpc=vpc, failures=(failure(symptom),), **more)


OTHER_ROLE = OPEN | {"Principal": {"AWS": f"{ROLE}-2"}, "Sid": "Others"}
CLOSED = world("vpce-dkr", OTHER_ROLE)
TOLD = replace(SIGN_IN_DENIED, denied_by="endpoint-policy")


def amended(found: Problem) -> list[dict[str, Any]]:
    """The statements of the policy that the fix would put."""
    assert set(parameters(found)) == {"VpcEndpointId", "PolicyDocument"}
    statements: list[dict[str, Any]] = json.loads(parameters(found)["PolicyDocument"])["Statement"]
    return statements


def test_a_policy_for_another_role() -> None:
    found = problem(outcome(CAUSE, CLOSED))
    assert found.title == "endpoint policy of ecr.dkr does not allow ecr:BatchGetImage and 1 more"
    assert (found.culprit.id, found.still, found.inferred, found.phases) == ("vpce-dkr", "yes", (), ("resolve",))
    (fix,) = found.fixes
    assert (fix.applicability, fix.managed_by) == ("exact", "stack net")
    repository = "arn:aws:ecr:eu-west-1:111122223333:repository/team/app"
    assert amended(found) == [OTHER_ROLE, PULLS | {"Resource": repository}]


def test_the_printed_policy_lets_the_pull_pass() -> None:
    document = parameters(problem(outcome(CAUSE, CLOSED)))["PolicyDocument"]
    mended = change(CLOSED.vpc, "endpoints", "vpce-dkr", policy=document)
    assert "vpce-dkr allows" in ok(outcome(CAUSE, replace(CLOSED, vpc=mended)))


def test_an_explicit_deny_is_the_reader_s_to_take_out() -> None:
    deny = OPEN | {"Effect": "Deny", "Sid": "No", "Action": "ecr:Batch*"}
    found = problem(outcome(CAUSE, world("vpce-dkr", deny, OPEN)))
    assert found.title == "endpoint policy of ecr.dkr denies ecr:BatchGetImage"
    assert found.fixes[0].applicability == "your-call"
    assert "statement 1 (No)" in found.fixes[0].text
    assert amended(found) == [OPEN]


def test_every_deny_that_fits_is_taken_out_and_named() -> None:
    denies = [OPEN | {"Effect": "Deny", "Sid": name} for name in ("One", "Two")]
    found = problem(outcome(CAUSE, world("vpce-dkr", *denies, OPEN)))
    assert "statement 1 (One) and statement 2 (Two)" in found.fixes[0].text
    assert amended(found) == [OPEN]


def test_a_deny_before_which_nothing_allows_it_either() -> None:
    deny = OPEN | {"Effect": "Deny"}
    found = problem(outcome(CAUSE, world("vpce-api", deny, OTHER_ROLE)))
    assert found.fixes[0].applicability == "your-call"
    assert [one["Action"] for one in amended(found)] == ["*", "ecr:GetAuthorizationToken"]


def test_an_allow_that_may_not_suffice_is_not_exact() -> None:
    gated = OPEN | {"Effect": "Deny", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}
    assert problem(outcome(CAUSE, world("vpce-dkr", gated, OTHER_ROLE))).fixes[0].applicability == "your-call"


def test_one_statement_that_is_no_list() -> None:
    vpc = change(ENDPOINT_VPC, "endpoints", "vpce-dkr", policy=json.dumps({"Id": "x", "Statement": OTHER_ROLE}))
    assert len(amended(problem(outcome(CAUSE, replace(CLOSED, vpc=vpc))))) == 2


def test_layers_alone_are_refused_in_their_own_phase() -> None:
    deny = OPEN | {"Effect": "Deny", "Action": "ecr:GetDownloadUrlForLayer"}
    found = problem(outcome(CAUSE, world("vpce-dkr", OPEN, deny)))
    assert found.phases == ("download",)
    assert [one.phase for one in found.traces] == ["download"]


def test_both_endpoints_are_mended_at_once() -> None:
    vpc = change(CLOSED.vpc, "endpoints", "vpce-api", policy=policy(OTHER_ROLE))
    found = problem(outcome(CAUSE, replace(CLOSED, vpc=vpc)))
    assert (found.culprit.id, found.phases) == ("vpce-api", ("sign-in", "resolve"))
    assert (len(found.fixes[0].commands), found.fixes[0].applicability) == (2, "exact")
    denied = change(vpc, "endpoints", "vpce-api", policy=policy(OPEN, OPEN | {"Effect": "Deny"}))
    assert problem(outcome(CAUSE, replace(CLOSED, vpc=denied))).fixes[0].applicability == "your-call"


def test_what_the_text_speaks_of_comes_first() -> None:
    told = replace(TOLD, phase="resolve", action="ecr:BatchGetImage")
    vpc = change(CLOSED.vpc, "endpoints", "vpce-api", policy=policy(OTHER_ROLE))
    found = problem(outcome(CAUSE, World(vpc=vpc, failures=(failure(told),))))
    assert (found.culprit.id, found.text_proves, found.phases) == ("vpce-dkr", True, ("resolve",))


def test_a_phase_that_something_before_the_policy_stops_is_not_this_one_s() -> None:
    vpc = change(CLOSED.vpc, "security_groups", "sg-endpoint", ingress=())
    assert problem(outcome(CAUSE, replace(CLOSED, vpc=vpc))).phases == ()


def test_policies_that_let_the_pull_pass() -> None:
    assert "vpce-api" in ok(outcome(CAUSE, World(vpc=ENDPOINT_VPC)))
    assert "statement 1" in ok(outcome(CAUSE, world("vpce-dkr", OPEN)))
    assert "no path" in ok(outcome(CAUSE, World(vpc=NAT_VPC)))


def test_what_is_not_known_is_not_judged() -> None:
    unread = Unknown("the endpoints of vpc-1", "denied", "ec2:DescribeVpcEndpoints")
    assert missing(outcome(CAUSE, replace(CLOSED, vpc=having(CLOSED.vpc, endpoints=unread)))) == (unread.fact,)
    gated = OPEN | {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "web"}}}
    assert "whether the policy of vpce-dkr allows" in missing(outcome(CAUSE, world("vpce-dkr", gated)))[0]
    no_role = World(vpc=CLOSED.vpc, execution_role=None)
    assert missing(outcome(CAUSE, no_role))
    traces = Unknown("the subnet of the task", "not-visible")
    assert missing(outcome(CAUSE, CLOSED, traces=traces)) == (traces.fact,)


def test_what_every_request_of_a_pull_carries_is_known() -> None:
    carried: tuple[dict[str, Any], ...] = (
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"aws:RequestedRegion": REGION, "aws:ResourceAccount": ACCOUNT}},
        {"Null": {"aws:SourceArn": "true"}},
    )
    for condition in carried:
        for endpoint in ("vpce-api", "vpce-dkr"):
            assert "allows" in ok(outcome(CAUSE, world(endpoint, OPEN | {"Condition": condition})))
    deny = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    ok(outcome(CAUSE, world("vpce-dkr", OPEN, OPEN | deny)))


@pytest.mark.parametrize("key", ["aws:PrincipalOrgID", "aws:ResourceOrgID"])
@pytest.mark.parametrize("endpoint", ["vpce-api", "vpce-dkr"])
def test_the_organization_is_read_where_a_policy_asks_for_it(key: str, endpoint: str) -> None:
    inside = world(endpoint, OPEN | {"Condition": {"StringEquals": {key: "o-ours"}}})
    ok(outcome(CAUSE, replace(inside, organization="o-ours")))
    assert problem(outcome(CAUSE, replace(inside, organization="o-theirs"))).culprit.id == endpoint
    problem(outcome(CAUSE, replace(inside, organization=None)))
    unread = Unknown("the account's organization", "denied", "organizations:DescribeOrganization")
    assert "whether the policy of" in missing(outcome(CAUSE, replace(inside, organization=unread)))[0]


def test_a_repository_of_another_account_may_be_of_another_organization() -> None:
    theirs = (failure(image=f"999988887777.dkr.ecr.{REGION}.amazonaws.com/team/app:v1"),)
    gated = OPEN | {"Condition": {"StringEquals": {"aws:ResourceOrgID": "o-ours"}}}
    inside = replace(world("vpce-dkr", gated), failures=theirs, organization="o-ours")
    assert "whether the policy of vpce-dkr" in missing(outcome(CAUSE, inside))[0]


def test_a_right_to_push_is_no_cause() -> None:
    told = Symptom(
        "resolve", "auth-denied-ecr-permission", action="ecr:BatchCheckLayerAvailability", denied_by="endpoint-policy"
    )
    ok(outcome(CAUSE, World(vpc=ENDPOINT_VPC, failures=(failure(told),))))
    problem(outcome(CAUSE, World(vpc=ENDPOINT_VPC, failures=(failure(replace(told, action="ecr:BatchGetImage")),))))


def test_behind_what_is_not_visible_another_endpoint_may_stand() -> None:
    vpc = routes(NAT_VPC, Route("0.0.0.0/0", "tgw-1", "active"))
    assert missing(outcome(CAUSE, World(vpc=vpc)))


def test_the_text_proves_it_of_the_endpoint_that_it_speaks_of() -> None:
    found = problem(outcome(CAUSE, world("vpce-api", OTHER_ROLE, symptom=TOLD)))
    assert (found.text_proves, found.still, found.phases) == (True, "yes", ("sign-in",))
    assert found.evidence[0].source == "text"
    assert "ecr:GetAuthorizationToken, because no VPC endpoint policy allows it" in found.evidence[0].text


def test_the_text_proves_it_also_of_what_is_mended_since() -> None:
    found = problem(outcome(CAUSE, world("vpce-api", OPEN, symptom=replace(TOLD, explicit_deny=True))))
    assert (found.text_proves, found.still, found.fixes, found.culprit.id) == (True, "no", (), "vpce-api")
    assert "a VPC endpoint policy denies it" in found.evidence[0].text
    by_nat = problem(outcome(CAUSE, World(vpc=NAT_VPC, failures=(failure(TOLD),))))
    assert (by_nat.still, by_nat.culprit.id) == ("no", "com.amazonaws.eu-west-1.ecr.api")


@pytest.mark.parametrize("fact", ["puller", "vpc", "traces"])
def test_the_text_proves_it_where_nothing_was_read(fact: str) -> None:
    cut = replace(TOLD, action=None, principal=None)
    unread = Unknown("something", "denied")
    found = problem(outcome(CAUSE, World(vpc=NAT_VPC, failures=(failure(cut),)), **{fact: unread}))
    assert (found.text_proves, found.still) == (True, "unknown")
    assert found.fixes[0].applicability == "your-call"


def test_an_action_that_the_policy_was_not_asked_about_stays_open() -> None:
    other = replace(TOLD, phase="resolve", action="ecr:BatchImportUpstreamImage")
    assert problem(outcome(CAUSE, world("vpce-dkr", OPEN, symptom=other))).still == "unknown"


def test_a_refusal_of_another_action_is_shown_beside_the_text_s() -> None:
    told = replace(TOLD, phase="resolve", action="ecr:BatchGetImage")
    layers_only = OPEN | {"Action": ["ecr:BatchGetImage", "ecr:GetAuthorizationToken"]}
    found = problem(outcome(CAUSE, world("vpce-dkr", layers_only, symptom=told)))
    assert (found.text_proves, found.still) == (False, "yes")


def test_a_text_that_names_another_layer_casts_doubt() -> None:
    found = problem(outcome(CAUSE, world("vpce-api", OTHER_ROLE, symptom=SIGN_IN_DENIED)))
    assert not found.text_proves
    assert "identity policy" in found.inferred[0]


def test_the_endpoint_of_another_service_is_not_ecr_s() -> None:
    secret = replace(TOLD, phase="prepare", kind="secret-unavailable", action="secretsmanager:GetSecretValue")
    ok(outcome(CAUSE, World(vpc=ENDPOINT_VPC, failures=(failure(secret),))))


def test_it_stands_no_more_where_the_service_has_left_the_subnet() -> None:
    moved = replace(SERVICE, deployments=(replace(DEPLOYMENT, subnets=("subnet-other",)),))
    assert problem(outcome(CAUSE, replace(CLOSED, service=moved))).still == "no"
    assert problem(outcome(CAUSE, CLOSED, service=Known(None))).still == "unknown"
