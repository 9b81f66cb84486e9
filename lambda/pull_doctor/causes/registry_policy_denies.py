"""The policy of the ECR registry denies the pull.

A registry, which is the ECR of one account in one Region, can have a policy for all of its repositories. Of the first
version it is about replication and the pull-through cache alone; an account that has chosen the second one, V2, has it
evaluated on every action of ECR. A statement there that denies wins over every allow of role and repository. The
policy is told to the registry's own account only.

What mends it: the deny taken out of the registry's policy, or narrowed, in the account that owns the registry.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.rights.amended import put, without_denials
from pull_doctor.causes.shared.rights.refusals import (
    HELD,
    Pulling,
    Seen,
    blames,
    blames_another,
    evidence,
    look,
    more,
    moved_to_source,
    resource_of,
    text_evidence,
    who_pulls,
)
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.policy.rulings import Ruling


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    image: ImageReference,
    role: Fact[str | None],
    rulings: Fact[tuple[Ruling, ...]],
) -> Outcome:
    assert image.ecr is not None
    if told.rights_held:
        return Ok(HELD)
    who = who_pulls(symptom, role, rulings)
    if not isinstance(who, Pulling):
        return who
    seen = look("registry-policy", who.rulings)
    if not seen.refused:
        return _not_found(image, who, seen)
    item = resource_of(task, image, seen.refused[0])
    said = blames(symptom, "resource-policy") and bool(symptom.explicit_deny) and symptom.action in seen.actions
    shown = evidence(task, image, seen.refused)
    said_by_text = (text_evidence(symptom, who.role, "a resource-based policy", item),) if said else ()
    return Problem(
        title=f"the registry's policy denies {more(seen.actions)}",
        explanation=(
            f"{image.repository} is in the registry of account {image.ecr.account} in {image.ecr.region}, whose policy "
            f"is evaluated on every action of ECR. It denies {' and '.join(seen.actions)} to {who.role}, and a deny "
            "wins over every allow, so that ECR refuses the pull."
        ),
        culprit=item,
        evidence=(*said_by_text, *shown),
        fixes=(_fix(image, who.role, seen),),
        text_proves=False,
        inferred=(*seen.inferred, *blames_another(symptom, "resource-policy")),
        phases=(symptom.phase,) if said else seen.phases,
    )


def _not_found(image: ImageReference, who: Pulling, seen: Seen) -> Outcome:
    assert image.ecr is not None
    if isinstance(who.rulings, Unknown) and who.rulings.why == "prerequisite":
        return NotApplicable(who.rulings.detail or who.rulings.fact)
    if seen.by_source:
        return moved_to_source(seen)
    if seen.missing:
        return Undetermined(seen.missing)
    return Ok(f"no policy of registry {image.ecr.account} in {image.ecr.region} denies the pull to {who.role}")


def _fix(image: ImageReference, role: str, seen: Seen) -> Fix:
    assert image.ecr is not None
    judged = [one.verdict for one in seen.refused if one.verdict]
    requests = [one.request for one in judged if one.request]
    document, taken_out = without_denials(judged[0].document or "", requests)
    command = put(seen.refused[0], image, document)
    return Fix(
        f"take {' and '.join(taken_out)} out of the registry's policy, or let it spare {role}",
        "your-call",
        image.ecr.account,
        image.ecr.region,
        (command,) if command else (),
        effect=f"it concerns every repository of account {image.ecr.account} in {image.ecr.region}, and "
        f"{' and '.join(taken_out)} then keeps nobody else out either",
    )
