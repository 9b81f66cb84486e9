"""Questions about who may do what."""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.facts import values
from pull_doctor.facts.questions.question import Question


@dataclass(frozen=True, slots=True)
class RepositoryPolicy(Question[str | None]):
    """The repository's policy document as JSON text; ``None`` if it has none."""

    registry: str
    repository: str

    @property
    def fact(self) -> str:
        return f"the policy of repository {self.repository} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class Simulation(Question[tuple[values.Simulated, ...] | None]):
    """What the role's policies decide for these actions on one resource; ``None``: no such role."""

    role: str
    actions: tuple[str, ...]
    resource: str

    @property
    def fact(self) -> str:
        return f"what {self.role} may do on {self.resource}"


@dataclass(frozen=True, slots=True)
class OneRole(Question[values.Role | None]):
    """The role with this ARN; ``None`` if IAM knows none."""

    role: str

    @property
    def fact(self) -> str:
        return f"role {self.role}"


@dataclass(frozen=True, slots=True)
class OneInstanceProfile(Question[values.InstanceProfile | None]):
    """The instance profile with this ARN; ``None`` if there is none."""

    arn: str

    @property
    def fact(self) -> str:
        return f"instance profile {self.arn.rsplit('/', 1)[-1]}"


@dataclass(frozen=True, slots=True)
class Organization(Question[str | None]):
    """The id of the account's organization; ``None`` for an account in none."""

    @property
    def fact(self) -> str:
        return f"the organization of account {self.account}"


@dataclass(frozen=True, slots=True)
class OneSecret(Question[values.Secret | None]):
    """The secret with this ARN or name, without its value; ``None`` if there is none."""

    secret: str

    @property
    def fact(self) -> str:
        return f"secret {self.secret}"


@dataclass(frozen=True, slots=True)
class SecretPolicy(Question[str | None]):
    """The resource policy of the secret with this ARN as JSON text; ``None`` if it has none."""

    secret: str

    @property
    def fact(self) -> str:
        return f"the resource policy of secret {self.secret}"


@dataclass(frozen=True, slots=True)
class OneParameter(Question[values.Parameter | None]):
    """The parameter with this name, without its value; ``None`` if there is none."""

    parameter: str

    @property
    def fact(self) -> str:
        return f"parameter {self.parameter}"
