"""What a question is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Question(Generic[T_co]):
    """A question whose answer is a ``Fact[T_co]``."""

    account: str
    region: str

    @property
    def home(self) -> tuple[str, str]:
        """The account and the Region of the thing itself, which another account may own."""
        return self.account, self.region

    @property
    def fact(self) -> str:
        """The noun phrase, with ids, by which a report names the answer."""
        raise TypeError(f"{type(self).__name__} has no noun phrase")


@dataclass(frozen=True, slots=True)
class OfAVpc(Question[T_co]):
    """A question about all things of one kind in a VPC; ``noun`` is what they are called."""

    vpc: str
    noun: ClassVar[str]

    @property
    def fact(self) -> str:
        return f"{self.noun} of {self.vpc}"


@dataclass(frozen=True, slots=True)
class OfARegistry(Question[T_co]):
    """A question about the ECR registry of account ``registry``.

    ``region`` is the registry's Region, which may differ from the task's.
    """

    registry: str

    @property
    def home(self) -> tuple[str, str]:
        return self.registry, self.region
