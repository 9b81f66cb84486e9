"""Scrubbing of outside text at the door: no signed query, no credentials, no control characters."""

from __future__ import annotations

import re

REDACTED = "[...]"

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours and cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: window titles and links
)
_LINE_BREAK = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Every part but the leading "://" may be empty, so a match never fails halfway and no text is read twice.
_URL = re.compile(r"""://(?P<authority>[^\s/?#"<>]*)(?P<path>[^\s?"<>]*)(?P<query>\?[^\s"<>]*)?""")
_INNER_CREDENTIALS = re.compile(r"://[^\s/]*@")
_PORT_OR_NOTHING = re.compile(r"[\d.:,;)'}\\]*")
_AFTER_THE_QUERY = ":,;)'}\\"
_SIGNATURE_PART = re.compile(
    r"""\b(X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId)=[^\s&"<>:,;)]+""", re.IGNORECASE
)


def visible(text: str) -> str:
    r"""Return a name with all that nobody would see in it, or would take for another letter, written out.

    A line break becomes ``\n``, a zero-width space ``\u200b``. Printable ASCII stays, so that doing it twice changes
    nothing more.
    """
    return re.sub(r"[^ -~]", lambda found: found[0].encode("unicode_escape").decode(), text)


def image_text(text: str) -> str:
    """Return an image as it may be shown and kept: what nobody sees in it may be why it cannot be pulled."""
    return scrub(visible(text))


def scrub(text: str) -> str:
    """Return the text as it may be logged, shown, and kept.

    The query of every URL becomes ``?[...]``, ``user:password@`` goes, also where the text was cut inside it.
    Escape sequences, control, bidirectional and zero-width characters go; line breaks and tabs become one space
    each; half of a surrogate pair becomes U+FFFD. Takes time in proportion to the text; scrubbing twice
    changes nothing more.
    """
    text = _ESCAPE_SEQUENCE.sub("", text)
    text = _LINE_BREAK.sub(" ", text)
    text = _INVISIBLE.sub("", text)
    text = _SURROGATE.sub("\ufffd", text)
    # A URL that was wrapped or cut leaves parts of its signature behind.
    text = _SIGNATURE_PART.sub(rf"\1={REDACTED}", text)
    return _URL.sub(_scrub_url, text)


def _scrub_url(url: re.Match[str]) -> str:
    authority, path, query = url["authority"], url["path"], url["query"]
    host = authority.rpartition("@")[2]
    name, colon, port = host.partition(":")
    if not host.startswith("[") and not _PORT_OR_NOTHING.fullmatch(port):
        # No port: a password, cut off or with a slash in it.
        host = name + colon + REDACTED
        path = f"/{path.rpartition('@')[2]}" if "@" in path else path
    # A URL inside the path has credentials of its own.
    path = _INNER_CREDENTIALS.sub("://", path)
    if query is None:
        return f"://{host}{path}"
    rest = query[len(query.rstrip(_AFTER_THE_QUERY)) :]
    return f"://{host}{path}?{REDACTED}{rest}"
