"""Reports as JSON, and back: what is saved is rendered again with the same bytes.

A member that is not known is absent, ``null`` is known not to exist, ``[]`` is known to be none. Times are RFC 3339
in UTC. Names are the dataclasses' own with ``-`` for ``_``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from types import UnionType
from typing import Any, Union, get_args, get_origin

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override

from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Symptom
from pull_doctor.network.trace import Hop, Trace
from pull_doctor.report.model import SCHEMA, UNSET, Report, Unset
from pull_doctor.resource import Resource

# In these, `None` says "not known": the member is absent. A hop without a resource says so with `null`.
_NONE_IS_ABSENT = (Symptom, Unknown, Trace, Hop, Resource)


def to_document(report: Report) -> dict[str, Any]:
    """Return the report as the value that its JSON holds."""
    document: dict[str, Any] = _plain(report)
    return document


def to_json(report: Report) -> str:
    """Return the report's JSON: one line, ASCII, the same bytes for the same report."""
    return json.dumps(to_document(report), separators=(",", ":"))


def from_json(text: str) -> Report:
    """Return the report that ``to_json`` wrote; raises ``ValueError`` with one line on anything else."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("not a report: the text is not JSON") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"not a report of schema {SCHEMA}: its schema is {json.dumps(schema)[:80]}")
    try:
        return _converter.structure(document, Report)
    except BaseValidationError as error:
        problem = transform_error(error, path="report")[0]
        raise ValueError(f"not a whole report: {' '.join(problem.split())[:200]}") from None


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        members = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {_kebab(name): _plain(member) for name, member in members if not _absent(value, name, member)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _absent(owner: Any, name: str, member: Any) -> bool:
    if member is None:
        return isinstance(owner, _NONE_IS_ABSENT) and (type(owner), name) != (Hop, "resource")
    return member is UNSET


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _reads_dataclass(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    names = {field.name: override(rename=_kebab(field.name)) for field in fields(kind)}
    return make_dict_structure_fn(kind, converter, **names)  # type: ignore[arg-type] # each value is an override


def _is_unset_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType) and Unset in get_args(kind)


def _reads_known(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    # An absent member keeps its default, UNSET; one that is there has one of the other types.
    known = reduce(or_, (member for member in get_args(kind) if member is not Unset))
    return lambda value, _: converter.structure(value, known)


def _time(value: Any, _: Any) -> datetime:
    time = datetime.fromisoformat(_same(value, str))
    if time.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return time.astimezone(UTC)


def _same(value: Any, kind: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{str(value)[:40]!r} is not of type {kind.__name__}")
    return value


_converter = Converter()
_converter.register_structure_hook_factory(is_dataclass, _reads_dataclass)
_converter.register_structure_hook_factory(_is_unset_union, _reads_known)
_converter.register_structure_hook(datetime, _time)
for _primitive in (str, int, bool):
    _converter.register_structure_hook(_primitive, _same)
