"""Reads ECS's text: phase and kind by the symptom table, and whatever else the words prove."""

from __future__ import annotations

import ipaddress
import re

from pull_doctor.intake.symptom import DeniedBy, Kind, Phase, Symptom
from pull_doctor.intake.symptoms.names import hide_names
from pull_doctor.intake.symptoms.other_stops import OTHER_STOPS
from pull_doctor.intake.symptoms.phases import PHASE_MARKS
from pull_doctor.intake.symptoms.rule import Rule
from pull_doctor.intake.symptoms.rules import RULES

MAX_TEXT = 4096
"""No more of a text is read; ECS itself cuts at 1,024 characters."""

# Log lines write line breaks out, as a backslash and a letter, and a backslash before a quotation mark.
_SPACE = re.compile(r"(?:\s|\\[nrt])+")
_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
# What DescribeServices and log lines put before the text. A service may be named after an error.
_SERVICE = re.compile(
    r"^\(?service [^\s(),]{1,255}(?:, taskset [^\s)]{1,255})?\)?(?: \((?:deployment|taskset) [^\s)]{1,255}\))? ",
    re.IGNORECASE,
)
_NAMED_ERROR = re.compile(
    r"""^\W{0,3}cannotpull|reason: cannotpull|[\s(:"'-]cannotpull\w{0,40}error(?:[:).,]|$)"""
    r"""|dockertimeouterror: could not transition to \[?(?:pulled|manifest_pulled|pullbegin)"""
    r"""|unable to pull secrets or registry auth|unable to (?:retrieve|get) (?:secrets?|(?:ecr )?registry auth)"""
)
_ONLY_FAILED_TO_START = re.compile(
    r"(?:was unable to place a task\. Reason: )?(?:Task ?failed ?to ?start[ .:-]{0,3})?", re.IGNORECASE
)
# Without the error's name a text must speak of a pull, or of a step of one. A refused connection is said of much else.
_SPEAKS_OF_A_PULL = re.compile(
    r"(?<![-.\w])(?:pull(?:ing|ed)?|(?<!service )registry)(?![-\w])|manifest|error response from daemon"
    r"|toomanyrequests|authorization token|getimageblob|commit digest|since containerd|received unexpected http status"
)
# Whole texts that AWS lists for a failed pull, though they name none.
_BARE = re.compile(
    r"(?:context (?:canceled|deadline exceeded)|net/http: |no space left on device|no basic auth credentials|x509: "
    r"|403 Forbidden|KmsError|unauthorized: |dial tcp \S{1,60}:443: |dial tcp: lookup )",
    re.IGNORECASE,
)

_HOST = r"(?P<host>(?:[a-z0-9_-]{1,63}\.){1,20}[a-z0-9-]{1,63}|[a-z0-9-]{1,63}(?=[:/])|\[[0-9a-f:.]{2,45}\])"
_DIALLED_URL = re.compile(
    rf"""\b(?:Head|Get|Post|Put|HEAD request to) "?<?https?://{_HOST}(?::(?P<port>\d{{1,5}}))?(?:[/"?>]|: |\s)""",
    re.IGNORECASE,
)
# containerd prints the first URL of a request, also where a redirect led elsewhere. Manifests and tokens are not
# redirected.
_ANSWERED_URL = re.compile(
    rf"(?:status (?:code|from \w{{3,7}} request to) https?://|pulling from host ){_HOST}(?::(?P<port>\d{{1,5}}))?"
    r"(?:/v2/[^\s:]{1,300}/manifests/|/[^\s:?]{0,100}\btoken[?:]| failed with status code \[manifests)",
    re.IGNORECASE,
)
_REDIRECTED = re.compile(r"unexpected status from HEAD request to https?://[^\s]{1,400}/blobs/", re.IGNORECASE)
_LOOKED_UP = re.compile(
    r"\blookup (?P<host>(?:[a-z0-9_-]{1,63}\.){1,20}[a-z0-9-]{1,63}(?=\.?[\s:])"
    r"|[a-z0-9-]{1,63}(?= on [\d\[]|: (?:no such|server misbehaving|temporary failure)))\.?"
    r"(?: on (?P<resolver>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):)?",
    re.IGNORECASE,
)
_DIALLED_ADDRESS = re.compile(
    r"\b(?:dial|read|write) tcp[46]? (?:[0-9a-f.:\[\]%]{3,60}->)?"
    r"(?P<address>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):(?:(?P<port>\d{1,5})(?=[:\s\"']))?",
    re.IGNORECASE,
)
_PROXY = re.compile(r"proxyconnect", re.IGNORECASE)
# Not "API error (500)": that is the Docker daemon's own status.
_STATUS = re.compile(
    r"(?:status(?: code)?:? |StatusCode: |\bHTTP )(?P<a>[1-5]\d\d)\b|(?<=: )(?P<b>[1-5]\d\d)\b"
    r"(?= (?:Forbidden|Unauthorized|Not Found|Too Many|Internal|Bad|Service|Gateway|Method|Proxy)|\.?$)",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"User: (?P<principal>arn:[^\s]{1,400}) is not authorized to perform: "
    r"(?P<action>[a-z0-9-]{2,40}:[a-z]{3,60})(?P<end>\s|$)?",
    re.IGNORECASE,
)
_DENIED_BY = re.compile(
    r"(?:because no|(?P<explicit>with an explicit deny in an?)) (?P<layer>identity-based policy|resource-based policy"
    r"|VPC endpoint policy|permissions boundary|session policy|service control policy|resource control policy)",
    re.IGNORECASE,
)
# A handshake and a read have a local address and a far one: the packets that open a connection came through.
_CONNECTED = re.compile(r"TLS handshake timeout|\b(?:read|write) tcp [^\s>]{1,80}->", re.IGNORECASE)
_EXPLICIT_DENY = re.compile(r"with an explicit deny", re.IGNORECASE)
_LAYERS: dict[str, DeniedBy] = {
    "identity-based policy": "identity-policy",
    "resource-based policy": "resource-policy",
    "vpc endpoint policy": "endpoint-policy",
    "permissions boundary": "permissions-boundary",
    "session policy": "session-policy",
    "service control policy": "service-control-policy",
    "resource control policy": "resource-control-policy",
}
# A text may end in the middle of a word: there an action counts only if it is a whole one.
_PULL_ACTIONS = frozenset(
    {
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchImportUpstreamImage",
        "ecr:CreateRepository",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameters",
        "kms:Decrypt",
        "sts:AssumeRole",
    }
)
_ASSUMED_ROLE = re.compile(r"assume the role '?(?P<role>arn:[^\s']{1,400}/[^\s']{1,128})['\s]", re.IGNORECASE)
_DIGEST = re.compile(r"(?:@|/manifests/|\bmanifest )(?P<digest>sha256:[0-9a-f]{64})(?![0-9a-f])")
_PLATFORM = re.compile(
    r"for platform \{?(?P<a>[a-z]+/[\w/.]+)\}?|matching platform '(?P<b>[^']{1,60})'"
    r"|no matching manifest for (?P<c>[a-z]+(?:\([\d.]{1,20}\))?/\S{1,40}(?: [\d.]{1,20})?) in "
    r"|(?:wanted |the specified platform \(|detected host platform \()(?P<d>[a-z]+/[\w/.]+)",
    re.IGNORECASE,
)


def read_symptom(text: str) -> Symptom:
    """Say what the text alone proves: phase and kind, and host, address, denial, digest, platform where stated.

    Never raises; reads at most ``MAX_TEXT`` characters. A text that names no pull and matches no rule is
    ``not-a-pull-failure``; one that says no more than that the task failed to start is ``undetermined``.

    Denials: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    plain = text[:MAX_TEXT].translate(_STRAIGHT).replace('\\"', '"')
    line = _SERVICE.sub("", _SPACE.sub(" ", plain).strip())
    if _ONLY_FAILED_TO_START.fullmatch(line):
        return Symptom(phase="unknown", kind="undetermined")
    kind, phase = _classify(line)
    if kind == "not-a-pull-failure":
        return Symptom(phase="unknown", kind=kind)
    looked_up = _LOOKED_UP.search(line)
    host, host_port = (looked_up["host"].lower(), None) if looked_up else _dialled_host(line)
    # Where a lookup failed, what was dialled is the name server.
    address, port = (None, None) if looked_up else _dialled_address(line)
    principal, action = _denied(line)
    layer = _DENIED_BY.search(line)
    digest = _DIGEST.search(line)
    platform = _PLATFORM.search(line)
    return Symptom(
        phase=phase,
        kind=kind,
        host=host,
        address=address,
        port=port if address else host_port,
        resolver=_address(looked_up["resolver"]) if looked_up else None,
        http_status=_http_status(line),
        action=action,
        principal=principal,
        denied_by=_LAYERS[layer["layer"].lower()] if layer else None,
        explicit_deny=True if _EXPLICIT_DENY.search(line) else None,
        connected=True if _CONNECTED.search(line) and not looked_up else None,
        digest=digest["digest"] if digest else None,
        platform=next(filter(None, platform.groups()), None) if platform else None,
    )


def matching_rule(line: str) -> Rule | None:
    """Return the rule of the table that decides about this one-line text, or ``None``."""
    return _read_words(hide_names(line))[0]


def _classify(line: str) -> tuple[Kind, Phase]:
    words = hide_names(line)
    rule, phase = _read_words(words)
    if rule and rule.phase:
        phase = rule.phase
    speaks = _NAMED_ERROR.search(words) or _SPEAKS_OF_A_PULL.search(words) or _BARE.match(line)
    if not speaks and phase == "unknown":
        return "not-a-pull-failure", "unknown"
    return rule.kind if rule else "other-pull-failure", phase


def _read_words(words: str) -> tuple[Rule | None, Phase]:
    phase: Phase = next((phase for phase, mark in PHASE_MARKS if mark.search(words)), "unknown")
    rules = RULES if _NAMED_ERROR.search(words) else OTHER_STOPS + RULES
    return next((rule for rule in rules if rule.matches(words, phase)), None), phase


def _dialled_host(line: str) -> tuple[str | None, int | None]:
    # Behind a proxy the name in the URL was never dialled; a HEAD of a blob may have been redirected.
    if _PROXY.search(line) or _REDIRECTED.search(line):
        return None, None
    url = _last(_DIALLED_URL, line) or _last(_ANSWERED_URL, line)
    if url is None:
        return None, None
    return url["host"].lower().strip("[]"), int(url["port"]) if url["port"] else None


def _dialled_address(line: str) -> tuple[str | None, int | None]:
    match = _last(_DIALLED_ADDRESS, line)
    address = _address(match["address"]) if match else None
    return address, int(match["port"]) if match and address and match["port"] else None


def _last(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    """Return the last match: a request for the token stands inside the request that needed it."""
    return max(pattern.finditer(line), key=re.Match.start, default=None)


def _address(text: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address(text.strip("[]"))) if text else None
    except ValueError:
        return None


def _http_status(line: str) -> int | None:
    match = _STATUS.search(line)
    return int(match["a"] or match["b"]) if match else None


def _denied(line: str) -> tuple[str | None, str | None]:
    denial = _DENIAL.search(line)
    if denial is None:
        role = _ASSUMED_ROLE.search(line)
        return (role["role"] if role else None), None
    action = denial["action"]
    whole = action in _PULL_ACTIONS or denial["end"] not in (None, "")
    principal = denial["principal"]
    return (None if "..." in principal else principal), action if whole else None
