"""What ECS says of each failure, in the forms that real Fargate tasks show."""

from __future__ import annotations

S3_ADDRESS = "52.217.68.12"
"""In the emulator's S3 prefix list."""
HUB_ADDRESS = "54.227.20.253"
ECR_ADDRESS = "34.255.83.146"
STORE_ADDRESS = "52.94.212.47"
"""Of Secrets Manager."""

_SIGN_IN_REFUSED = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable "
    "to retrieve ecr registry auth: service call has been retried 1 time(s): AccessDeniedException:"
)
_CONNECTION_ISSUE = (
    "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from "
    "Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration. "
    "operation error ECR: GetAuthorizationToken, exceeded maximum number of attempts, 3, https response error "
    "StatusCode: 0, RequestID: , request send failed,"
)
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
    url = f"https://api.ecr.{host.split('.')[3]}.amazonaws.com/"
    return f'{_CONNECTION_ISSUE} Post "{url}": dial tcp {api}:443: i/o timeout'


def manifest_timeout(image: str, address: str = ECR_ADDRESS) -> str:
    """The registry does not answer the request for the manifest."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    url = f"https://{host}/v2/{repository}/manifests/{tag}"
    return f'{_RETRIED} {image}: failed to do request: Head "{url}": dial tcp {address}:443: i/o timeout'


def unreachable(image: str) -> str:
    """The host of the registry has IPv4 addresses alone, and the task has none: the kernel knows no way."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    url = f"https://{host}/v2/{repository}/manifests/{tag}"
    return (
        f'{_RETRIED} {image}: failed to do request: Head "{url}": dial tcp {ECR_ADDRESS}:443: connect: '
        "network is unreachable"
    )


def layers_timeout(image: str, platform_version: str = "1.4.0", address: str = S3_ADDRESS) -> str:
    """S3 does not answer; Fargate prints the image in the place of S3's signed URL, and Docker no host at all."""
    if platform_version != "1.4.0":
        return (
            "CannotPullContainerError: Error response from daemon: error pulling image configuration: download failed "
            f"after attempts=6: dial tcp {address}:443: i/o timeout"
        )
    return (
        "CannotPullContainerError: ref pull has been retried 7 time(s): failed to copy: httpReadSeeker: failed open: "
        f"failed to do request: Get {image}: dial tcp {address}:443: i/o timeout"
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


def endpoint_denied(image: str, role: str, action: str = "ecr:BatchGetImage") -> str:
    """AWS's own words for a request that no endpoint policy lets pass; ``role`` is the pulling role's ARN."""
    host, _, path = image.partition("/")
    repository = path.partition("@")[0].partition(":")[0]
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    sign_in = action == "ecr:GetAuthorizationToken"
    target = "*" if sign_in else f"arn:aws:ecr:{host.split('.')[3]}:{host.split('.')[0]}:repository/{repository}"
    refusal = (
        f"User: arn:aws:sts::{account}:assumed-role/{name}/0f4d is not authorized to perform: {action} on resource: "
        f"{target} because no VPC endpoint policy allows the {action} action"
    )
    return f"{_SIGN_IN_REFUSED} {refusal}" if sign_in else f"{_RETRIED} {image}: denied: {refusal}"


def sign_in_refused(role: str, reason: str) -> str:
    """AWS's own words for a refused sign-in; ``role`` is the signing role's ARN, ``reason`` their end."""
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    return (
        f"{_SIGN_IN_REFUSED} User: arn:aws:sts::{account}:assumed-role/{name}/0f4d is not authorized to perform: "
        f"ecr:GetAuthorizationToken on resource: * {reason}"
    )


def sign_in_denied() -> str:
    """A refused sign-in, cut before it says who refused it."""
    return f"{_SIGN_IN_REFUSED} User: arn:aws:sts::"


def layers_forbidden(image: str) -> str:
    """A layer is answered with 403; the address is the registry's, which hands out one of S3's."""
    host, _, path = image.partition("/")
    repository = path.partition("@")[0].partition(":")[0]
    return (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: "
        f"unexpected status code https://{host}/v2/{repository}/blobs/sha256:{'7a' * 32}: 403 Forbidden"
    )


def lookup_failed(image: str, resolver: str) -> str:
    """The name server does not answer for the registry's host."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    url = f"https://{host}/v2/{repository}/manifests/{tag}"
    return (
        f'{_RETRIED} {image}: failed to do request: Head "{url}": dial tcp: lookup {host} on {resolver}:53: '
        f"read udp 10.0.1.7:40112->{resolver}:53: i/o timeout"
    )


def refused(image: str, role: str, reason: str) -> str:
    """AWS's own words for a refused ``ecr:BatchGetImage``; ``role`` is the pulling role's ARN, ``reason`` their end."""
    host, _, path = image.partition("/")
    repository = path.partition("@")[0].partition(":")[0]
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    return (
        f"{_RETRIED} {image}: denied: User: arn:aws:sts::{account}:assumed-role/{name}/0f4d is not authorized to "
        f"perform: ecr:BatchGetImage on resource: arn:aws:ecr:{host.split('.')[3]}:{host.split('.')[0]}:repository/"
        f"{repository} {reason}"
    )


def role_not_assumed(role: str) -> str:
    """ECS could not assume a role; it does not say why, nor what the role is to the task."""
    return (
        f"ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role "
        "being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass "
        "this role."
    )


_NO_SECRET = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable "
    "to retrieve secret"
)


def secret_unavailable(why: str) -> str:
    """Secrets Manager does not give the value; ``why`` names the secret."""
    return f"{_NO_SECRET} from asm: service call has been retried 1 time(s): {why}"


def parameter_unavailable(name: str) -> str:
    """Systems Manager knows no such parameter."""
    return f"{_NO_SECRET}s from ssm: service call has been retried 1 time(s): invalid parameters: {name}"


def secret_cut_short() -> str:
    """The same of a secret, cut before it says why."""
    return f"{_NO_SECRET} from asm: service call has been retried"


def invalid_reference() -> str:
    """The image is no reference; the text does not repeat it."""
    return "CannotPullContainerError: Error response from daemon: invalid reference format"


def no_access(image: str) -> str:
    """Docker Hub hides whether it has the image; the image is written without its registry."""
    return (
        f"{_RETRIED} docker.io/{image}: pull access denied, repository does not exist or may require authorization: "
        "server message: insufficient_scope: authorization failed"
    )


def repository_unknown(image: str) -> str:
    """ECR knows no such repository."""
    host, _, path = image.partition("/")
    return (
        f"CannotPullContainerError: Error response from daemon: name unknown: The repository with name "
        f"'{path.rpartition(':')[0]}' does not exist in the registry with id '{host.split('.')[0]}'"
    )


def no_such_platform(platform: str) -> str:
    """The index has no manifest for the task's platform."""
    return (
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain "
        f"descriptor matching platform '{platform}'"
    )


def rate_limited(image: str) -> str:
    """Docker Hub's limit for those who do not sign in."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    url = f"https://{'registry-1.docker.io' if host == 'docker.io' else host}/v2/{repository}/manifests/{tag}"
    return (
        f"{_RETRIED} {image}: unexpected status from HEAD request to {url}: 429 Too Many Requests toomanyrequests: You "
        "have reached your unauthenticated pull rate limit."
    )


def secret_out_of_reach(arn: str, address: str = STORE_ADDRESS) -> str:
    """Secrets Manager does not answer."""
    return (
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
        "There is a connection issue between the task and AWS Secrets Manager. Check your task network configuration. "
        f"failed to fetch secret {arn} from secrets manager: operation error Secrets Manager: GetSecretValue, exceeded "
        "maximum number of attempts, 5, https response error StatusCode: 0, RequestID: , request send failed, Post "
        f'"https://secretsmanager.{arn.split(":")[3]}.amazonaws.com/": dial tcp {address}:443: i/o timeout'
    )


def parameters_out_of_reach() -> str:
    """Systems Manager does not answer, and the text shows no address."""
    return (
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secrets from ssm: "
        "There is a connection issue between the task and AWS Systems Manager. Check your task network configuration. "
        "RequestCanceled: request context canceled caused by: context deadline exceeded"
    )


def no_such_host(image: str, host: str | None = None) -> str:
    """The name server answers that there is no such name: of the registry, or of another host at the sign-in."""
    registry, _, path = image.partition("/")
    if host:
        return f'{_CONNECTION_ISSUE} Post "https://{host}/": dial tcp: lookup {host} on 10.0.0.2:53: no such host'
    repository, _, tag = path.rpartition(":")
    registry = "registry-1.docker.io" if registry == "docker.io" else registry
    url = f"https://{registry}/v2/{repository}/manifests/{tag}"
    return (
        f'{_RETRIED} {image}: failed to do request: Head "{url}": dial tcp: lookup {registry} on 10.0.0.2:53: '
        "no such host"
    )


def manifest_unknown(image: str) -> str:
    """ECR has the repository, and not the image."""
    return f"{_RETRIED} {image}: manifest unknown: Requested image not found"


def server_error(image: str) -> str:
    """ECR fails on the request for the manifest, and does not say why."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    url = f"https://{host}/v2/{repository}/manifests/{tag}"
    return f"{_RETRIED} {image}: unexpected status from HEAD request to {url}: 500 Internal Server Error"


def no_login(image: str) -> str:
    """Docker asks without credentials, since the agent of the instance has none to sign in with."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    url = f"https://{host}/v2/{repository}/manifests/{tag}"
    return f'CannotPullContainerError: Error response from daemon: Head "{url}": no basic auth credentials'


def login_expired(image: str) -> str:
    """The login that Docker holds is older than ECR's twelve hours."""
    host, _, path = image.partition("/")
    repository = path.rpartition(":")[0]
    return (
        f"CannotPullContainerError: Error response from daemon: pull access denied for {host}/{repository}, repository "
        "does not exist or may require 'docker login': denied: Your authorization token has expired. Reauthenticate "
        "and try again."
    )


def unauthorized(image: str) -> str:
    """A registry that knows the caller not, or not well enough; the image is written with its host."""
    host, _, path = image.partition("/")
    repository, _, tag = path.rpartition(":")
    url = f"https://{host}/v2/{repository}/manifests/{tag}"
    return f"{_RETRIED} {image}: unexpected status from HEAD request to {url}: 401 Unauthorized"


def login_unavailable(why: str) -> str:
    """Secrets Manager does not give the credentials of a registry; ``why`` names the secret."""
    return (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        f"unable to get registry auth from asm: service call has been retried 1 time(s): {why}"
    )
