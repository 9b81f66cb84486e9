"""Questions about who may do what."""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.facts import values
from pull_doctor.facts.questions.question import OfARegistry, Question

_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class RepositoryPolicy(OfARegistry[str | None]):
    """The repository's policy document as JSON text; ``None`` if it has none."""

    repository: str

    @property
    def fact(self) -> str:
        return f"the policy of repository {self.repository} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class RegistryPolicyOf(OfARegistry[values.RegistryRules]):
    """The policy of the whole registry, and to which actions it applies."""

    @property
    def fact(self) -> str:
        return f"the policy of registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class CacheRulesOf(OfARegistry[tuple[values.CacheRule, ...]]):
    """The pull-through cache rules of the registry."""

    @property
    def fact(self) -> str:
        return f"the pull-through cache rules of registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class CacheRuleWorks(OfARegistry[values.CacheRuleState | None]):
    """Whether ECR can sign in to the upstream of a pull-through cache rule; ``None`` if there is no such rule."""

    prefix: str

    @property
    def fact(self) -> str:
        return f"whether cache rule {self.prefix} of registry {self.registry} ({self.region}) works"


@dataclass(frozen=True, slots=True)
class RepositoryDetails(OfARegistry[values.Repository | None]):
    """The repository and what encrypts it; ``None`` if there is no such repository."""

    repository: str

    @property
    def fact(self) -> str:
        return f"repository {self.repository} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class RepositoryTags(OfARegistry[tuple[tuple[str, str], ...] | None]):
    """The keys and values of the repository's own tags; ``None`` if there is no such repository."""

    repository: str

    @property
    def fact(self) -> str:
        return f"the resource tags of repository {self.repository} in registry {self.registry} ({self.region})"


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
class PoliciesOfRole(Question[values.RolePolicies | None]):
    """The policies of the role with this ARN, as they are written; ``None``: no such role."""

    role: str

    @property
    def fact(self) -> str:
        return f"the policies of {self.role}"


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
    def home(self) -> tuple[str, str]:
        return _home(self.secret, self)

    @property
    def fact(self) -> str:
        return f"secret {self.secret}"


@dataclass(frozen=True, slots=True)
class SecretPolicy(Question[str | None]):
    """The resource policy of the secret with this ARN as JSON text; ``None`` if it has none."""

    secret: str

    @property
    def home(self) -> tuple[str, str]:
        return _home(self.secret, self)

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


@dataclass(frozen=True, slots=True)
class OneKey(Question[values.Key | None]):
    """The KMS key with this ARN or id, or behind this alias; ``None`` if there is none."""

    key: str

    @property
    def home(self) -> tuple[str, str]:
        return _home(self.key, self)

    @property
    def fact(self) -> str:
        return f"KMS key {self.key}"


@dataclass(frozen=True, slots=True)
class KeyPolicy(Question[str | None]):
    """The policy of the KMS key with this ARN or id as JSON text; ``None`` if there is no such key."""

    key: str

    @property
    def home(self) -> tuple[str, str]:
        return _home(self.key, self)

    @property
    def fact(self) -> str:
        return f"the policy of KMS key {self.key}"


def _home(named: str, question: Question[object]) -> tuple[str, str]:
    """The account and the Region that an ARN names; the question's own where only a name is given."""
    parts = named.split(":", _ARN_PARTS - 1)
    if parts[0] == "arn" and len(parts) == _ARN_PARTS:
        return parts[4], parts[3]
    return question.account, question.region
