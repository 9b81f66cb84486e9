"""Which facts differ between two readings, in words.

Only what was read both times is compared: a fact that is unknown in one of them says nothing. Left out is what differs
from task to task (running tasks, the failed task's interface, ids and counts of deployments) and what AWS changes by
itself. No note says why something differs, or that it mattered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pull_doctor.differences.kinds import KINDS
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Known
from pull_doctor.facts.questions import Question
from pull_doctor.intake.image_reference import ecr_host, parse_ecr_host
from pull_doctor.report.model import Note
from pull_doctor.resource import Place, make

MOST = 12
"""How many notes there are at most; where more facts differ, the last one says how many."""


def differences(before: Answers, after: Answers, first: Collection[str] = ()) -> tuple[Note, ...]:
    """Say which facts differ; the same facts, in whatever order AWS gave them, say nothing.

    Notes about the things whose ids or ARNs are ``first`` come first, then the workload, its image and role, the VPC.
    """
    order = {kind: number for number, kind in enumerate(KINDS)}
    found: dict[Note, None] = {}
    compared = [(question, fact, after.get(question)) for question, fact in before if type(question) in order]
    for question, was, now in sorted(compared, key=lambda one: (order[type(one[0])], repr(one[0]))):
        if isinstance(was, Known) and isinstance(now, Known) and was.value != now.value:
            found |= dict.fromkeys(_notes(question, was.value, now.value))
    notes = sorted(found, key=lambda note: not any({one.id, one.arn} & set(first) for one in note.resources))
    if len(notes) <= MOST:
        return tuple(notes)
    return (*notes[: MOST - 1], Note(f"and {len(notes) - MOST + 1} more"))


def _notes(question: Question[Any], was: Any, now: Any) -> Iterator[Note]:
    kind = KINDS[type(question)]
    place = _place(question)
    for name, said in kind.say(question, was, now):
        found = name if kind.named is None else kind.named(question)
        yield Note(f"{name} {said}", (make(place, kind.resource, found),) if kind.resource else ())


def _place(question: Question[Any]) -> Place:
    """Where the thing is; a repository's account is its registry's."""
    account, region = question.home
    registry = parse_ecr_host(ecr_host(account, region))  # it knows the partition of a Region
    return Place(registry.partition if registry else "aws", account, region)
