"""A fact is known or unknown; an absent thing is known to be absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Why = Literal[
    "denied",
    "throttled",
    "timed-out",
    "prerequisite",
    "not-visible",
    "not-modelled",
    "switched-off",
    "crashed",
]


@dataclass(frozen=True, slots=True)
class Known(Generic[T_co]):
    """An answer that was read whole. ``Known(None)`` and ``Known(())`` are absence, read from AWS."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Unknown:
    """An answer that could not be had.

    ``fact`` is a noun phrase with the id ("the route tables of vpc-1"); ``action`` the IAM action that was
    needed; ``resource`` what it was needed on; ``detail`` what AWS or the model said, scrubbed.
    """

    fact: str
    why: Why
    action: str | None = None
    resource: str | None = None
    account: str | None = None
    region: str | None = None
    detail: str | None = None


Fact = Known[T] | Unknown
