"""Outside text as Slack's mrkdwn: it cannot mention, link, format, or break a code block, and what is cut stays whole.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re

from pull_doctor.report.words import plain

SECTION = 3_000
"""The characters that one section may hold."""

_LABEL = 100
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MENTION = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
# What would open bold, italic, or struck text that ends later, and what would make the line a quotation.
_MARK = re.compile(r"(?:(?<=[\s\"'(\[{,;])|^)([*_~])(?=\S.*?\1)|^(?=&gt;)")
_CODE = re.compile(
    r"(?<![\w./:-])(?:"
    r"arn:[\w:/.*@+=-]*[\w*]"
    r"|(?:acl|dopt|eni|igw|i|nat|pcx|pl|rtb|sg|subnet|tgw|vpce|vpc)-[0-9a-f]{8,17}"
    r"|[a-z0-9-]+:[A-Z][A-Za-z]+"
    r"|(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?"
    r")(?![\w-])"
)


def escaped(text: str) -> str:
    """Return outside text without any effect of its own."""
    text = "".join(_ESCAPES.get(char, char) for char in plain(text).replace("`", "'"))
    # A zero-width space keeps a bare @here from notifying anyone, and a mark from being one.
    return _MARK.sub("\\g<0>\u200b", _MENTION.sub("@\u200b", text))


def prose(text: str) -> str:
    """Return outside text with ids and IAM actions set as code."""
    return _CODE.sub(lambda found: f"`{found.group()}`", cut(escaped(text), SECTION - 500))


def cut(text: str, limit: int) -> str:
    """Shorten escaped text without leaving half of an entity or an open backquote."""
    if len(text) <= limit:
        return text
    text = re.sub(r"&[a-z]*$", "", text[: limit - 5]).rstrip()
    return text + ("`" if text.count("`") % 2 else "") + " ..."


def with_commands(text: str, lines: list[str]) -> str:
    """Put commands below a text. One that is cut would run as another one: it is shown whole or not at all."""
    fence = "\n".join(lines).replace("`", "'")
    for raw, entity in _ESCAPES.items():
        fence = fence.replace(raw, entity)
    whole = f"{text}\n```\n{fence}\n```"
    return whole if len(whole) <= SECTION else f"{text}\nThe command is too long for Slack: the text report has it."


def link(label: str, url: str) -> str:
    """Return a link; the URL is ours, or a page's that a cause names."""
    url = (
        plain(url).replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace(" ", "%20")
    )
    return f"<{url}|{cut(escaped(label).replace('|', '/'), _LABEL)}>"
