"""Reads registries other than ECR: whether an image is there for everybody, and its manifest.

This calls no AWS API, and so needs no permission.
"""

from __future__ import annotations

from pull_doctor.facts import questions, values
from pull_doctor.facts.aws import Aws
from pull_doctor.facts.readers.reader import answers
from pull_doctor.facts.registry.hosts import SETTING
from pull_doctor.facts.registry.refusal import NoAnswerError


@answers(questions.RegistryImage)
def image(aws: Aws, question: questions.RegistryImage) -> values.RegistryLookup:
    """Ask the registry for the image, if the settings let this host be asked."""
    _allowed(aws, question.host)
    from pull_doctor.facts.registry import manifests  # noqa: PLC0415 - few failures ask a registry

    return manifests.look_up(question.host, question.repository, question.reference, aws.registry.network)


@answers(questions.RegistryManifest)
def manifest(aws: Aws, question: questions.RegistryManifest) -> values.Manifest | None:
    """Fetch the manifest from the registry, if the settings let this host be asked; Docker Hub counts that as a pull.

    https://docs.docker.com/docker-hub/usage/pulls/
    """
    _allowed(aws, question.host)
    from pull_doctor.facts.registry import manifests  # noqa: PLC0415 - few failures ask a registry

    return manifests.fetch(question.host, question.repository, question.reference, aws.registry.network)


def _allowed(aws: Aws, host: str) -> None:
    if not aws.registry.allows(host):
        raise NoAnswerError("switched-off", f"{host} is no registry that the setting {SETTING} lets be asked")
