"""The execution role exists, and its trust policy does not let ECS tasks assume it.

A role is assumed by whom its trust policy admits: for a task that is ecs-tasks.amazonaws.com, in every partition, with
sts:AssumeRole. Often the policy admits ecs.amazonaws.com or ec2.amazonaws.com instead, or has a condition that no task
fits: aws:SourceArn may name all clusters of an account and Region, never one alone.

What mends it: a statement in the trust policy that admits ecs-tasks.amazonaws.com.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import NotApplicable, Ok, Outcome, Undetermined
from pull_doctor.causes.shared.rights.roles import execution_role
from pull_doctor.causes.shared.rights.trusts import distrusts
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Role, TaskDefinition
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    task_definition: Fact[TaskDefinition],
    role: Fact[str | None],
    task_role: Fact[str | None],
    role_details: Fact[Role | None],
) -> Outcome:
    if isinstance(task_definition, Known) and not (
        task_definition.value.execution_role or task.execution_role_override
    ):
        return NotApplicable("the task definition names no execution role")
    if told.role_assumed:
        return Ok("ECS's text shows that ECS had assumed the role")
    judged = execution_role(symptom, role, task_role, role_details)
    if judged is None:
        return NotApplicable("the task definition names no execution role")
    if isinstance(judged, Unknown):
        return Undetermined((judged,))
    if isinstance(judged.details, Unknown):
        return Undetermined((judged.details,))
    if judged.details.value is None:
        return NotApplicable(f"IAM knows no role {judged.role}, whose trust could be judged")
    return distrusts("execution role", task, symptom, judged.details.value, judged.phases)
