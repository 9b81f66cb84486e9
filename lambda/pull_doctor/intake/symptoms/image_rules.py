"""What the image is, and what became of its layers on the host.

Texts: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
"""

from __future__ import annotations

from pull_doctor.intake.symptoms.rule import Rule, rule

FORM: tuple[Rule, ...] = (
    rule(
        "unsupported-manifest",
        r"no processor for media-?type|vnd\.in-toto|number of layers and diffids|rootfs and manifest layers"
        r"|layers from manifest|invalid rootfs in|unsupported manifest|manifest invalid|schema ?(?:version )?1\b"
        r"|image format v1|missing signature key|mediatype in manifest"
        r"|media ?type .{0,100}(?:not supported|unsupported|no longer supported)|unsupported media ?type"
        r"|unexpected media type|encountered (?:unknown type|remote)|/manifests/.{0,160} 405 method not allowed",
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to unpack image on snapshotter "
        "overlayfs: failed to extract layer sha256:5e1f: failed to get stream processor for application/"
        "vnd.in-toto+json: no processor for media-type: unknown",
    ),
    rule(
        "platform-mismatch",
        r"descriptor (?:matching|for) platform|no matching manifest for|no match for platform"
        r"|cannot be used on this platform|does not match the (?:specified|detected) (?:host )?platform"
        r"|image is incompatible with a|does not match the operating system of the host",
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain "
        "descriptor matching platform 'linux/arm64 v8'.",
        phase="resolve",
    ),
    rule(
        "invalid-reference",
        r"invalid reference format|invalid image name|repository name must be lowercase|invalid repository name"
        r"|(?:could(?: not|n't) parse|failed to (?:parse|normalize)) (?:image )?reference|invalid tag format"
        r"|invalid checksum digest|failed to resolve ref(?:erence)? .{1,5} (?:object|hostname) required",
        "CannotPullContainerError: Error response from daemon: invalid reference format",
        phase="resolve",
    ),
)
"""An image that this host cannot take ends in "not found" or in a failed unpacking: the reason is the image's form."""

SPACE: tuple[Rule, ...] = (
    rule(
        "disk-full",
        r"no space left on device|(?:not enough|insufficient) (?:free )?(?:disk )?space|disk quota exceeded"
        r"|thin pool has \d+ free",
        "CannotPullContainerError: failed to register layer: write /usr/lib/libc.so: no space left on device",
    ),
)
"""A full disk breaks the unpacking of whichever layer comes next."""

UNPACKING: tuple[Rule, ...] = (
    rule(
        "layer-corrupt-or-extract-failure",
        r"verification failed|failed to (?:register|extract|apply) (?:layer|diff)|failed to unpack|applylayer"
        r"|commit digest|failed size validation|gzip: invalid|zlib|digest mismatch|archive/tar|hcsshim::"
        r"|extraction snapshot|blob unknown|unknown blob|content digest|layer does not exist"
        r"|content size of zero|short read:|input/output error",
        "CannotPullContainerError: failed to register layer: Error processing tar file(exit status 1): unexpected EOF",
    ),
)
"""The layers had come; what cut the stream before is told above."""

ENDINGS: tuple[Rule, ...] = (
    rule(
        "connection-refused-or-reset",
        r": (?:unexpected )?eof\b",
        'CannotPullContainerError: Error response from daemon: Get "https://registry-1.docker.io/v2/": EOF',
    ),
    rule(
        "image-too-large-or-pull-timeout",
        r"could not transition to (?:\[?(?:pulled|manifest_pulled|pullbegin))|inactivity time exceeded",
        "DockerTimeoutError: Could not transition to pulled; timed out after waiting 2h0m0s",
    ),
)
"""How it ended, where nothing says why."""

SENTENCES: tuple[Rule, ...] = (
    rule(
        "network-timeout",
        r"connection issue between the task and|check your (?:task )?network configuration|send request failed"
        r"|cannot pull registry auth|requesterror|request send failed|failed to do request|code = deadlineexceeded"
        r"|signal: killed|unable to connect|timed out|(?::|connect|read) timeout|dial (?:tcp|udp)",
        "CannotPullContainerError: The task cannot pull web:5 from the registry web:5. There is a connection issue "
        "between the task and the registry. Check your task network configuration. : failed to resolve ref "
        "docker.io/acme/web:5: failed to authorize: failed to fetch oauth tok",
    ),
    rule(
        "auth-denied-ecr-permission",
        r"check that the role has the permissions",
        "CannotPullContainerError: The task can't pull the image. Check that the role has the permissions to pull "
        "images from the registry.",
    ),
    rule(
        "image-not-found",
        r"check whether the image exists",
        "CannotPullImageManifestError: The task can't pull the image. Check whether the image exists.",
        phase="resolve",
    ),
)
"""The sentence that ECS puts before the detail counts where the detail is missing or says nothing more."""

LOGINS: tuple[Rule, ...] = (
    rule(
        "registry-access-denied",
        r"failed to authorize|fetch (?:anonymous|oauth) token",
        "CannotPullContainerError: failed to resolve ref ghcr.io/acme/web:3: failed to authorize: failed to fetch "
        "anonymous token",
    ),
)
"""A login that failed, and neither an answer nor the connection is said to be why."""
