"""The execution role may not read the secret with which ECS signs in to a private registry, or that secret's key.

For an image outside ECR, repositoryCredentials names a secret with the login. ECS reads it with the execution role,
which needs secretsmanager:GetSecretValue on it, and kms:Decrypt where a key of the customer's encrypts it;
AmazonECSTaskExecutionRolePolicy has neither. Of a secret in another account, its own policy and its key's must admit
the role too. On Fargate the start fails before any pull; on EC2 the text may say CannotPullContainerAuthError alone.

What mends it: the right in a policy of the execution role, in the secret's policy, or in the key's.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Outcome
from pull_doctor.causes.shared.secrets.findings import Use
from pull_doctor.causes.shared.secrets.logins import LEAD, NO_LOGIN, NOUN, of_login
from pull_doctor.causes.shared.secrets.stored import rights
from pull_doctor.facts.fact import Fact
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.stored import Stored

_LOGIN = Use(
    noun=NOUN,
    lead=LEAD,
    fine="the execution role may read {}",
    none=NO_LOGIN,
    judge=rights,
    whats=("denied", "key"),
    for_what=" for the registry's login",
)


def check(
    *,
    task: Task,
    message: str,
    symptom: Symptom,
    logins: Fact[tuple[Stored, ...]],
    injected: Fact[tuple[Stored, ...]],
) -> Outcome:
    return of_login(task, symptom, message, _LOGIN, logins, injected)
