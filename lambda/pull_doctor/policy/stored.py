"""A secret or parameter that the task's start reads, with what is known of it and of the right to read it."""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.injected import ValueFrom
from pull_doctor.facts.values import Key, Parameter, Secret
from pull_doctor.policy.rulings import Need, Ruling


@dataclass(frozen=True, slots=True)
class Stored:
    """One value with what was read of it; ``found`` is ``Known(None)`` where there is no such thing.

    ``reading`` is what is decided on reading it with the execution role. ``key`` is the KMS key that it names, and
    ``decrypting`` what is decided on that; both are ``None`` where it names none, and AWS's own encrypts it.
    """

    source: ValueFrom
    found: Fact[Secret | Parameter | None]
    reading: Fact[Ruling]
    key: Fact[Key | None] | None = None
    decrypting: Fact[Ruling] | None = None

    @property
    def arn(self) -> str:
        """Its ARN as the store tells it, else as the task definition names it."""
        found = self.found.value if isinstance(self.found, Known) else None
        return found.arn if isinstance(found, Secret) else self.source.arn


@dataclass(frozen=True, slots=True)
class Decryption(Need):
    """The right to decrypt ``value``, the ARN of a secret or parameter, with a key."""

    value: str = ""
