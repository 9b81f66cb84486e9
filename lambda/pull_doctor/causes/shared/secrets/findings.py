"""What the causes of secrets say: the finding, in the words of what the value is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Still, Undetermined
from pull_doctor.causes.shared.rights.refusals import blames_another
from pull_doctor.causes.shared.rights.roles import role_of_session, same_role
from pull_doctor.causes.shared.secrets.fixes import PROSE, fixes
from pull_doctor.causes.shared.secrets.keys import UNUSABLE
from pull_doctor.causes.shared.secrets.stored import (
    Defect,
    Held,
    Verdict,
    What,
    either,
    fits,
    hold,
    in_one_line,
    resource_of,
)
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.intake.symptom import DeniedBy, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.stored import Stored
from pull_doctor.resource import Resource
from pull_doctor.view.secrets import READ_ACTIONS

_READ: tuple[DeniedBy, ...] = ("identity-policy", "resource-policy", "permissions-boundary")
"""The layers that are read: of one of these alone it can be said that it does not refuse any more."""
_SAYS: dict[What, str] = {
    "gone": "is not found",
    "deleted": "is marked for deletion",
    "denied": "may not be read",
    "key": "may not be decrypted",
    "part": "has no such JSON key or version",
}
_CONSEQUENCE = "ECS reads it before any container starts, so that none of them does."


@dataclass(frozen=True, slots=True)
class Use:
    """What values are for, in words: "secret {noun} does not exist", "{lead} X, and ...".

    ``judge`` looks for the defects of one cause, which are ``whats``; ``fine`` follows the ARNs where there is none,
    and ``none`` says that the task has no such value. ``for_what`` ends the title of a missing right.
    """

    noun: str
    lead: str
    fine: str
    none: str
    judge: Callable[[Stored], tuple[Verdict, ...]]
    whats: tuple[What, ...]
    for_what: str = ""


def judged(
    task: Task,
    symptom: Symptom,
    message: str,
    use: Use,
    values: tuple[Stored, ...],
    others: Fact[tuple[Stored, ...]],
) -> Outcome:
    """Hold ECS's text against the values of one use; ``others`` are those of the other, which it may mean instead."""
    if not values:
        return NotApplicable(use.none)
    text = in_one_line(message)
    held = hold(text, values, use.judge)
    beside = hold(text, () if isinstance(others, Unknown) else others.value, either)
    if not held.named and (beside.named or (beside.fitting and not held.fitting)):
        meant = beside.named[0] if beside.named or beside.fitting is None else beside.fitting.one
        return Ok(f"ECS's text is about {meant.arn}, which is not {use.noun.replace('that', 'what')}")
    if held.defects and (held.defects[0].one in held.named or not (held.named and held.said)):
        return _problem(task, symptom, use, held)
    if held.by_source and held.said in (None, "denied") and (held.by_source[0].one in held.named or not held.named):
        return NotApplicable(f"{held.by_source[0].text}, which is told as source-condition-mismatch")
    if held.another:
        return Ok(f"ECS's text names {held.another}, which the task definition does not name")
    if held.said is None or held.said not in use.whats:
        return Undetermined(held.unknown) if held.unknown else Ok(_all_fine(values, use))
    alone = len(values) == 1 and others == Known(())
    return _told(task, symptom, use, held, values, sure=bool(held.named) or alone)


def _all_fine(values: tuple[Stored, ...], use: Use) -> str:
    return use.fine.format(", ".join(one.arn for one in values))


def _problem(task: Task, symptom: Symptom, use: Use, held: Held) -> Problem:
    first = held.defects[0]
    item, layer = resource_of(first.one), first.refused.layer if first.refused else "registry-policy"
    another_layer = () if layer == "registry-policy" else blames_another(symptom, layer)
    proves = fits(held.said, first) and not held.another and not another_layer
    inferred = () if proves else (*first.inferred, *another_layer)
    # A right that is refused by a key's layer may be all that a text means which only says that it was denied.
    cut_short = held.said == "denied" and first.what == "key" and symptom.action is None
    if held.said and not fits(held.said, first) and not cut_short:
        inferred += (f"this stops it as well: ECS's text says that {_meant(held, item)} {_SAYS[held.said]}",)
    return Problem(
        title=_title(use, first),
        explanation=f"{use.lead} {item.id}, and {_clause(first)}. {_CONSEQUENCE}",
        culprit=item,
        evidence=(
            *((_said(first.what, item),) if proves else ()),
            *(Evidence(one.text, "fact", (resource_of(one.one),)) for one in held.defects),
        ),
        fixes=fixes(task, held.defects),
        text_proves=proves,
        inferred=inferred,
        phases=("prepare",),
        shown=not held.another and (first.one in held.named or not held.named),
    )


def _clause(defect: Defect) -> str:
    """The defect, without naming anew what the sentence has just named."""
    kind, arn = defect.one.source.kind, defect.one.arn
    text = defect.text.replace(f"has no {kind} {arn}", f"has no such {kind}")
    return text.replace(f"{kind} {arn}", f"that {kind}").replace(arn, f"that {kind}")


def _told(task: Task, symptom: Symptom, use: Use, held: Held, values: tuple[Stored, ...], *, sure: bool) -> Problem:
    """The finding that rests on ECS's text alone; ``sure`` if it is known which value the text means."""
    assert held.said is not None
    one, what = (held.named or values)[0], held.said
    item = resource_of(one)
    still: Still = "no" if _mended(one, what, symptom, held) else "unknown"
    readable = ", and the execution role may read it" if "denied" in use.whats else ""
    now = Evidence(f"{item.id} is there now{readable}", "fact", (item,))
    prose = Fix(PROSE[what].format(item.id), "your-call", task.place.account, task.place.region)
    if what in ("denied", "key") and symptom.denied_by not in (None, "identity-policy"):
        prose = _in_the_layer(task, symptom, one, symptom.denied_by)
    return Problem(
        title=_titles(use, one)[what] if what != "key" else f"key of a {one.source.kind} {use.noun} could not be used",
        explanation=f"{use.lead} {item.id}, and ECS could not read it. {_CONSEQUENCE}",
        culprit=item,
        evidence=(
            _said(what, item),
            *((now,) if still == "no" else ()),
            *(Evidence(each.text, "fact", (resource_of(each.one),)) for each in held.defects),
        ),
        fixes=() if still == "no" else (prose,),
        still=still,
        text_proves=True,
        inferred=() if sure else (f"{item.id} is the one that ECS's text means",),
        phases=("prepare",),
    )


def _in_the_layer(task: Task, symptom: Symptom, one: Stored, layer: DeniedBy) -> Fix:
    """What to do where ECS's text names the layer that refuses, in the account of what that layer belongs to."""
    place = one.source.place if layer == "resource-policy" else task.place
    role = f"role {one.reading.value.role}" if isinstance(one.reading, Known) else "the execution role"
    kind = "key of" if symptom.action and symptom.action.startswith("kms:") else one.source.kind
    what = f"the policy of the {kind} {one.arn}" if layer == "resource-policy" else f"the {layer.replace('-', ' ')}"
    text = f"let {what} allow {symptom.action} to {role}, as ECS's text says that it does not"
    if symptom.explicit_deny:
        text = f"take out of {what} what denies {symptom.action} to {role}, as ECS's text says"
    return Fix(text, "your-call", place.account, place.region)


def _mended(one: Stored, what: What, symptom: Symptom, held: Held) -> bool:
    """Whether what the text says is known not to hold any more."""
    session, ruled = role_of_session(symptom), one.reading.value if isinstance(one.reading, Known) else None
    if held.unknown or held.defects or (session and ruled and not same_role(session, ruled.role)):
        return False
    if what == "denied":
        return symptom.denied_by in _READ
    of_key = what == "key" and one.decrypting is not None and symptom.denied_by in (None, *_READ)
    return what in ("gone", "deleted") or of_key


def _said(what: What, item: Resource) -> Evidence:
    return Evidence(f"ECS's text says that {item.id} {_SAYS[what]}", "text", (item,))


def _meant(held: Held, item: Resource) -> str:
    """The value that ECS's text is about, where it says; else one that it does not name."""
    return held.another or (item.id if held.named else "what it means")


def _titles(use: Use, one: Stored) -> dict[What, str]:
    kind = one.source.kind
    return {
        "gone": f"{kind} {use.noun} does not exist",
        "deleted": f"{kind} {use.noun} is marked for deletion",
        "denied": f"execution role is denied {READ_ACTIONS[kind]}{use.for_what}",
        "key": f"execution role may not use the key of a {kind} {use.noun}",
        "part": f"{kind} {use.noun} has no such JSON key or version",
    }


def _title(use: Use, defect: Defect) -> str:
    refused, kind = defect.refused, defect.one.source.kind
    if refused is None:
        known = defect.one.key.value if isinstance(defect.one.key, Known) else None
        if defect.what != "key":
            return _titles(use, defect.one)[defect.what]
        state = known.state if known and known.state in UNUSABLE else None
        return f"key of the {kind} {use.noun} {UNUSABLE[state] if state else 'is of no use to this task'}"
    of_value = refused.layer == "resource-policy"
    if of_value:
        owner = "policy of the key" if defect.what == "key" else "secret's own policy"
        return f"{owner} {'denies' if refused.explicit else 'does not grant'} {refused.action}"
    if defect.what == "key":
        return _titles(use, defect.one)["key"]
    lacks = refused.layer == "identity-policy" and not refused.explicit
    return f"execution role {'lacks' if lacks else 'is denied'} {refused.action}{use.for_what}"
