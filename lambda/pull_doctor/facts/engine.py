"""Asks AWS in waves: all new questions at once, then the plan again, until nothing is new or the time is up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from pull_doctor.facts import questions as q
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.errors import only_one, own_id, unknown
from pull_doctor.facts.fact import Fact, Known, Unknown, Why
from pull_doctor.facts.readers import READERS
from pull_doctor.facts.registry.refusal import NoAnswerError
from pull_doctor.intake.task import Failure, Task

_log = logging.getLogger(__name__)

Asked = q.Question[Any]
Facts = dict[Asked, Fact[Any]]
K = TypeVar("K")
V = TypeVar("V")
Plan = Callable[[Task, Sequence[Failure], Answers], Sequence[Asked]]


@dataclass(eq=False)
class SharedAnswers:
    """What this process knows of whole VPCs, for ``lifetime`` seconds: a storm over one VPC reads it once."""

    lifetime: float = 60.0
    clock: Callable[[], float] = time.monotonic
    _kept: dict[Asked, tuple[float, Known[Any]]] = field(default_factory=dict)

    def recall(self, questions: Sequence[Asked]) -> Facts:
        """The answers that are still fresh."""
        oldest = self.clock() - self.lifetime
        kept = {question: self._kept.get(question) for question in questions}
        return {question: found[1] for question, found in kept.items() if found and found[0] > oldest}

    def keep(self, facts: Mapping[Asked, Fact[Any]], read_at: float) -> None:
        """Keep the known answers to shared questions, dated to when they were asked; forget what is too old."""
        oldest = self.clock() - self.lifetime
        self._kept = {question: kept for question, kept in self._kept.items() if kept[0] > oldest}
        for question, fact in facts.items():
            if isinstance(question, q.OF_A_VPC) and isinstance(fact, Known):
                self._kept[question] = (read_at, fact)


def gather(
    task: Task,
    failures: Sequence[Failure],
    aws: Aws,
    *,
    plan: Plan,
    deadline: float,
    workers: int = 32,
    memory: SharedAnswers | None = None,
) -> Answers:
    """Answer all that the plan asks. Raises for no read, and waits for none past ``deadline``.

    ``deadline`` is a moment of ``time.monotonic``. A question without an answer by then is unknown, ``timed-out``.
    ``workers`` are more than a wave has questions, so that none of them waits for another.
    """
    answers = Answers()
    while new := [each for each in dict.fromkeys(plan(task, failures, answers)) if answers.get(each) is None]:
        remembered = memory.recall(new) if memory else {}
        unread = [each for each in new if each not in remembered]
        asked_at = memory.clock() if memory else 0.0
        read = _ask_all(aws, unread, task.place.region, deadline, workers)
        if memory:
            memory.keep(read, asked_at)
        answers = answers.with_more({each: (remembered | read)[each] for each in new})
    return answers


def ask_one(aws: Aws, question: Asked) -> Fact[Any]:
    """Answer one question, if its account may be read; raises for nothing."""
    try:
        stranger = aws.stranger(question.account, question.region)
    except Exception as error:  # noqa: BLE001 - as for every read: unknown, never the end of the run
        return unknown(question, (), error)
    if stranger:
        return replace(stranger, fact=question.fact, account=question.account, region=question.region)
    return ask(aws, question)


def ask(aws: Aws, question: Asked) -> Fact[Any]:
    """Put one question to its reader, unless the settings switched its actions off."""
    actions: tuple[str, ...] = ()
    aws.called = None
    try:
        reader = READERS[type(question)]
        actions = reader.actions
        if off := aws.forbidden(actions):
            return _unasked(question, "switched-off", off, "the settings switch this read off")
        return Known(reader.read(aws, question))
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is unknown, never the end of the run
        answer = unknown(question, actions, error, aws.called)
        if answer.why == "crashed" and not isinstance(error, (ClientError, NoAnswerError)):
            _log.exception("reading %s crashed", question.fact)
        return answer


def _ask_all(aws: Aws, questions: Sequence[Asked], region: str, deadline: float, workers: int) -> Facts:
    """Ask what may be asked, in parallel, until the deadline."""
    accounts = dict.fromkeys(each.account for each in questions)
    strangers = _in_parallel(lambda account: aws.stranger(account, region), accounts, deadline, workers)
    allowed = [each for each in questions if each.account in strangers and strangers[each.account] is None]
    facts = _in_parallel(lambda each: ask(aws, each), allowed, deadline, workers)
    for each in questions:
        if each in facts:
            continue
        if stranger := strangers.get(each.account):
            facts[each] = replace(stranger, fact=each.fact, account=each.account, region=each.region)
        else:
            reader = READERS.get(type(each))
            facts[each] = _unasked(
                each,
                "timed-out",
                only_one(reader.actions) if reader else None,
                "no answer before the deadline",
            )
    return facts


def _unasked(question: Asked, why: Why, action: str | None, detail: str) -> Unknown:
    return Unknown(question.fact, why, action, own_id(question), *question.home, detail)


def _in_parallel(work: Callable[[K], V], items: Iterable[K], deadline: float, workers: int) -> dict[K, V]:
    """The results that are there at the deadline.

    The threads are daemons: one that still waits for AWS holds up neither the return nor the end of the process.
    """
    todo: SimpleQueue[K] = SimpleQueue()
    done: SimpleQueue[tuple[K, V]] = SimpleQueue()

    def run() -> None:
        while time.monotonic() < deadline:
            try:
                item = todo.get_nowait()
            except Empty:
                return
            done.put((item, work(item)))

    for item in items:
        todo.put(item)
    expected = todo.qsize()
    for _ in range(min(workers, expected)):
        Thread(target=run, daemon=True).start()
    results: dict[K, V] = {}
    while len(results) < expected and (left := deadline - time.monotonic()) > 0:
        try:
            item, result = done.get(timeout=left)
        except Empty:
            break
        results[item] = result
    return results
