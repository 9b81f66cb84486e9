import inspect
import re
from dataclasses import replace
from typing import Any, get_args

import pytest

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.causes.outcome import NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.row import SILENT, address_class
from pull_doctor.causes.runner import Check, checks, fact_names, run
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.intake.symptom import PHASES, Kind, Symptom
from pull_doctor.intake.task import Attachment, Task
from pull_doctor.plan import QUESTIONS
from pull_doctor.view import View
from tests.causes.factory import HUB_IMAGE, INTERFACE, ROLE, TASK, World, failure

NEEDS_NO_READ = {
    "image",
    "layers_elsewhere",
    "message",
    "needed",
    "resolved_digest",
    "symptom",
    "task",
    "told",
    "written_image",
}


def made(function: Any, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Check:
    return Check(CATALOGUE[0], function, required, optional)


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.row.cause)
def test_every_row_has_a_module_with_a_check_and_an_explanation(check: Check) -> None:
    module = inspect.getmodule(check.function)
    assert module is not None
    assert module.__name__ == f"pull_doctor.causes.{check.row.cause.replace('-', '_')}"
    assert check.explanation.splitlines()[0].endswith(".")
    assert len(check.explanation) > 300
    assert all(url.startswith("https://docs.aws.amazon.com/") for url in re.findall(r"https?://\S+", check.explanation))


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.row.cause)
def test_every_fact_that_a_check_names_can_be_read(check: Check) -> None:
    for name in (*check.required, *check.optional):
        assert hasattr(View, name) or name == "task", name
        assert (name in QUESTIONS) != (name in NEEDS_NO_READ), name
    parameters = inspect.signature(check.function).parameters
    assert set(parameters) == {*check.required, *check.optional}
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in parameters.values())


def test_the_catalogue() -> None:
    causes = [row.cause for row in CATALOGUE]
    assert len(set(causes)) == len(causes)
    for row in CATALOGUE:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.cause)
        assert row.kinds
        assert set(row.phases) <= set(PHASES)
        assert row.docs
        assert all(url.startswith("https://docs.aws.amazon.com/") for _, url in row.docs)
    # What an included cause includes in turn would stand nowhere.
    followers = {row.cause for row in CATALOGUE if row.follows}
    assert {origin for row in CATALOGUE for origin, _ in row.follows} <= set(causes) - followers
    assert [check.row for check in checks()] == list(CATALOGUE)
    assert set(fact_names()) == {name for check in checks() for name in (*check.required, *check.optional)}


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.0.0.1", "private"), ("52.1.2.3", "public"), ("fd00::1", "private"), ("2600::1", "public"), ("x", "any")],
)
def test_the_class_of_an_address(address: str, expected: str) -> None:
    assert address_class(address) == expected


def test_a_row_explains_its_symptoms_only() -> None:
    rows = {row.cause: row for row in CATALOGUE}
    timeout = Symptom("resolve", "network-timeout", address="10.0.2.12")
    assert rows["endpoint-security-group-blocks"].explains(timeout)
    assert not rows["no-public-ip"].explains(timeout)
    assert rows["no-public-ip"].explains(replace(timeout, address="52.1.2.3"))
    assert rows["no-public-ip"].explains(replace(timeout, address=None))
    assert not rows["s3-endpoint-missing"].explains(timeout)
    assert rows["no-route-to-registry"].explains(replace(timeout, phase="unknown"))
    for row in CATALOGUE:
        assert row.explains(Symptom("unknown", "disk-full")) == (
            row.cause in {"storage-too-small", "host-storage-full"}
        )
        assert not row.may_hide_behind(Symptom("unknown", "undetermined"))
        assert not row.may_hide_behind(timeout)


@pytest.mark.parametrize("kind", [kind for kind in get_args(Kind) if kind not in (*SILENT, "not-a-pull-failure")])
def test_every_kind_of_symptom_leads_to_a_cause(kind: Kind) -> None:
    for registry in ("ecr", "other"):
        rows = [row for row in CATALOGUE if row.registry in ("any", registry) and kind in row.kinds]
        only_of_ecr = kind in (
            "kms-denied",
            "s3-layer-denied",
            "pull-through-cache-failure",
            "auth-denied-ecr-permission",
        )
        assert rows or (only_of_ecr and registry == "other")


def test_the_crash_of_a_pull_may_hide_a_closed_way_to_the_layers_and_nothing_else() -> None:
    crash, daemon = Symptom("download", "daemon-or-agent-fault"), Symptom("unknown", "daemon-or-agent-fault")
    hidden = {row.cause for row in CATALOGUE if row.may_hide_behind(crash)}
    assert {"s3-endpoint-missing", "security-group-egress-blocks", "network-acl-blocks"} <= hidden
    assert {row.realm for row in CATALOGUE if row.cause in hidden} == {"network"}
    assert not any(row.may_hide_behind(daemon) for row in CATALOGUE)


def test_a_required_fact_is_handed_over_as_its_value() -> None:
    def check(*, role: str | None, task: Task) -> Outcome:
        return Ok(f"{role} {task.id}")

    view = World().view()
    assert isinstance(view.role, Known)
    assert run(made(check, ("role", "task")), view) == Ok(f"{view.role.value} failed")


def test_an_optional_fact_is_handed_over_as_it_is() -> None:
    def check(*, role: Fact[str | None]) -> Outcome:
        assert isinstance(role, Known | Unknown)
        return Ok(type(role).__name__)

    assert run(made(check, (), ("role",)), World().view()) == Ok("Known")


def test_a_check_is_not_called_without_what_it_requires() -> None:
    def check(**_: object) -> Outcome:
        raise AssertionError("called")

    view = World().view()
    unread = Unknown("the role", "denied", "ecs:DescribeTaskDefinition")
    view.__dict__["role"] = unread
    assert run(made(check, ("role", "task_definition")), view) == Undetermined((unread,))
    view.__dict__["task_definition"] = unread
    assert run(made(check, ("role", "task_definition")), view) == Undetermined((unread,))


def test_a_check_that_crashes_is_reported_as_its_own_crash() -> None:
    def check(**_: object) -> Outcome:
        raise ValueError("arn:aws:iam::1:role/secret")

    found = run(made(check, ()), World().view())
    assert isinstance(found, Undetermined)
    (missing,) = found.missing
    assert missing.why == "crashed"
    assert CATALOGUE[0].cause in missing.fact
    assert "ValueError" in str(missing.detail)
    assert "secret" not in str(missing)


def test_a_fact_that_crashes_leaves_open_only_what_needs_it() -> None:
    odd = replace(INTERFACE, private_ip="no address")
    world = World(task=replace(TASK, attachment=Attachment("subnet-task", "eni-task")), interface=odd)
    view = world.view()
    outcomes = {check.row.cause: run(check, view) for check in checks()}
    route = outcomes["no-route-to-registry"]
    assert isinstance(route, Undetermined)
    assert {missing.why for missing in route.missing} == {"crashed"}
    assert isinstance(outcomes["image-not-found"], Ok)


@pytest.mark.parametrize("image", [HUB_IMAGE, "public.ecr.aws/nginx/nginx:1", "ghcr.io/a/b:1"])
def test_what_only_concerns_ecr_does_not_apply_to_another_registry(image: str) -> None:
    view = World(failures=(failure(image=image),)).view()
    outcomes = {check.row.cause: run(check, view) for check in checks()}
    for row in CATALOGUE:
        if row.registry != "any":
            assert isinstance(outcomes[row.cause], NotApplicable) == (row.registry == "ecr"), row.cause
    assert isinstance(outcomes["no-route-to-registry"], Ok)


@pytest.mark.parametrize("kind", ["network-timeout", "image-not-found"])
def test_of_an_image_that_is_no_reference_nothing_else_is_claimed(kind: Kind) -> None:
    view = World(failures=(failure(Symptom("resolve", kind), "not a reference"),)).view()
    outcomes = {check.row.cause: run(check, view) for check in checks()}
    found = {cause for cause, one in outcomes.items() if isinstance(one, Problem)}
    assert found == {"invalid-image-reference"}
    for row in CATALOGUE:
        if row.realm == "network" or row.registry == "ecr":
            assert not isinstance(outcomes[row.cause], Ok) or "ECS's text" in str(outcomes[row.cause]), row.cause


def test_a_text_that_refuses_the_reference_leaves_nothing_else_to_ask() -> None:
    view = World(failures=(failure(Symptom("resolve", "invalid-reference"), "not a reference"),)).view()
    outcomes = {check.row.cause: run(check, view) for check in checks()}
    others = {type(one) for cause, one in outcomes.items() if cause != "invalid-image-reference"}
    assert others == {NotApplicable}


def test_a_role_that_was_not_assumed_leaves_only_roles_to_ask_about() -> None:
    text = Symptom("prepare", "role-assume-failure", principal=ROLE)
    outcomes = {check.row.cause: run(check, World(failures=(failure(text, None),)).view()) for check in checks()}
    asked = {cause for cause, one in outcomes.items() if not isinstance(one, NotApplicable)}
    assert asked <= {"execution-role-missing", "execution-role-not-assumable", "task-role-not-assumable"}
    assert asked
