"""What texts prove: phases, kinds that are easily mixed up, look-alikes, and texts that say nothing."""

import pytest

from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.symptoms import read_symptom

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "3c" * 32
PULL = "CannotPullContainerError: "
SEEKER = "failed to copy: httpReadSeeker: failed open: "
LOGIN = "ResourceInitializationError: unable to pull secrets or registry auth: "


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        (f"{LOGIN}unable to retrieve ecr registry auth: service call was retried: RequestError", "sign-in"),
        (f"{LOGIN}operation error ECR: GetAuthorizationToken, StatusCode: 0, request send failed", "sign-in"),
        ("CannotPullECRContainerError: RequestError: send request failed", "sign-in"),
        (f"{LOGIN}unable to retrieve secret from asm: RequestError: send request failed", "prepare"),
        ("ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web' that was provided", "prepare"),
        (
            (
                f"{PULL}pull image manifest has been retried 7 time(s): failed to resolve ref {ECR}/web:5: "
                f"unexpected status from HEAD request to https://{ECR}/v2/web/blobs/{DIGEST}: 403 Forbidden"
            ),
            "resolve",
        ),
        (f'{PULL}Error response from daemon: Head "https://{ECR}/v2/web/manifests/5": EOF', "resolve"),
        (
            (
                f"{PULL}ref pull has been retried 7 time(s): {SEEKER}"
                f"failed to do request: Get {ECR}/web:5: dial tcp 52.218.1.1:443: i/o timeout"
            ),
            "download",
        ),
        ("CannotPullContainerError: failed to register layer: unexpected EOF", "unpack"),
        (f"{PULL}ref pull has been retried 1 time(s): failed to extract layer sha256:1: gzip: invalid", "unpack"),
        (f"{LOGIN}pull command failed: : signal: killed", "unknown"),
    ],
)
def test_phases(text: str, phase: str) -> None:
    assert read_symptom(text).phase == phase


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # A number behind a colon is a tag or a port, not a status.
        (f"{PULL}failed to resolve ref {ECR}/web:429: not found", "image-not-found"),
        (f"{PULL}failed to resolve ref {ECR}/web:403: not found", "image-not-found"),
        (f"{PULL}failed to resolve ref {ECR}/web:500: not found", "image-not-found"),
        (
            (
                f"{PULL}ref pull has been retried 1 time(s): {SEEKER}"
                f"failed to do request: Get {ECR}/web:404: dial tcp 52.218.1.1:443: connect: connection refused"
            ),
            "connection-refused-or-reset",
        ),
        # The daemon's own 500 is not the registry's.
        (
            f"{PULL}API error (500): Get https://{ECR}/v2/: unauthorized: authentication required",
            "registry-access-denied",
        ),
        # Permission on a file is none in a registry.
        (
            "CannotPullContainerError: failed to register layer: lchown /etc: permission denied",
            "layer-corrupt-or-extract-failure",
        ),
        # What the lower layer said stands above ECS's own sentence.
        (
            (
                f"{PULL}The task can\u2019t pull the image. Check your network configuration. Error response "
                "from daemon: manifest unknown"
            ),
            "image-not-found",
        ),
        (
            (
                f"{PULL}The task can\u2019t pull the image. Check whether the image exists. Error response "
                "from daemon: pull access denied for acme/web"
            ),
            "registry-access-denied",
        ),
        (f"{LOGIN}unable to retrieve secrets from ssm: ThrottlingException: Rate exceeded", "secret-unavailable"),
        (
            "DockerTimeoutError: Could not transition to MANIFEST_PULLED; timed out after waiting 1m",
            "image-too-large-or-pull-timeout",
        ),
        ("CannotPullContainerError", "other-pull-failure"),
        ("CannotPullContainerError: Error respo", "other-pull-failure"),
        ("CannotPullSomethingNewError: said nowhere yet", "other-pull-failure"),
        (f"{LOGIN}AccessDeniedException: User: arn", "other-pull-failure"),
    ],
)
def test_kinds_that_are_easily_mixed_up(text: str, kind: str) -> None:
    assert read_symptom(text).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        (
            "(service CannotPullContainerError) was unable to place a task because no container instance met all of "
            "its requirements."
        ),
        "(service web-CannotPullContainerError-1) has reached a steady state.",
        "error transitioning container [CannotPullContainerError] to [STOPPED]: timed out",
        "Task failed container health checks",
        "Health check timed out",
        "OutOfMemoryError: Container killed due to memory usage",
        "ResourceInitializationError: failed to validate logger args: signal: killed",
        "resourceinitializationerror: failed to invoke EFS utils commands: dial tcp: lookup fs-1.efs: no such host",
        "CannotStartContainerError: OCI runtime create failed: image manifest pull",
        "TaskStoppedBeforePullBeginError: Task stopped before image pull could begin for task: stopped by user",
        "DockerTimeoutError: Could not transition to stopped; timed out after waiting 1m0s",
        "exec /bin/web: exec format error",
        "Error response from daemon: OCI runtime create failed: exec: web: not found",
        "Error response from daemon: failed to create shim task: no space left on device",
        "Error response from daemon: oci: starting container process caused: exec: registry: not found",
        "Error response from daemon: failed to initialize logging driver: dial tcp 10.0.0.1:443: i/o timeout",
        "Error response from daemon: error while mounting volume: mount.nfs: connection refused",
        "Error response from daemon: No such container: 0f1e",
        "Error response from daemon: driver failed programming external connectivity: port is already allocated",
        "Error response from daemon: network shop_default not found",
        'Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /data',
        "The instance could not be added to the service registry.",
        'Failed to resolve "fs-0a1b.efs.eu-west-1.amazonaws.com" - check that your file system ID is correct',
        "CannotStopContainerError: Error response from daemon: the registry is gone",
        "Essential container in task exited: manifest.json is missing",
        "ContainerRuntimeTimeoutError: Could not transition to running: failed to copy: EOF",
        "ResourceInitializationError: failed to invoke EFS utils commands: failed to copy the state: EOF",
        "Task failed container health checks: the registry answers 503 Service Unavailable",
        "Task stopped by user: pull request 12 is closed",
        "(service web) failed to register targets in (target-group x) with (error manifest)",
        "(service web) registered 1 targets in (target-group x) for the registry",
        "Container instance deregistration forced by user: new registry",
        "failed to download env files: Get https://bucket.s3.eu-west-1.amazonaws.com/v2/: EOF",
        "Service Connect: connection refused",
        "npm ERR! 404 Not Found - GET https://registry.npmjs.example/left-pad",
        "The specified cluster is not found.",
        "hello",
    ],
)
def test_look_alikes_are_no_pull_failure(text: str) -> None:
    assert read_symptom(text) == Symptom(phase="unknown", kind="not-a-pull-failure")


@pytest.mark.parametrize(
    "text",
    [
        *("Task failed to start", " Task failed\nto start. ", "Taskfailedtostart", "TaskFailedToStart: ", ""),
        "(service web) was unable to place a task. Reason: Task failed to start.",
    ],
)
def test_a_text_that_says_nothing_is_undetermined(text: str) -> None:
    assert read_symptom(text) == Symptom(phase="unknown", kind="undetermined")


@pytest.mark.parametrize(
    "said",
    [
        (
            "EC2RoleRequestError: no EC2 instance role found caused by: RequestError: send request failed caused by: "
            'Get "http://169.254.169.254/latest/meta-data/iam/": dial tcp 169.254.169.254:80: i/o timeout'
        ),
        (
            "operation error ECR: GetAuthorizationToken, get identity: get credentials: failed to refresh cached "
            "credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, context deadline exceeded"
        ),
    ],
)
def test_credentials_that_the_host_does_not_give_are_no_fault_of_the_network(said: str) -> None:
    symptom = read_symptom(f"CannotPullECRContainerError: {said}")
    assert (symptom.phase, symptom.kind) == ("sign-in", "auth-missing-credentials")
