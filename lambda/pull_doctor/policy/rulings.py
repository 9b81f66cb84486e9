"""What AWS decides on one request of the pull, layer by layer, and which layers refuse it.

Every layer is judged alone. Then it is asked of each whether it keeps the request from passing, given what the others
decide: in one account the role's own policies or the resource's suffice, across accounts it takes both, and a deny
anywhere wins.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Phase
from pull_doctor.policy.answers import Answer
from pull_doctor.policy.evaluate import Decision, Effect, evaluate
from pull_doctor.policy.principals import Form
from pull_doctor.policy.request import Request

Layer = Literal[
    "identity-policy",
    "permissions-boundary",
    "service-control-policy",
    "resource-policy",
    "registry-policy",
]
"""``resource-policy`` is the policy of the repository, secret, or key itself."""

SOURCE_KEYS = ("aws:sourcevpc", "aws:sourcevpce")
"""The condition keys of the way that a request takes."""


@dataclass(frozen=True, slots=True)
class Need:
    """One right that the pull needs: ``action`` on ``resource``, an ARN of account ``owner`` or ``*``, in ``phase``."""

    action: str
    resource: str
    phase: Phase
    owner: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one layer decides on one need.

    ``read`` names what was read, as a sentence calls it ("the policy of repository web"). ``missing`` is set where the
    decision leaves something open. ``hangs_on`` are the keys of the request's way on which a refusal hangs: it would
    not be one had the request come another way. ``document`` is the policy that decided, ``policy`` its name and
    ``request`` what it was judged on; without a document the verdict is IAM's simulation's, or nothing was read.
    """

    layer: Layer
    decision: Decision
    read: str
    missing: Unknown | None = None
    hangs_on: tuple[str, ...] = ()
    document: str | None = None
    policy: str | None = None
    request: Request | None = None

    @property
    def effect(self) -> Effect:
        """What the layer decides."""
        return self.decision.effect


@dataclass(frozen=True, slots=True)
class Refusal:
    """Whether a layer keeps the request from passing.

    ``inferred`` are steps of that which were not read, ``missing`` is what it depends on where it is not known.
    """

    answer: Answer
    inferred: tuple[str, ...] = ()
    missing: Unknown | None = None


_PASSES = Refusal("no")
_STOPS = Refusal("yes")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided on one need of ``role``; a layer that has no policy, and limits nothing, has no verdict."""

    need: Need
    role: str
    verdicts: tuple[Verdict, ...]

    def verdict(self, layer: Layer) -> Verdict | None:
        """The verdict of a layer."""
        return next((one for one in self.verdicts if one.layer == layer), None)

    @property
    def foreign(self) -> bool:
        """Whether the resource is of another account than the role, so that both sides must allow the request."""
        return self.need.resource != "*" and self.role.split(":")[4] != self.need.owner

    def refused_by(self, layer: Layer) -> Refusal:
        """Whether this layer keeps the request from passing, whatever the others do besides."""
        verdict = self.verdict(layer)
        if verdict is None:
            return self._without_allow(layer) if layer == "resource-policy" else _PASSES
        if verdict.effect in ("allow", "deny"):
            return _PASSES if verdict.effect == "allow" else _STOPS
        without = self._without_allow(layer)
        if without.answer == "no":
            # Nothing of this layer has to allow the request, so that only a deny could refuse it.
            return Refusal("unknown", missing=verdict.missing) if verdict.decision.may_deny else _PASSES
        return Refusal("unknown", missing=verdict.missing) if verdict.effect == "unknown" else without

    def _without_allow(self, layer: Layer) -> Refusal:
        """Whether the request is refused where this layer does not allow it."""
        if layer == "registry-policy":
            return _PASSES
        if layer == "resource-policy":
            return self._not_granted(layer) if self.foreign else _PASSES
        own_alone = self.need.resource == "*" or self.foreign or layer == "service-control-policy"
        return _STOPS if own_alone else self._not_granted(layer)

    def _not_granted(self, layer: Layer) -> Refusal:
        """Whether neither the resource's policy nor its registry's grants the request by itself.

        In one account a grant to the account leaves it to the role's own policies, and a permissions boundary limits
        what is granted to the role, but not what is granted to its session. Whether it limits what is granted to
        everybody is not documented.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        """
        enough: set[Form | None] = {"session", "everyone", "role"}
        doubtful: set[Form | None] = set()
        if self.foreign:
            enough |= {"account"}
        elif layer == "permissions-boundary":
            enough, doubtful = {"session"}, {"everyone"}
        of_registry = self.verdict("registry-policy")
        for one in filter(None, (self.verdict("resource-policy"), of_registry)):
            forms = {one.decision.granted_to, one.decision.may_grant_to}
            if one.effect == "allow" and one.decision.granted_to in enough:
                return _PASSES
            left_open = one.document is None or forms & (enough | doubtful)
            if left_open and one.effect != "deny" and (one is not of_registry or one.document):
                return Refusal("unknown", missing=one.missing)
        if of_registry and of_registry.document is None:
            return Refusal("yes", (f"{of_registry.read} does not grant it either: it could not be read",))
        return _STOPS


def judge(layer: Layer, read: str, document: str, request: Request, policy: str | None = None) -> Verdict:
    """Judge a policy document on one request.

    What it leaves open is unknown for the reason that the evaluation gives.
    """
    decision = evaluate(document, request)
    missing = None
    if decision.effect == "unknown" or decision.may_deny or decision.may_grant_to:
        missing = Unknown(f"whether {read} allows {request.action}", "not-modelled", detail=decision.why)
    return Verdict(layer, decision, read, missing, hangs_on(document, request, decision), document, policy, request)


def unread(layer: Layer, read: str, missing: Unknown) -> Verdict:
    """The verdict of a layer of which nothing is known."""
    return Verdict(layer, Decision("unknown", may_deny=True), read, missing)


def together(verdicts: Iterable[Verdict], read: str) -> Verdict:
    """The verdict of a layer that has several policies: a deny of one wins, then what may deny, then an allow.

    ``read`` names them all. Where none allows the request, the verdict is that of a policy that nearly does.
    """
    judged = tuple(verdicts)
    denying = [one for one in judged if one.effect == "deny"]
    if denying:
        return next((one for one in denying if not one.hangs_on), denying[0])
    doubtful = next((one for one in judged if one.decision.may_deny), None)
    allowing = next((one for one in judged if one.effect == "allow"), None)
    left_open = next((one for one in judged if one.effect == "unknown"), None)
    if doubtful and (allowing or left_open):
        return replace(doubtful, decision=replace(doubtful.decision, effect="unknown"), hangs_on=())
    if allowing or left_open or doubtful:
        return allowing or left_open or judged[0]
    near = sorted(judged, key=lambda one: (not one.hangs_on, one.decision.why is None))
    return near[0] if near else Verdict("identity-policy", Decision("no"), read)


def hangs_on(document: str, request: Request, decision: Decision) -> tuple[str, ...]:
    """The keys of the way on which a refusal hangs: were they not known, the document would not settle it."""
    if decision.effect not in ("deny", "no"):
        return ()

    def decides(*keys: str) -> bool:
        context = {name: value for name, value in request.context.items() if name not in keys}
        return evaluate(document, replace(request, context=context)).effect != decision.effect

    if not decides(*SOURCE_KEYS):
        return ()
    named = tuple(key for key in SOURCE_KEYS if f'"{key}"' in document.lower())
    return tuple(key for key in named if decides(key)) or named
