"""A condition on aws:SourceVpc or aws:SourceVpce, in whichever policy, does not fit the way that the request takes.

A policy can ask that a request comes from a certain VPC, or through a certain VPC endpoint: one of the role, its
permissions boundary, the repository's, the registry's, the endpoint's own, or a secret's that the start reads. Only a
request that comes through a VPC endpoint carries these keys. One that leaves by a NAT gateway or an internet gateway
carries neither, and on AWS Fargate up to platform version 1.3.0 the sign-in leaves outside the VPC. Everything else
about the request may be right: it is refused for its way.

What mends it: the condition with the endpoint or VPC that the pull really uses, or a pull that uses the named one.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.network.paths import at_steps, hop_evidence, undecided
from pull_doctor.causes.shared.rights.amended import put, source_values, with_source, without_the_deleted
from pull_doctor.causes.shared.rights.refusals import SIGN_IN, Pulling, blames_another, text_evidence, who_pulls
from pull_doctor.causes.shared.rights.sources import LAYERS, WRITTEN, Mismatch, of_endpoints, of_rights
from pull_doctor.causes.shared.secrets.sources import of_stored
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Phase, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.network.flows import starts_outside_vpc
from pull_doctor.network.trace import Trace
from pull_doctor.network.vpc import Puller, Vpc
from pull_doctor.policy.rulings import SOURCE_KEYS, Ruling
from pull_doctor.policy.stored import Stored
from pull_doctor.view.secrets import may_speak_of_a_secret


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    message: str,
    image: Fact[ImageReference],
    role: Fact[str | None],
    rulings: Fact[tuple[Ruling, ...]],
    puller: Fact[Puller],
    vpc: Fact[Vpc],
    traces: Fact[tuple[Trace, ...]],
    injected: Fact[tuple[Stored, ...]],
    logins: Fact[tuple[Stored, ...]],
) -> Outcome:
    if may_speak_of_a_secret(symptom, message):
        stored = [one for fact in (injected, logins) if isinstance(fact, Known) for one in fact.value]
        if found_at_start := of_stored(task, symptom, message, tuple(stored)):
            return found_at_start
    if isinstance(image, Unknown):
        return Undetermined((image,))
    if image.value.ecr is None:
        return NotApplicable(f"the image is in {image.value.host}, not in a private ECR registry")
    return _of_the_pull(task, symptom, told, image.value, role, rulings, puller, vpc, traces)


def _of_the_pull(
    task: Task,
    symptom: Symptom,
    told: Told,
    image: ImageReference,
    role: Fact[str | None],
    rulings: Fact[tuple[Ruling, ...]],
    puller: Fact[Puller],
    vpc: Fact[Vpc],
    traces: Fact[tuple[Trace, ...]],
) -> Outcome:
    who = who_pulls(symptom, role, rulings)
    if not isinstance(who, Pulling):
        return who
    if isinstance(who.rulings, Unknown) and who.rulings.why == "prerequisite":
        return NotApplicable(who.rulings.detail or who.rulings.fact)
    judged = who.rulings if not told.rights_held else Known(())
    found = [*of_rights(task, image, judged), *of_endpoints(task, image, symptom, puller, vpc, traces)]
    if not found:
        return _not_found(who.role, judged, traces)
    # What ECS's text speaks of comes first.
    found.sort(key=lambda one: not _said(symptom, one))
    first, said = found[0], _said(symptom, found[0])
    told_by_text = (text_evidence(symptom, who.role, first.called, first.item),) if said else ()
    of_several = len(first.ways) > 1
    carries = [(_of(actions) if of_several else "") + _carries(way, first) for actions, way in first.ways]
    refused = "they are refused, whatever else allows them" if of_several else "it is refused, whatever else allows it"
    known = traces.value if isinstance(traces, Known) else ()
    ways = [trace for trace in known if trace.phase in {_way_of(one, phase) for one in found for phase in one.phases}]
    shown = tuple(text for one in found for text in _shown(task, image, one))
    steps = at_steps(("endpoint", "nat-gateway", "internet-gateway"), ways)
    return Problem(
        title=f"{WRITTEN[first.keys[0]]} condition in {first.title} does not fit the path",
        explanation=(
            f"{first.read[0].upper()}{first.read[1:]} lets {' and '.join(first.actions)} pass only for the "
            f"{first.keys_in_words} that it names. The request {', and the one '.join(carries)}, so that "
            f"{refused}."
        ),
        culprit=first.item,
        evidence=(*told_by_text, *shown, *hop_evidence(steps, ("ok",))),
        fixes=tuple(_fix(task, image, one) for one in found),
        inferred=(
            *dict.fromkeys(step for one in found for step in (one.refused.inferred if one.refused else ())),
            *blames_another(symptom, first.denied_by),
        ),
        traces=tuple(ways),
        phases=tuple(dict.fromkeys(phase for one in found for phase in one.phases)),
    )


def _said(symptom: Symptom, one: Mismatch) -> bool:
    return symptom.denied_by == one.denied_by and symptom.action in one.actions


def _way_of(one: Mismatch, phase: Phase) -> Phase:
    """The phase whose connection a request takes: ECR is asked for layers where it is asked for the manifest."""
    return "resolve" if one.refused and phase == "download" else phase


def _not_found(role: str, rulings: Fact[tuple[Ruling, ...]], traces: Fact[tuple[Trace, ...]]) -> Outcome:
    """What keeps a policy from being judged on the way: it was not read, or hangs on a way that is not known."""
    missing = [one for one in (rulings, traces) if isinstance(one, Unknown)]
    for ruling in rulings.value if isinstance(rulings, Known) else ():
        for layer in LAYERS:
            verdict, refusal = ruling.verdict(layer), ruling.refused_by(layer)
            written = verdict.document if verdict else None
            if refusal.missing and (written is None or any(key in written.lower() for key in SOURCE_KEYS)):
                missing.append(refusal.missing)
    if isinstance(traces, Known) and (open_ := undecided(("endpoint-policy", "route", "internet"), traces.value)):
        missing += open_.missing
    if missing:
        return Undetermined(tuple(dict.fromkeys(missing)))
    return Ok(f"no policy on the pull refuses {role} for the VPC or the endpoint that the request comes from")


def _shown(task: Task, image: ImageReference, one: Mismatch) -> tuple[Evidence, ...]:
    """What refuses, what its condition names, and what the requests carry."""
    named = " or ".join(source_values(one.document, one.keys))
    texts = [f"{one.read} names {named} for {one.keys_in_words}"]
    for actions, source in one.ways:
        if not source and SIGN_IN in actions and starts_outside_vpc(task):
            texts.append(
                f"on Fargate platform version {task.platform_version} the sign-in for {image.host} leaves by an "
                f"interface of Fargate's own, outside the VPC, so that the request carries no {one.keys_in_words} of it"
            )
        else:
            texts.append(f"the request {_of(actions)}for {image.host} {_carries(source, one)}")
    return (*one.shown, *(Evidence(text, "fact", (one.item,)) for text in texts))


def _of(actions: Sequence[str]) -> str:
    return f"of {' and '.join(actions)} "


def _carries(source: Mapping[str, str], one: Mismatch) -> str:
    """What a request carries, as the end of a clause on it."""
    carried = " and ".join(f"{WRITTEN[key]} {value}" for key, value in source.items())
    return f"carries {carried}" if carried else f"comes through no VPC endpoint and carries no {one.keys_in_words}"


def _fix(task: Task, image: ImageReference, one: Mismatch) -> Fix:
    """The condition with what the request carries, as the whole policy where that can be put in one call."""
    assert image.ecr is not None
    of_ecr = one.refused is not None and one.refused.layer in ("resource-policy", "registry-policy")
    account = image.ecr.account if of_ecr else task.place.account
    region = image.ecr.region if one.refused else task.place.region
    named = " or ".join(source_values(one.document, one.keys))
    if not one.source:
        outside = "sign-in" in one.phases and starts_outside_vpc(task)
        other = (
            "run the task on platform version 1.4.0 or later" if outside else f"let the pull reach ECR through {named}"
        )
        text = f"take the condition on {one.keys_in_words} off {' and '.join(one.actions)} in {one.read}, or {other}"
        return Fix(text, "your-call", account, region)
    amended = with_source(one.document, one.requests, one.source)
    carried = " and ".join(value for values in one.source.values() for value in values)
    command: AwsCommand | None = None
    if amended and one.refused:
        command = put(one.refused, image, without_the_deleted(amended) if of_ecr else amended)
    elif amended:
        command = AwsCommand("ec2", "ModifyVpcEndpoint", {"VpcEndpointId": one.item.id, "PolicyDocument": amended})
    text = f"let {one.read} admit {carried} besides {named}"
    return Fix(text, "your-call", account, region, (command,) if command else ())
