"""Which host a text is about, where it shows none: the one that the phase's request goes to."""

from __future__ import annotations

import re

from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.symptoms.names import hide_names
from pull_doctor.network.hosts import service_host

_SLOW_DOWN = re.compile(r"slow ?down")


def answering(symptom: Symptom, image: ImageReference) -> str:
    """The host that ECS's text shows, else the one that the request of this phase goes to first.

    Layers may come from another host, to which the registry redirects.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    if symptom.host is None and image.ecr and symptom.phase == "sign-in":
        return service_host("ecr.api", image.ecr.region, image.ecr.partition)
    return symptom.host or image.host


def who_answered(symptom: Symptom, image: ImageReference) -> str:
    """The same as sentences name it, with the doubt that a redirect leaves."""
    redirected = symptom.host is None and symptom.phase == "download"
    return f"{image.host}, or the storage behind it," if redirected else answering(symptom, image)


def slowed_down(message: str) -> bool:
    """Whether S3 took no more requests at the time; nothing of the repository is behind that.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/http-503-service-unavailable.html
    """
    return bool(_SLOW_DOWN.search(hide_names(message)))
