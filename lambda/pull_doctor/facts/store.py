"""Saved facts: what happened and what was read, as JSON that a later version reads or refuses in one line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import cattrs

from pull_doctor.facts import questions
from pull_doctor.facts.answers import Answers
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.questions import Question
from pull_doctor.intake.task import Intake

SCHEMA = "pull-doctor/facts/1"


class UnreadableFacts(ValueError):  # noqa: N818 - it names what the user holds, as Unknown does
    """The text is not saved facts of this schema; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Saved facts. ``intake`` is what the event said, scrubbed: the raw event is never saved."""

    intake: Intake
    answers: Answers
    read_at: datetime


def dump(intake: Intake, answers: Answers, read_at: datetime) -> str:
    """The JSON text; the same facts give the same bytes, in whatever order they were read."""
    saved = {
        "schema": SCHEMA,
        "read-at": read_at,
        "intake": intake,
        "answers": [
            {"question": type(question).__name__, "of": question} | _content(fact) for question, fact in answers
        ],
    }
    plain = _CONVERTER.unstructure(saved)
    plain["answers"].sort(key=lambda answer: json.dumps(answer, sort_keys=True))
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def load(text: str) -> Saved:
    """Read what ``dump`` wrote; raises ``UnreadableFacts``."""
    try:
        saved = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFacts(f"these are no saved facts: not JSON ({error})") from error
    schema = saved.get("schema") if isinstance(saved, dict) else None
    if schema != SCHEMA:
        raise UnreadableFacts(f"these are no saved facts that this version reads: schema {schema!r}, not {SCHEMA!r}")
    try:
        return Saved(
            intake=_CONVERTER.structure(saved["intake"], Intake),
            answers=Answers(dict(map(_answer, saved["answers"]))),
            read_at=_CONVERTER.structure(saved["read-at"], datetime),
        )
    except Exception as error:  # cattrs raises what its hooks do; every such text is one that is not read
        reason = (
            "; ".join(cattrs.transform_error(error)) if isinstance(error, cattrs.BaseValidationError) else repr(error)
        )
        raise UnreadableFacts(f"these saved facts are damaged: {' '.join(reason.split())[:300]}") from error


def _content(fact: Fact[Any]) -> dict[str, Any]:
    return {"known": fact.value} if isinstance(fact, Known) else {"unknown": fact}


def _answer(saved: dict[str, Any]) -> tuple[Question[Any], Fact[Any]]:
    kind = _QUESTIONS[saved["question"]]
    question = _CONVERTER.structure(saved["of"], kind)
    if "unknown" in saved:
        return question, _CONVERTER.structure(saved["unknown"], Unknown)
    return question, Known(_CONVERTER.structure(saved["known"], _value_type(kind)))


def _value_type(kind: type[Question[Any]]) -> Any:
    """The ``T`` of a ``Question[T]``."""
    return kind.__orig_bases__[0].__args__[0]  # type: ignore[attr-defined] # every question is a Question[...]


def _exactly(value: Any, kind: type) -> Any:
    """Take a JSON value as it is; cattrs alone would make a string of anything."""
    if type(value) is not kind:
        raise ValueError(f"expected {kind.__name__}, not {value!r}")
    return value


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text).astimezone(UTC))
    converter.register_unstructure_hook(datetime, lambda time: time.astimezone(UTC).isoformat().replace("+00:00", "Z"))
    return converter


_CONVERTER = _converter()
_QUESTIONS: dict[str, type[Question[Any]]] = {
    kind.__name__: kind for kind in vars(questions).values() if isinstance(kind, type) and issubclass(kind, Question)
}
