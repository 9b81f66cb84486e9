"""The pulling role's own policies do not allow, or deny, an ECR action that the pull needs.

A pull from ECR needs three actions: ecr:GetAuthorizationToken on *, which only a policy of the role itself can grant,
and ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository. On Fargate the task execution role needs
them, not the task role. In the same account a repository policy may grant the latter two instead; across accounts both
sides must. ecr:BatchCheckLayerAvailability is for pushing, and no pull fails for want of it.

What mends it: the missing actions in a policy of the role. AmazonECSTaskExecutionRolePolicy holds them.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Ok, Outcome, Problem, Still, Undetermined
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Simulated
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.grants import grants
from pull_doctor.resource import Resource, make

SIGN_IN = "ecr:GetAuthorizationToken"
_ARN_PARTS = 6
_LONGEST_POLICY_NAME = 128
MANAGED_POLICY = "service-role/AmazonECSTaskExecutionRolePolicy"


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    role: Fact[str | None],
    sign_in_rights: Fact[tuple[Simulated, ...] | None],
    pull_rights: Fact[tuple[Simulated, ...] | None],
    repository_policy: Fact[str | None],
) -> Outcome:
    known, named = role.value if isinstance(role, Known) else None, _role_in_text(symptom)
    # The role is the one that the text names; what was read is about the task definition's.
    other = named is not None and not (known and _same_role(symptom, known))
    pulling = named if other else known
    if pulling is None:
        nobody = Unknown("the execution role", "not-modelled", detail="the task definition names none")
        return Undetermined((role if isinstance(role, Unknown) else nobody,))
    item = make(task.place, "AWS::IAM::Role", pulling)
    rights = (sign_in_rights, pull_rights)
    if other:
        unread = Unknown(f"the policies of {pulling}", "not-modelled", resource=pulling)
        rights = (role if isinstance(role, Unknown) else unread,) * 2
    denied, open_facts = _judge(image, pulling, rights, repository_policy)
    told = _told_by_text(symptom, item)
    if told is None and not denied:
        return Undetermined(open_facts) if open_facts else Ok(f"{pulling} may sign in to ECR and read the image")
    actions = tuple(one.action for one in denied) or (symptom.action or SIGN_IN,)
    judged = {one.action for fact in rights if isinstance(fact, Known) for one in fact.value or ()}
    still: Still = "yes" if denied else "unknown" if open_facts or actions[0] not in judged else "no"
    explicit = any(one.decision == "explicitDeny" for one in denied) or bool(not denied and symptom.explicit_deny)
    evidence = [*([told] if told else []), *(_evidence(one, item, image) for one in denied)]
    if still == "no":
        evidence.append(Evidence(f"{pulling} may call {' and '.join(actions)} now", "fact", (item,)))
    kind = "execution role" if task.on_fargate else "pulling role"
    return Problem(
        title=f"{kind} {'is denied' if explicit else 'lacks'} {actions[0]}"
        + (f" and {len(actions) - 1} more" if len(actions) > 1 else ""),
        explanation=_explanation(image, pulling.rsplit("/", 1)[-1], kind, actions, explicit=explicit),
        culprit=item,
        evidence=tuple(evidence),
        fixes=_fixes(image, item, denied, explicit=explicit) if denied else (),
        still=still,
        text_proves=told is not None and (not denied or symptom.action in actions),
    )


def _explanation(image: ImageReference, name: str, kind: str, actions: tuple[str, ...], *, explicit: bool) -> str:
    listed = " and ".join(actions)
    refusal = (
        f"A policy of the role denies {listed}, and a deny wins over every allow, so that ECR refuses the pull."
        if explicit
        else f"No policy of the role allows {listed}, so that ECR refuses the pull."
    )
    return f"{name} is the {kind}: ECS signs in to ECR and reads {image.repository} with it. {refusal}"


def _role_in_text(symptom: Symptom) -> str | None:
    """The role of the session that a denial text names; a path in its ARN is not shown there."""
    parts = (symptom.principal or "").split(":")
    kind, _, rest = parts[-1].partition("/")
    if len(parts) != _ARN_PARTS or kind != "assumed-role":
        return None
    return f"arn:{parts[1]}:iam::{parts[4]}:role/{rest.partition('/')[0]}"


def _judge(
    image: ImageReference,
    role: str,
    rights: Iterable[Fact[tuple[Simulated, ...] | None]],
    repository_policy: Fact[str | None],
) -> tuple[tuple[Simulated, ...], tuple[Unknown, ...]]:
    """The actions that the role's own policies keep from the pull, and what was not to be told."""
    denied: list[Simulated] = []
    open_facts: list[Unknown] = []
    for fact in rights:
        if isinstance(fact, Unknown):
            open_facts.append(fact)
        elif fact.value is None:
            open_facts.append(
                Unknown(
                    f"role {role}", "not-modelled", "iam:SimulatePrincipalPolicy", role, detail="IAM knows no such role"
                )
            )
        else:
            for one in fact.value:
                verdict = _denied(one, image, role, repository_policy)
                if isinstance(verdict, Unknown):
                    open_facts.append(verdict)
                elif verdict:
                    denied.append(one)
    return tuple(denied), tuple(dict.fromkeys(open_facts))


def _denied(one: Simulated, image: ImageReference, role: str, repository_policy: Fact[str | None]) -> bool | Unknown:
    subject = f"whether {role} may call {one.action}"
    if one.decision == "allowed":
        return False
    if one.boundary_allows is False or one.organization_allows is False:
        layer = "permissions boundary" if one.boundary_allows is False else "organization's policies"
        detail = f"its {layer} does not allow it"
        return Unknown(subject, "not-modelled", resource=role, detail=detail)
    if one.missing_context:
        detail = f"the answer depends on {', '.join(one.missing_context)}, which the simulation was not given"
        return Unknown(subject, "not-modelled", "iam:SimulatePrincipalPolicy", role, detail=detail)
    if one.decision == "explicitDeny" or one.action == SIGN_IN:
        return True
    if image.ecr and image.ecr.account != role.split(":")[4]:
        return True
    if isinstance(repository_policy, Unknown):
        return repository_policy
    granted = grants(repository_policy.value, role, one.action) if repository_policy.value else "no"
    if granted == "unknown":
        detail = f"the policy of repository {image.repository} may grant it under conditions that are not evaluated"
        return Unknown(subject, "not-modelled", "ecr:GetRepositoryPolicy", image.repository, detail=detail)
    return granted == "no"


def _told_by_text(symptom: Symptom, item: Resource) -> Evidence | None:
    """What AWS's denial text proves, where it names the role's own policies.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    if symptom.denied_by != "identity-policy" or not (symptom.action or "").startswith("ecr:"):
        return None
    reason = (
        "because an identity-based policy denies it"
        if symptom.explicit_deny
        else "because no identity-based policy allows it"
    )
    who = symptom.principal or item.id
    return Evidence(f"ECS's text says that {who} was refused {symptom.action}, {reason}", "text", (item,))


def _same_role(symptom: Symptom, role: str) -> bool:
    return symptom.principal is None or f"/{role.rsplit('/', 1)[-1]}/" in f"{symptom.principal}/"


def _evidence(one: Simulated, item: Resource, image: ImageReference) -> Evidence:
    target = "*" if one.action == SIGN_IN else f"repository {image.repository}"
    if one.decision == "explicitDeny":
        by = f" by {', '.join(one.statements)}" if one.statements else ""
        return Evidence(f"the policies of {item.id} deny {one.action} on {target}{by}", "fact", (item,))
    return Evidence(f"no policy of {item.id} allows {one.action} on {target}", "fact", (item,))


def _fixes(image: ImageReference, item: Resource, denied: tuple[Simulated, ...], *, explicit: bool) -> tuple[Fix, ...]:
    role, name = item.id, item.id.rsplit("/", 1)[-1]
    partition, account = role.split(":")[1], role.split(":")[4]
    assert image.ecr is not None
    region = image.ecr.region
    if explicit:
        where = sorted({statement for one in denied for statement in one.statements})
        text = f"take the deny out of {', '.join(where) or 'the policy of ' + name}, or let it spare this repository"
        return (Fix(text, "your-call", account, region),)
    # PutRolePolicy replaces a policy of the same name, so each repository has its own.
    policy_name = f"pull-{image.repository.replace('/', '-')}"[:_LONGEST_POLICY_NAME]
    put = AwsCommand(
        "iam",
        "PutRolePolicy",
        {"RoleName": name, "PolicyName": policy_name, "PolicyDocument": _policy(image, denied)},
    )
    managed = f"arn:{partition}:iam::aws:policy/{MANAGED_POLICY}"
    attach = AwsCommand("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": managed})
    return (
        Fix(f"give the role the missing right to pull {image.repository}", "exact", account, region, (put,)),
        Fix(
            "give the role AWS's policy for execution roles",
            "exact",
            account,
            region,
            (attach,),
            None,
            f"{name} may pull from every repository that admits it, and write to every log group",
        ),
    )


def _policy(image: ImageReference, denied: tuple[Simulated, ...]) -> str:
    assert image.ecr is not None
    registry = image.ecr
    repository = f"arn:{registry.partition}:ecr:{registry.region}:{registry.account}:repository/{image.repository}"
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": target}
        for target in ("*", repository)
        if (actions := [one.action for one in denied if (one.action == SIGN_IN) == (target == "*")])
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
