"""Which words prove how far a pull had come.

As in the symptom table, patterns are searched in text of one line, in lower case, without names.

What each step calls: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""

from __future__ import annotations

import re

from pull_doctor.intake.symptom import Phase


def _mark(phase: Phase, pattern: str) -> tuple[Phase, re.Pattern[str]]:
    return phase, re.compile(pattern)


PHASE_MARKS: tuple[tuple[Phase, re.Pattern[str]], ...] = (
    _mark(
        "prepare",
        r"secrets? from (?:asm|ssm|(?:aws )?secrets manager)|auth from asm|fetch(?:ing)? secret"
        r"|retrieved? (?:the )?secret"
        r"|specified secret|pull secrets from|and aws (?:secrets manager|systems manager)"
        r"|https://(?:secretsmanager|ssm)[.-]|perform: (?:secretsmanager|ssm):|cannotpullcontainerautherror"
        r"|unable to assume (?:the )?role|unable to pull secrets:",
    ),
    _mark(
        "sign-in",
        r"ecr registry auth|registry auth from ecr|pull registry auth|getauthorizationtoken|https://api\.ecr|cannotpullecrcontainererror"
        r"|engine ecr credentials|failed to authorize|fetch (?:anonymous|oauth) token|https://auth\.docker\.io"
        r"|https://\S{1,100}/token/",
    ),
    _mark(
        "resolve", r"failed to resolve (?:ref(?:erence)?|source metadata)\b|cannotpull\w{1,40}: failed to resolve \*"
    ),
    _mark(
        "unpack",
        r"failed to (?:register|extract|apply) (?:layer|diff)|failed to unpack|applylayer|layer verification failed"
        r"|hcsshim::|diffids|layers from manifest|extraction snapshot|no processor for media-type",
    ),
    _mark("resolve", r"/manifests/"),
    _mark(
        "download",
        r"failed to copy|httpread(?:er)?seeker|starport|redacted ecr url|/blobs/|ref pull has been retried"
        r"|error pulling image conf|download failed after|perform: ecr:getdownloadurlforlayer|getimageblob",
    ),
    _mark(
        "resolve",
        r"pull image manifest|inspect image|cannotpullimagemanifesterror|manifest_pulled|manifest"
        r"|/v[12]/|name unknown|pull access denied|requested access to the resource|repository \S{1,300} not found"
        r"|perform: ecr:|descriptor (?:matching|for) platform|no match for platform|reference format"
        r"|invalid image name|operating system .{1,40}on this platform"
        r"|cannotpull\w{1,40}: (?:error response from daemon: )?(?:unknown: |image |tag |repository |\* )?"
        r"(?:not found|does not exist)",
    ),
)
"""The first that matches decides; no mark: the phase is unknown."""
