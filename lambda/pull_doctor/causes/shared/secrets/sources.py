"""The policies that refuse the reading of a secret for the way that the request takes."""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Problem, Undetermined
from pull_doctor.causes.shared.rights.amended import with_source
from pull_doctor.causes.shared.rights.refusals import Refused, blames_another, sentence
from pull_doctor.causes.shared.rights.roles import name_of
from pull_doctor.causes.shared.rights.sources import LAYERS, WRITTEN
from pull_doctor.causes.shared.secrets.fixes import put
from pull_doctor.causes.shared.secrets.stored import Defect, hold, in_one_line, resource_of, rights
from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.rulings import SOURCE_KEYS
from pull_doctor.policy.stored import Stored
from pull_doctor.resource import make


def of_stored(task: Task, symptom: Symptom, message: str, values: tuple[Stored, ...]) -> Problem | Undetermined | None:
    """The refusal that hangs on the way, as far as ECS's text may mean it; ``None`` where there is none."""
    held = hold(in_one_line(message), values, rights)
    first = next((one for one in held.by_source if one.one in held.named or not held.named), None)
    if held.another or held.said not in (None, "denied"):
        return None
    if first is None:
        missing = _left_open(values) if held.unknown and not held.defects else ()
        return Undetermined(missing) if missing else None
    refused = first.refused
    assert refused is not None
    assert refused.verdict is not None
    assert refused.layer != "registry-policy"
    another = blames_another(symptom, refused.layer)
    item = resource_of(first.one)
    said = held.said == "denied" and not another
    title = LAYERS[refused.layer][0].replace("repository", "secret")
    text = Evidence(f"ECS's text says that {item.id} may not be read", "text", (item,))
    return Problem(
        title=f"{WRITTEN[refused.verdict.hangs_on[0]]} condition in {title} does not fit the path",
        explanation=(
            f"ECS reads {item.id} before any container starts. {first.text[0].upper()}{first.text[1:]}, so that the "
            "request is refused, whatever else allows it."
        ),
        culprit=item if refused.layer == "resource-policy" else make(task.place, "AWS::IAM::Role", refused.ruling.role),
        evidence=(
            *((text,) if said else ()),
            Evidence(sentence(refused, f"{refused.action} on {refused.ruling.need.resource}"), "fact", (item,)),
            Evidence(first.text, "fact", (item,)),
        ),
        fixes=(_fix(task, first, refused),),
        text_proves=said,
        inferred=another,
        phases=("prepare",),
    )


def _left_open(values: tuple[Stored, ...]) -> tuple[Unknown, ...]:
    """What keeps a policy from being judged on the way: it was not read, or it speaks of a way that is not known."""
    missing: list[Unknown] = []
    for ruling in (each for one in values for each in (one.reading, one.decrypting) if each):
        if isinstance(ruling, Unknown):
            missing += [ruling] if ruling.why != "prerequisite" else []
            continue
        for verdict in ruling.value.verdicts:
            written = verdict.document
            if verdict.missing and (written is None or any(key in written.lower() for key in SOURCE_KEYS)):
                missing.append(verdict.missing)
    return tuple(dict.fromkeys(missing))


def _fix(task: Task, defect: Defect, refused: Refused) -> Fix:
    """The condition with what the request carries, as the whole policy where one call sets it."""
    verdict, need = refused.verdict, refused.ruling.need
    assert verdict is not None
    assert verdict.document is not None
    assert verdict.request is not None
    of_value = refused.layer == "resource-policy"
    region, account = need.resource.split(":")[3:5] if of_value else (task.place.region, task.place.account)
    keys = " and ".join(WRITTEN[key] for key in verdict.hangs_on)
    context = {key: verdict.request.context.get(key) for key in verdict.hangs_on}
    found = {key: value for key, value in context.items() if isinstance(value, tuple) and value}
    amended = with_source(verdict.document, [verdict.request], found) if found else None
    if amended is None:
        text = f"take the condition on {keys} off {refused.action} in {verdict.read}, or let {defect.one.arn} be read "
        return Fix(text + "by the endpoint that it names", "your-call", account, region)
    command: AwsCommand | None = None
    if of_value:
        command = put(need, amended)
    elif verdict.policy and not verdict.policy.startswith("arn:"):
        named = {"RoleName": name_of(refused.ruling.role), "PolicyName": verdict.policy, "PolicyDocument": amended}
        command = AwsCommand("iam", "PutRolePolicy", named)
    text = f"let {verdict.read} admit {' and '.join(each for value in found.values() for each in value)}"
    return Fix(text, "your-call", account, region, (command,) if command else ())
