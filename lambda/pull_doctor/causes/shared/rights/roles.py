"""Which role a finding is about: the one that ECS's text names, held against those that the task definition names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pull_doctor.causes.outcome import Evidence
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Role
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.policy.trust import ACTION, SERVICE
from pull_doctor.resource import Place, Resource

MANAGED_POLICY = "service-role/AmazonECSTaskExecutionRolePolicy"
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class Judged:
    """The execution role to judge, as IAM has it; ``phases`` are those it is needed for, where not the first."""

    role: str
    details: Fact[Role | None]
    phases: tuple[Phase, ...] = ()


def execution_role(
    symptom: Symptom,
    role: Fact[str | None],
    task_role: Fact[str | None],
    role_details: Fact[Role | None],
) -> Judged | Unknown | None:
    """The execution role as far as it is known; ``None`` if the task definition names none.

    A text that names the task role leaves the execution role's turn for later: it is needed for the sign-in. One that
    names another role still, of a definition changed since perhaps, says nothing of this one.
    """
    if isinstance(role, Unknown):
        return role
    if role.value is None:
        return None
    named = role_not_assumed(symptom)
    if named is None or same_role(named, role.value):
        return Judged(role.value, role_details)
    if isinstance(task_role, Known) and task_role.value and same_role(named, task_role.value):
        return Judged(role.value, role_details, phases=("sign-in",))
    return Unknown(f"whether {named} is the task's", "not-visible", resource=named, detail=f"it has {role.value}")


def role_not_assumed(symptom: Symptom) -> str | None:
    """The role that ECS's text names as one that it could not assume."""
    named = symptom.principal or ""
    return named if symptom.kind == "role-assume-failure" and ":role/" in named else None


def role_of_session(symptom: Symptom) -> str | None:
    """The role of the session that a denial text names; a path in its ARN is not shown there."""
    parts = (symptom.principal or "").split(":")
    kind, _, rest = parts[-1].partition("/")
    if len(parts) != _ARN_PARTS or kind != "assumed-role":
        return None
    return f"arn:{parts[1]}:iam::{parts[4]}:role/{rest.partition('/')[0]}"


def same_role(named: str, role: str) -> bool:
    """Whether the role in the text is this one: of the same account and name, as a text may show no path."""
    return named.split(":")[4] == role.split(":")[4] and name_of(named) == name_of(role)


def name_of(role: str) -> str:
    """The role's name, by which IAM's API knows it."""
    return role.rsplit("/", 1)[-1]


def told_not_assumed(symptom: Symptom, item: Resource) -> tuple[Evidence, ...]:
    """What ECS's text says of this role, where it names it."""
    named = role_not_assumed(symptom)
    if named is None or not same_role(named, item.id):
        return ()
    return (Evidence(f"ECS's text says that ECS was unable to assume {named}", "text", (item,)),)


def ecs_tasks_may_assume(place: Place) -> dict[str, Any]:
    """The statement of a trust policy with which the ECS tasks of this account and Region may assume a role.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    return {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": ACTION,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account},
            "ArnLike": {"aws:SourceArn": f"arn:{place.partition}:ecs:{place.region}:{place.account}:*"},
        },
    }


def policy_text(statements: list[dict[str, Any]]) -> str:
    """A policy document of these statements, compact."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
