"""The permissions boundary of the pulling role does not allow an ECR action that the pull needs.

A permissions boundary is a policy that limits what the role's own policies can grant: an action needs both. It grants
nothing by itself, and is usually set by those who run the account, so that a role that has AWS's policy for execution
roles may still be refused.

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
from pull_doctor.causes.pull_permission_denied import SIGN_IN, STOPS
from pull_doctor.causes.shared.roles import name_of, role_of_session, same_role
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Role, Simulated
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.grants import grants
from pull_doctor.resource import Resource, make


def check(
    *,
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    role: Fact[str | None],
    role_details: Fact[Role | None],
    sign_in_rights: Fact[tuple[Simulated, ...] | None],
    pull_rights: Fact[tuple[Simulated, ...] | None],
    repository_policy: Fact[str | None],
) -> Outcome:
    text_proves = symptom.denied_by == "permissions-boundary" and (symptom.action or "").startswith("ecr:")
    known, named = role.value if isinstance(role, Known) else None, role_of_session(symptom)
    other = named is not None and not (known and same_role(named, known))
    pulling = named if other and text_proves else known
    if pulling is None:
        return Undetermined((role,)) if isinstance(role, Unknown) else NotApplicable("the task has no execution role")
    judged: dict[str, bool | Unknown] = {}
    unread = [] if not other else [Unknown(f"the boundary of {named}", "not-modelled", resource=named)]
    for fact in () if other else (sign_in_rights, pull_rights):
        if isinstance(fact, Unknown):
            unread.append(fact)
        elif fact.value is None:
            return NotApplicable(f"IAM knows no role {pulling}")
        else:
            judged |= {one.action: _stops(one, image, pulling, repository_policy) for one in fact.value}
    stopped = tuple(action for action, verdict in judged.items() if verdict is True)
    unread += [one for one in judged.values() if isinstance(one, Unknown)]
    boundary = role_details.value.boundary if isinstance(role_details, Known) and role_details.value else None
    none_set = not other and isinstance(role_details, Known) and role_details.value is not None and boundary is None
    if not text_proves and not stopped:
        return _not_found(pulling, unread, none_set=none_set)
    action = stopped[0] if stopped else symptom.action or SIGN_IN
    item = make(task.place, "AWS::IAM::Role", pulling)
    still: Still = "yes" if stopped else "no" if none_set or judged.get(action) is False else "unknown"
    limits = f"the permissions boundary of {pulling}" + (f", {boundary}," if boundary else "")
    listed = " and ".join(stopped or (action,))
    evidence = [Evidence(f"{limits} does not allow {listed}", "fact", (item,))] if stopped else []
    if text_proves:
        who = symptom.principal or pulling
        text = f"ECS's text says that {who} was refused {symptom.action} by its permissions boundary"
        evidence.insert(0, Evidence(text, "text", (item,)))
    if still == "no":
        now = "has no permissions boundary" if none_set else f"is not kept from {action} by a permissions boundary"
        evidence.append(Evidence(f"{pulling} {now} now", "fact", (item,)))
    return Problem(
        title=f"permissions boundary does not allow {action}"
        + (f" and {len(stopped) - 1} more" if len(stopped) > 1 else ""),
        explanation=(
            f"{name_of(pulling)} pulls {image.repository}, and its permissions boundary does not allow "
            f"{listed}. Whatever the role's own policies allow, ECR refuses the pull."
        )
        if stopped
        else (
            f"{name_of(pulling)} pulls {image.repository}, and its permissions boundary did not allow "
            f"{listed}. Whatever the role's own policies allowed, ECR refused the pull."
        ),
        culprit=item,
        evidence=tuple(evidence),
        fixes=_fixes(task, item, boundary, listed) if still != "no" else (),
        still=still,
        text_proves=text_proves and (not stopped or symptom.action in stopped),
        inferred=_named_another(symptom),
        phases=(symptom.phase,) if text_proves else tuple(STOPS[one] for one in stopped),
    )


def _named_another(symptom: Symptom) -> tuple[str, ...]:
    """What is concluded where ECS's text blames another layer: a denial names one of those that deny."""
    if symptom.denied_by in (None, "permissions-boundary"):
        return ()
    return (f"the boundary denies it as well: ECS's text names the {symptom.denied_by.replace('-', ' ')}",)


def _not_found(role: str, unread: list[Unknown], *, none_set: bool) -> Outcome:
    if none_set:
        return Ok(f"{role} has no permissions boundary")
    if unread:
        return Undetermined(tuple(dict.fromkeys(unread)))
    return Ok(f"no permissions boundary keeps {role} from signing in to ECR and reading the image")


def _stops(one: Simulated, image: ImageReference, role: str, repository_policy: Fact[str | None]) -> bool | Unknown:
    """Whether the boundary keeps the role from the action, whatever its own policies say.

    A repository policy that grants the pull to a session of the role, not to the role, is not limited by it.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    if one.decision == "allowed" or one.boundary_allows is not False:
        return False
    subject = f"whether the boundary of {role} allows {one.action}"
    if one.missing_context:
        detail = f"the answer depends on {', '.join(one.missing_context)}, which the simulation was not given"
        return Unknown(subject, "not-modelled", "iam:SimulatePrincipalPolicy", role, detail=detail)
    if one.action == SIGN_IN or one.decision == "explicitDeny":
        return True
    if isinstance(repository_policy, Unknown):
        return repository_policy
    if repository_policy.value and grants(repository_policy.value, role, one.action) != "no":
        detail = f"the policy of repository {image.repository} may grant the pull past the boundary"
        return Unknown(subject, "not-modelled", "ecr:GetRepositoryPolicy", image.repository, detail=detail)
    return True


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
