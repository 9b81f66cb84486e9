"""The permissions boundary of the pulling role does not allow an ECR action that the pull needs.

A permissions boundary is a policy that limits what the role's own policies can grant: an action needs both. It grants
nothing by itself, and is usually set by those who run the account, so that a role that has AWS's policy for execution
roles may still be refused. What a repository's policy grants to the role it limits too; what one grants to a session
of the role, or to everybody, it does not.

What mends it: the ECR actions in the boundary, or a role without that boundary.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

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
from pull_doctor.causes.shared.rights.refusals import (
    SIGN_IN,
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
from pull_doctor.causes.shared.rights.roles import name_of
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Role
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.rulings import Ruling
from pull_doctor.resource import Resource, make


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    role: Fact[str | None],
    role_details: Fact[Role | None],
    rulings: Fact[tuple[Ruling, ...]],
) -> Outcome:
    who = who_pulls(symptom, role, rulings)
    if isinstance(who, Outcome):
        return who
    details = role_details.value if isinstance(role_details, Known) and who.rulings is rulings else None
    boundary, none_set = details.boundary if details else None, details is not None and details.boundary is None
    seen = look("permissions-boundary", who.rulings)
    by_source = symptom.action in {one.action for one in seen.by_source}
    said = blames(symptom, "permissions-boundary") and not by_source
    if not said and not seen.refused:
        return _not_found(who.role, who.rulings, seen, none_set=none_set)
    item = make(task.place, "AWS::IAM::Role", who.role)
    actions = seen.actions or (symptom.action or SIGN_IN,)
    still: Still = "yes" if seen.refused else "no" if none_set or actions[0] in seen.passed else "unknown"
    shown = [*evidence(task, image, seen.refused)]
    if said:
        shown.insert(0, text_evidence(symptom, who.role, "a permissions boundary", item))
    if still == "no":
        now = "has no permissions boundary" if none_set else f"is not kept from {actions[0]} by a permissions boundary"
        shown.append(Evidence(f"{who.role} {now} now", "fact", (item,)))
    does, refuses = ("does", "refuses") if seen.refused else ("did", "refused")
    return Problem(
        title=f"permissions boundary does not allow {more(actions)}",
        explanation=(
            f"{name_of(who.role)} pulls {image.repository}, and its permissions boundary {does} not allow "
            f"{' and '.join(actions)}. Whatever the role's own policies allow, ECR {refuses} the pull."
        ),
        culprit=item,
        evidence=tuple(shown),
        fixes=_fixes(task, item, boundary, " and ".join(actions)) if still != "no" else (),
        still=still,
        text_proves=said and (not seen.refused or symptom.action in actions),
        inferred=(*seen.inferred, *blames_another(symptom, "permissions-boundary")),
        phases=(symptom.phase,) if said else seen.phases,
    )


def _not_found(role: str, rulings: Fact[tuple[Ruling, ...]], seen: Seen, *, none_set: bool) -> Outcome:
    if isinstance(rulings, Unknown) and rulings.why == "prerequisite":
        return NotApplicable(rulings.detail or rulings.fact)
    if none_set:
        return Ok(f"{role} has no permissions boundary")
    if seen.by_source:
        return moved_to_source(seen)
    if seen.missing:
        return Undetermined(seen.missing)
    return Ok(f"no permissions boundary keeps {role} from signing in to ECR and reading the image")


def _fixes(task: Task, item: Resource, boundary: str | None, actions: str) -> tuple[Fix, ...]:
    name, place = name_of(item.id), task.place
    delete = AwsCommand("iam", "DeleteRolePermissionsBoundary", {"RoleName": name})
    return (
        Fix(
            f"let {boundary or 'the permissions boundary of ' + name} allow {actions}, if it is yours",
            "your-call",
            place.account,
            place.region,
            effect="it limits every role that has it as its boundary",
        ),
        Fix(
            f"take the boundary off {name}, if the account's rules let it be without one",
            "your-call",
            place.account,
            place.region,
            (delete,),
            effect=f"{name} is then limited by its own policies alone",
        ),
    )
