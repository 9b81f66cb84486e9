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
from dataclasses import replace

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
from pull_doctor.causes.shared.image.images import repository_of, under_cache
from pull_doctor.causes.shared.rights.refusals import (
    SIGN_IN,
    Seen,
    asked_by_a_pull,
    blames,
    blames_another,
    evidence,
    look,
    more,
    moved_to_source,
    text_evidence,
    ungranted,
    who_pulls,
)
from pull_doctor.causes.shared.rights.roles import MANAGED_POLICY, name_of, policy_text
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.rulings import Ruling
from pull_doctor.resource import Resource, make

NEEDED = (SIGN_IN, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    role: Fact[str | None],
    rulings: Fact[tuple[Ruling, ...]],
    cache_rule: Fact[CacheRule | None],
) -> Outcome:
    who = who_pulls(symptom, role, rulings)
    if isinstance(who, Outcome):
        return who
    seen = look("identity-policy", who.rulings)
    by_source = symptom.action in {one.action for one in seen.by_source}
    said = blames(symptom, "identity-policy") and not by_source
    if isinstance(cache_rule, Known) and cache_rule.value and (said or seen.refused):
        said = said and symptom.action == SIGN_IN
        seen = replace(seen, refused=tuple(one for one in seen.refused if one.action == SIGN_IN))
        if not said and not seen.refused:
            return under_cache(image, cache_rule.value)
    if not said and not seen.refused:
        return _not_found(symptom, who.role, who.rulings, seen)
    item = make(task.place, "AWS::IAM::Role", who.role)
    actions = seen.actions or (symptom.action or SIGN_IN,)
    still: Still = "yes" if seen.refused else "no" if actions[0] in seen.passed else "unknown"
    explicit = any(one.explicit for one in seen.refused) or bool(not seen.refused and symptom.explicit_deny)
    shown = [*evidence(task, image, seen.refused)]
    if said:
        shown.insert(0, text_evidence(symptom, who.role, "an identity-based policy", item))
    if still == "no":
        shown.append(Evidence(f"{who.role} may call {actions[0]} now", "fact", (item,)))
    kind = "execution role" if task.on_fargate else "pulling role"
    known = role.value if isinstance(role, Known) else None
    another = known if known and who.rulings is not rulings else None
    titled = "role in ECS's text" if another else kind
    # A text that finds no allow shows that the registry's policy grants it no more than the others.
    steps = () if said and not symptom.explicit_deny and symptom.action in actions else seen.inferred
    back = said and seen.refused and symptom.action in seen.passed
    return Problem(
        title=f"{titled} {'is denied' if explicit else 'lacks'} {more(actions)}",
        explanation=f"{_who(image, name_of(who.role), kind, another)} "
        + _refusal(actions, explicit=explicit, seen=bool(seen.refused))
        + (f" What ECS's text shows refused, {symptom.action}, it has now." if back else ""),
        culprit=item,
        evidence=(*shown, *ungranted(task, image, seen.refused)),
        fixes=_fixes(image, item, seen, explicit=explicit) if seen.refused or _may_lack(still, actions) else (),
        still=still,
        text_proves=said and (not seen.refused or symptom.action in actions),
        inferred=(*steps, *blames_another(symptom, "identity-policy")),
        phases=(symptom.phase,) if said else seen.phases,
    )


def _may_lack(still: Still, actions: tuple[str, ...]) -> bool:
    return still == "unknown" and actions[0] in NEEDED


def _not_found(symptom: Symptom, role: str, rulings: Fact[tuple[Ruling, ...]], seen: Seen) -> Outcome:
    if isinstance(rulings, Unknown) and rulings.why == "prerequisite":
        return NotApplicable(rulings.detail or rulings.fact)
    if seen.by_source:
        return moved_to_source(seen)
    if symptom.denied_by not in (None, "identity-policy") and asked_by_a_pull(symptom):
        # Another layer denied, so that what the role's own policies allow decides nothing.
        fact = f"what the policies of {role} alone decide on {symptom.action or 'the request'}"
        detail = f"ECS's text names the {symptom.denied_by.replace('-', ' ')} that denied it"
        return Undetermined((Unknown(fact, "not-visible", resource=role, detail=detail),))
    if seen.missing:
        return Undetermined(seen.missing)
    return Ok(f"the policies of {role} allow signing in to ECR and reading the image")


def _who(image: ImageReference, name: str, kind: str, expected: str | None) -> str:
    """What the role is to the pull; ``expected`` pulls by what was read, where ECS's text names another one."""
    if expected:
        return (
            f"ECS's text names {name} as the role that asked ECR for {image.repository}; by what was read "
            f"the {kind} is {name_of(expected)}."
        )
    return f"{name} is the {kind}: ECS signs in to ECR and reads {image.repository} with it."


def _refusal(actions: tuple[str, ...], *, explicit: bool, seen: bool) -> str:
    """Why the pull stops; in the past tense what only ECS's text tells."""
    listed = " and ".join(actions)
    if not seen:
        why = f"a policy of the role denied {listed}" if explicit else f"no policy of the role allowed {listed}"
        return f"ECR refused the pull, as {why}."
    if explicit:
        return f"A policy of the role denies {listed}, and a deny wins over every allow, so that ECR refuses the pull."
    return f"No policy of the role allows {listed}, so that ECR refuses the pull."


def _fixes(image: ImageReference, item: Resource, seen: Seen, *, explicit: bool) -> tuple[Fix, ...]:
    role, name = item.id, name_of(item.id)
    partition, account = role.split(":")[1], role.split(":")[4]
    assert image.ecr is not None
    region = image.ecr.region
    how: Applicability = "exact" if seen.refused else "your-call"
    if explicit:
        denying = [one.verdict for one in seen.refused if one.verdict and one.explicit]
        where = [
            f"{one.decision.statement} of {one.policy}" if one.policy else one.decision.statement for one in denying
        ]
        listed = ", ".join(dict.fromkeys(filter(None, where)))
        text = f"take the deny out of {listed or 'the policy of ' + name}, or let it spare this repository"
        return (Fix(text, "your-call", account, region),)
    # PutRolePolicy replaces a policy of the same name, so each repository has its own, with all that a pull needs.
    digest = hashlib.sha256((repository_of(image).arn or image.repository).encode()).hexdigest()[:8]
    put = AwsCommand(
        "iam",
        "PutRolePolicy",
        {
            "RoleName": name,
            "PolicyName": f"pull-{image.repository.replace('/', '-')[:100]}-{digest}",
            "PolicyDocument": _policy(image),
        },
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
    return policy_text(
        [
            {"Effect": "Allow", "Action": SIGN_IN, "Resource": "*"},
            {"Effect": "Allow", "Action": list(NEEDED[1:]), "Resource": repository_of(image).arn},
        ]
    )
