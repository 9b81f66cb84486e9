"""The task has no execution role where it needs one, or names one that IAM does not know.

ECS assumes the task execution role to sign in to ECR, and to read the secrets that the task injects. On Fargate, on
Managed Instances, and outside AWS a pull from ECR always needs it. On EC2 the container instance's own role pulls where
the task definition names none. It is not the task role, which only the task's own code has. A deleted role stays in the
task definitions that name it; one of the same name that is made anew is another role to every policy that named it.

What mends it: a role that exists, trusts ecs-tasks.amazonaws.com, and has AmazonECSTaskExecutionRolePolicy.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.rights.roles import (
    MANAGED_POLICY,
    Judged,
    ecs_tasks_may_assume,
    execution_role,
    name_of,
    policy_text,
    role_of_session,
    told_not_assumed,
)
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Role, Simulated, TaskDefinition
from pull_doctor.intake.image_reference import ImageReference, parse_reference
from pull_doctor.intake.symptom import REFUSALS, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.resource import Place, Resource, make


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    image: Fact[ImageReference],
    task_definition: Fact[TaskDefinition],
    role: Fact[str | None],
    task_role: Fact[str | None],
    role_details: Fact[Role | None],
    sign_in_rights: Fact[tuple[Simulated, ...] | None],
) -> Outcome:
    if isinstance(task_definition, Known) and not (
        task_definition.value.execution_role or task.execution_role_override
    ):
        return _none_named(task, symptom, image, task_definition.value)
    judged = execution_role(symptom, role, task_role, role_details)
    # Two reads of the same role: what one of them could not have, the other may tell.
    unknown_to_iam = isinstance(judged, Judged) and judged.details == Known(None)
    if isinstance(judged, Judged) and isinstance(judged.details, Unknown):
        unknown_to_iam = sign_in_rights == Known(None) and role == Known(judged.role)
    if not unknown_to_iam or not isinstance(judged, Judged):
        return _not_missing(judged, told)
    item = make(task.place, "AWS::IAM::Role", judged.role)
    deleted_since = told.role_assumed and symptom.kind in REFUSALS
    source = task.task_definition.rsplit("/", 1)[-1] if task.task_definition else "the task"
    return Problem(
        title="execution role does not exist",
        explanation=(
            f"{source} has {judged.role} as its execution role, and IAM knows no such role. ECS cannot assume it, so "
            "that there are no credentials to sign in to ECR or to read secrets with."
        ),
        culprit=item,
        evidence=(
            *told_not_assumed(symptom, item),
            Evidence(f"IAM of account {task.place.account} knows no role {judged.role}", "fact", (item,)),
        ),
        fixes=_fixes(task.place, item),
        inferred=("the role was deleted since: ECS's text shows that it had been assumed",) if deleted_since else (),
        phases=judged.phases,
    )


def _not_missing(judged: Judged | Unknown | None, told: Told) -> Outcome:
    details = judged.details if isinstance(judged, Judged) else judged
    if isinstance(details, Known) and details.value:
        return Ok(f"role {details.value.arn} exists")
    if told.role_assumed:
        return Ok("ECS's text shows that ECS had the role's credentials")
    return Undetermined((details,) if isinstance(details, Unknown) else ())


def _none_named(task: Task, symptom: Symptom, image: Fact[ImageReference], definition: TaskDefinition) -> Outcome:
    name = f"{definition.family}:{definition.revision}"
    if session := role_of_session(symptom):
        return Ok(f"ECS's text shows that ECS pulled with {session}")
    need = _need(task, image, definition)
    if need is None:
        return NotApplicable(f"{name} names no execution role, and this pull needs none")
    item = make(task.place, "AWS::ECS::TaskDefinition", task.task_definition or name)
    return Problem(
        title="task definition names no execution role",
        explanation=(
            f"{name} names no execution role, and neither did whoever started the task. {need} needs one: ECS has no "
            "other credentials for it. The task role is for the task's own code."
        ),
        culprit=item,
        evidence=(Evidence(f"{item.id} names no execution role, and {need} needs one", "fact", (item,)),),
        fixes=(
            Fix(
                f"register a revision of {definition.family} whose executionRoleArn is a role with "
                "AmazonECSTaskExecutionRolePolicy",
                "your-call",
                task.place.account,
                task.place.region,
            ),
        ),
    )


def _need(task: Task, image: Fact[ImageReference], definition: TaskDefinition) -> str | None:
    """What of this task needs an execution role, if anything does.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    """
    for container in definition.containers:
        if container.registry_credentials:
            return f"the registry credential {container.registry_credentials}"
        if container.secrets:
            return f"the secret {container.secrets[0]}"
    if not (task.on_fargate or task.launch_type in ("MANAGED_INSTANCES", "EXTERNAL")):
        return None
    written = [parse_reference(container.image) for container in definition.containers if container.image]
    images = [image.value] if isinstance(image, Known) else written
    in_ecr = next((one for one in images if one and one.ecr), None)
    return f"the pull of ECR repository {in_ecr.repository}" if in_ecr else None


def _fixes(place: Place, item: Resource) -> tuple[Fix, ...]:
    name, path = name_of(item.id), item.id.split(":role", 1)[1].rsplit("/", 1)[0] + "/"
    create = AwsCommand(
        "iam",
        "CreateRole",
        {"RoleName": name, "AssumeRolePolicyDocument": policy_text([ecs_tasks_may_assume(place)])}
        | ({"Path": path} if path != "/" else {}),
    )
    managed = f"arn:{place.partition}:iam::aws:policy/{MANAGED_POLICY}"
    attach = AwsCommand("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": managed})
    return (
        Fix(
            f"create {name} anew, with AWS's policy for execution roles",
            "your-call",
            place.account,
            place.region,
            (create, attach),
            effect="rights that only the deleted role had, and policies that named it, have to be given again",
        ),
        Fix("name a role that exists in the task definition", "your-call", place.account, place.region),
    )
