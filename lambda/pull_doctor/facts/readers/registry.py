"""Reads registries other than ECR: whether an image is there for everybody.

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
    """Ask the registry, if the settings let this host be asked."""
    if not aws.registry.allows(question.host):
        raise NoAnswerError("switched-off", f"{question.host} is no registry that the setting {SETTING} lets be asked")
    from pull_doctor.facts.registry import manifests  # noqa: PLC0415 - few failures ask a registry

    return manifests.look_up(question.host, question.repository, question.reference, aws.registry.network)
