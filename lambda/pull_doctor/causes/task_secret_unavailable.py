"""A secret or parameter that the task injects is gone, or the execution role may not read it or its key.

Before a container starts, ECS reads what its task definition injects from Secrets Manager and Systems Manager, with the
execution role. It needs secretsmanager:GetSecretValue or ssm:GetParameters on each, and kms:Decrypt where a key of the
customer's encrypts it; AmazonECSTaskExecutionRolePolicy has none of them. Of a secret in another account, the secret's
own policy and its key's must admit the role too, and AWS's own key serves no other account. A secret that is marked for
deletion cannot be read any more. One made anew under the same name has another ARN.

What mends it: the secret restored, the right given to the execution role, or another secret in the task definition.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Ok, Outcome, Undetermined
from pull_doctor.causes.shared.secrets.findings import Use, judged
from pull_doctor.causes.shared.secrets.stored import OF_THE_REGISTRY, either
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.stored import Stored
from pull_doctor.view.secrets import may_speak_of_a_secret

_INJECTED = Use(
    noun="that the task injects",
    lead="The task injects",
    fine="the execution role may read what the task injects, and all of it is there: {}",
    none="the task definition injects no secret or parameter",
    judge=either,
    whats=("gone", "deleted", "denied", "key", "part"),
)


def check(
    *,
    task: Task,
    message: str,
    symptom: Symptom,
    injected: Fact[tuple[Stored, ...]],
    logins: Fact[tuple[Stored, ...]],
) -> Outcome:
    if not may_speak_of_a_secret(symptom, message):
        return Ok(f"ECS's text tells of {symptom.kind}, and not of a secret that the task injects")
    if OF_THE_REGISTRY.search(message):
        return Ok("ECS's text tells of the credentials for a registry, and not of a secret that the task injects")
    if isinstance(injected, Unknown):
        return Undetermined((injected,))
    return judged(task, symptom, message, _INJECTED, injected.value, logins)
