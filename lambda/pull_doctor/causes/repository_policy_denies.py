"""The policy of the image's ECR repository denies the pull, or does not grant it to a role of another account.

A repository can have a policy of its own. In one account it may grant a pull that the role's policies do not, and needs
not: either suffices. Across accounts both must allow it, so that a repository without a policy admits nobody from
outside. A statement that denies wins over every allow. The sign-in is no matter of the repository's.

What mends it: a statement in the repository's policy that grants the pull to the role, set in the account that owns the
repository; or the deny taken out of it.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from __future__ import annotations

from collections.abc import Sequence

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Still, Undetermined
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.causes.shared.rights.amended import deleted_in, granting, put, with_statement, without_denials
from pull_doctor.causes.shared.rights.refusals import (
    HELD,
    Pulling,
    Refused,
    Seen,
    blames,
    blames_another,
    evidence,
    look,
    more,
    moved_to_source,
    text_evidence,
    who_pulls,
)
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import EcrLookup
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.policy.evaluate import evaluate
from pull_doctor.policy.rulings import Ruling
from pull_doctor.resource import Resource

ACTIONS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    image: ImageReference,
    role: Fact[str | None],
    rulings: Fact[tuple[Ruling, ...]],
    ecr_image: Fact[EcrLookup],
) -> Outcome:
    assert image.ecr is not None
    if told.rights_held:
        return Ok(HELD)
    if isinstance(ecr_image, Known) and ecr_image.value.missing == "repository":
        return NotApplicable(f"repository {image.repository} of account {image.ecr.account} does not exist")
    who = who_pulls(symptom, role, rulings)
    if not isinstance(who, Pulling):
        return who
    seen, item = look("resource-policy", who.rulings), repository_of(image)
    said = blames(symptom, "resource-policy") and symptom.action not in {one.action for one in seen.by_source}
    inferred: tuple[str, ...] = ()
    if said and symptom.explicit_deny and not any(one.explicit for one in seen.refused):
        of_registry = look("registry-policy", who.rulings)
        if open_ := (*seen.missing, *of_registry.missing):
            return Undetermined(tuple(dict.fromkeys(open_)))
        said = not (of_registry.refused or of_registry.by_source)
        inferred = ("it was the repository's policy that denied it then: neither it nor the registry's denies it now",)
    if not said and not seen.refused:
        return _not_found(image, who, seen)
    if not said and isinstance(ecr_image, Unknown) and any(one.verdict is None for one in seen.refused):
        # Neither a repository without a policy nor one that does not exist has any.
        return Undetermined((ecr_image,))
    actions = seen.actions or (symptom.action or ACTIONS[0],)
    still: Still = "yes" if seen.refused else "no" if actions[0] in seen.passed else "unknown"
    denies = any(one.explicit for one in seen.refused) or bool(not seen.refused and symptom.explicit_deny)
    shown = [*evidence(task, image, seen.refused), *_deleted(seen, item)]
    if said:
        shown.insert(0, text_evidence(symptom, who.role, "a resource-based policy", item))
    if still == "no":
        shown.append(
            Evidence(f"the policy of repository {item.id} lets {who.role} call {actions[0]} now", "fact", (item,))
        )
    now = bool(seen.refused)
    verb = ("denies" if denies else "does not grant") if now else ("denied" if denies else "did not grant")
    # A text that names no policy which allows it shows that the registry's does not either.
    steps = () if said and not symptom.explicit_deny else seen.inferred
    return Problem(
        title=f"the repository's policy {verb} {more(actions)}",
        explanation=_explanation(
            image, who.role, f"{verb} {' and '.join(actions)}", denies=denies, now=bool(seen.refused)
        ),
        culprit=item,
        evidence=tuple(shown),
        fixes=() if still == "no" else (_fix(image, who.role, seen, actions),),
        still=still,
        text_proves=said and not inferred and (not seen.refused or symptom.action in actions),
        inferred=(*steps, *(inferred if said else ()), *blames_another(symptom, "resource-policy")),
        phases=(symptom.phase,) if said else seen.phases,
    )


def _not_found(image: ImageReference, who: Pulling, seen: Seen) -> Outcome:
    if isinstance(who.rulings, Unknown) and who.rulings.why == "prerequisite":
        return NotApplicable(who.rulings.detail or who.rulings.fact)
    if seen.by_source:
        return moved_to_source(seen)
    if seen.missing:
        return Undetermined(seen.missing)
    return Ok(f"no policy of repository {image.repository} keeps {who.role} from pulling")


def _deleted(seen: Seen, item: Resource) -> tuple[Evidence, ...]:
    """That the policy names identities which are gone, one of the role's own name perhaps."""
    documents = (one.verdict.document for one in seen.refused if one.verdict and one.verdict.document)
    gone = next((found for document in documents if (found := deleted_in(document))), ())
    text = (
        f"the policy of repository {item.id} names {' and '.join(gone)}, an id that stands for a deleted role or user"
    )
    return (Evidence(f"{text}; a new one of the same name is not meant", "fact", (item,)),) if gone else ()


def _explanation(image: ImageReference, role: str, what: str, *, denies: bool, now: bool) -> str:
    assert image.ecr is not None
    owner, account = image.ecr.account, role.split(":")[4]
    end = "so that ECR refuses the pull." if now else "so that ECR refused the pull."
    if denies:
        return (
            f"The policy of {image.repository} of account {owner} {what} to {role}. A deny wins over every allow, "
            f"whatever the role's own policies say, {end}"
        )
    between = (
        f"{role} is of account {account}, and {image.repository} is account {owner}'s: across accounts the role's own "
        "policies and the repository's must both allow the pull. "
        if owner != account
        else ""
    )
    return f"{between}The repository's policy {what} to the role, {end}"


def _fix(image: ImageReference, role: str, seen: Seen, actions: Sequence[str]) -> Fix:
    """The whole policy, amended; in words alone where the policy was not read."""
    assert image.ecr is not None
    owner, region = image.ecr.account, image.ecr.region
    if not seen.refused:
        listed = " and ".join(ACTIONS if set(actions) <= set(ACTIONS) else actions)
        text = f"let the policy of {image.repository} allow {listed} to {role}, and deny it nowhere"
        return Fix(text, "your-call", owner, region)
    judged = [one.verdict for one in seen.refused if one.verdict and one.verdict.document and one.verdict.request]
    document = judged[0].document if judged else None
    requests = [one.request for one in judged if one.request]
    gone = deleted_in(document) if document else ()
    document, taken_out = without_denials(document, requests) if document else (None, ())
    lacking = [one for one in seen.refused if one.ruling.foreign and not _granted(one, document)]
    if lacking:
        document = with_statement(document, granting(role, [one.action for one in lacking]))
    command = put(seen.refused[0], image, document)
    effect = "it replaces the repository's whole policy, and keeps its other statements" if judged else None
    if document is None:
        effect = "the repository has no policy then: nothing else was in it"
    if gone:
        effect = f"{effect}; {' and '.join(gone)} names nobody any more, and AWS takes no policy with it"
    if taken_out:
        effect = f"{effect}; {' and '.join(taken_out)} then keeps nobody else out either"
    to_do = f"take {' and '.join(taken_out)} out of the policy of {image.repository}, or let it spare {role}"
    return Fix(
        to_do if taken_out else f"grant the pull to {role} in the policy of {image.repository}",
        "your-call" if taken_out else "exact",
        owner,
        region,
        (command,) if command else (),
        effect=effect,
    )


def _granted(one: Refused, document: str | None) -> bool:
    request = one.verdict.request if one.verdict else None
    return document is not None and request is not None and evaluate(document, request).effect == "allow"
