"""Host, address, resolver, status, denial, digest, platform: each only as far as the text proves it."""

import pytest

from pull_doctor.intake.symptoms import read_symptom

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:sts::123456789012:assumed-role/web-execution/0f1e"
DIGEST = "sha256:" + "3c" * 32
PULL = "CannotPullContainerError: "
SEEKER = "failed to copy: httpReadSeeker: failed open: "


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
        ("Get https://hub/v2/: dial tcp: lookup hub on 10.0.0.2:53: no such host", "hub", None, None),
        ("Get https://hub:5000/v2/: EOF", "hub", None, 5000),
        # The token was asked for inside the request that needed it.
        (
            'Head "https://registry-1.docker.io/v2/a/manifests/5": Get "https://auth.docker.io/token?scope=a": EOF',
            "auth.docker.io",
            None,
            None,
        ),
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
        ("pulling from host quay.io:8443 failed with status code [manifests 5]: 403 Forbidden", "quay.io", None, 8443),
        ("pulling from host quay.io failed with status code [blobs sha256:1]: 403 Forbidden", None, None, None),
        ("unexpected status from GET request to https://ghcr.io/token?scope=a: 401", "ghcr.io", None, None),
        ("unexpected status from GET request to https://ghcr.io/tokenless/a: 401", None, None, None),
        # A log line writes the quotation marks of JSON.
        (r"Get \"https://ghcr.io/v2/\": dial tcp 140.82.1.1:443: i/o timeout", "ghcr.io", "140.82.1.1", 443),
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
        ("no matching manifest for unknown in the manifest list entries", None, None),
        ("does not match the specified platform: wanted linux/arm64, actual: linux/amd64", None, "linux/arm64"),
        ("its platform (linux/amd64) does not match the specified platform (linux/arm64)", None, "linux/arm64"),
    ],
)
def test_digest_and_platform(text: str, digest: str | None, platform: str | None) -> None:
    symptom = read_symptom(f"{PULL}{text}")
    assert (symptom.digest, symptom.platform) == (digest, platform)


@pytest.mark.parametrize(
    ("text", "connected"),
    [
        ("CannotPullContainerError: Get https://quay.io/v2/: net/http: TLS handshake timeout", True),
        ("CannotPullContainerError: read tcp 10.0.1.5:40112->52.1.1.1:443: read: connection timed out", True),
        ("CannotPullContainerError: write tcp 10.0.1.5:40112->52.1.1.1:443: write: broken pipe", True),
        ("CannotPullContainerError: dial tcp 52.1.1.1:443: i/o timeout", None),
        # The connection that stood was the name server's.
        (
            "CannotPullContainerError: lookup ghcr.io on 10.0.0.2:53: read tcp 10.0.1.5:40->10.0.0.2:53: i/o timeout",
            None,
        ),
    ],
)
def test_a_connection_that_stood(text: str, connected: bool | None) -> None:  # noqa: FBT001 - what the text shows
    assert read_symptom(text).connected is connected


@pytest.mark.parametrize(
    ("text", "resolver"),
    [
        ("dial tcp: lookup ghcr.io on 10.0.0.2:53: no such host", "10.0.0.2"),
        ("lookup ghcr.io on 10.0.0.2:53: read udp 10.0.1.5:40112->10.0.0.2:53: i/o timeout", "10.0.0.2"),
        ("dial tcp: lookup ghcr.io. on [fd00:ec2:0:0::253]:53: server misbehaving", "fd00:ec2::253"),
        (
            "proxyconnect tcp: dial tcp: lookup proxy.acme.example on 169.254.169.253:53: no such host",
            "169.254.169.253",
        ),
        ("dial tcp: lookup ghcr.io: no such host", None),
        # Cut in the middle of the address, or no address at all.
        ("dial tcp: lookup ghcr.io on 172.31.0...", None),
        ("dial tcp: lookup ghcr.io on 10.0.0.25", None),
        ("dial tcp: lookup ghcr.io on 999.0.0.2:53: no such host", None),
        ("dial tcp 10.0.0.2:443: i/o timeout", None),
    ],
)
def test_which_name_server_a_failed_lookup_asked(text: str, resolver: str | None) -> None:
    assert read_symptom(f"{PULL}{text}").resolver == resolver
