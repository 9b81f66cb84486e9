"""How certain a finding is, in which order findings stand, and that nothing is lost or made up on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Known
from pull_doctor.facts.questions import Question
from pull_doctor.facts.values import EcrLookup, RegistryLookup, RouteTable
from pull_doctor.intake.symptom import Symptom
from pull_doctor.ranking import rank
from pull_doctor.view import View
from pull_doctor.view.rights import PULL_ACTIONS, SIGN_IN_ACTIONS
from tests.causes.factory import (
    CONTAINER_INSTANCE,
    DEPLOYMENT,
    DOWNLOAD_TIMEOUT,
    EC2_TASK,
    FAILED_AT,
    HUB_IMAGE,
    IMAGE,
    NOT_FOUND,
    READ_AT,
    SERVICE,
    SIGN_IN_DENIED,
    SILENT,
    TASK,
    TIMEOUT,
    World,
    allowed,
    failure,
    refused,
    sibling,
)
from tests.network.factory import DKR, ENDPOINT_VPC, NAT_VPC, REGISTRY, change, drop
from tests.ranked_worlds import (
    BROKEN,
    BY_FACTS_ALONE,
    MIXED,
    TOLD_BY_TEXT,
    WITHOUT_S3,
    concluded,
    masked,
    only,
    ranked,
    saying,
)

# Certainty


@pytest.mark.parametrize(
    ("symptom", "certainty"),
    [
        (replace(TIMEOUT, host=REGISTRY), "proven"),
        (replace(TIMEOUT, host="s3.amazonaws.com"), "proven"),
        (replace(TIMEOUT, host="docker.io"), "proven"),
        (replace(TIMEOUT, host="mirror.example.com"), "likely"),
        (replace(TIMEOUT, host="mirror.example.com", address="34.255.83.146"), "likely"),
        (replace(TIMEOUT, host="mirror.example.com", address="10.0.9.9"), "possible"),
    ],
)
def test_a_text_about_another_host_does_not_prove_what_is_on_the_way_to_the_registry(
    symptom: Symptom, certainty: str
) -> None:
    finding = only(saying(BROKEN["no-route-to-registry"], symptom))
    assert finding.certainty == certainty
    assert any("mirror.example.com" in one for one in finding.inferred) == (certainty == "likely")


REFUSED = Symptom("resolve", "registry-access-denied", http_status=403)
READ, LAYERS = PULL_ACTIONS


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ({"pull": (*refused((READ,)), *allowed((LAYERS,)))}, ("proven", False)),
        ({"pull": (*allowed((READ,)), *refused((LAYERS,)))}, ("possible", False)),
        ({"sign_in": refused(SIGN_IN_ACTIONS)}, ("possible", False)),
    ],
    ids=["the manifest's", "the layers'", "the sign-in's"],
)
def test_a_right_is_accused_only_of_the_phase_that_needs_it(rights: dict[str, Any], expected: tuple[str, bool]) -> None:
    finding = only(saying(World(**rights), REFUSED))
    assert (finding.certainty, finding.next) == expected


NO_LAYERS = (*allowed((READ,)), *refused((LAYERS,)))
LAYER_REFUSED = Symptom("download", "s3-layer-denied", host=REGISTRY, http_status=403)


@pytest.mark.parametrize(
    ("rights", "cause", "certainty"),
    [
        ({}, "pull-permission-denied", "proven"),
        ({"boundary_allows": False}, "permissions-boundary-denies", "proven"),
        ({"organization_allows": False}, "organization-policy-denies", "likely"),
    ],
    ids=["the role's own", "its boundary", "the organization"],
)
def test_a_refused_layer_may_be_ecrs_refusal_of_the_role(rights: dict[str, Any], cause: str, certainty: str) -> None:
    pull = (NO_LAYERS[0], replace(NO_LAYERS[1], **rights))
    finding = only(saying(World(pull=pull, organization="o-exampleorg1"), LAYER_REFUSED))
    assert (finding.row.cause, finding.certainty) == (cause, certainty)
    by_s3 = replace(LAYER_REFUSED, host="prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com")
    assert only(saying(World(pull=pull, organization="o-exampleorg1"), by_s3)).certainty == "possible"


def test_a_refused_layer_leaves_open_what_the_organization_does_not_show() -> None:
    assert concluded(saying(World(), LAYER_REFUSED)).verdict == "no-defect-found"
    report = concluded(saying(World(organization="o-exampleorg1"), LAYER_REFUSED))
    assert (report.verdict, [one.cause for one in report.not_checked]) == (
        "undetermined",
        ["organization-policy-denies"],
    )


def test_a_missing_image_comes_next_behind_a_missing_right() -> None:
    world = saying(World(pull=refused(PULL_ACTIONS), lookup=EcrLookup("image")), REFUSED)
    first, second = ranked(world).findings
    assert (first.row.cause, first.next) == ("pull-permission-denied", False)
    assert (second.row.cause, second.certainty, second.next) == ("image-not-found", "possible", True)


def test_a_registry_that_refuses_a_strangers_sign_in_hides_the_image_too() -> None:
    told = Symptom("sign-in", "registry-access-denied", host="ghcr.io", http_status=403)
    world = World(failures=(failure(told, "ghcr.io/acme/app:1"),), registry=RegistryLookup("hidden", 403))
    both = [(one.row.cause, one.certainty) for one in ranked(world).findings]
    assert both == [("registry-credentials-missing", "likely"), ("registry-image-not-found", "likely")]


def test_what_is_mended_has_no_consequence_that_still_stands() -> None:
    told = Symptom("resolve", "repository-not-found")
    first, second = ranked(saying(World(lookup=EcrLookup("image")), told)).findings
    assert (first.row.cause, first.problem.still, first.includes) == ("repository-not-found", "no", ())
    assert (second.row.cause, second.certainty, bool(second.problem.fixes)) == ("image-not-found", "possible", True)


def test_a_refusal_is_left_open_where_the_repositorys_policy_may_deny_it() -> None:
    deny = '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"%s}}'
    report = concluded(saying(World(policy=deny % ""), REFUSED))
    assert [(one.cause, one.certainty) for one in report.causes] == [("repository-policy-denies", "proven")]
    hours = ', "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}'
    report = concluded(saying(World(policy=deny % hours), REFUSED))
    assert (report.verdict, report.causes) == ("undetermined", ())
    assert concluded(saying(World(), REFUSED)).verdict == "no-defect-found"


@pytest.mark.parametrize("cause", ["no-public-ip", "s3-endpoint-missing", "endpoint-security-group-blocks"])
def test_a_defect_behind_an_earlier_one_on_the_same_path_is_not_the_reason(cause: str) -> None:
    world = BROKEN[cause]
    report = concluded(replace(world, vpc=change(world.vpc, "security_groups", "sg-task", egress=())))
    first, *others = report.causes
    assert (first.cause, first.culprit.id) == ("security-group-egress-blocks", "sg-task")
    # Layers that are asked for have a manifest behind them: nothing was closed then.
    assert first.certainty == ("likely" if cause == "s3-endpoint-missing" else "proven")
    assert [(one.cause, one.certainty, one.next) for one in others] == [(cause, "possible", True)]


def test_a_connection_that_stood_is_not_explained_by_a_closed_way() -> None:
    stood = replace(TIMEOUT, connected=True)
    broken = concluded(saying(BROKEN["no-route-to-registry"], stood))
    assert (broken.verdict, [one.certainty for one in broken.causes]) == ("undetermined", ["possible"])
    assert concluded(saying(World(), stood)).verdict == "undetermined"


def test_a_way_that_the_text_shows_to_have_been_passed_is_of_another_time() -> None:
    finding = only(saying(BROKEN["no-route-to-registry"], DOWNLOAD_TIMEOUT))
    assert finding.certainty == "likely"
    assert REGISTRY in finding.inferred[-1]


def test_the_path_that_the_text_speaks_of_is_not_hidden_by_another_one() -> None:
    vpc = replace(WITHOUT_S3, dns_hostnames=Known(value=False))
    report = concluded(saying(World(vpc=vpc), replace(TIMEOUT, host=DKR.host, address="52.1.1.1")))
    assert (report.causes[0].cause, report.causes[0].certainty) == ("vpc-dns-off", "proven")


@pytest.mark.parametrize("cause", BROKEN)
def test_a_defect_that_explains_the_text_is_proven(cause: str) -> None:
    finding = only(BROKEN[cause])
    assert (finding.row.cause, finding.certainty, finding.inferred) == (cause, "proven", ())


@pytest.mark.parametrize("cause", BROKEN)
def test_its_healthy_twin_with_the_same_text_accuses_nobody(cause: str) -> None:
    healthy_vpc = ENDPOINT_VPC if cause in ("endpoint-security-group-blocks", "s3-endpoint-missing") else NAT_VPC
    twin = World(vpc=healthy_vpc, failures=BROKEN[cause].failures)
    found = ranked(twin)
    only_silence_is_left = False
    if cause in ("pull-permission-denied", "image-not-found"):
        assert [(one.row.cause, one.problem.still) for one in found.findings] == [(cause, "no")]
        found = ranked(saying(twin, SILENT))
        only_silence_is_left = True
    assert found.findings == ()
    assert cause in [one.cause for one in found.ruled_out]
    assert {one.cause for one in found.not_checked} <= (TOLD_BY_TEXT if only_silence_is_left else set())


@pytest.mark.parametrize("cause", BROKEN)
def test_a_text_that_says_nothing_makes_it_likely(cause: str) -> None:
    finding = only(saying(BROKEN[cause], SILENT))
    assert finding.certainty == "likely"
    assert "text does not say" in finding.inferred[0]


@pytest.mark.parametrize("cause", BROKEN)
def test_a_text_that_contradicts_makes_it_possible(cause: str) -> None:
    other = Symptom("unpack", "layer-corrupt-or-extract-failure")
    assert only(saying(BROKEN[cause], other)).certainty == "possible"


def test_a_text_of_another_phase_contradicts() -> None:
    assert only(saying(BROKEN["s3-endpoint-missing"], TIMEOUT)).certainty == "possible"
    vpc = drop(ENDPOINT_VPC, "endpoints", "vpce-api")
    assert only(World(vpc=vpc, failures=(failure(DOWNLOAD_TIMEOUT),))).certainty == "possible"


def test_a_text_with_an_address_of_the_other_class_contradicts() -> None:
    public = replace(TIMEOUT, address="52.1.2.3")
    assert only(saying(BROKEN["endpoint-security-group-blocks"], public)).certainty == "possible"


# Counter-evidence


@pytest.mark.parametrize("cause", BROKEN)
def test_a_sibling_that_runs_by_the_same_way_is_counter_evidence(cause: str) -> None:
    finding = only(replace(BROKEN[cause], siblings=(sibling(),)))
    assert finding.certainty == "likely"
    assert any("sibling" in step for step in finding.inferred)
    assert any("sibling" in one.text for one in finding.problem.evidence)


@pytest.mark.parametrize("cause", BROKEN)
@pytest.mark.parametrize(
    "harmless",
    [
        sibling(started_at=FAILED_AT - timedelta(minutes=5)),
        sibling(started_at=FAILED_AT),
        sibling(started_at=None),
        sibling(task_definition=TASK.task_definition and TASK.task_definition.replace(":87", ":86")),
    ],
    ids=["before", "at once", "not started", "other task definition"],
)
def test_a_sibling_that_shows_nothing(cause: str, harmless: Any) -> None:
    assert only(replace(BROKEN[cause], siblings=(harmless,))).certainty == "proven"


@pytest.mark.parametrize("cause", BROKEN)
def test_a_sibling_in_another_subnet_speaks_only_of_role_and_image(cause: str) -> None:
    finding = only(replace(BROKEN[cause], siblings=(sibling(subnet="subnet-good"),)))
    assert finding.certainty == ("likely" if finding.row.realm in ("identity", "image") else "proven")


@pytest.mark.parametrize("cause", BROKEN)
@pytest.mark.parametrize("other", [{"groups": ("sg-other",)}, {"assign_public_ip": True}], ids=str)
def test_a_sibling_with_other_groups_speaks_only_of_role_and_image(cause: str, other: dict[str, Any]) -> None:
    deployments = (DEPLOYMENT, replace(DEPLOYMENT, id="ecs-svc/2", status="ACTIVE", **other))
    world = replace(
        BROKEN[cause],
        service=replace(SERVICE, deployments=deployments),
        siblings=(sibling(started_by="ecs-svc/2"),),
    )
    finding = only(world)
    assert finding.certainty == ("likely" if finding.row.realm in ("identity", "image") else "proven")


def test_a_sibling_of_a_task_set_with_other_groups_does_not_speak_of_the_network() -> None:
    other = replace(DEPLOYMENT, id="ecs-svc/2", groups=("sg-other",))
    sets = replace(SERVICE, deployments=(), task_sets=(DEPLOYMENT, other))
    world = replace(BROKEN["no-route-to-registry"], service=sets)
    assert only(replace(world, siblings=(sibling(started_by="ecs-svc/2"),))).certainty == "proven"
    assert only(replace(world, siblings=(sibling(),))).certainty == "likely"


def test_a_sibling_with_another_role_does_not_speak_of_the_role() -> None:
    other = sibling(execution_role_override="arn:aws:iam::111122223333:role/other")
    assert only(replace(BROKEN["pull-permission-denied"], siblings=(other,))).certainty == "proven"
    assert only(replace(BROKEN["no-route-to-registry"], siblings=(other,))).certainty == "likely"


def test_on_ec2_only_a_sibling_of_the_same_instance_came_by_the_same_way() -> None:
    broken = replace(BROKEN["no-route-to-registry"], task=EC2_TASK)
    elsewhere = sibling(subnet="subnet-other", container_instance="arn:aws:ecs:::container-instance/other")
    assert only(replace(broken, siblings=(elsewhere,))).certainty == "proven"
    here = replace(elsewhere, container_instance=CONTAINER_INSTANCE.arn)
    finding = only(replace(broken, siblings=(here,)))
    assert finding.certainty == "likely"
    assert any("on the same container instance" in step for step in finding.inferred)


def test_on_another_instance_another_role_may_have_pulled() -> None:
    elsewhere = sibling(container_instance="arn:aws:ecs:::container-instance/other")
    denied = replace(BROKEN["pull-permission-denied"], task=EC2_TASK, siblings=(elsewhere,))
    assert only(denied).certainty == "likely"
    assert only(replace(denied, execution_role=None)).certainty == "proven"
    assert only(replace(denied, execution_role=None, siblings=())).certainty == "proven"


@pytest.mark.parametrize("cause", BROKEN)
@pytest.mark.parametrize("question", [ask.RunningTasks, ask.Siblings])
def test_siblings_that_were_not_read_are_a_doubt(cause: str, question: type[Question[Any]]) -> None:
    world = replace(BROKEN[cause], siblings=(sibling(subnet="elsewhere", task_definition="other"),))
    answers = masked(world, {one for one in world.answers().facts if isinstance(one, question)})
    (finding,) = rank([View(world.task, world.failures[0], answers)], READ_AT).findings
    assert finding.certainty == "likely"
    assert "could not be read" in finding.inferred[0]


# Late facts


@pytest.mark.parametrize("cause", BROKEN)
def test_late_facts_prove_only_what_the_text_says_too(cause: str) -> None:
    late = FAILED_AT + timedelta(minutes=16)
    assert only(BROKEN[cause], FAILED_AT + timedelta(minutes=15)).certainty == "proven"
    finding = only(BROKEN[cause], late)
    assert finding.certainty == ("likely" if cause in BY_FACTS_ALONE else "proven")
    if cause in BY_FACTS_ALONE:
        assert "16 minutes after the stop" in finding.inferred[-1]


def test_without_a_time_of_failure_facts_may_be_of_another_time() -> None:
    world = BROKEN["no-route-to-registry"]
    finding = only(replace(world, task=replace(TASK, failed_at=None)))
    assert finding.certainty == "likely"


# Order, and what comes next


def test_a_later_defect_is_next() -> None:
    world = replace(BROKEN["no-route-to-registry"], lookup=EcrLookup("image"))
    first, second = ranked(world).findings
    assert (first.row.cause, first.certainty, first.next) == ("no-route-to-registry", "proven", False)
    assert (second.row.cause, second.certainty, second.next) == ("image-not-found", "possible", True)


def test_an_earlier_defect_that_the_text_does_not_show_is_not_next() -> None:
    world = replace(BROKEN["image-not-found"], sign_in=refused(SIGN_IN_ACTIONS))
    first, second = ranked(world).findings
    assert (first.row.cause, first.certainty) == ("image-not-found", "proven")
    assert (second.row.cause, second.certainty, second.next) == ("pull-permission-denied", "possible", False)


def test_findings_of_one_certainty_stand_in_the_order_of_the_pull() -> None:
    world = saying(
        World(vpc=WITHOUT_S3, sign_in=refused(SIGN_IN_ACTIONS), lookup=EcrLookup("image"), pull=refused(PULL_ACTIONS)),
        SILENT,
    )
    assert [one.row.cause for one in ranked(world).findings] == [
        "pull-permission-denied",
        "image-not-found",
        "s3-endpoint-missing",
    ]


# Several failures


def test_failures_with_one_defect_are_one_finding() -> None:
    two = (failure(TIMEOUT), failure(TIMEOUT, container="sidecar"))
    finding = only(replace(BROKEN["no-route-to-registry"], failures=two))
    assert finding.failures == ("app", "sidecar")


def test_two_missing_tags_are_two_findings() -> None:
    two = (failure(NOT_FOUND), failure(NOT_FOUND, f"{REGISTRY}/team/app:v9", "sidecar"))
    findings = ranked(replace(BROKEN["image-not-found"], failures=two)).findings
    assert [(one.failures, one.problem.where) for one in findings] == [(("app",), "v1.4.2"), (("sidecar",), "v9")]


def test_one_role_and_two_repositories_are_two_findings_with_their_own_fixes() -> None:
    two = (failure(SILENT), failure(SILENT, f"{REGISTRY}/team/sidecar:1", "sidecar"))
    findings = ranked(World(pull=refused(PULL_ACTIONS), failures=two)).findings
    assert [one.failures for one in findings] == [("app",), ("sidecar",)]
    assert "repository/team/sidecar" in str(findings[1].problem.fixes)


def test_failures_with_different_standing_are_kept_apart() -> None:
    mixed = (failure(TIMEOUT), failure(SILENT, HUB_IMAGE, "proxy"))
    findings = ranked(replace(BROKEN["no-route-to-registry"], failures=mixed)).findings
    assert [(one.certainty, one.failures) for one in findings] == [("proven", ("app",)), ("likely", ("proxy",))]


# The verdict


@pytest.mark.parametrize(
    ("world", "verdict"),
    [
        (BROKEN["no-route-to-registry"], "cause-found"),
        (saying(BROKEN["no-route-to-registry"], SILENT), "cause-found"),
        (saying(BROKEN["no-route-to-registry"], Symptom("unpack", "layer-corrupt-or-extract-failure")), "undetermined"),
        (MIXED["healthy"], "no-defect-found"),
        (World(failures=(failure(SILENT),)), "undetermined"),
        (MIXED["shared subnet"], "undetermined"),
        (MIXED["on ec2"], "undetermined"),
        (replace(World(), failures=()), "not-a-pull-failure"),
    ],
)
def test_the_verdict(world: World, verdict: str) -> None:
    found = concluded(world)
    assert found.verdict == verdict
    assert len(found.title) <= 80


def test_a_mended_cause_has_no_fix_printed() -> None:
    found = concluded(World(failures=(failure(SIGN_IN_DENIED),)))
    assert (found.causes[0].cause, found.causes[0].still, found.causes[0].fixes) == ("pull-permission-denied", "no", ())


def test_several_containers_are_one_report() -> None:
    found = concluded(MIXED["everything"])
    assert [one.id for one in found.failures] == ["app", "proxy", "bad"]
    assert found.causes


def test_no_false_no_route_from_the_main_table() -> None:
    tables = tuple(
        replace(one, subnets=(), main=one.id == "rtb-private")
        for one in (NAT_VPC.route_tables.value if isinstance(NAT_VPC.route_tables, Known) else ())
        if one.id != "rtb-main"
    )
    public = tuple(replace(one, subnets=("subnet-public",)) if one.id == "rtb-public" else one for one in tables)
    assert all(isinstance(one, RouteTable) for one in public)
    vpc = replace(NAT_VPC, route_tables=Known(public))
    assert concluded(World(vpc=vpc, failures=(failure(TIMEOUT, IMAGE),))).verdict == "no-defect-found"
