"""The policies that refuse a request for its way: for the VPC or the VPC endpoint that their conditions name."""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.causes.outcome import Evidence
from pull_doctor.causes.shared.network.endpoint_policies import SOURCE, refusals
from pull_doctor.causes.shared.rights.refusals import Refused, evidence, look, resource_of
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import DeniedBy, Phase, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.network.flows import pull_plan
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.policy.request import Request
from pull_doctor.policy.rulings import Layer, Ruling
from pull_doctor.resource import Resource

WRITTEN = {"aws:sourcevpc": "aws:SourceVpc", "aws:sourcevpce": "aws:SourceVpce"}
LAYERS: dict[Layer, tuple[str, DeniedBy, str]] = {
    "identity-policy": ("the role's policy", "identity-policy", "an identity-based policy"),
    "permissions-boundary": ("the permissions boundary", "permissions-boundary", "a permissions boundary"),
    "resource-policy": ("the repository's policy", "resource-policy", "a resource-based policy"),
    "registry-policy": ("the registry's policy", "resource-policy", "a resource-based policy"),
}
"""Each layer as titles call it, as ECS's text is read, and as that text calls it."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A policy whose refusal hangs on the way: what it is, what it refuses, and the requests that it was judged on."""

    title: str
    denied_by: DeniedBy
    called: str
    read: str
    item: Resource
    document: str
    keys: tuple[str, ...]
    actions: tuple[str, ...]
    requests: tuple[Request, ...]
    phases: tuple[Phase, ...]
    shown: tuple[Evidence, ...]
    refused: Refused | None = None

    @property
    def keys_in_words(self) -> str:
        """The keys as AWS writes them."""
        return " and ".join(WRITTEN[key] for key in self.keys)

    @property
    def ways(self) -> tuple[tuple[tuple[str, ...], dict[str, str]], ...]:
        """What the requests carry for the keys, each with its actions; nothing where they come through no endpoint."""
        found: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for action, request in zip(self.actions, self.requests, strict=True):
            context = {key: request.context.get(key) for key in self.keys}
            carried = tuple((key, value[0]) for key, value in context.items() if isinstance(value, tuple) and value)
            found.setdefault(carried, []).append(action)
        return tuple((tuple(actions), dict(carried)) for carried, actions in found.items())

    @property
    def source(self) -> dict[str, tuple[str, ...]]:
        """All that the requests carry, by key; nothing where one comes through no endpoint."""
        carried = [source for _, source in self.ways]
        if not all(carried):
            return {}
        return {key: tuple(dict.fromkeys(one[key] for one in carried if key in one)) for key in self.keys}


def of_rights(task: Task, image: ImageReference, rulings: Fact[tuple[Ruling, ...]]) -> list[Mismatch]:
    """The policies of role, boundary, repository, and registry, each with all that it refuses for the way."""
    found: list[Mismatch] = []
    for layer, (title, denied_by, called) in LAYERS.items():
        by_document: dict[str, list[Refused]] = {}
        for one in look(layer, rulings).by_source:
            by_document.setdefault(one.verdict.document or "" if one.verdict else "", []).append(one)
        for document, refused in by_document.items():
            verdicts = [one.verdict for one in refused if one.verdict]
            found.append(
                Mismatch(
                    title,
                    denied_by,
                    called,
                    verdicts[0].read,
                    resource_of(task, image, refused[0]),
                    document,
                    tuple(dict.fromkeys(key for one in verdicts for key in one.hangs_on)),
                    tuple(one.action for one in refused),
                    tuple(one.request for one in verdicts if one.request),
                    tuple(one.ruling.need.phase for one in refused),
                    evidence(task, image, refused),
                    refused[0],
                )
            )
    return found


def of_endpoints(
    task: Task,
    image: ImageReference,
    symptom: Symptom,
    puller: Fact[Puller],
    vpc: Fact[Vpc],
    traces: Fact[tuple[Trace, ...]],
) -> list[Mismatch]:
    """The endpoints whose own policy refuses what passes through them for the endpoint or VPC that it names."""
    if isinstance(puller, Unknown) or isinstance(vpc, Unknown) or isinstance(traces, Unknown):
        return []
    flows = pull_plan(task, image, symptom, ipv6_only=puller.value.subnet.cidr is None)
    found = []
    for one in refusals(SOURCE, traces.value, flows, puller.value, vpc.value):
        assert one.hop.resource is not None
        found.append(
            Mismatch(
                "the endpoint's policy",
                "endpoint-policy",
                "a VPC endpoint policy",
                f"the policy of {one.endpoint.id}",
                one.hop.resource,
                one.endpoint.policy or "",
                tuple(dict.fromkeys(key for each in one.refused for key in each.by_source)),
                one.actions,
                tuple(each.request for each in one.refused if each.request),
                (one.trace.phase,),
                (Evidence(one.hop.why, "fact", (one.hop.resource,)),),
            )
        )
    return found
