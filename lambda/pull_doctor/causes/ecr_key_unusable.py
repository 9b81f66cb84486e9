"""The KMS key that encrypts the repository is disabled, being deleted, or gone.

A repository that was made with a customer's KMS key keeps its images encrypted with it. ECR decrypts the layers for
whoever pulls, by a grant of its own on the key: the pulling role needs no right on it. While the key is not enabled,
ECR can neither store nor give an image of this repository, and answers KmsError or a server error. A grant that was
revoked has the same effect, and does not show. AES256, and AWS's own key aws/ecr, need nothing.

What mends it: the key enabled again, its deletion canceled first. A key that is gone takes the images with it.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.host.answering import slowed_down
from pull_doctor.causes.shared.image.images import place_of, repository_of
from pull_doctor.causes.shared.secrets.keys import UNUSABLE, usable_again
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import Key, Repository
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.resource import Place, Resource, make

_USABLE = ("Enabled", "Updating")


def check(
    *,
    symptom: Symptom,
    message: str,
    image: ImageReference,
    ecr_repository: Fact[Repository | None],
    ecr_key: Fact[Key | None],
) -> Outcome:
    repository, where = repository_of(image), place_of(image)
    if isinstance(ecr_repository, Unknown):
        if ecr_repository.why == "prerequisite":
            return Ok(f"ECS's text tells of {symptom.kind} in phase {symptom.phase}, not of the repository's key")
        return Undetermined((ecr_repository,))
    if ecr_repository.value is None:
        return NotApplicable(f"repository {where} does not exist")
    details = ecr_repository.value
    if details.key is None:
        return Ok(f"{details.encryption} encrypts repository {where}, without a KMS key")
    if isinstance(ecr_key, Unknown):
        return Undetermined((ecr_key,))
    key, named = ecr_key.value, f"KMS key {details.key}"
    if key and (key.manager == "AWS" or key.state in _USABLE):
        if symptom.kind != "kms-denied":
            whose = "AWS's own " if key.manager == "AWS" else ""
            return Ok(f"{whose}{named} of repository {where} is {key.state}")
        detail = f"the key is {key.state}; whether the grant that ECR needs on it still stands is not read"
        return Undetermined((Unknown(f"ECR's grant on {named}", "not-visible", resource=details.key, detail=detail),))
    if key and key.state not in UNUSABLE:
        detail = f"the key is {key.state}"
        return Undetermined(
            (Unknown(f"whether ECR can use {named}", "not-modelled", "kms:DescribeKey", detail=detail),)
        )
    state = UNUSABLE[key.state] if key else "does not exist"
    item = _resource(image, key.arn if key else details.key)
    said = Evidence(f"ECS's text says that KMS refused the key of repository {image.repository}", "text", (repository,))
    return Problem(
        title=f"KMS key of the repository {state}",
        explanation=(
            f"Repository {where} is encrypted with {named}, which {state}. ECR cannot decrypt what is stored there, so "
            "that nobody can pull from it."
        ),
        culprit=item,
        evidence=(
            *([said] if symptom.kind == "kms-denied" else []),
            Evidence(f"{named} encrypts repository {where}", "fact", (repository, item)),
            Evidence(f"{named} {state}" + (f" (state {key.state})" if key else ""), "fact", (item,)),
        ),
        fixes=(_fix(image, key),),
        shown=not slowed_down(message),
    )


def _resource(image: ImageReference, arn: str) -> Resource:
    assert image.ecr is not None
    _, partition, _, region, account, name = arn.split(":", 5)
    return make(Place(partition, account, region), "AWS::KMS::Key", name.removeprefix("key/"))


def _fix(image: ImageReference, key: Key | None) -> Fix:
    assert image.ecr is not None
    if key is None:
        text = f"make a repository with another key, push the image to it, and name it instead of {image.repository}"
        return Fix(text, "your-call", image.ecr.account, image.ecr.region)
    return usable_again(key)
