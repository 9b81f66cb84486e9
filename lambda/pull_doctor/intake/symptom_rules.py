"""The symptom table: which words of an ECS text mean which kind of failure, and in which phase.

The order of the rules is their precedence: the first that matches decides. What a lower layer said (a status, a
refused connection) stands above the sentence that ECS puts before it, and a rule for few texts above one for many.

Patterns are searched without regard to case, in text of one line with single spaces and straight apostrophes. A
pattern bounds its gaps, so that the longest text read costs little. A status is a number behind a space: a number
behind a colon may be an image's tag.

Texts: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pull_doctor.intake.symptom import Kind, Phase


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: a text that holds ``pattern`` is of this ``kind``.

    ``within`` limits the rule to texts of that phase; ``phase`` is the phase that the words themselves prove,
    ``None`` where the rest of the text tells it (``PHASE_MARKS``). ``example`` is a text of this rule and no other.
    """

    kind: Kind
    pattern: re.Pattern[str]
    example: str
    within: Phase | None = None
    phase: Phase | None = None


def rule(kind: Kind, pattern: str, example: str, *, within: Phase | None = None, phase: Phase | None = None) -> Rule:
    """Return a row of the table; ``pattern`` matches without regard to case."""
    return Rule(kind, re.compile(pattern, re.IGNORECASE), example, within, phase)


def _mark(phase: Phase, pattern: str) -> tuple[Phase, re.Pattern[str]]:
    return phase, re.compile(pattern, re.IGNORECASE)


PHASE_MARKS: tuple[tuple[Phase, re.Pattern[str]], ...] = (
    _mark(
        "prepare",
        r"secrets? from (?:asm|ssm|(?:aws )?secrets manager)|fetch(?:ing)? secret|retrieve the secret"
        r"|and aws (?:secrets manager|systems manager)|https://(?:secretsmanager|ssm)[.-]"
        r"|perform: (?:secretsmanager|ssm):|CannotPullContainerAuthError|unable to assume the role",
    ),
    _mark(
        "sign-in",
        r"ecr registry auth|pull registry auth|GetAuthorizationToken|https://api\.ecr|CannotPullECRContainerError"
        r"|engine ecr credentials|failed to authorize|fetch (?:anonymous|oauth) token|https://auth\.docker\.io",
    ),
    _mark("resolve", r"failed to resolve ref(?:erence)?\b"),
    _mark(
        "unpack",
        r"failed to (?:register|extract|unpack|apply)|ApplyLayer|layer verification failed"
        r"|diffIDs|extraction snapshot|no processor for media-type",
    ),
    _mark("resolve", r"/manifests/"),
    _mark(
        "download",
        r"failed to copy|httpRead(?:er)?Seeker|starport|REDACTED ECR URL|/blobs/|ref pull has been retried"
        r"|error pulling image conf|download failed after|perform: ecr:GetDownloadUrlForLayer",
    ),
    _mark("unpack", r"no space left on device|not enough space on the disk"),
    _mark(
        "resolve",
        r"pull image manifest|inspect image|CannotPullImageManifestError|MANIFEST_PULLED|\bmanifests?\b"
        r"|/v[12]/|name unknown|pull access denied|requested access to the resource|repository .{0,300}not found"
        r"|perform: ecr:|descriptor (?:matching|for) platform|no match for platform|reference format"
        r"|Invalid image name|operating system .{1,40}on this platform",
    ),
)
"""Which words prove which phase; the first that matches decides. No mark: the phase is unknown."""

RULES: tuple[Rule, ...] = (
    # Proxy, names, certificates, and connections: said by the one who dialled, so nothing else was reached.
    rule(
        "proxy-failure",
        r"proxyconnect|proxy authentication required",
        "CannotPullContainerError: Error response from daemon: Get https://registry-1.docker.io/v2/: proxyconnect "
        "tcp: dial tcp 10.20.0.8:3128: connect: connection refused",
    ),
    rule(
        "dns-failure",
        r"\blookup (?:[\w-]+\.)+[\w-]+|no such host|server misbehaving|could not resolve host"
        r"|failure in name resolution",
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
        'docker.io/library/redis:7: failed to do request: Head "https://registry-1.docker.io/v2/library/redis/'
        'manifests/7": dial tcp: lookup registry-1.docker.io on 10.20.0.2:53: no such host',
    ),
    rule(
        "network-timeout",
        r"TLS handshake timeout",
        "CannotPullContainerError: Error response from daemon: Get https://quay.io/v2/: net/http: TLS handshake "
        "timeout",
    ),
    rule(
        "tls-failure",
        r"x509:|tls: |certificate (?:signed by|has expired|is valid for|verify failed)|HTTP response to HTTPS client",
        "CannotPullContainerError: Error response from daemon: Get https://harbor.example.com/v2/: x509: certificate "
        "signed by unknown authority",
    ),
    rule(
        "connection-refused-or-reset",
        r"connection refused|connection reset|broken pipe|forcibly closed|actively refused",
        'CannotPullContainerError: failed to resolve ref ghcr.io/acme/web:3: failed to do request: Head "https://'
        'ghcr.io/v2/acme/web/manifests/3": dial tcp 140.82.112.33:443: connect: connection refused',
    ),
    rule(
        "network-timeout",
        r"i/o timeout|connection timed out|Client\.Timeout|request canceled|RequestCanceled"
        r"|context (?:deadline exceeded|canceled)|no route to host|network is unreachable",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: "
        'RequestError: send request failed caused by: Post "https://api.ecr.eu-west-1.amazonaws.com/": dial tcp '
        "52.95.120.7:443: i/o timeout",
    ),
    # Keys, roles, and secrets. Whatever else is said of a secret makes it unavailable.
    rule(
        "kms-denied",
        r"Access to KMS is not allowed|KmsError|KMSException|perform: kms:"
        r"|(?<![-/.\w])KMS(?![-/.\w]).{0,200}(?:disabled|denied)",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
        "AccessDeniedException: Access to KMS is not allowed",
    ),
    rule(
        "role-assume-failure",
        r"unable to assume (?:the )?role|failed to assume role|perform: sts:AssumeRole\b",
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
    rule(
        "secret-unavailable",
        r"",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
        "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
        within="prepare",
    ),
    # Limits and expired logins: their texts often stand behind a general "denied".
    rule(
        "rate-limited",
        r"toomanyrequests|too many requests|(?<= )429\b|pull rate limit|Rate exceeded|ThrottlingException"
        r"|UpstreamTooManyRequests",
        "CannotPullContainerError: Error response from daemon: toomanyrequests: You have reached your unauthenticated "
        "pull rate limit.",
    ),
    rule(
        "auth-token-expired",
        r"token has expired|ExpiredToken|security token .{0,40}expired",
        "CannotPullContainerError: Error response from daemon: denied: Your authorization token has expired. "
        "Reauthenticate and try again.",
    ),
    rule(
        "pull-through-cache-failure",
        r"Upstream(?:AccessDenied|Unavailable)|pull[ -]through cache|perform: ecr:BatchImportUpstreamImage"
        r"|upstream (?:registry|image)",
        "CannotPullContainerError: Error response from daemon: User: arn:aws:sts::123456789012:assumed-role/web/1 is "
        "not authorized to perform: ecr:BatchImportUpstreamImage on resource: "
        "arn:aws:ecr:eu-west-1:123456789012:repository/quay/acme because no identity-based policy allows the "
        "ecr:BatchImportUpstreamImage action",
    ),
    rule(
        "auth-denied-ecr-permission",
        r"perform: (?:ecr|ecr-public):|perform: sts:GetServiceBearerToken",
        "CannotPullContainerError: Error response from daemon: pull access denied for 123456789012.dkr.ecr.eu-west-1."
        "amazonaws.com/web, repository does not exist or may require 'docker login': denied: User: arn:aws:sts::"
        "123456789012:assumed-role/web-execution/0f is not authorized to perform: ecr:BatchGetImage on resource: "
        "arn:aws:ecr:eu-west-1:123456789012:repository/web because no identity-based policy allows the "
        "ecr:BatchGetImage action",
    ),
    rule(
        "auth-denied-ecr-permission",
        r"AccessDenied|UnauthorizedOperation",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: "
        "service call has been retried 1 time(s): AccessDeniedException: User: arn:aws:sts::123456789012:assum",
        within="sign-in",
    ),
    rule(
        "auth-missing-credentials",
        r"no basic auth credentials|engine ecr credentials: not found|NoCredentialProviders"
        r"|authentication is required",
        "CannotPullContainerError: Error response from daemon: Get https://123456789012.dkr.ecr.eu-west-1.amazonaws."
        "com/v2/web/manifests/5: no basic auth credentials",
    ),
    # What the image is.
    rule(
        "unsupported-manifest",
        r"no processor for media-?type|vnd\.in-toto|number of layers and diffIDs|unsupported manifest"
        r"|schema ?(?:version )?1\b"
        r"|media ?type .{0,200}(?:not supported|unsupported|no longer supported)|unsupported media ?type"
        r"|unexpected media type|405 Method Not Allowed",
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to unpack image on snapshotter "
        "overlayfs: failed to extract layer sha256:5e1f: failed to get stream processor for application/"
        "vnd.in-toto+json: no processor for media-type: unknown",
    ),
    rule(
        "platform-mismatch",
        r"descriptor (?:matching|for) platform|no matching manifest for|no match for platform"
        r"|cannot be used on this platform|does not match the (?:specified|detected) (?:host )?platform",
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain "
        "descriptor matching platform 'linux/arm64 v8'.",
        phase="resolve",
    ),
    rule(
        "invalid-reference",
        r"invalid reference format|invalid image name|repository name must be lowercase|invalid repository name"
        r"|could not parse (?:image )?reference",
        "CannotPullContainerError: Error response from daemon: invalid reference format",
        phase="resolve",
    ),
    # Unpacking, before the words for downloads: both stand in one text.
    rule(
        "disk-full",
        r"no space left on device|not enough space on the disk|disk quota exceeded",
        "CannotPullContainerError: failed to register layer: write /usr/lib/libc.so: no space left on device",
    ),
    rule(
        "daemon-or-agent-fault",
        r"panic: runtime error|nil pointer dereference|cannot connect to the docker daemon"
        r"|containerd\.sock|docker\.sock",
        "CannotPullContainerError: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
        "daemon running?",
    ),
    # What the registry answered.
    rule(
        "registry-access-denied",
        r"failed (?:to copy|open): .{0,200}https?://"
        r"(?![^/\s]{0,200}(?:\.dkr[.-]ecr|amazonaws\.|on\.aws))\S{1,600} 40[13]\b",
        "CannotPullContainerError: ref pull has been retried 7 time(s): failed to copy: httpReadSeeker: failed open: "
        "unexpected status code https://quay.io/v2/acme/web/blobs/sha256:77aa: 403 Forbidden",
        within="download",
    ),
    rule(
        "s3-layer-denied",
        r"(?<= )403\b|<Code>AccessDenied",
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: "
        "unexpected status code https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/v2/web/blobs/sha256:77aa: "
        "403 Forbidden",
        within="download",
    ),
    rule(
        "layer-corrupt-or-extract-failure",
        r"(?<= )404\b|blob unknown|not found\.?$",
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: "
        "could not fetch content descriptor sha256:77aa (application/vnd.oci.image.layer.v1.tar+gzip) from remote: "
        "not found",
        within="download",
    ),
    rule(
        "registry-unavailable-5xx",
        r"(?<!API error \()(?<!daemon: )\b50[0234]:? (?:Internal|Bad|Service|Gateway|Not Implemented)"
        r"|(?:unexpected|received).{0,40} status.{0,400} 5\d\d\b|could not reach any registry endpoint"
        r"|registry is temporarily unavailable",
        "CannotPullContainerError: failed to resolve ref docker.io/library/redis:7: unexpected status from HEAD "
        "request to https://registry-1.docker.io/v2/library/redis/manifests/7: 503 Service Unavailable",
    ),
    rule(
        "registry-access-denied",
        r"no pull access|pull access denied",
        "CannotPullContainerError: failed to resolve ref docker.io/acme/private:1: pull access denied, repository does "
        "not exist or may require authorization: server message: insufficient_scope: authorization failed",
        phase="resolve",
    ),
    rule(
        "repository-not-found",
        r"name unknown|NAME_UNKNOWN|repository with name .{1,300} does not exist|RepositoryNotFoundException"
        r"|repository \S{1,300} not found|repository name not known",
        "CannotPullContainerError: Error response from daemon: name unknown: The repository with name 'wbe' does not "
        "exist in the registry with id '123456789012'",
        phase="resolve",
    ),
    rule(
        "image-not-found",
        r"manifest unknown|MANIFEST_UNKNOWN|manifest for \S{1,400} not found|requested image not found"
        r"|ImageNotFoundException|(?<= )404 Not Found",
        "CannotPullImageManifestError: Error response from daemon: manifest unknown: Requested image not found",
        phase="resolve",
    ),
    rule(
        "image-not-found",
        r": not found\b",
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:5: not found",
        within="resolve",
    ),
    rule(
        "registry-access-denied",
        r"requested access to the resource is denied|insufficient_scope|unauthorized|(?<= )40[13]\b|access forbidden"
        r"|incorrect username or password|failed to authorize|fetch (?:anonymous|oauth) token|(?<!permission )denied:",
        "CannotPullContainerError: Error response from daemon: unauthorized: incorrect username or password",
    ),
    rule(
        "layer-corrupt-or-extract-failure",
        r"layer verification failed|failed to (?:register|extract|unpack|apply)|ApplyLayer|unexpected commit digest"
        r"|failed size validation|gzip: invalid|digest mismatch|archive/tar",
        "CannotPullContainerError: filesystem layer verification failed for digest sha256:77aa",
        phase="unpack",
    ),
    rule(
        "connection-refused-or-reset",
        r": (?:unexpected )?EOF\b",
        'CannotPullContainerError: Error response from daemon: Get "https://registry-1.docker.io/v2/": EOF',
    ),
    rule(
        "image-too-large-or-pull-timeout",
        r"Could not transition to (?:\[?(?:pulled|MANIFEST_PULLED|pullBegin))|inactivity time exceeded",
        "DockerTimeoutError: Could not transition to pulled; timed out after waiting 2h0m0s",
    ),
    # The sentence before the detail, where the detail is missing or says nothing more.
    rule(
        "network-timeout",
        r"connection issue between the task and|Check your (?:task )?network configuration|send request failed"
        r"|signal: killed|unable to connect|timed out|: timeout|dial (?:tcp|udp)",
        "CannotPullContainerError: The task can't pull the image. Check your network configuration.",
    ),
    rule(
        "auth-denied-ecr-permission",
        r"Check that the role has the permissions",
        "CannotPullContainerError: The task can't pull the image. Check that the role has the permissions to pull "
        "images from the registry.",
    ),
    rule(
        "image-not-found",
        r"Check whether the image exists",
        "CannotPullImageManifestError: The task can't pull the image. Check whether the image exists.",
        phase="resolve",
    ),
)
"""Rules for texts that speak of a pull, or of what ECS does before one."""
