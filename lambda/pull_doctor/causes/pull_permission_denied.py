"""The pulling role's own policies do not allow, or deny, an ECR action that the pull needs.

A pull from ECR needs three actions: ecr:GetAuthorizationToken on *, which only a policy of the role itself can grant,
and ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository. On Fargate the task execution role needs
them, not the task role. In the same account a repository policy may grant the latter two instead; across accounts both
sides must. ecr:BatchCheckLayerAvailability is for pushing, and no pull fails for want of it.

What mends it: the missing actions in a policy of the role. AmazonECSTaskExecutionRolePolicy holds them.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pull_doctor.causes.outcome import (
    Applicability,
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
from pull_doctor.causes.shared.images import repository_of
from pull_doctor.causes.shared.roles import MANAGED_POLICY, name_of, policy_text, role_of_session, same_role
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Simulated
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import REFUSALS, Phase, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.grants import grants
from pull_doctor.resource import Resource, make

SIGN_IN = "ecr:GetAuthorizationToken"
STOPS: dict[str, Phase] = {
    SIGN_IN: "sign-in",
    "ecr:BatchGetImage": "resolve",
    "ecr:GetDownloadUrlForLayer": "download",
}
"""The phase that each action is for: a refused one stops that phase, and shows in no earlier one."""


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
    known, named = role.value if isinstance(role, Known) else None, role_of_session(symptom)
    # The role is the one that the text names; what was read is about the task definition's.
    other = named is not None and not (known and same_role(named, known))
    pulling = named if other else known
    if pulling is None:
        return Undetermined((role,)) if isinstance(role, Unknown) else NotApplicable("the task has no execution role")
    if elsewhere := _denied_elsewhere(symptom, pulling):
        return Undetermined((elsewhere,))
    item = make(task.place, "AWS::IAM::Role", pulling)
    rights = (sign_in_rights, pull_rights)
    if other:
        unread = Unknown(f"the policies of {pulling}", "not-modelled", resource=pulling)
        rights = (role if isinstance(role, Unknown) else unread,) * 2
    denied, open_facts = _judge(image, pulling, rights, repository_policy, refused=symptom.kind in REFUSALS)
    told = _told_by_text(symptom, item)
    if told is None and Known(None) in rights:
        return NotApplicable(f"IAM knows no role {pulling}, whose policies could be judged")
    if told is None and not denied:
        if (ungranted := _left_to_the_owner(symptom, image, pulling)) is not None:
            open_facts = (*open_facts, ungranted)
        return (
            Undetermined(open_facts)
            if open_facts
            else Ok(f"the policies of {pulling} allow signing in to ECR and reading the image")
        )
    actions = tuple(one.action for one in denied) or (symptom.action or SIGN_IN,)
    judged = {one.action for fact in rights if isinstance(fact, Known) for one in fact.value or ()}
    still: Still = "yes" if denied else "unknown" if open_facts or actions[0] not in judged else "no"
    explicit = any(one.decision == "explicitDeny" for one in denied) or bool(not denied and symptom.explicit_deny)
    evidence = [*([told] if told else []), *(_evidence(one, item, image) for one in denied)]
    evidence += _repository_evidence(denied, image, pulling, repository_policy)
    if still == "no":
        evidence.append(Evidence(f"{pulling} may call {' and '.join(actions)} now", "fact", (item,)))
    kind = "execution role" if task.on_fargate else "pulling role"
    return Problem(
        title=f"{kind} {'is denied' if explicit else 'lacks'} {actions[0]}"
        + (f" and {len(actions) - 1} more" if len(actions) > 1 else ""),
        explanation=_explanation(image, name_of(pulling), kind, actions, explicit=explicit, seen=bool(denied))
        + (
            f" What ECS's text shows refused, {symptom.action}, it has now."
            if told and denied and symptom.action in _allowed(rights)
            else ""
        ),
        culprit=item,
        evidence=tuple(evidence),
        fixes=_fixes(image, item, denied, explicit=explicit)
        if denied or (still == "unknown" and actions[0] in STOPS)
        else (),
        still=still,
        text_proves=told is not None and (not denied or symptom.action in actions),
        phases=(symptom.phase,) if told else tuple(STOPS[one.action] for one in denied),
    )


def _allowed(rights: Iterable[Fact[tuple[Simulated, ...] | None]]) -> set[str]:
    """The actions that the role's policies were seen to allow, whatever the request carries."""
    return {
        one.action
        for fact in rights
        if isinstance(fact, Known)
        for one in fact.value or ()
        if one.decision == "allowed" and not one.missing_context
    }


def _explanation(
    image: ImageReference, name: str, kind: str, actions: tuple[str, ...], *, explicit: bool, seen: bool
) -> str:
    """Why the pull stops; in the past tense what only ECS's text tells."""
    listed = " and ".join(actions)
    if not seen:
        why = f"a policy of the role denied {listed}" if explicit else f"no policy of the role allowed {listed}"
        refusal = f"ECR refused the pull, as {why}."
    elif explicit:
        refusal = (
            f"A policy of the role denies {listed}, and a deny wins over every allow, so that ECR refuses the pull."
        )
    else:
        refusal = f"No policy of the role allows {listed}, so that ECR refuses the pull."
    return f"{name} is the {kind}: ECS signs in to ECR and reads {image.repository} with it. {refusal}"


def _judge(
    image: ImageReference,
    role: str,
    rights: Iterable[Fact[tuple[Simulated, ...] | None]],
    repository_policy: Fact[str | None],
    *,
    refused: bool,
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
                verdict = _denied(one, image, role, repository_policy, refused=refused)
                if isinstance(verdict, Unknown):
                    open_facts.append(verdict)
                elif verdict:
                    denied.append(one)
    return tuple(denied), tuple(dict.fromkeys(open_facts))


def _denied(
    one: Simulated, image: ImageReference, role: str, repository_policy: Fact[str | None], *, refused: bool
) -> bool | Unknown:
    subject = f"whether {role} may call {one.action}"
    # An allow that depends on what the simulation was not given counts unless ECR was seen to refuse.
    if one.decision == "allowed" and not refused:
        return False
    if one.decision == "allowed" and not one.missing_context:
        return _denied_by_repository(subject, one, image, role, repository_policy)
    if one.boundary_allows is False or one.organization_allows is False:
        layer = "permissions boundary does" if one.boundary_allows is False else "organization's policies do"
        fact = f"what the policies of {role} alone decide on {one.action}"
        return Unknown(fact, "not-visible", resource=role, detail=f"its {layer} not allow it")
    if one.missing_context:
        detail = f"the answer depends on {', '.join(one.missing_context)}, which the simulation was not given"
        return Unknown(subject, "not-modelled", "iam:SimulatePrincipalPolicy", role, detail=detail)
    if one.decision == "explicitDeny" or one.action == SIGN_IN:
        return True
    if image.ecr and image.ecr.account != role.split(":")[4]:
        return True
    if isinstance(repository_policy, Unknown):
        detail = f"no policy of {role} allows the pull; the repository's policy alone could"
        return replace(repository_policy, detail=detail)
    granted = grants(repository_policy.value, role, one.action) if repository_policy.value else "no"
    if granted == "unknown":
        detail = f"the policy of repository {image.repository} may grant it under conditions that are not evaluated"
        return Unknown(subject, "not-modelled", "ecr:GetRepositoryPolicy", image.repository, detail=detail)
    return granted == "no"


def _denied_by_repository(
    subject: str, one: Simulated, image: ImageReference, role: str, repository_policy: Fact[str | None]
) -> bool | Unknown:
    """Whether the repository's policy may be what refuses a role that its own policies allow: left open then."""
    if one.action == SIGN_IN:
        return False
    if isinstance(repository_policy, Unknown):
        return repository_policy
    if repository_policy.value and grants(repository_policy.value, role, one.action) == "unknown":
        detail = f"the policy of repository {image.repository} may deny it, under conditions that are not evaluated"
        return Unknown(subject, "not-modelled", "ecr:GetRepositoryPolicy", image.repository, detail=detail)
    return False


def _denied_elsewhere(symptom: Symptom, role: str) -> Unknown | None:
    """Another layer that the text names as the one that denied."""
    if symptom.denied_by in (None, "identity-policy"):
        return None
    fact = f"what the policies of {role} alone decide on {symptom.action or 'the request'}"
    detail = f"ECS's text names the {symptom.denied_by.replace('-', ' ')} that denied it"
    return Unknown(fact, "not-visible", resource=role, detail=detail)


def _left_to_the_owner(symptom: Symptom, image: ImageReference, role: str) -> Unknown | None:
    """What a refusal may rest on where the repository is another account's, which must grant the pull too.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
    """
    owner = image.ecr.account if image.ecr else None
    if not owner or owner == role.split(":")[4] or symptom.kind not in REFUSALS:
        return None
    fact, detail = f"the policy of repository {image.repository} of account {owner}", "it must grant the pull"
    return Unknown(fact, "not-modelled", "ecr:GetRepositoryPolicy", image.repository, detail=detail)


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


def _evidence(one: Simulated, item: Resource, image: ImageReference) -> Evidence:
    target = "*" if one.action == SIGN_IN else f"repository {image.repository}"
    if one.decision == "explicitDeny":
        by = f" by {', '.join(one.statements)}" if one.statements else ""
        return Evidence(f"the policies of {item.id} deny {one.action} on {target}{by}", "fact", (item,))
    return Evidence(f"no policy of {item.id} allows {one.action} on {target}", "fact", (item,))


def _repository_evidence(
    denied: tuple[Simulated, ...],
    image: ImageReference,
    role: str,
    repository_policy: Fact[str | None],
) -> tuple[Evidence, ...]:
    """That the repository does not grant it either; said where the repository's policy was read and could have."""
    actions = [one.action for one in denied if one.decision == "implicitDeny" and one.action != SIGN_IN]
    if not actions or image.ecr is None or isinstance(repository_policy, Unknown):
        return ()
    repository = repository_of(image)
    if repository_policy.value is None:
        text = f"repository {image.repository} has no policy that could grant it"
    elif image.ecr.account != role.split(":")[4]:
        return ()
    else:
        text = f"the policy of repository {image.repository} does not grant {' and '.join(actions)} to {role}"
    return (Evidence(text, "fact", (repository,)),)


def _fixes(image: ImageReference, item: Resource, denied: tuple[Simulated, ...], *, explicit: bool) -> tuple[Fix, ...]:
    role, name = item.id, name_of(item.id)
    partition, account = role.split(":")[1], role.split(":")[4]
    assert image.ecr is not None
    region = image.ecr.region
    how: Applicability = "exact" if denied else "your-call"
    if explicit:
        where = sorted({statement for one in denied for statement in one.statements})
        text = f"take the deny out of {', '.join(where) or 'the policy of ' + name}, or let it spare this repository"
        return (Fix(text, "your-call", account, region),)
    # PutRolePolicy replaces a policy of the same name, so each repository has its own, with all that a pull needs.
    digest = hashlib.sha256((repository_of(image).arn or image.repository).encode()).hexdigest()[:8]
    policy_name = f"pull-{image.repository.replace('/', '-')[:100]}-{digest}"
    put = AwsCommand(
        "iam",
        "PutRolePolicy",
        {"RoleName": name, "PolicyName": policy_name, "PolicyDocument": _policy(image)},
    )
    managed = f"arn:{partition}:iam::aws:policy/{MANAGED_POLICY}"
    attach = AwsCommand("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": managed})
    return (
        Fix(f"give the role the missing right to pull {image.repository}", how, account, region, (put,)),
        Fix(
            "give the role AWS's policy for execution roles",
            how,
            account,
            region,
            (attach,),
            effect=f"{name} may pull from every repository that admits it, and write to every log group",
        ),
    )


def _policy(image: ImageReference) -> str:
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": SIGN_IN, "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": repository_of(image).arn,
        },
    ]
    return policy_text(statements)
