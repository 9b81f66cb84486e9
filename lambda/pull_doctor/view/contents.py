"""The facts of what the image holds: its manifest, its size, and what takes images away or brings them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import LifecycleRule, Manifest, Replication
from pull_doctor.intake.image_reference import ImageReference, parse_reference
from pull_doctor.intake.symptom import Kind
from pull_doctor.view.image import Image

ABOUT_THE_MANIFEST: tuple[Kind, ...] = ("platform-mismatch", "unsupported-manifest")
"""Kinds of text for which the manifest is read."""


@dataclass(frozen=True, slots=True)
class Sized:
    """One container's image, and its size in bytes, compressed; ``None`` where that was not read."""

    container: str
    image: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Arriving:
    """The copy of a missing image that another registry makes: the registry's account and Region, and how far it is."""

    account: str
    region: str
    copy: Replication


class Contents(Image):
    """What is in the image, and what became of it."""

    @cached_property
    def manifest(self) -> Fact[Manifest | None]:
        """The image's manifest; reading it counts as a pull, so it is asked for only where the text speaks of it.

        Under a pull-through cache rule it is not read, as that could fetch the image. ECR tells the rules to the
        registry's owner alone.
        https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
        """
        reference = self.failure.reference
        if reference is None or self.symptom.kind not in ABOUT_THE_MANIFEST:
            return Unknown("the image's manifest", "prerequisite", detail="ECS's text does not speak of it")
        if reference.ecr is None:
            return self._of_another_registry(reference)
        rule = self.cache_rule
        if isinstance(rule, Unknown):
            return rule
        if rule.value:
            detail = f"cache rule {rule.value.prefix} fits {reference.repository}, and reading it there could fetch it"
            return Unknown(f"the manifest of {reference.text}", "prerequisite", detail=detail)
        tag = None if reference.digest else reference.tag
        registry = reference.ecr
        return self.ask(
            ask.EcrManifestOf(
                self.place.account, registry.region, registry.account, reference.repository, tag, reference.digest
            )
        )

    def _of_another_registry(self, image: ImageReference) -> Fact[Manifest | None]:
        if other_port := self._on_another_port(image):
            return other_port
        reference = image.digest or image.tag or "latest"
        return self.ask(
            ask.RegistryManifest(self.place.account, self.place.region, image.host, image.repository, reference)
        )

    @cached_property
    def image_sizes(self) -> Fact[tuple[Sized, ...]]:
        """The sizes of all images of the task, asked for where AWS Fargate's storage was full; ECR alone tells them."""
        if not (self.task.on_fargate and self.symptom.kind == "disk-full"):
            return Unknown("the sizes of the task's images", "prerequisite", detail="ECS's text speaks of no full disk")
        definition = self.task_definition
        if isinstance(definition, Unknown):
            return definition
        return Known(tuple(self._sized(one.name, one.image or "") for one in definition.value.containers))

    def _sized(self, container: str, image: str) -> Sized:
        reference = parse_reference(image)
        found = self._ask_ecr(reference) if reference and reference.ecr else None
        there = found.value.image if isinstance(found, Known) else None
        return Sized(container, image, there.size if there else None)

    @cached_property
    def lifecycle_rules(self) -> Fact[tuple[LifecycleRule, ...]]:
        """The rules that take images away, asked for once the image is known to be missing, or in the archive."""
        reference = self.failure.reference
        asked = [one.value for one in (self.ecr_image, self.ecr_pinned) if isinstance(one, Known)]
        gone = any(one.missing == "image" or (one.image and one.image.status == "ARCHIVED") for one in asked)
        if reference is None or reference.ecr is None or not gone:
            return Unknown("the repository's lifecycle policy", "prerequisite", detail="the image is not missing")
        registry = reference.ecr
        return self.ask(
            ask.LifecycleRulesOf(self.place.account, registry.region, registry.account, reference.repository)
        )

    @cached_property
    def arriving(self) -> Fact[Arriving | None]:
        """The copy of the missing image that another registry makes; ``None`` if none that was looked at does.

        Only the registry that an image was pushed to knows of its copies. Looked at are those that the task is known to
        use: its own, and those of its other images.
        https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
        """
        image = self.failure.reference
        found = self.ecr_image
        if image is None or image.ecr is None or not (isinstance(found, Known) and found.value.missing):
            return Unknown("whether the image is being copied", "prerequisite", detail="the image is not missing")
        answers = [self._copied_from(account, region, image) for account, region in self._registries(image)]
        there = next((one for one in answers if isinstance(one, Known) and one.value), None)
        return there or next((one for one in answers if isinstance(one, Unknown)), Known(None))

    def _registries(self, image: ImageReference) -> list[tuple[str, str]]:
        """The accounts and Regions of the registries that the task uses besides the image's own."""
        assert image.ecr is not None
        definition = self.task_definition
        containers = definition.value.containers if isinstance(definition, Known) else ()
        others = (parse_reference(one.image or "") for one in containers)
        used = [(one.ecr.account, one.ecr.region) for one in others if one and one.ecr]
        own = (image.ecr.account, image.ecr.region)
        return [one for one in dict.fromkeys(((self.place.account, self.place.region), *used)) if one != own]

    def _copied_from(self, account: str, region: str, image: ImageReference) -> Fact[Arriving | None]:
        assert image.ecr is not None
        rules = self.ask(ask.ReplicationRulesOf(self.place.account, region, account))
        if isinstance(rules, Unknown):
            return rules
        to = (image.ecr.region, image.ecr.account)
        if not any(
            to in rule.destinations and (not rule.prefixes or image.repository.startswith(rule.prefixes))
            for rule in rules.value
        ):
            return Known(None)
        tag = None if image.digest else image.tag
        copies = self.ask(ask.ReplicationOf(self.place.account, region, account, image.repository, tag, image.digest))
        if isinstance(copies, Unknown):
            return copies
        copy = next((one for one in copies.value or () if (one.region, one.account) == to), None)
        return Known(Arriving(account, region, copy) if copy else None)
