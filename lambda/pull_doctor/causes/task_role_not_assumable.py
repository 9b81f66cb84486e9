"""The role that ECS could not assume is the task role: its trust policy does not admit ECS tasks, or it is gone.

The task role is for the task's own code, and no pull uses it. ECS assumes it before anything else all the same, so that
a task whose task role cannot be assumed never comes to its pull. Like the execution role it must trust
ecs-tasks.amazonaws.com. Where one role is both, the finding is the execution role's.

What mends it: a task role that exists, and whose trust policy admits ecs-tasks.amazonaws.com.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.rights.roles import (
    ecs_tasks_may_assume,
    name_of,
    policy_text,
    role_not_assumed,
    same_role,
    told_not_assumed,
)
from pull_doctor.causes.shared.rights.trusts import distrusts
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Role
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.resource import Place, Resource, make


def check(
    *,
    task: Task,
    symptom: Symptom,
    role: Fact[str | None],
    task_role: Fact[str | None],
    task_role_details: Fact[Role | None],
) -> Outcome:
    if task_role == Known(None):
        return NotApplicable("the task has no task role")
    named = role_not_assumed(symptom)
    if symptom.kind != "role-assume-failure":
        return _not_told(symptom)
    unread = next((one for one in (task_role, role, task_role_details) if isinstance(one, Unknown)), None)
    if unread or isinstance(task_role, Unknown) or isinstance(task_role_details, Unknown) or task_role.value is None:
        return Undetermined((unread,) if unread else ())
    if isinstance(role, Known) and role.value == task_role.value:
        return NotApplicable(f"{role.value} is the execution role too, and is judged as that")
    # A text that names the execution role leaves the task role's turn for later.
    later = bool(named and isinstance(role, Known) and role.value and same_role(named, role.value))
    phases: tuple[Phase, ...] = ("sign-in",) if later else ()
    if named and not later and not same_role(named, task_role.value):
        detail = f"the task role is {task_role.value}"
        return Undetermined((Unknown(f"whether {named} is the task's", "not-visible", resource=named, detail=detail),))
    if task_role_details.value:
        return distrusts("task role", task, symptom, task_role_details.value, phases)
    item = make(task.place, "AWS::IAM::Role", task_role.value)
    return Problem(
        title="task role does not exist",
        explanation=(
            f"The task has {item.id} as its task role, and IAM knows no such role. ECS assumes it before the pull, so "
            "that the task does not come to that."
        ),
        culprit=item,
        evidence=(
            *told_not_assumed(symptom, item),
            Evidence(f"IAM of account {task.place.account} knows no role {item.id}", "fact", (item,)),
        ),
        fixes=_fixes(task.place, item),
        phases=phases,
    )


def _not_told(symptom: Symptom) -> Outcome:
    if symptom.kind == "undetermined":
        detail = "ECS's text does not say what failed"
        return Undetermined((Unknown("whether ECS could assume the task role", "not-visible", detail=detail),))
    return Ok(f"ECS's text tells of {symptom.kind}, which comes after ECS has assumed the task role")


def _fixes(place: Place, item: Resource) -> tuple[Fix, ...]:
    name, path = name_of(item.id), item.id.split(":role", 1)[1].rsplit("/", 1)[0] + "/"
    trust = policy_text([ecs_tasks_may_assume(place)])
    create = AwsCommand(
        "iam",
        "CreateRole",
        {"RoleName": name, "AssumeRolePolicyDocument": trust} | ({"Path": path} if path != "/" else {}),
    )
    return (
        Fix("name a task role that exists in the task definition", "your-call", place.account, place.region),
        Fix(
            f"create {name} anew",
            "your-call",
            place.account,
            place.region,
            (create,),
            effect="the new role has no rights: the task's code needs those that the deleted one had",
        ),
    )
