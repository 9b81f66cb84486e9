"""The report as a Slack message: one screen, the cause first, then the fix, then what shows it.

The message aims at 1,500 characters and ends before 10,000; ECS's words may be left out. Outside text cannot mention,
link, or break a code block. Limits: https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pull_doctor.report import words
from pull_doctor.report.commands import wrap
from pull_doctor.report.model import UNSET, FixPart, RankedCause, Report
from pull_doctor.report.words import plain
from pull_doctor.resource import Place, make

_AIM = 1_500
_MOST = 10_000
_SECTION = 3_000
_HEADER = 150
_COMMAND_WIDTH = 80
_MOST_ITEMS = 4
_CUT = "The message is cut here: Slack takes no longer one. `pull-doctor diagnose` prints the whole report."
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MENTION = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_CODE = re.compile(
    r"(?<![\w./:-])(?:"
    r"arn:[\w:/.*@+=-]*[\w*]"
    r"|(?:acl|dopt|eni|igw|i|nat|pcx|pl|rtb|sg|subnet|tgw|vpce|vpc)-[0-9a-f]{8,17}"
    r"|[a-z0-9-]+:[A-Z][A-Za-z]+"
    r"|(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?"
    r")(?![\w-])"
)


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """What a webhook or ``chat.postMessage`` takes: ``text`` for notifications, ``blocks`` to show."""

    text: str
    blocks: list[dict[str, Any]]


def slack_message(report: Report) -> SlackMessage:
    """Return the report as a message within Slack's limits."""
    facts = _facts(report)
    header = _cut(_escaped(words.headline(report)), _HEADER)
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}}, _context(facts)]
    ending = "\n".join(part for part in (_counts(report), _links(report)) if part)
    last = [_context(ending)] if ending else []
    size = sum(map(_size, [*blocks, *last]))
    for needed, text in _sections(report):
        if not text:
            continue
        block = {"type": "section", "text": _mrkdwn(text)}
        if size + _size(block) > (_MOST - len(_CUT) if needed else _AIM):
            if needed:
                blocks.append({"type": "section", "text": _mrkdwn(_CUT)})
                break
            continue
        blocks.append(block)
        size += _size(block)
    return SlackMessage(text=f"{header}\n{facts}", blocks=[*blocks, *last])


def render_slack(report: Report) -> str:
    """Return the message's JSON, as a webhook takes it."""
    message = slack_message(report)
    return json.dumps({"text": message.text, "blocks": message.blocks}, ensure_ascii=False, indent=2) + "\n"


def _sections(report: Report) -> list[tuple[bool, str]]:
    """Return the sections in reading order; those that are not needed give way where the message grows long."""
    if report.verdict != "cause-found" or not report.causes:
        told = [*map(_prose, words.strangers(report)), *(_gap(gap, report) for gap in words.gaps(report))]
        gaps = _bullets("Could not check", told)
        if calls := words.permission_calls(report):
            gaps.append((True, _with_commands("To see which permissions are missing, and to ask again:", calls)))
        notes = [(False, f"*Also* · {_prose(note.text)}") for note in report.notes]
        return [(True, _prose(words.sentence(report.verdict_reason))), *gaps, *notes]
    cause = report.causes[0]
    why = " ".join((cause.explanation, *words.asides(cause)))
    sections = [(True, _prose(why))]
    if cause.still != "no":
        sections += [(not at, _fix(report, fix, "Or" if at else "Fix")) for at, fix in enumerate(cause.fixes[:2])]
    sections += [(True, _also(report, other)) for other in report.causes[1:] if other.certainty != "possible"]
    sections += [(False, f"*Next* · {_prose(words.phrase(other.title))}") for other in report.causes[1:] if other.next]
    sections += _bullets("Evidence", [_prose(words.phrase(one.text)) for one in words.new_evidence(report, cause)])
    return [*sections, *((False, f"*Also* · {_prose(note.text)}") for note in report.notes)]


def _facts(report: Report) -> str:
    first: RankedCause | None = report.causes[0] if report.verdict == "cause-found" and report.causes else None
    parts: list[str] = [first.cause, first.certainty] if first else [report.verdict]
    parts.append(f"cluster {words.cluster(report)}")
    if len(report.failures) > 1:
        parts.append(words.containers(report, ()))
    parts += [report.task.region, f"account {report.task.account}", words.since(report)]
    images = dict.fromkeys(f"`{_escaped(part.image)}`" for part in report.failures if part.image is not UNSET)
    return _cut(" · ".join([*(_escaped(part) for part in parts if part), *images]), _SECTION // 2)


def _also(report: Report, cause: RankedCause) -> str:
    of = f"{words.containers(report, cause.failures)}: " if len(report.failures) > 1 else ""
    return f"*Also* · {_prose(f'{of}{words.phrase(cause.title)} ({cause.cause}, {cause.certainty})')}"


def _fix(report: Report, fix: FixPart, label: str) -> str:
    parts = [words.applicability(fix.applicability), words.phrase(fix.text)]
    if fix.managed_by is not UNSET:
        parts.append(f"managed by {fix.managed_by}: change it there")
    if fix.account != report.task.account:
        parts.append(f"in account {fix.account}")
    parts += [f"effect: {words.phrase(fix.effect)}"] if fix.effect is not UNSET else []
    parts += [f"cost: {words.phrase(fix.cost)}"] if fix.cost is not UNSET else []
    text = _cut(f"*{label}* · {' · '.join(_prose(part) for part in parts)}", _SECTION // 2)
    lines = [wrap(plain(command.cli), _COMMAND_WIDTH, indent="") for command in fix.commands]
    return _with_commands(text, lines) if lines else text


def _with_commands(text: str, lines: list[str]) -> str:
    """A command that is cut would run as another one: it is shown whole or not at all."""
    fence = "\n".join(lines).replace("`", "'")
    for raw, entity in _ESCAPES.items():
        fence = fence.replace(raw, entity)
    whole = f"{text}\n```\n{fence}\n```"
    return whole if len(whole) <= _SECTION else f"{text}\nThe command is too long for Slack: the text report has it."


def _gap(gap: words.Gap, report: Report) -> str:
    return _prose(f"{gap.missing.fact}: {words.reason(gap.missing, report.task.account)}")


def _bullets(title: str, items: list[str]) -> list[tuple[bool, str]]:
    if not items:
        return []
    shown = [f"• {_cut(item, _SECTION // 8)}" for item in items[:_MOST_ITEMS]]
    more = [f"• and {len(items) - _MOST_ITEMS} more"] if len(items) > _MOST_ITEMS else []
    return [(title != "Evidence", "\n".join([f"*{title}*", *shown, *more]))]


def _counts(report: Report) -> str:
    if not words.checked(report):
        return ""
    found = report.verdict == "cause-found"
    findings = len(report.causes) - found
    reads = len(report.unread)
    actions = list(dict.fromkeys(plain(one.action) for one in report.unread if one.action))
    if len(actions) > _MOST_ITEMS:
        actions[_MOST_ITEMS - 1 :] = [f"and {len(actions) - _MOST_ITEMS + 1} more"]
    named = f" ({_prose(', '.join(actions))})" if actions else ""
    gaps = words.gaps(report)
    why = f" ({_gap(gaps[0], report)})" if len(gaps) == 1 and not reads and found else ""
    ruled_out = len({excluded.cause for excluded in report.ruled_out})
    unchecked = len({unchecked.cause for unchecked in report.not_checked})
    more = "more " if found else ""
    parts = [words.many(findings, f"{more}finding", f"{more}findings")] if findings else []
    parts += [words.many(ruled_out, "cause ruled out", "causes ruled out")] if ruled_out else []
    parts.append(f"{unchecked} not checked{why}" if unchecked else "every check could be made")
    parts += [f"{words.many(reads, 'read', 'reads')} refused or failed{named}"] if reads else []
    return _cut(" · ".join(parts), _SECTION // 6)


def _links(report: Report) -> str:
    task = report.task
    links: list[tuple[str, str | None]] = []
    if task.arn is not UNSET:
        partition = task.arn.split(":")[1] if task.arn.startswith("arn:") else ""
        place = Place(partition, task.account, task.region)
        page = make(place, "AWS::ECS::Task", f"{words.cluster(report)}/{words.task_id(report)}")
        links.append(("Task", page.console_url))
    for cause in report.causes[:1]:
        links += [(cause.culprit.id, cause.culprit.console_url), *((link.title, link.url) for link in cause.docs[:1])]
    return "  ".join(_link(label, url) for label, url in links if url and url.startswith("https://"))


def _link(label: str, url: str) -> str:
    url = (
        plain(url).replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace(" ", "%20")
    )
    return f"<{url}|{_escaped(label).replace('|', '/')}>"


def _escaped(text: str) -> str:
    text = "".join(_ESCAPES.get(char, char) for char in plain(text).replace("`", "'"))
    # A zero-width space keeps a bare @here from notifying anyone.
    return _MENTION.sub("@\u200b", text)


def _prose(text: str) -> str:
    """Return outside text for mrkdwn, ids and IAM actions set as code."""
    return _CODE.sub(lambda found: f"`{found.group()}`", _cut(_escaped(text), _SECTION - 500))


def _cut(text: str, limit: int) -> str:
    """Shorten escaped text without leaving half of an entity or an open backquote."""
    if len(text) <= limit:
        return text
    text = re.sub(r"&[a-z]*$", "", text[: limit - 5]).rstrip()
    return text + ("`" if text.count("`") % 2 else "") + " ..."


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": _cut(text, _SECTION), "verbatim": True}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _size(block: dict[str, Any]) -> int:
    return sum(len(element["text"]) for element in block.get("elements", [block.get("text")]))
