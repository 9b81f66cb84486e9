"""Questions to registries about images."""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.facts import values
from pull_doctor.facts.questions.question import OfARegistry, Question


@dataclass(frozen=True, slots=True)
class EcrImageOf(OfARegistry[values.EcrLookup]):
    """The image in the registry; ``tag`` or ``digest``, the digest decides."""

    repository: str
    tag: str | None
    digest: str | None

    @property
    def fact(self) -> str:
        reference = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"image {self.repository}{reference} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class EcrTagsOf(OfARegistry[values.EcrTags]):
    """The tags of a repository in the registry."""

    repository: str

    @property
    def fact(self) -> str:
        return f"the tags of {self.repository} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class EcrRepositories(OfARegistry[values.RepositoryNames]):
    """The names of the repositories in the registry."""

    @property
    def fact(self) -> str:
        return f"the repositories of registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class EcrManifestOf(OfARegistry[values.Manifest | None]):
    """The image's manifest; ``None`` if there is no such image. Reading it counts as a pull."""

    repository: str
    tag: str | None
    digest: str | None

    @property
    def fact(self) -> str:
        reference = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"the manifest of {self.repository}{reference} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class RegistryImage(Question[values.RegistryLookup]):
    """Whether a registry other than ECR has the image; ``reference`` is a tag or a digest."""

    host: str
    repository: str
    reference: str

    @property
    def fact(self) -> str:
        joint = "@" if self.reference.startswith("sha256:") else ":"
        return f"image {self.repository}{joint}{self.reference} in {self.host}"


@dataclass(frozen=True, slots=True)
class RegistryManifest(Question[values.Manifest | None]):
    """The manifest in a registry other than ECR; ``None`` if it shows none to a stranger. Reading counts as a pull."""

    host: str
    repository: str
    reference: str

    @property
    def fact(self) -> str:
        joint = "@" if self.reference.startswith("sha256:") else ":"
        return f"the manifest of {self.repository}{joint}{self.reference} in {self.host}"


@dataclass(frozen=True, slots=True)
class LifecycleRulesOf(OfARegistry[tuple[values.LifecycleRule, ...]]):
    """The rules by which the repository's images are expired or archived; none if it has no lifecycle policy."""

    repository: str

    @property
    def fact(self) -> str:
        return f"the lifecycle policy of {self.repository} in registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class ReplicationRulesOf(OfARegistry[tuple[values.ReplicationRule, ...]]):
    """Where the registry copies its images to."""

    @property
    def fact(self) -> str:
        return f"the replication rules of registry {self.registry} ({self.region})"


@dataclass(frozen=True, slots=True)
class ReplicationOf(OfARegistry[tuple[values.Replication, ...] | None]):
    """How far the copies of one image of this registry have come; ``None`` if it has no such image."""

    repository: str
    tag: str | None
    digest: str | None

    @property
    def fact(self) -> str:
        reference = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"the replication of {self.repository}{reference} from registry {self.registry} ({self.region})"
