"""A secret or parameter that the task injects is gone, or the execution role may not read it or its key.

Before a container starts, ECS reads what its task definition injects from Secrets Manager and Systems Manager, with the
execution role. It needs secretsmanager:GetSecretValue or ssm:GetParameters on each, and kms:Decrypt where a key of the
customer's encrypts it; AmazonECSTaskExecutionRolePolicy has none of them. A secret that is marked for deletion cannot
be read any more. One made anew under the same name has another ARN.

What mends it: the secret restored, the right given to the execution role, or another secret in the task definition.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from pull_doctor.causes.outcome import (
    AwsCommand,
    Evidence,
    Fix,
    NotApplicable,
    Ok,
    Outcome,
    Problem,
    Still,
    Undetermined,
)
from pull_doctor.causes.shared.roles import name_of, policy_text
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.injected import Injected, ValueFrom
from pull_doctor.facts.values import Secret, Simulated
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.grants import grants
from pull_doctor.resource import Resource, make
from pull_doctor.view.secrets import may_speak_of_a_secret

_What = Literal["gone", "deleted", "denied", "key", "part"]
_ARN = re.compile(r"arn:[\w-]+:(?:secretsmanager|ssm):[\w-]*:\d*:(?:secret:|parameter/)[\w/+=.@!-]+")
_OF_THE_REGISTRY = re.compile(r"CannotPullContainerAuthError|private registry credentials", re.IGNORECASE)
_SAYS: tuple[tuple[_What, re.Pattern[str]], ...] = (
    ("part", re.compile(r"did not contain json key|specified secret value for", re.IGNORECASE)),
    ("deleted", re.compile(r"marked (?:for deletion|deleted)", re.IGNORECASE)),
    (
        "gone",
        re.compile(r"ResourceNotFoundException|can't find the specified secret|invalid parameters?:|ParameterNotFound"),
    ),
    ("key", re.compile(r"Access to KMS is not allowed|perform: kms:", re.IGNORECASE)),
    ("denied", re.compile(r"AccessDenied|perform: (?:secretsmanager|ssm):", re.IGNORECASE)),
)
"""What a text proves of the secret it speaks of; the first that fits.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html"""


@dataclass(frozen=True, slots=True)
class _Defect:
    """One thing found to stand in the way of one value; ``fixable`` where a statement for the role mends it."""

    what: _What
    source: ValueFrom
    text: str
    right: tuple[str, str] | None = None
    fixable: bool = False


def check(
    *, task: Task, message: str, symptom: Symptom, role: Fact[str | None], injected: Fact[tuple[Injected, ...]]
) -> Outcome:
    text = " ".join(message.replace("\u2019", "'").split())
    if not may_speak_of_a_secret(symptom, message):
        return Ok(f"ECS's text tells of {symptom.kind}, and not of a secret that the task injects")
    if _OF_THE_REGISTRY.search(text):
        return Ok("ECS's text tells of the credentials for a registry, and not of a secret that the task injects")
    if isinstance(injected, Unknown):
        return Undetermined((injected,))
    if not injected.value:
        return NotApplicable("the task definition injects no secret or parameter")
    reader = role.value if isinstance(role, Known) and role.value else "the execution role"
    return _held_against(task, injected.value, reader, text)


def _held_against(task: Task, injected: tuple[Injected, ...], reader: str, text: str) -> Outcome:
    """What the text says, held against what the task injects: the text may be about another's secret."""
    said = next((what for what, pattern in _SAYS if pattern.search(text)), None)
    arn = _ARN.search(text)
    verdicts = [_judge(one, reader, key_refused=said == "key") for one in injected]
    defects = [one for one in verdicts if isinstance(one, _Defect)]
    unknown = tuple(dict.fromkeys(one for one in verdicts if isinstance(one, Unknown)))
    named = [one.source for one in injected if _names(text, one.source)]
    defects.sort(key=lambda one: one.source not in named)
    another = arn[0] if arn and not named else None
    if defects and (defects[0].source in named or not (named and said)):
        return _problem(task, reader, defects, proves=_fits(said, defects[0]) and not another, another=another)
    if another:
        return Ok(f"ECS's text names {another}, which the task definition does not inject")
    if said is None:
        return Undetermined(unknown) if unknown else Ok(_all_there(injected, reader))
    sure = bool(named) or len(injected) == 1
    mended = not (unknown or defects) and said in ("gone", "deleted", "denied")
    item = _resource((named or [injected[0].source])[0])
    return _told(task, said, item, "no" if mended else "unknown", sure=sure)


def _judge(one: Injected, reader: str, *, key_refused: bool) -> _Defect | Unknown | None:
    """What stands in the way of this value, if anything does; first whether it is there, then who may read it."""
    arn, place = one.source.arn, one.source.place
    if isinstance(one.found, Unknown):
        return one.found
    if one.found.value is None:
        store = "Secrets Manager" if one.source.kind == "secret" else "Systems Manager"
        return _Defect("gone", one.source, f"{store} in {place.region} has no {one.source.kind} {arn}")
    if isinstance(one.found.value, Secret) and one.found.value.deleted_at:
        since = f"{one.found.value.deleted_at:%Y-%m-%d}"
        return _Defect("deleted", one.source, f"secret {arn} is marked for deletion, with the date {since}")
    if isinstance(one.rights, Unknown):
        return one.rights
    if one.rights.value is None:
        return Unknown(f"role {reader}", "not-modelled", resource=reader, detail="IAM knows no such role")
    for right in one.rights.value:
        verdict = _may_not_read(right, one, reader)
        if verdict:
            return verdict
    return _key(one, reader, refused=key_refused)


def _may_not_read(right: Simulated, one: Injected, reader: str) -> _Defect | Unknown | None:
    """Whether the role may not read the value: in one account its policies or the secret's suffice, else it takes both.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
    """
    arn = one.source.arn
    if doubt := _doubt(right, reader, arn):
        return doubt
    foreign = reader.split(":")[4:5] != [one.source.place.account]
    refused = _refused(right, one.source, reader, arn)
    if refused and (foreign or right.decision == "explicitDeny" or right.boundary_allows is False):
        return refused
    if isinstance(one.policy, Unknown):
        return one.policy
    granted = grants(one.policy.value, reader, right.action) if one.policy.value else "no"
    if granted == "unknown" or (foreign and not refused and granted == "no"):
        detail = (
            "what it grants the role could not be told" if granted == "unknown" else "another account's must grant it"
        )
        return Unknown(f"the resource policy of {arn}", "not-modelled", resource=arn, detail=detail)
    return refused if granted == "no" else None


def _refused(right: Simulated, source: ValueFrom, reader: str, resource: str, what: _What = "denied") -> _Defect | None:
    if right.decision == "allowed":
        return None
    if right.boundary_allows is False:
        text = f"the permissions boundary of {reader} does not allow {right.action} on {resource}"
    elif right.decision == "explicitDeny":
        by = f" by {', '.join(right.statements)}" if right.statements else ""
        text = f"the policies of {reader} deny {right.action} on {resource}{by}"
    else:
        text = f"no policy of {reader} allows {right.action} on {resource}"
        return _Defect(what, source, text, (right.action, resource), fixable=True)
    return _Defect(what, source, text, (right.action, resource))


def _doubt(right: Simulated, reader: str, resource: str) -> Unknown | None:
    """Why a simulated refusal is none of the role's own policies', or cannot be told."""
    if right.decision == "allowed" and not right.missing_context:
        return None
    subject = f"whether {reader} may call {right.action} on {resource}"
    if right.missing_context:
        detail = f"the answer depends on {', '.join(right.missing_context)}, which the simulation was not given"
        return Unknown(subject, "not-modelled", "iam:SimulatePrincipalPolicy", reader, detail=detail)
    if right.organization_allows is False:
        return Unknown(subject, "not-visible", resource=reader, detail="the organization's policies may not allow it")
    return None


def _key(one: Injected, reader: str, *, refused: bool) -> _Defect | Unknown | None:
    """Whether the role may not use the value's key; a key's own policy, which may grant or withhold it, is not read."""
    if one.key_rights is None or isinstance(one.key_rights, Unknown):
        return one.key_rights
    key = one.found.value.key if isinstance(one.found, Known) and one.found.value else None
    for right in one.key_rights.value or ():
        if doubt := _doubt(right, reader, f"key {key}"):
            return doubt
        defect = _refused(right, one.source, reader, _key_arn(one, key or ""), "key")
        if defect and (refused or not defect.fixable):
            return defect
        if defect or refused:
            return Unknown(f"the policy of KMS key {key}", "not-modelled", resource=key, detail="it is not read")
    return None


def _key_arn(one: Injected, key: str) -> str:
    return make(one.source.place, "AWS::KMS::Key", key).arn or key


def _names(text: str, source: ValueFrom) -> bool:
    return any(re.search(rf"(?<![\w/.-]){re.escape(one)}(?![\w/+=.@-])", text) for one in (source.arn, *source.names))


def _fits(said: _What | None, defect: _Defect) -> bool:
    """Whether ECS's text says the same of the value."""
    gone = ("gone", "deleted")
    return said == defect.what or (said in gone and defect.what in gone)


def _all_there(injected: tuple[Injected, ...], reader: str) -> str:
    arns = ", ".join(one.source.arn for one in injected)
    return f"{reader} may read what the task injects, and all of it is there: {arns}"


def _problem(task: Task, reader: str, defects: list[_Defect], *, proves: bool, another: str | None) -> Problem:
    first = defects[0]
    item = _resource(first.source)
    evidence = tuple(Evidence(one.text, "fact", (_resource(one.source),)) for one in defects)
    said = (_said(first.what, item),) if proves else ()
    return Problem(
        title=_title(first.what, first.source.kind, first.right[0] if first.right else "", lacks=first.fixable),
        explanation=(
            f"The task injects {item.id}, and {first.text}. ECS reads what a task injects before its containers start, "
            "so that none of them starts."
        ).replace(f"has no {first.source.kind} {item.id}", f"has no such {first.source.kind}"),
        culprit=item,
        evidence=(*said, *evidence),
        fixes=_fixes(task, reader, defects),
        text_proves=proves,
        inferred=(f"it is {item.id} that ECS could not read: its text names {another}",) if another else (),
    )


def _told(task: Task, what: _What, item: Resource, still: Still, *, sure: bool = True) -> Problem:
    """The finding that rests on ECS's text alone; ``sure`` if it is known which value the text means."""
    kind = "parameter" if ":ssm:" in item.id else "secret"
    now = Evidence(f"{item.id} is there now, and the execution role may read it", "fact", (item,))
    return Problem(
        title=_title(what, kind, "ssm:GetParameters" if kind == "parameter" else "secretsmanager:GetSecretValue"),
        explanation=f"ECS reads what a task injects before its containers start. It could not read {item.id}.",
        culprit=item,
        evidence=(_said(what, item), *((now,) if still == "no" else ())),
        fixes=()
        if still == "no"
        else (Fix(_PROSE[what].format(item.id), "your-call", task.place.account, task.place.region),),
        still=still,
        text_proves=True,
        inferred=() if sure else (f"{item.id} is the one that ECS's text means",),
    )


_PROSE: dict[_What, str] = {
    "gone": "name one that exists in the task definition, in the place of {}",
    "deleted": "restore {}, or name another in the task definition",
    "denied": "let the execution role read {}, and look at that secret's own policy",
    "key": "let the execution role call kms:Decrypt on the key of {}, in its policies or in the key's",
    "part": "name a JSON key and a version in the task definition that {} has",
}


def _said(what: _What, item: Resource) -> Evidence:
    says = {
        "gone": "is not found",
        "deleted": "is marked for deletion",
        "denied": "may not be read",
        "key": "may not be decrypted",
        "part": "has no such JSON key or version",
    }[what]
    return Evidence(f"ECS's text says that {item.id} {says}", "text", (item,))


def _title(what: _What, kind: str, action: str, *, lacks: bool = False) -> str:
    return {
        "gone": f"{kind} that the task injects does not exist",
        "deleted": f"{kind} that the task injects is marked for deletion",
        "denied": f"execution role {'lacks' if lacks else 'is denied'} {action}",
        "key": f"execution role may not use the key of a {kind} that the task injects",
        "part": f"{kind} has no such JSON key or version as the task injects",
    }[what]


def _resource(source: ValueFrom) -> Resource:
    kind = "AWS::SecretsManager::Secret" if source.kind == "secret" else "AWS::SSM::Parameter"
    return make(source.place, kind, source.arn)


def _fixes(task: Task, reader: str, defects: list[_Defect]) -> tuple[Fix, ...]:
    first, place = defects[0], defects[0].source.place
    other = Fix(_PROSE["gone"].format(first.source.arn), "your-call", task.place.account, task.place.region)
    if first.what == "deleted":
        restore = AwsCommand("secretsmanager", "RestoreSecret", {"SecretId": first.source.arn})
        text = "restore the secret, if it is still the one to use"
        return (
            Fix(text, "your-call", place.account, place.region, (restore,)),
            other,
        )
    if first.what == "gone" and first.source.kind == "parameter":
        values = {"Name": first.source.names[0], "Type": "SecureString", "Value": "<value>"}
        put = AwsCommand("ssm", "PutParameter", values)
        return (Fix("put the parameter again", "fill-in", place.account, place.region, (put,)), other)
    if first.what == "gone":
        return (other,)
    rights = [one.right for one in defects if one.fixable and one.right]
    if not first.fixable or not rights:
        text = f"take out what denies it: {first.text}"
        return (Fix(text, "your-call", task.place.account, task.place.region),)
    statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in rights]
    digest = hashlib.sha256("".join(resource for _, resource in rights).encode()).hexdigest()[:8]
    document = {
        "RoleName": name_of(reader),
        "PolicyName": f"read-secrets-{digest}",
        "PolicyDocument": policy_text(statements),
    }
    command = AwsCommand("iam", "PutRolePolicy", document)
    text = f"let {name_of(reader)} read what the task injects"
    if first.what == "key":
        text += ", if the key's policy leaves that to IAM policies"
    how: Literal["exact", "your-call"] = "your-call" if first.what == "key" else "exact"
    return (Fix(text, how, task.place.account, task.place.region, (command,)),)
