"""What ECS's text proves without a read: how far the pull had come when it failed.

A pull goes through its phases in order, so the phase that failed shows that those before it worked.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import PHASES, REFUSALS, Kind, Symptom

_NO_LOGIN: tuple[Kind, ...] = (
    "auth-missing-credentials",
    "auth-token-expired",
    "role-assume-failure",
    "invalid-reference",
)
"""Kinds of text that show no login, in whatever phase: it is missing, or no registry was asked."""
_BEHIND_THE_RIGHTS: tuple[Kind, ...] = ("image-not-found", "repository-not-found", "platform-mismatch")
"""What ECR answers only to somebody who may read the repository."""


@dataclass(frozen=True, slots=True)
class Told:
    """What worked, as far as the text tells; ``False`` is "not told", never "did not work".

    ``role_assumed``: ECS had the pulling role's credentials. ``signed_in``: ECR had given its token.
    ``rights_held``: ECR had accepted the role's request for the manifest, and refused none for a layer.
    ``manifest_read``, ``layers_read``: the manifest, and every layer, had come. Only a pull from ECR shows the first
    three.
    """

    role_assumed: bool = False
    signed_in: bool = False
    rights_held: bool = False
    manifest_read: bool = False
    layers_read: bool = False


def tell(symptom: Symptom, image: ImageReference | None) -> Told:
    """Say how far the pull of this image had come."""
    place = PHASES.index(symptom.phase) if symptom.phase in PHASES else -1
    login_missing = symptom.kind in _NO_LOGIN
    in_ecr = image is not None and image.ecr is not None and not login_missing
    manifest = place >= PHASES.index("download") or symptom.kind == "platform-mismatch"
    session = ":assumed-role/" in (symptom.principal or "")
    return Told(
        role_assumed=session or (in_ecr and place >= PHASES.index("sign-in")),
        signed_in=in_ecr and place >= PHASES.index("resolve"),
        rights_held=in_ecr and symptom.kind not in REFUSALS and (manifest or symptom.kind in _BEHIND_THE_RIGHTS),
        manifest_read=manifest,
        layers_read=place >= PHASES.index("unpack"),
    )


def proofs(symptom: Symptom, image: ImageReference | None) -> tuple[str, ...]:
    """What the text proves, one sentence each, without the full stop."""
    told, said = tell(symptom, image), []
    repository = image.repository if image else "the image"
    if told.layers_read:
        said.append(f"ECS's text shows that the manifest and the layers of {repository} were downloaded")
    elif told.manifest_read:
        signed_in = "signing in to ECR and " if told.signed_in else ""
        said.append(f"ECS's text shows that {signed_in}reading the manifest of {repository} worked")
    elif told.rights_held:
        said.append(f"ECS's text shows that ECR accepted the sign-in and the request for {repository}")
    elif told.signed_in:
        said.append(f"ECS's text shows that signing in to ECR for {repository} worked")
    if symptom.host and symptom.address:
        said.append(f"ECS's text shows that {symptom.host} resolved to {symptom.address}")
    if symptom.connected and symptom.host:
        said.append(f"ECS's text shows that the connection to {symptom.host} stood before it failed")
    return tuple(said)
