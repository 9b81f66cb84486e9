"""What ECS says of each failure, in the forms that real Fargate tasks show."""

from __future__ import annotations

S3_ADDRESS = "52.217.68.12"
"""In the emulator's S3 prefix list."""
HUB_ADDRESS = "54.227.20.253"
ECR_ADDRESS = "34.255.83.146"

_RETRIED = "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref"


def timeout(image: str, platform_version: str, api: str = ECR_ADDRESS, dkr: str = ECR_ADDRESS) -> str:
    """Nothing answers: at the sign-in for an image of ECR, else at the manifest; ``api`` and ``dkr`` are addresses.

    Before platform version 1.4.0 Docker pulled, and Fargate signed in by an interface of its own.
    """
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    of_ecr = ".dkr.ecr." in host
    host = "registry-1.docker.io" if host == "docker.io" else host
    dialled = f"{dkr if of_ecr else HUB_ADDRESS}:{host.partition(':')[2] or 443}"
    if platform_version != "1.4.0":
        url = f"https://{host}/v2/"
        return f'CannotPullContainerError: Error response from daemon: Get "{url}": dial tcp {dialled}: i/o timeout'
    if not of_ecr:
        url = f"https://{host}/v2/{repository}/manifests/{tag}"
        return f'{_RETRIED} {image}: failed to do request: Head "{url}": dial tcp {dialled}: i/o timeout'
    return (
        "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from "
        "Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network "
        "configuration. operation error ECR: GetAuthorizationToken, exceeded maximum number of attempts, 3, https "
        "response error StatusCode: 0, RequestID: , request send failed, Post "
        f'"https://api.ecr.{host.split(".")[3]}.amazonaws.com/": dial tcp {api}:443: i/o timeout'
    )


def layers_timeout(image: str) -> str:
    """S3 does not answer; Fargate prints the image in the place of S3's signed URL."""
    return (
        "CannotPullContainerError: ref pull has been retried 7 time(s): failed to copy: httpReadSeeker: failed open: "
        f"failed to do request: Get {image}: dial tcp {S3_ADDRESS}:443: i/o timeout"
    )


def forbidden(image: str) -> str:
    """The registry answers 403, which has many meanings."""
    host, tag = image.partition("/")[0], image.rpartition(":")[2]
    return f"{_RETRIED} {image}: pulling from host {host} failed with status code [manifests {tag}]: 403 Forbidden"


def denied(image: str, account: str, role: str, task: str) -> str:
    """AWS's own words for a refused ``ecr:BatchGetImage``, which prove what was true when the pull failed."""
    host, _, path = image.partition("/")
    owner, region = host.split(".")[0], host.split(".")[3]
    repository = path.partition("@")[0].partition(":")[0]
    return (
        f"{_RETRIED} {image}: denied: User: arn:aws:sts::{account}:assumed-role/{role}/{task} is not authorized to "
        f"perform: ecr:BatchGetImage on resource: arn:aws:ecr:{region}:{owner}:repository/{repository} "
        "because no identity-based policy allows the ecr:BatchGetImage action"
    )


def not_found(image: str) -> str:
    """The registry knows no such image."""
    return f"{_RETRIED} {image}: {image}: not found"


def cut_short(image: str) -> str:
    """The same, cut before it says why."""
    return f"{_RETRIED} {image}"
