"""The fix that most defects of an image come down to: build it again, and push it under a name."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from pull_doctor.causes.outcome import Fix
from pull_doctor.causes.shared.image.images import behind_cache
from pull_doctor.causes.shared.image.platforms import written
from pull_doctor.facts.fact import Fact
from pull_doctor.facts.values import CacheRule, Platform
from pull_doctor.intake.image_reference import DOCKER_HUB_HOST, ImageReference
from pull_doctor.intake.task import Task

DOCKER_FORM = "oci-mediatypes=false,compression=gzip,force-compression=true"
"""How buildx pushes in the form that every version of Docker takes.
https://docs.docker.com/build/exporters/image-registry/"""
_PUBLISHED = {DOCKER_HUB_HOST: "library/", "public.ecr.aws": "docker/library/"}
"""Where Docker's official images are. https://docs.docker.com/docker-hub/image-library/trusted-content/"""


def rebuilt(
    task: Task,
    image: ImageReference,
    rule: Fact[CacheRule | None],
    platforms: Sequence[Platform],
    text: str,
    form: str = "",
    new_tag: str = "",
) -> Fix:
    """The fix that pushes a new build for these platforms, under the image's tag or under ``new_tag``.

    ``form`` are options of buildx's exporter. There is no command for a digest, which names one image for ever, for
    Windows, which is built otherwise, and for what others publish. Attestations are left out: some runtimes stumble
    over them.
    https://docs.docker.com/build/metadata/attestations/
    """
    fix = Fix(text, "your-call", *pushed_to(task, image))
    if not may_push(image, rule):
        text = "name another version of the image in the task definition, and tell its publisher"
        return Fix(text, "your-call", task.place.account, task.place.region)
    tag = new_tag or ("" if image.digest else image.tag)
    if not tag:
        return replace(fix, text=f"{text}, and name the new image in the task definition")
    if any(one.os != "linux" for one in platforms):
        return fix
    linux = dict.fromkeys(written(one) for one in platforms)
    name = image.text.partition("@")[0].removesuffix(f":{image.tag}") + f":{tag}"
    words = ["docker", "buildx", "build", *(("--platform", ",".join(linux)) if linux else ())]
    words += ["--provenance=false", "-t", name, *(("--output", f"type=registry,{form}") if form else ("--push",)), "."]
    fix = replace(fix, text=f"{text}; run this beside its Dockerfile", commands=(shlex.join(words),))
    if new_tag:
        return replace(fix, applicability="fill-in")
    return replace(fix, effect=f"{image.text} names a new image from then on")


def pushed_to(task: Task, image: ImageReference) -> tuple[str, str]:
    """The account and the Region whose rights a push needs: of ECR the repository's own, else the task's."""
    at = image.ecr or task.place
    return at.account, at.region


def may_push(image: ImageReference, rule: Fact[CacheRule | None]) -> bool:
    """Whether the image may be of the task's owners: not Docker's own, nor one that a cache fetches."""
    published = image.repository.startswith(_PUBLISHED.get(image.host, "\n"))
    return not published and behind_cache(image, rule) is None
