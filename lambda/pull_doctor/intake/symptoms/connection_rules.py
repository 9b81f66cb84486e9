"""What the caller says of the connection, and what stands before any connection: keys, roles, and secrets.

Texts: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
"""

from __future__ import annotations

from pull_doctor.intake.symptoms.rule import Rule, rule

ON_THE_HOST: tuple[Rule, ...] = (
    rule(
        "daemon-or-agent-fault",
        r"pull command failed: panic: runtime error",
        "CannotPullContainerError: pull command failed: panic: runtime error: invalid memory address or nil pointer "
        "dereference",
        phase="download",
    ),
    rule(
        "daemon-or-agent-fault",
        r"panic: runtime error|nil pointer dereference|cannot connect to the docker daemon|dial unix|unix:/"
        r"|error during connect|daemon is (?:shutting down|not running)",
        "CannotPullContainerError: rpc error: code = Unavailable desc = connection error: dial unix "
        "/run/containerd/containerd.sock: connect: connection refused",
    ),
)
"""Nobody was called yet: a socket on the host that refuses is no registry that refuses.

The crash of a pull is AWS's own example of one that cannot reach the layers in S3."""

CREDENTIALS: tuple[Rule, ...] = (
    rule(
        "auth-missing-credentials",
        r"nocredentialproviders|ec2rolerequesterror|ec2imds|no ec2 (?:instance|imds) role|refresh cached credentials",
        "CannotPullECRContainerError: EC2RoleRequestError: no EC2 instance role found caused by: RequestError: send "
        'request failed caused by: Get "http://169.254.169.254/latest/meta-data/iam/security-credentials/": dial tcp '
        "169.254.169.254:80: i/o timeout",
    ),
)
"""The host's own metadata service was called, and not yet the registry: no VPC's route or group is in between."""

ON_THE_WAY: tuple[Rule, ...] = (
    rule(
        "proxy-failure",
        # Docker looks at no status of a ping: one without its number is a proxy's, which does not let it through.
        r"proxyconnect|proxy authentication required"
        r"|get \"?https?://[^\s/]{1,300}/v2/\"?: (?:forbidden|bad gateway|service unavailable|gateway time-?out)\.?$",
        "CannotPullContainerError: Error response from daemon: Get https://registry-1.docker.io/v2/: proxyconnect "
        "tcp: dial tcp 10.20.0.8:3128: connect: connection refused",
    ),
)
"""A proxy that does not resolve, refuses, or times out has its own name in the text, and no registry was called."""

NAMES: tuple[Rule, ...] = (
    rule(
        "dns-failure",
        r"lookup (?:\*|(?:[\w-]+\.)+[\w-])|no such host|server misbehaving"
        r"|could not resolve host|failure in name resolution",
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
        'docker.io/library/redis:7: failed to do request: Head "https://registry-1.docker.io/v2/library/redis/'
        'manifests/7": dial tcp: lookup registry-1.docker.io on 10.20.0.2:53: read udp 10.20.1.7:40112->10.20.0.2:53: '
        "i/o timeout",
    ),
)
"""A name server that times out or refuses is a lookup that failed: the registry was not dialled."""

CONNECTIONS: tuple[Rule, ...] = (
    rule(
        "network-timeout",
        r"tls handshake timeout",
        "CannotPullContainerError: Error response from daemon: Get https://quay.io/v2/: net/http: TLS handshake "
        "timeout",
    ),
    rule(
        "tls-failure",
        r"x509:|tls: |certificate (?:signed by|has expired|is valid for|verify failed)|http response to https client",
        "CannotPullContainerError: Error response from daemon: Get https://harbor.example.com/v2/: x509: certificate "
        "signed by unknown authority",
    ),
    rule(
        "connection-refused-or-reset",
        r"connection refused|connection reset|broken pipe|forcibly closed|actively refused|server sent goaway"
        r"|stream error: stream id|transport connection broken|use of closed network connection|was aborted by the",
        'CannotPullContainerError: failed to resolve ref ghcr.io/acme/web:3: failed to do request: Head "https://'
        'ghcr.io/v2/acme/web/manifests/3": dial tcp 140.82.112.33:443: connect: connection refused',
    ),
    rule(
        "network-timeout",
        r"i/o timeout|connection timed out|client\.timeout|request canceled|requestcanceled|did not properly respond"
        r"|context (?:deadline exceeded|canceled)|no route to host|network is unreachable|http 408",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: "
        'RequestError: send request failed caused by: Post "https://api.ecr.eu-west-1.amazonaws.com/": dial tcp '
        "52.95.120.7:443: i/o timeout",
    ),
)
"""What happened to the connection, said by the one who dialled. No registry answered, whatever ECS says before it."""

KEYS: tuple[Rule, ...] = (
    rule(
        "kms-denied",
        r"access to kms is not allowed|kmserror|kms[.\w]{0,40}exception|perform: kms:|customer master key"
        r"|kms .{0,60}(?:disabled|denied|pending deletion)|cmk .{0,60}(?:disabled|pending deletion)"
        r"|decrypt .{0,60} kms key",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
        "AccessDeniedException: Access to KMS is not allowed",
    ),
)
"""The key behind a secret or a layer: the sentence before it only says what could not be read."""

BEFORE_THE_PULL: tuple[Rule, ...] = (
    rule(
        "role-assume-failure",
        r"unable to assume (?:the )?role|failed to assume role|perform: sts:assumerole\b",
        "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web-execution' that was provided for this "
        "task. Please verify that the role being passed has the proper trust relationship and permissions.",
        phase="prepare",
    ),
    rule(
        "network-timeout",
        r"connection issue between the task and|send request failed",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secrets from ssm: "
        "There is a connection issue between the task and AWS Systems Manager. Check your task network configuration.",
        within="prepare",
    ),
)
"""What ECS does before a pull, where the text says more than that a secret is missing."""

SECRETS: tuple[Rule, ...] = (
    rule(
        "secret-unavailable",
        r"",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
        "ThrottlingException: Rate exceeded",
        within="prepare",
    ),
)
"""Whatever else is said of a secret makes it unavailable: no registry was called before it was there."""
