"""What texts prove: the symptom table against its own examples, against look-alikes, and against real texts."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.intake.other_stops import OTHER_STOPS
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.symptom_rules import RULES, Rule
from pull_doctor.intake.symptoms import MAX_TEXT, matching_rule, read_symptom

MESSAGES = Path(__file__).parents[3] / "shared" / "corpus" / "messages.jsonl"

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:sts::123456789012:assumed-role/web-execution/0f1e"
DIGEST = "sha256:" + "3c" * 32
PULL = "CannotPullContainerError: "
SEEKER = "failed to copy: httpReadSeeker: failed open: "
LOGIN = "ResourceInitializationError: unable to pull secrets or registry auth: "


@pytest.mark.parametrize("rule", RULES + OTHER_STOPS, ids=lambda rule: f"{rule.kind}: {rule.pattern.pattern[:40]}")
def test_each_example_meets_its_own_rule_first(rule: Rule) -> None:
    assert matching_rule(rule.example) is rule
    symptom = read_symptom(rule.example)
    assert symptom.kind == rule.kind
    assert symptom.phase == (rule.phase or rule.within or symptom.phase)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.kind}: {rule.pattern.pattern[:40]}")
def test_wrapping_and_typography_change_nothing(rule: Rule) -> None:
    wrapped = rule.example.replace("'", "\u2019").replace(" ", " \n ").upper().lower()
    assert read_symptom(wrapped).kind == rule.kind


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
        "Service Connect: connection refused",
        "hello",
    ],
)
def test_look_alikes_are_no_pull_failure(text: str) -> None:
    assert read_symptom(text) == Symptom(phase="unknown", kind="not-a-pull-failure")


@pytest.mark.parametrize("text", ["Task failed to start", " Task failed\nto start. ", "Taskfailedtostart", ""])
def test_a_text_that_says_nothing_is_undetermined(text: str) -> None:
    assert read_symptom(text) == Symptom(phase="unknown", kind="undetermined")


@pytest.mark.parametrize(
    ("text", "host", "address", "port"),
    [
        (f'Head "https://{ECR}/v2/web/manifests/5": dial tcp 10.0.3.4:443: i/o timeout', ECR, "10.0.3.4", 443),
        (f"Get https://{ECR}/v2/: net/http: request canceled", ECR, None, None),
        (
            'Post "https://api.ecr.eu-west-1.amazonaws.com/": dial tcp 52.95.1.1:443: i/o timeout',
            "api.ecr.eu-west-1.amazonaws.com",
            "52.95.1.1",
            443,
        ),
        ('Get "https://ghcr.io:8443/v2/": dial tcp [2606:50c0::1]:8443: i/o timeout', "ghcr.io", "2606:50c0::1", 8443),
        ('Get "https://ghcr.io:8443/v2/": EOF', "ghcr.io", None, 8443),
        (
            'Get "https://ghcr.io/v2/": read tcp 10.0.1.5:40312->140.82.1.1:443: read: connection reset by peer',
            "ghcr.io",
            "140.82.1.1",
            443,
        ),
        # Fargate prints the image in place of the URL of a layer.
        (
            (f"{SEEKER}failed to do request: Get {ECR}/web:5: dial tcp 52.218.1.1:443: i/o timeout"),
            None,
            "52.218.1.1",
            443,
        ),
        ("dial tcp: lookup ghcr.io on 10.0.0.2:53: no such host", "ghcr.io", None, None),
        ("dial tcp: lookup ghcr.io.: no such host", "ghcr.io", None, None),
        # The address is the resolver's.
        ("dial tcp: lookup ghcr.io on 10.0.0.2:53: dial tcp 10.0.0.2:53: i/o timeout", "ghcr.io", None, None),
        # The proxy was dialled, not the registry.
        (
            f"Get https://{ECR}/v2/: proxyconnect tcp: dial tcp 10.9.0.1:3128: connect: connection refused",
            None,
            "10.9.0.1",
            3128,
        ),
        # A blob's URL leads elsewhere.
        (
            (f"{SEEKER}unexpected status code https://{ECR}/v2/web/blobs/sha256:1: 403 Forbidden"),
            None,
            None,
            None,
        ),
        (f"unexpected status code https://{ECR}/v2/web/manifests/5: 403 Forbidden", ECR, None, None),
        (
            f"unexpected status from HEAD request to https://{ECR}/v2/web/blobs/sha256:1: 403 Forbidden",
            None,
            None,
            None,
        ),
        # Cut in the middle of a name, an address, or a port.
        ("Post https://api.ecr....", None, None, None),
        ("Head https://registry-1.doc", None, None, None),
        ('Get "https://ghcr.io/v2/": dial tcp 140.82.1', "ghcr.io", None, None),
        ('Get "https://ghcr.io/v2/": dial tcp 140.82.1.1:44', "ghcr.io", "140.82.1.1", None),
        ('Get "https://ghcr.io/v2/": dial tcp 999.82.1.1:443: i/o timeout', "ghcr.io", None, None),
    ],
)
def test_where_the_connection_went(text: str, host: str | None, address: str | None, port: int | None) -> None:
    symptom = read_symptom(f"{PULL}{text}")
    assert (symptom.host, symptom.address, symptom.port) == (host, address, port)


@pytest.mark.parametrize(
    ("tail", "denied_by", "explicit"),
    [
        (" because no identity-based policy allows the ecr:BatchGetImage action", "identity-policy", False),
        (" because no resource-based policy allows the ecr:BatchGetImage action", "resource-policy", False),
        (" because no VPC endpoint policy allows the ecr:BatchGetImage action", "endpoint-policy", False),
        (" because no permissions boundary allows the ecr:BatchGetImage action", "permissions-boundary", False),
        (" because no session policy allows the ecr:BatchGetImage action", "session-policy", False),
        (" with an explicit deny in a VPC endpoint policy", "endpoint-policy", True),
        (
            " with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/x",
            "identity-policy",
            True,
        ),
        (" with an explicit deny in a service control policy", "service-control-policy", True),
        (" with an explicit deny in a resource control policy", "resource-control-policy", True),
        (" with an explicit deny", None, True),
        ("", None, False),
    ],
)
def test_who_was_denied_what_by_which_layer(tail: str, denied_by: str | None, *, explicit: bool) -> None:
    text = (
        "CannotPullContainerError: Error response from daemon: pull access denied for web: denied: "
        f"User: {ROLE} is not authorized to perform: ecr:BatchGetImage on resource: "
        f"arn:aws:ecr:eu-west-1:123456789012:repository/web{tail}"
    )
    symptom = read_symptom(text)
    assert symptom.kind == "auth-denied-ecr-permission"
    assert (symptom.principal, symptom.action) == (ROLE, "ecr:BatchGetImage")
    assert (symptom.denied_by, bool(symptom.explicit_deny)) == (denied_by, explicit)


@pytest.mark.parametrize(
    ("cut", "principal", "action"),
    [
        (f"User: {ROLE} is not authorized to perform: ecr:GetAuthorizationToken", ROLE, "ecr:GetAuthorizationToken"),
        (f"User: {ROLE} is not authorized to perform: ecr:GetAuthorizat", ROLE, None),
        (f"User: {ROLE} is not authori", None, None),
        (
            "User: arn:aws:sts::...:assumed-role/web... is not authorized to perform: ecr:BatchGetImage on r",
            None,
            "ecr:BatchGetImage",
        ),
    ],
)
def test_a_cut_denial_claims_no_half_names(cut: str, principal: str | None, action: str | None) -> None:
    symptom = read_symptom(f"CannotPullECRContainerError: AccessDeniedException: {cut}")
    assert symptom.kind == "auth-denied-ecr-permission"
    assert (symptom.principal, symptom.action) == (principal, action)


def test_the_role_that_could_not_be_assumed_is_named() -> None:
    role = "arn:aws:iam::123456789012:role/team/web-task"
    symptom = read_symptom(f"ECS was unable to assume the role '{role}' that was provided for this task.")
    assert (symptom.kind, symptom.principal) == ("role-assume-failure", role)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (f"unexpected status from HEAD request to https://{ECR}/v2/web/manifests/5: 403 Forbidden", 403),
        ("unexpected status code https://ghcr.io/v2/web/manifests/5: 429 Too Many Requests", 429),
        ("received unexpected HTTP status: 503 Service Unavailable", 503),
        ("AccessDeniedException: no, status code: 400, request id: 1", 400),
        ("https response error StatusCode: 0, RequestID: , request send failed", None),
        ("API error (500): Get https://ghcr.io/v2/: EOF", None),
        (f"failed to resolve ref {ECR}/web:404: not found", None),
    ],
)
def test_http_status(text: str, status: int | None) -> None:
    assert read_symptom(f"{PULL}{text}").http_status == status


@pytest.mark.parametrize(
    ("text", "digest", "platform"),
    [
        (f"failed to resolve ref {ECR}/web:5@{DIGEST}: not found", DIGEST, None),
        (f"failed to resolve ref {ECR}/web@{DIGEST[:-3]}", None, None),
        (f"failed to extract layer {DIGEST}: unexpected EOF", None, None),
        ("image Manifest does not contain descriptor matching platform 'linux/arm64 v8'.", None, "linux/arm64 v8"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", None, "linux/arm64/v8"),
        (
            "no matching manifest for windows/amd64 10.0.20348 in the manifest list entries",
            None,
            "windows/amd64 10.0.20348",
        ),
        ("descriptor matching platform \u2019linux/amd64\u2019.", None, "linux/amd64"),
        ("failed to find a descriptor for platform {linux/amd64}", None, "linux/amd64"),
        ('image operating system "linux" cannot be used on this platform', None, None),
    ],
)
def test_digest_and_platform(text: str, digest: str | None, platform: str | None) -> None:
    symptom = read_symptom(f"{PULL}{text}")
    assert (symptom.digest, symptom.platform) == (digest, platform)


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_raises(text: str) -> None:
    for start in ("", "CannotPullContainerError: ", LOGIN):
        read_symptom(start + text)


@pytest.mark.parametrize(
    "rule",
    [rule for rule in RULES if rule.example.startswith("CannotPull")],
    ids=lambda rule: f"{rule.kind}: {rule.pattern.pattern[:40]}",
)
def test_a_text_cut_anywhere_keeps_naming_a_pull(rule: Rule) -> None:
    for length in range(len("CannotPull"), len(rule.example)):
        assert read_symptom(rule.example[:length]).kind not in ("not-a-pull-failure", "undetermined")


PIECES = [
    *(rule.example for rule in RULES),
    "failed open: https://",
    "lookup a.",
    "User: arn:",
    "repository with name ",
    "CannotPull",
    'Get "https://a.a.a.a.',
    "media type ",
    "dial tcp 1.1.1.1:",
    " ",
    "'",
    "received status ",
]


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece[:30])
def test_a_megabyte_of_anything_is_read_at_once(piece: str) -> None:
    text = "CannotPullContainerError: " + piece * (1_000_000 // len(piece))
    assert len(text) > MAX_TEXT
    start = time.perf_counter()
    read_symptom(text)
    assert time.perf_counter() - start < 1


def real_messages() -> list[dict[str, Any]]:
    if not MESSAGES.exists():
        pytest.skip("the collection of real messages is not beside this project")
    return [json.loads(line) for line in MESSAGES.read_text(encoding="utf-8").splitlines()]


def test_real_messages_are_read_right() -> None:
    rows = real_messages()
    right = {row["id"]: read_symptom(row["message"]).kind in {row["kind"], *row["also-right"]} for row in rows}
    sure = [right[row["id"]] for row in rows if row["confidence"] != "guess"]
    assert sum(sure) / len(sure) >= 0.98, [row for row, is_right in right.items() if not is_right]


def test_no_real_message_is_taken_for_a_pull_failure_or_the_reverse() -> None:
    rows = [row for row in real_messages() if row["confidence"] != "guess"]
    other = {row["id"] for row in rows if row["kind"] == "not-a-pull-failure"}
    read_so = {row["id"] for row in rows if read_symptom(row["message"]).kind == "not-a-pull-failure"}
    assert read_so == other


@pytest.mark.parametrize(
    ("text", "connected"),
    [
        ("CannotPullContainerError: Get https://quay.io/v2/: net/http: TLS handshake timeout", True),
        ("CannotPullContainerError: read tcp 10.0.1.5:40112->52.1.1.1:443: read: connection timed out", True),
        ("CannotPullContainerError: dial tcp 52.1.1.1:443: i/o timeout", None),
    ],
)
def test_a_connection_that_stood(text: str, connected: bool | None) -> None:  # noqa: FBT001 - what the text shows
    assert read_symptom(text).connected is connected
