"""A policy of the organization denies the pulling role an ECR action that the pull needs.

A service control policy limits what the roles of an account may do, a resource control policy what may be done to the
resources of an account, ECR's repositories among them. Neither is visible from the account, and nothing in the account
can undo it. Where a request is refused by one, AWS's text says so. A simulation knows service control policies only,
and not what they ask of the request: its Region, its source, its VPC.

What mends it: an exception, by those who run the organization.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_authorization_policies.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.causes.shared.rights.refusals import (
    HELD,
    SIGN_IN,
    Pulling,
    Seen,
    blames,
    blames_another,
    look,
    more,
    who_pulls,
)
from pull_doctor.causes.shared.rights.roles import name_of
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import DeniedBy, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.policy.rulings import Ruling
from pull_doctor.resource import Place, make

_OF_THE_ORGANIZATION: tuple[DeniedBy, ...] = ("service-control-policy", "resource-control-policy")


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    image: ImageReference,
    role: Fact[str | None],
    organization: Fact[str | None],
    rulings: Fact[tuple[Ruling, ...]],
) -> Outcome:
    text_proves = blames(symptom, *_OF_THE_ORGANIZATION)
    if told.rights_held:
        return Ok(HELD)
    owner = image.ecr.account if image.ecr else task.place.account
    outside = organization == Known(None) and owner == task.place.account
    if outside and not text_proves:
        return Ok(f"account {owner} is in no organization")
    who = who_pulls(symptom, role, rulings)
    pulling = who.role if isinstance(who, Pulling) else None
    seen = look("service-control-policy", who.rulings) if isinstance(who, Pulling) else Seen()
    if pulling is None or not (text_proves or seen.refused):
        return Undetermined((_unseen(task.place, owner, organization),))
    item = make(task.place, "AWS::IAM::Role", pulling)
    actions = (symptom.action or SIGN_IN,) if text_proves else seen.actions
    target = "*" if actions == (SIGN_IN,) else repository_of(image).arn
    if text_proves:
        layer = (symptom.denied_by or "").replace("-", " ")
        how = "an explicit deny in a" if symptom.explicit_deny else "no allow in any"
        text = f"ECS's text says that {symptom.principal or pulling} was refused {symptom.action} for {how} {layer}"
    else:
        layer = "service control policy"
        text = f"IAM's simulation says that the organization's policies do not allow {pulling} {' and '.join(actions)}"
    evidence = [Evidence(text, "text" if text_proves else "fact", (item,))]
    if outside:
        evidence.append(Evidence(f"account {owner} of {pulling} is in no organization now", "fact", (item,)))
    listed = " and ".join(actions)
    inferred = f"the {layer} decides the same for the real request: the simulation was not given its Region or source"
    return Problem(
        title=f"{layer} denies {more(actions)}",
        explanation=(
            f"{name_of(pulling)} pulls {image.repository}, and a {layer} of the organization does not let it call "
            f"{listed}. No policy in account {task.place.account} can undo that, so that ECR refuses the pull."
        ),
        culprit=item,
        evidence=tuple(evidence),
        fixes=() if outside else (_ask(task.place, pulling, listed, target),),
        still="yes" if symptom.action in seen.actions or not text_proves else "no" if outside else "unknown",
        text_proves=text_proves,
        inferred=() if text_proves else (inferred, *blames_another(symptom, "service-control-policy")),
        phases=(symptom.phase,) if text_proves else seen.phases,
    )


def _ask(place: Place, role: str, actions: str, target: str | None) -> Fix:
    text = f"ask those who run the organization to let {role} call {actions} on {target}"
    return Fix(text, "your-call", place.account, place.region)


def _unseen(place: Place, owner: str, organization: Fact[str | None]) -> Unknown:
    if isinstance(organization, Unknown):
        return organization
    accounts = place.account if owner == place.account else f"{place.account} and {owner}"
    return Unknown(
        f"the organization's policies on {accounts}",
        "not-visible",
        account=place.account,
        detail="they are not visible from the account; a denial text would name them",
    )
