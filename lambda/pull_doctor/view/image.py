"""The facts of the image: what ECR or another registry has under the reference."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import (
    CacheRule,
    EcrLookup,
    EcrTags,
    Key,
    RegistryLookup,
    Repository,
    RepositoryNames,
)
from pull_doctor.intake.image_reference import ECR_REPOSITORY, ImageReference, parse_reference
from pull_doctor.intake.symptom import Kind
from pull_doctor.network.hosts import is_of_aws
from pull_doctor.view.workload import Workload

_NOT_FOUND: tuple[Kind, ...] = ("image-not-found",)
_SAY_NOTHING: tuple[Kind, ...] = ("other-pull-failure", "undetermined")
_COPYING = "failed to copy"
_MAY_BE_MISSING: tuple[Kind, ...] = (*_NOT_FOUND, "repository-not-found", "registry-access-denied", *_SAY_NOTHING)
"""Kinds of text behind which a missing image may stand."""
_MAY_BE_THE_KEY: tuple[Kind, ...] = (
    "kms-denied",
    "registry-unavailable-5xx",
    "other-pull-failure",
    "undetermined",
)
"""Kinds of text behind which the key of a repository may stand.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html"""
_MAY_BE_A_CACHE: tuple[Kind, ...] = (
    "pull-through-cache-failure",
    "image-not-found",
    "repository-not-found",
    "registry-access-denied",
    "auth-denied-ecr-permission",
    "rate-limited",
    "platform-mismatch",
    "unsupported-manifest",
)
"""Kinds of text behind which a pull-through cache may stand, or about an image that a cache may have fetched.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/error-pullthroughcache.html"""
_OF_THE_REGISTRY: tuple[Kind, ...] = ("rate-limited", "registry-unavailable-5xx", "tls-failure")
"""Kinds of text that tell of the registry, not of the image."""


class Image(Workload):
    """What the registry says of the image."""

    @property
    def written_image(self) -> str | None:
        """The image as the task shows it, be it a legal reference or not; ``None`` where it shows none."""
        return self.failure.image

    @property
    def resolved_digest(self) -> str | None:
        """The digest to which ECS had resolved the image, where the event shows it."""
        return self.failure.image_digest

    @cached_property
    def pinned_image(self) -> Fact[ImageReference | None]:
        """The image with the digest to which a deployment pinned it; ``None`` where none is known to be pinned.

        Only a service's deployment pins, and only what the task definition writes without a digest.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
        """
        reference = self.failure.reference
        if reference is None or self.task.service is None:
            return Known(None)
        resolved = self.failure.image_digest if self.symptom.kind in _MAY_BE_MISSING else None
        # What is copied by its digest, once the image itself is found, may be a part of it.
        told = None if _COPYING in self.failure.message.casefold() else self.symptom.digest
        digest = reference.digest or told or resolved
        if digest is None:
            of_revision = self._digest_of_revision
            if isinstance(of_revision, Unknown) or of_revision.value is None:
                return of_revision if isinstance(of_revision, Unknown) else Known(None)
            digest = of_revision.value
        container = self.container
        if isinstance(container, Unknown):
            return container
        written = parse_reference(container.value.image or "") if container.value else None
        if written is None or (written.host, written.repository) != (reference.host, reference.repository):
            detail = f"the task definition does not show that container {self.failure.container} asks for it"
            return Unknown(f"whether a deployment pinned {digest}", "not-visible", detail=detail)
        return Known(None if written.digest else replace(written, digest=digest))

    @property
    def _digest_of_revision(self) -> Fact[str | None]:
        """The digest that the deployment's service revision tells, asked where tag and text do not fit together.

        They do not where ECS did not find a tag that is there, nor where the tag is missing and ECS does not say so.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html
        """
        task, found = self.task, self.ecr_image
        kinds = {None: _NOT_FOUND, "image": _SAY_NOTHING}
        unfit = isinstance(found, Known) and self.symptom.kind in kinds.get(found.value.missing, ())
        if not (task.service and task.started_by and unfit):
            return Known(None)
        revision = self.ask(
            ask.StartedWith(self.place.account, self.place.region, task.cluster, task.service, task.started_by)
        )
        if isinstance(revision, Unknown):
            return revision
        return Known(dict(revision.value.digests).get(self.failure.container) if revision.value else None)

    @cached_property
    def ecr_pinned(self) -> Fact[EcrLookup]:
        """What ECR says of the digest that the deployment pinned."""
        return self._of_pinned("the digest that the deployment pinned", by_tag=False)

    @cached_property
    def ecr_tag(self) -> Fact[EcrLookup]:
        """What ECR says of the tag that the deployment pinned."""
        return self._of_pinned("the tag that the deployment pinned", by_tag=True)

    def _of_pinned(self, what: str, *, by_tag: bool) -> Fact[EcrLookup]:
        pinned = self.pinned_image
        if isinstance(pinned, Unknown):
            return pinned
        if pinned.value is None:
            return Unknown(what, "prerequisite", detail="none is known to be pinned")
        return self._ask_ecr(pinned.value if not by_tag else replace(pinned.value, digest=None))

    def _ask_ecr(self, image: ImageReference) -> Fact[EcrLookup]:
        if image.ecr is None:
            return Unknown(f"image {image.text}", "not-modelled", detail="its registry is not ECR")
        return self._ecr_has(image, image.ecr.account, image.ecr.region)

    def _ecr_has(self, image: ImageReference, registry: str, region: str) -> Fact[EcrLookup]:
        """What a registry has under the image's name; no registry has a name that ECR does not take."""
        repository = image.repository.removeprefix("library/") if image.host_missing else image.repository
        if not ECR_REPOSITORY.fullmatch(repository):
            return Known(EcrLookup("repository"))
        tag = None if image.digest else image.tag
        return self.ask(ask.EcrImageOf(self.place.account, region, registry, repository, tag, image.digest))

    @cached_property
    def ecr_repositories(self) -> Fact[RepositoryNames]:
        """The registry's repositories, asked for only once the image's own is known to be missing."""
        found, reference = self.ecr_image, self.failure.reference
        if isinstance(found, Unknown):
            return found
        if reference is None or reference.ecr is None or found.value.missing != "repository":
            return Unknown("the registry's repositories", "prerequisite", detail="the repository is not missing")
        if reference.ecr.account != self.place.account:
            detail = f"they are account {reference.ecr.account}'s own"
            return Unknown(f"the repositories of registry {reference.ecr.account}", "prerequisite", detail=detail)
        return self.ask(ask.EcrRepositories(self.place.account, reference.ecr.region, reference.ecr.account))

    @cached_property
    def registry_image(self) -> Fact[RegistryLookup]:
        """What a registry other than ECR says of the image, asked where the text leaves open what the registry has.

        Where the text tells of the registry itself, its answer shows whether it answers now.
        """
        reference, kind = self.failure.reference, self.symptom.kind
        if reference is None or reference.ecr is not None or kind not in (*_MAY_BE_MISSING, *_OF_THE_REGISTRY):
            return Unknown("the image in its registry", "prerequisite", detail="ECS's text leaves it in no doubt")
        if other_port := self._on_another_port(reference):
            return other_port
        return self.ask(
            ask.RegistryImage(
                self.place.account,
                self.place.region,
                reference.host,
                reference.repository,
                reference.digest or reference.tag or "latest",
            )
        )

    def _on_another_port(self, image: ImageReference) -> Unknown | None:
        if image.port in (None, 443):
            return None
        detail = f"its registry listens on port {image.port}, and only port 443 is asked"
        return Unknown(f"image {image.text}", "switched-off", detail=detail)

    @cached_property
    def own_ecr_image(self) -> Fact[EcrLookup]:
        """What the task's own account and Region have in ECR under a name that leads nowhere, or names no registry."""
        reference = self.failure.reference
        if reference is None or not (reference.host_missing or self._missing_elsewhere(reference)):
            return Unknown("an ECR repository of the same name", "prerequisite", detail="the image names its registry")
        return self._ecr_has(reference, self.place.account, self.place.region)

    def _missing_elsewhere(self, image: ImageReference) -> bool:
        """Whether repository or image are known to be missing in another account or Region than the task's."""
        if image.ecr is None or (image.ecr.account, image.ecr.region) == (self.place.account, self.place.region):
            return False
        return isinstance(self.ecr_image, Known) and self.ecr_image.value.missing is not None

    @property
    def repository_arn(self) -> str | None:
        """The ARN of the image's ECR repository."""
        reference = self.failure.reference
        if reference is None or reference.ecr is None:
            return None
        registry = reference.ecr
        return f"arn:{registry.partition}:ecr:{registry.region}:{registry.account}:repository/{reference.repository}"

    @cached_property
    def ecr_image(self) -> Fact[EcrLookup]:
        """What ECR says of the image; unknown for an image that is not in ECR."""
        image = self.image
        if isinstance(image, Unknown):
            return image
        return self._ask_ecr(image.value)

    @cached_property
    def ecr_tags(self) -> Fact[EcrTags]:
        """The repository's tags, asked for only once the image is known to be missing."""
        found = self.ecr_image
        if isinstance(found, Unknown):
            return found
        assert isinstance(self.image, Known)
        registry, repository = self.image.value.ecr, self.image.value.repository
        if registry is None or found.value.missing != "image":
            return Unknown(f"the tags of {repository}", "prerequisite", detail="the image is not missing")
        return self.ask(ask.EcrTagsOf(self.place.account, registry.region, registry.account, repository))

    @property
    def layers_elsewhere(self) -> bool:
        """Whether the text shows that layers were asked for at a host that is none of AWS's, as ECR may redirect to."""
        symptom = self.symptom
        return symptom.phase == "download" and symptom.host is not None and not is_of_aws(symptom.host)

    @cached_property
    def cache_rules(self) -> Fact[tuple[CacheRule, ...]]:
        """The registry's pull-through cache rules, asked for where the image is missing, or ECS's text may mean one."""
        reference = self.failure.reference
        if reference is None or reference.ecr is None:
            return Unknown("the rules of ECR's pull-through cache", "prerequisite", detail="the image is not in ECR")
        missing = isinstance(self.ecr_image, Known) and self.ecr_image.value.missing
        spoken_of = self.symptom.kind in _MAY_BE_A_CACHE and self.symptom.phase not in ("prepare", "sign-in")
        if not (missing or spoken_of or self.layers_elsewhere):
            detail = "the image is not missing, and ECS's text speaks of no cache"
            return Unknown("the rules of ECR's pull-through cache", "prerequisite", detail=detail)
        return self.ask(ask.CacheRulesOf(self.place.account, reference.ecr.region, reference.ecr.account))

    @cached_property
    def cache_rule(self) -> Fact[CacheRule | None]:
        """The pull-through cache rule that the repository is under; ``None`` if it is under none.

        The longest prefix wins, and ``ROOT`` fits what no other fits.
        https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
        """
        rules, reference = self.cache_rules, self.failure.reference
        if isinstance(rules, Unknown):
            return rules
        assert reference is not None
        name = reference.repository
        fitting = [one for one in rules.value if one.prefix == "ROOT" or name.startswith(one.prefix.rstrip("/") + "/")]
        return Known(max(fitting, key=lambda one: (one.prefix != "ROOT", len(one.prefix)), default=None))

    @cached_property
    def ecr_repository(self) -> Fact[Repository | None]:
        """The repository and what encrypts it, asked for where ECS's text may speak of its key."""
        reference = self.failure.reference
        if reference is None or reference.ecr is None or not self._may_be_the_key:
            return Unknown("what encrypts the repository", "prerequisite", detail="ECS's text speaks of no key")
        registry = reference.ecr
        return self.ask(
            ask.RepositoryDetails(self.place.account, registry.region, registry.account, reference.repository)
        )

    @property
    def _may_be_the_key(self) -> bool:
        """Whether ECS's text leaves open that a key is at fault; in the start's preparation it is a secret's."""
        symptom = self.symptom
        return symptom.kind in _MAY_BE_THE_KEY and symptom.phase != "prepare" and not self.told.layers_read

    @cached_property
    def ecr_key(self) -> Fact[Key | None]:
        """The repository's own KMS key; ``None`` if KMS knows it no more. Unknown where it has none."""
        repository = self.ecr_repository
        if isinstance(repository, Unknown):
            return repository
        if repository.value is None or repository.value.key is None:
            return Unknown("the repository's KMS key", "prerequisite", detail="the repository has none")
        return self.ask(ask.OneKey(self.place.account, self.place.region, repository.value.key))
