"""The login with which the registry was asked is no longer valid.

A login to ECR lives twelve hours. On Fargate ECS signs in anew for every task. On EC2 the container agent does, and
keeps the login until shortly before its end; a login that was written into ECS_ENGINE_AUTH_DATA by hand expires there,
and no API shows it. A host whose clock is off signs its requests with another time, and is refused in the same way.

What mends it: a new start of the task; on EC2 a new start of the agent, no login to ECR in ECS_ENGINE_AUTH_DATA, and a
clock that is right.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
"""

from __future__ import annotations

import re

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Outcome, Problem
from pull_doctor.causes.shared.image.images import untold
from pull_doctor.causes.shared.secrets.logins import LEAD, new_value
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.injected import parse_credentials
from pull_doctor.facts.values import ContainerDefinition
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.vpc import Puller
from pull_doctor.resource import Resource, make

_BY_THE_CLOCK = re.compile(r"signature (?:expired|not yet current)", re.IGNORECASE)
_OF_THE_ROLE = re.compile(r"security token|ExpiredToken", re.IGNORECASE)


def check(
    *,
    task: Task,
    message: str,
    symptom: Symptom,
    image: Fact[ImageReference],
    container: Fact[ContainerDefinition | None],
    puller: Fact[Puller],
) -> Outcome:
    if symptom.kind != "auth-token-expired":
        return untold(symptom, "a login that expired", "whether the login had expired")
    reference = image.value if isinstance(image, Known) else None
    host = reference.host if reference else "the registry"
    name = "service" if task.service else "task"
    kind = "AWS::ECS::Service" if task.service else "AWS::ECS::Task"
    workload = make(task.place, kind, f"{task.cluster}/{task.service or task.id}")
    definition = container.value if isinstance(container, Known) else None
    secret = definition.registry_credentials if definition and not (reference and reference.ecr) else None
    source = parse_credentials(secret, task.place) if secret else None
    if source:
        culprit: Resource = make(source.place, "AWS::SecretsManager::Secret", source.arn)
        why = f"{LEAD} {source.arn}, and what that holds has expired."
        fixes: tuple[Fix, ...] = (new_value(source.arn, source.place), _again(task))
    elif task.on_fargate:
        culprit = workload
        why = "ECS signs in anew for every task on Fargate, so that the next one has a login of its own."
        fixes = (_again(task),)
    else:
        culprit = make(task.place, "AWS::ECS::ContainerInstance", task.container_instance or task.id)
        why = (
            "The container agent signs in anew by itself; what expires is a login that was written into its "
            "ECS_ENGINE_AUTH_DATA, the credentials of a host that lost its role, or the time of a clock that is off."
        )
        fixes = _on_the_host(task, puller, clock=bool(_BY_THE_CLOCK.search(message)))
    said, refused = _words(message, host)
    return Problem(
        title=_title(message),
        explanation=f"{refused} {why}",
        culprit=culprit,
        evidence=(Evidence(f"ECS's text says of {name} {workload.arn} that {said}", "text", (workload,)),),
        fixes=fixes,
        still="unknown",
        text_proves=True,
    )


def _title(message: str) -> str:
    if _BY_THE_CLOCK.search(message):
        return "request was signed with a time that is too far off"
    return "credentials to sign in with have expired" if _OF_THE_ROLE.search(message) else "login has expired"


def _words(message: str, host: str) -> tuple[str, str]:
    """What ECS's text says, and the sentence on who refused what; a sign-in is refused before there is a login."""
    if _BY_THE_CLOCK.search(message):
        said = f"the time with which it signed its request to sign in to {host} is too far off"
    elif _OF_THE_ROLE.search(message):
        said = f"the credentials with which it was to sign in to {host} have expired"
    else:
        return f"its login to {host} is not valid", f"The login to {host} was no longer valid, and {host} refused it."
    return said, f"AWS gave no login to {host}, since {said.replace(' it ', ' the task ')}."


def _again(task: Task) -> Fix:
    place = task.place
    if task.service is None:
        return Fix("start the task again", "your-call", place.account, place.region)
    update = {"cluster": task.cluster, "service": task.service, "forceNewDeployment": True}
    text = "start the service's tasks anew, if ECS has given up"
    return Fix(text, "your-call", place.account, place.region, (AwsCommand("ecs", "UpdateService", update),))


def _on_the_host(task: Task, puller: Fact[Puller], *, clock: bool) -> tuple[Fix, ...]:
    """What is done on the host: its clock set right, the agent started again, no login that ends in its settings."""
    place = task.place
    named = puller.value.instance if isinstance(puller, Known) else None
    run = AwsCommand(
        "ssm",
        "SendCommand",
        {
            "InstanceIds": [named or "<id of the instance>"],
            "DocumentName": "AWS-RunShellScript",
            "Parameters": {"commands": ["systemctl restart ecs"]},
        },
    )
    if clock:
        text = "set the host's clock right: it has to follow a time server, such as AWS's at 169.254.169.123"
        return (Fix(text, "your-call", place.account, place.region),)
    return (
        Fix(
            "start the container agent again, so that it signs in anew",
            "your-call" if named else "fill-in",
            place.account,
            place.region,
            (run,),
        ),
        Fix(
            "take a login to ECR out of ECS_ENGINE_AUTH_DATA in /etc/ecs/ecs.config, and set the host's clock right",
            "your-call",
            place.account,
            place.region,
        ),
    )
