"""Where else a missing image is: in the task's own registry, or on its way from the one that it was pushed to."""

from __future__ import annotations

from pull_doctor.causes.outcome import Evidence, Fix
from pull_doctor.causes.shared.image.images import label_of, place_of, put_away, suffix_of
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import EcrLookup
from pull_doctor.intake.image_reference import ImageReference, ecr_host
from pull_doctor.intake.task import Task
from pull_doctor.resource import Place, make
from pull_doctor.view.contents import Arriving

_SAID = {
    "IN_PROGRESS": "has not finished copying it ({status})",
    "FAILED": "could not copy it ({status}{code})",
    "COMPLETE": "says that it has copied it ({status})",
}


def own_name(task: Task, image: ImageReference) -> str:
    """The image's reference in the task's own account and Region, by a dual-stack name if it has one."""
    assert image.ecr is not None
    host = ecr_host(task.place.account, task.place.region, dual_stack=image.ecr.dual_stack)
    return f"{host}/{image.repository}{suffix_of(image)}"


def in_own_registry(task: Task, image: ImageReference, own: Fact[EcrLookup]) -> tuple[Evidence, ...]:
    """That the task's own account and Region have the repository, and whether they have the image."""
    if not isinstance(own, Known) or own.value.missing == "repository":
        return ()
    has = "has no" if own.value.missing else "has"
    away = f", which {state}" if (state := put_away(own.value.image)) else ""
    text = (
        f"repository {image.repository} exists in the task's own registry {task.place.account} ({task.place.region}), "
        f"and {has} {label_of(image)}{away}"
    )
    return (Evidence(text, "fact", (make(task.place, "AWS::ECR::Repository", image.repository),)),)


def own_fix(task: Task, image: ImageReference, own: Fact[EcrLookup], *, whole: bool) -> tuple[Fix, ...]:
    """Name the task's own registry instead, where it has the repository, and with ``whole`` the image, too."""
    if not isinstance(own, Known) or own.value.missing == "repository":
        return ()
    if whole and (own.value.missing or put_away(own.value.image)):
        return ()
    text = f"name {own_name(task, image)} in the task definition, if that is the one you meant"
    return (Fix(text, "your-call", task.place.account, task.place.region),)


def another_registry(task: Task, image: ImageReference) -> str:
    """One sentence that says where the task runs, if the image's registry is of another account or Region."""
    assert image.ecr is not None
    account, region = task.place.account, task.place.region
    if (image.ecr.account, image.ecr.region) == (account, region):
        return ""
    if image.ecr.account == account:
        return f" The registry is in {image.ecr.region}; the task itself runs in {region}."
    return f" The registry is account {image.ecr.account}'s; the task itself runs in account {account} ({region})."


def on_its_way(arriving: Fact[Arriving | None]) -> Arriving | None:
    """The copy that has not arrived; ``None`` where none is known, or where it is said to have arrived."""
    found = arriving.value if isinstance(arriving, Known) else None
    return found if found and found.copy.status != "COMPLETE" else None


def copied_from(image: ImageReference, arriving: Fact[Arriving | None]) -> tuple[Evidence, ...]:
    """What the registry that the image was pushed to says of the copy."""
    if not isinstance(arriving, Known) or arriving.value is None:
        return ()
    assert image.ecr is not None
    source, copy = arriving.value, arriving.value.copy
    code = f", {copy.failure}" if copy.failure else ""
    said = _SAID.get(copy.status, "gives the copy as {status}").format(status=copy.status, code=code)
    text = f"registry {source.account} ({source.region}) has {label_of(image)}, replicates it to {place_of(image)}, and"
    place = Place(image.ecr.partition, source.account, source.region)
    return (Evidence(f"{text} {said}", "fact", (make(place, "AWS::ECR::Repository", image.repository),)),)


def copy_fixes(task: Task, image: ImageReference, copying: Arriving) -> tuple[Fix, ...]:
    """Wait for the copy, or have it made anew; or pull from where the image is.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
    """
    account, region = copying.account, copying.region
    assert image.ecr is not None
    host = ecr_host(account, region, dual_stack=image.ecr.dual_stack)
    source = f"{host}/{image.repository}{suffix_of(image)}"
    first = (
        f"push the image to registry {account} ({region}) again, which copies it anew"
        if copying.copy.status == "FAILED"
        else "wait until the copy has arrived; ECS's next try finds it then"
    )
    return (
        Fix(first, "your-call", account, region),
        Fix(
            f"name {source} in the task definition, if the task may pull from there",
            "your-call",
            account,
            region,
            cost="data transfer between Regions, for each pull" if region != task.place.region else None,
        ),
    )
