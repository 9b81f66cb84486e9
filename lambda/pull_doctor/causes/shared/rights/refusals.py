"""What the causes of rights share: which rights one layer refuses, what ECS's text says of it, and both in words.

For the rights the refusal of a layer's verdict is the cause: the modules hold wording and fixes only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pull_doctor.causes.outcome import Evidence, NotApplicable, Outcome, Undetermined
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.causes.shared.rights.roles import role_of_session, same_role
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import DeniedBy, Phase, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.rulings import Layer, Ruling, Verdict
from pull_doctor.resource import Resource, make
from pull_doctor.view.cache import CACHE_ACTIONS

SIGN_IN = "ecr:GetAuthorizationToken"
PUSHING = "ecr:BatchCheckLayerAvailability"
"""For pushing, though AWS's policy for execution roles holds it: no pull needs it.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchCheckLayerAvailability.html"""
HELD = "ECS's text shows that ECR accepted the role's requests"


@dataclass(frozen=True, slots=True)
class Pulling:
    """The role that pulls, and what is decided on its rights."""

    role: str
    rulings: Fact[tuple[Ruling, ...]]


@dataclass(frozen=True, slots=True)
class Refused:
    """One right that a layer refuses; without a verdict it has no policy that could grant it."""

    ruling: Ruling
    layer: Layer
    verdict: Verdict | None
    inferred: tuple[str, ...] = ()

    @property
    def action(self) -> str:
        """The refused action."""
        return self.ruling.need.action

    @property
    def explicit(self) -> bool:
        """Whether a statement denies it, rather than none allowing it."""
        return self.verdict is not None and self.verdict.effect == "deny"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one layer was seen to decide: ``by_source`` are refusals that hang on the way of the request."""

    refused: tuple[Refused, ...] = ()
    by_source: tuple[Refused, ...] = ()
    passed: tuple[str, ...] = ()
    missing: tuple[Unknown, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """The refused actions."""
        return tuple(one.action for one in self.refused)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phase that each refused action stops; it shows in no earlier one."""
        return tuple(one.ruling.need.phase for one in self.refused)

    @property
    def inferred(self) -> tuple[str, ...]:
        """The steps behind the refusals that were not read."""
        return tuple(dict.fromkeys(step for one in self.refused for step in one.inferred))


def who_pulls(symptom: Symptom, role: Fact[str | None], rulings: Fact[tuple[Ruling, ...]]) -> Pulling | Outcome:
    """The role to judge: the one that the text names, else the task's; what was read is about the task's alone."""
    known, named = role.value if isinstance(role, Known) else None, role_of_session(symptom)
    if named is not None and not (known and same_role(named, known)):
        unread = Unknown(f"the policies of {named}", "not-modelled", resource=named)
        return Pulling(named, role if isinstance(role, Unknown) else unread)
    if known is None:
        return Undetermined((role,)) if isinstance(role, Unknown) else NotApplicable("no role is there to pull with")
    return Pulling(known, rulings)


def look(layer: Layer, rulings: Fact[tuple[Ruling, ...]]) -> Seen:
    """What the layer decides on each right that the pull needs."""
    if isinstance(rulings, Unknown):
        return Seen(missing=(rulings,))
    refused: list[Refused] = []
    by_source: list[Refused] = []
    passed, missing = [], []
    for one in rulings.value:
        refusal, verdict = one.refused_by(layer), one.verdict(layer)
        if refusal.answer == "yes":
            found = by_source if verdict and verdict.hangs_on else refused
            found.append(Refused(one, layer, verdict, refusal.inferred))
        elif refusal.answer == "unknown":
            unjudged = Unknown(f"whether {one.role} may call {one.need.action}", "not-modelled", resource=one.role)
            missing.append(refusal.missing or unjudged)
        else:
            passed.append(one.need.action)
    return Seen(tuple(refused), tuple(by_source), tuple(passed), tuple(dict.fromkeys(missing)))


def blames(symptom: Symptom, *layers: DeniedBy) -> bool:
    """Whether ECS's text names one of these layers as what refused a pull's request to ECR; not a cache's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    named = symptom.action is not None and symptom.action not in CACHE_ACTIONS
    return symptom.denied_by in layers and named and asked_by_a_pull(symptom)


def asked_by_a_pull(symptom: Symptom) -> bool:
    """Whether the refused action, where ECS's text names one, is one that a pull asks ECR for."""
    return symptom.action is None or (symptom.action.startswith("ecr:") and symptom.action != PUSHING)


def text_evidence(symptom: Symptom, role: str, layer: str, item: Resource) -> Evidence:
    """What a text that names a layer ("a permissions boundary") proves."""
    reason = f"because {layer} denies it" if symptom.explicit_deny else f"because no {layer.split(' ', 1)[1]} allows it"
    who = symptom.principal or role
    return Evidence(f"ECS's text says that {who} was refused {symptom.action}, {reason}", "text", (item,))


def blames_another(symptom: Symptom, layer: DeniedBy) -> tuple[str, ...]:
    """What is concluded where ECS's text names another layer: a denial names one of those that refuse."""
    if symptom.denied_by in (None, layer):
        return ()
    named = symptom.denied_by.replace("-", " ")
    return (f"this refuses it as well: ECS's text names the {named} as what refused {symptom.action or 'the request'}",)


def moved_to_source(seen: Seen) -> NotApplicable:
    """The outcome of a layer all of whose refusals hang on the way of the request."""
    keys = ", ".join(
        dict.fromkeys(key for one in seen.by_source for key in (one.verdict.hangs_on if one.verdict else ()))
    )
    return NotApplicable(f"what it refuses hangs on {keys}, and is told as source-condition-mismatch")


def more(actions: Sequence[str]) -> str:
    """The first action, and how many besides."""
    return actions[0] + (f" and {len(actions) - 1} more" if len(actions) > 1 else "")


def resource_of(task: Task, image: ImageReference, one: Refused) -> Resource:
    """The resource whose policy refuses."""
    if one.layer == "resource-policy":
        return repository_of(image)
    if one.layer == "registry-policy":
        return Resource("AWS::ECR::RegistryPolicy", one.ruling.need.owner)
    return make(task.place, "AWS::IAM::Role", one.ruling.role)


def evidence(task: Task, image: ImageReference, refused: Iterable[Refused]) -> tuple[Evidence, ...]:
    """What was read, a sentence for each policy that refuses: by which statement, or that nothing in it allows it.

    What IAM's simulation told, and not the policy as it is written, says so.
    """
    together: dict[tuple[object, ...], list[Refused]] = {}
    for one in refused:
        verdict, target = one.verdict, _target(one)
        words = (verdict.read, verdict.document, verdict.decision.statement, verdict.decision.why) if verdict else ()
        together.setdefault((one.layer, one.explicit, *words, target), []).append(one)
    return tuple(
        Evidence(
            sentence(group[0], " and ".join(one.action for one in group)),
            "fact",
            (resource_of(task, image, group[0]),),
        )
        for group in together.values()
    )


def _target(one: Refused) -> str:
    """What the action is called on; a boundary, and what an organization lets, is said of all alike."""
    if one.layer in ("permissions-boundary", "service-control-policy"):
        return ""
    resource = one.ruling.need.resource
    repository = resource.partition(":repository/")[2]
    return f" on repository {repository}" if repository else f" on {resource}"


def sentence(one: Refused, actions: str) -> str:
    """What was read of one refusal of these actions, as a clause."""
    verdict, role, target = one.verdict, one.ruling.role, _target(one)
    if verdict is None:
        owner = f" of account {one.ruling.need.owner}" if one.ruling.foreign else ""
        return f"{target.removeprefix(' on ')}{owner} has no policy that could grant {actions}"
    decision, by = verdict.decision, "" if verdict.document else ", as IAM's simulation says"
    to = f" to {role}" if one.layer in ("resource-policy", "registry-policy") else ""
    if one.explicit and verdict.document:
        return f"{decision.statement} of {verdict.read} denies {actions}{target}{to}{_met(verdict)}"
    if one.explicit:
        statement = f" by {decision.statement}" if decision.statement else ""
        return f"{verdict.read} deny {actions}{target}{statement}{by}"
    near = f": {decision.why}" if decision.why else ""
    if one.layer == "identity-policy":
        near = f"; in {verdict.read}, {decision.why}" if decision.why else ""
        return f"no policy of {role} allows {actions}{target}{near}{by}"
    limits = "do" if verdict.read.endswith("policies") else "does"
    return f"{verdict.read} {limits} not allow {actions}{target}{to}{near}{by}"


def _met(verdict: Verdict) -> str:
    """What of the request meets the conditions of the statement that denies it; its way is told elsewhere."""
    if verdict.request is None or verdict.document is None or verdict.hangs_on:
        return ""
    met, lowered = [], verdict.document.lower()
    for key in verdict.decision.keys:
        value, at = verdict.request.values.get(key), lowered.find(key)
        written = verdict.document[at : at + len(key)]
        if isinstance(value, tuple):
            met.append(f"{written} is {' and '.join(value)}" if value else f"the request has no {written}")
    return f", as {' and '.join(met)}" if met else ""


def ungranted(task: Task, image: ImageReference, refused: Iterable[Refused]) -> tuple[Evidence, ...]:
    """That the repository does not grant either what the role's own policies do not; said where it could have."""
    others = [
        Refused(one.ruling, "resource-policy", one.ruling.verdict("resource-policy"))
        for one in refused
        if not (one.explicit or one.ruling.foreign or one.ruling.need.resource == "*")
    ]
    return evidence(task, image, others)
