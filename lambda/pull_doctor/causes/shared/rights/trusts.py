"""The finding that a role's trust policy does not admit ECS tasks: the same for the execution and the task role."""

from __future__ import annotations

import json
from typing import Any

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.rights.roles import ecs_tasks_may_assume, name_of, told_not_assumed
from pull_doctor.facts.fact import Unknown
from pull_doctor.facts.values import Role
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.trust import trust_in_ecs_tasks
from pull_doctor.resource import Place, Resource, make


def distrusts(kind: str, task: Task, symptom: Symptom, role: Role, phases: tuple[Phase, ...] = ()) -> Outcome:
    """Say whether the role's trust policy keeps ECS tasks from assuming it; ``kind`` is what it is to the task."""
    trust = trust_in_ecs_tasks(role.trust, task.place)
    if trust.admits == "yes":
        return Ok(f"the trust policy of {role.arn} {trust.why}")
    if trust.admits == "unknown":
        fact = f"whether ECS tasks may assume {role.arn}"
        return Undetermined((Unknown(fact, "not-modelled", resource=role.arn, detail=f"its trust policy {trust.why}"),))
    item = make(task.place, "AWS::IAM::Role", role.arn)
    return Problem(
        title=f"{kind}'s trust policy does not admit ECS tasks",
        explanation=(
            f"{name_of(role.arn)} is the {kind}, and its trust policy {trust.why}. ECS cannot assume it for the task, "
            "so that the task does not come to its pull."
        ),
        culprit=item,
        evidence=(
            *told_not_assumed(symptom, item),
            Evidence(f"the trust policy of {role.arn} {trust.why}", "fact", (item,)),
        ),
        fixes=_fixes(task.place, item, json.loads(role.trust), denied=trust.why.startswith("denies")),
        phases=phases,
    )


def _fixes(place: Place, item: Resource, document: dict[str, Any], *, denied: bool) -> tuple[Fix, ...]:
    name, present = name_of(item.id), document["Statement"]
    if denied:
        return (Fix(f"take the deny out of the trust policy of {name}", "your-call", place.account, place.region),)
    statements = [*(present if isinstance(present, list) else [present]), ecs_tasks_may_assume(place)]
    text = json.dumps(document | {"Statement": statements}, separators=(",", ":"))
    update = AwsCommand("iam", "UpdateAssumeRolePolicy", {"RoleName": name, "PolicyDocument": text})
    return (
        Fix(
            f"let the ECS tasks of account {place.account} in {place.region} assume {name} as well",
            "exact",
            place.account,
            place.region,
            (update,),
            effect=f"whoever may pass {name} to ECS can run tasks with it",
        ),
    )
