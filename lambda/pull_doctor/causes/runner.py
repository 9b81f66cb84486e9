"""Run the catalogue's checks on one failure, each with the values of the facts that it names.

A check is a function ``check(...) -> Outcome`` whose parameters are names of facts. A parameter annotated
``Fact[X]`` is optional: the check receives the fact itself. Any other must be known, or the check is not called.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pull_doctor.causes.catalogue import CATALOGUE, Row
from pull_doctor.causes.outcome import NotApplicable, Outcome, Undetermined
from pull_doctor.facts.fact import Known, Unknown
from pull_doctor.intake.image_reference import ImageReference

if TYPE_CHECKING:
    from pull_doctor.view import View

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """A cause's check with the names of the facts that it must have, and of those that it can do without."""

    row: Row
    function: Callable[..., Outcome]
    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def explanation(self) -> str:
        """The long explanation: the docstring of the cause's module."""
        return inspect.cleandoc(inspect.getmodule(self.function).__doc__ or "")


@cache
def checks() -> tuple[Check, ...]:
    """The check of every row, in the catalogue's order."""
    return tuple(_check(row) for row in CATALOGUE)


def fact_names() -> tuple[str, ...]:
    """The names of all facts that any check reads, in the order of first use."""
    return tuple(dict.fromkeys(name for check in checks() for name in (*check.required, *check.optional)))


def run(check: Check, view: View) -> Outcome:
    """Run one check on one failure's view; a fact that it needs and that is unknown makes it undetermined."""
    reference = view.failure.reference
    if why := elsewhere(check.row, reference) or _not_asked(check, view):
        return NotApplicable(why)
    missing: list[Unknown] = []
    values: dict[str, Any] = {}
    for name in check.required:
        fact = view.fact(name)
        if isinstance(fact, Unknown):
            missing.append(fact)
        else:
            values[name] = fact.value if isinstance(fact, Known) else fact
    if missing:
        return Undetermined(tuple(dict.fromkeys(missing)))
    values |= {name: view.fact(name) for name in check.optional}
    try:
        return check.function(**values)
    except Exception as error:  # noqa: BLE001 - a crash is reported as this check's own, and the run goes on
        _log.exception("the check of %s crashed", check.row.cause)
        crash = f"{type(error).__name__} in the check of {check.row.cause}"
        return Undetermined((Unknown(f"the check of {check.row.cause}", "crashed", detail=crash),))


def elsewhere(row: Row, image: ImageReference | None) -> str | None:
    """Why a cause cannot matter for an image that is in another kind of registry."""
    if image is None or row.registry == "any" or (row.registry == "ecr") == (image.ecr is not None):
        return None
    return (
        f"the image is in {image.host}, not in a private ECR registry"
        if row.registry == "ecr"
        else (f"the image is in ECR registry {image.host}")
    )


def _not_asked(check: Check, view: View) -> str | None:
    """Why only causes of this kind of text can be at fault: the start ended before a registry was asked."""
    failure, kind = view.failure, view.symptom.kind
    if kind in check.row.kinds:
        return None
    if failure.image is None and kind == "role-assume-failure":
        return "ECS could not assume a role, so that no pull was begun"
    if failure.image is None or failure.reference or kind != "invalid-reference":
        return None
    return f"{failure.image!r} is not an image reference, so that no registry was asked"


def _check(row: Row) -> Check:
    module = importlib.import_module(f"pull_doctor.causes.{row.cause.replace('-', '_')}")
    function: Callable[..., Outcome] = module.check
    hints = typing.get_type_hints(function)
    parameters = tuple(inspect.signature(function).parameters)
    optional = tuple(name for name in parameters if _is_fact(hints[name]))
    return Check(row, function, tuple(name for name in parameters if name not in optional), optional)


def _is_fact(annotation: Any) -> bool:
    return Unknown in typing.get_args(annotation)
