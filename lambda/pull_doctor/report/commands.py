"""AWS calls as one shell line of the AWS CLI that runs as printed.

A line is printable ASCII without backquotes, and every argument is quoted for the shell: names and tags are written by
strangers and pasted by people on call. What the CLI would not take literally as an option's value travels whole in
``--cli-input-json``, escaped. The CLI's forms:
https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from pull_doctor.causes.outcome import AwsCommand
from pull_doctor.report.model import Command

_CLI_NAMES = {"s3": "s3api"}
_GLOBAL = frozenset({"iam", "organizations", "route53"})
# Options that the CLI gives another name than the API's.
_RENAMED = {
    ("sns", "--endpoint"): "--notification-endpoint",
    ("ec2", "--no-egress"): "--ingress",
    ("ec2", "--no-disable-api-termination"): "--enable-api-termination",
    ("ecs", "--no-enable-execute-command"): "--disable-execute-command",
}
_FILE_PREFIXES = ("file://", "fileb://", "http://", "https://")
_SHORTHAND_WORD = re.compile(r"[A-Za-z0-9_./:*+-]+")
_SHELL_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""")


class _NotPlainError(Exception):
    """The CLI would not take this value literally."""


def render(command: AwsCommand, region: str) -> str:
    """Return the shell line of one AWS call, without line breaks; ``region`` is where it runs."""
    line = ["aws", _CLI_NAMES.get(command.service, command.service), kebab(command.operation)]
    if command.service not in _GLOBAL:
        line += ["--region", region]
    try:
        arguments = [
            word for name, value in command.parameters.items() for word in _option(command.service, name, value)
        ]
    except _NotPlainError:
        arguments = ["--cli-input-json", _json(command.parameters)]
    return shlex.join(line + arguments)


def command_of(command: AwsCommand | str, region: str) -> Command:
    """Return a call, or a shell line that no single call expresses, as a report holds it."""
    if isinstance(command, str):
        return Command(command)
    return Command(render(command, region), command.service, command.operation, command.parameters)


def kebab(name: str) -> str:
    """Return an API name as the CLI writes it: ``VpcId`` is ``vpc-id``, as botocore's ``xform_name`` has it."""
    if plural := re.search(r"[A-Z]{2,}s$", name):
        name = f"{name[: plural.start()]}-{plural.group().lower()}"
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1-\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", name).lower()


def wrap(line: str, width: int, indent: str = "    ") -> str:
    r"""Break a shell line before its options, with ``\`` at each end, so that it still runs as printed.

    The first line gets ``indent``, the others two spaces more. Nothing is broken inside quotes or between an option
    and its value; a single argument may therefore be wider than ``width``.
    """
    words = _SHELL_WORD.findall(line)
    if not words or " ".join(words) != line:
        return indent + line
    groups: list[str] = []
    for word in words:
        if word.startswith("--") or not groups:
            groups.append(word)
        else:
            groups[-1] += f" {word}"
    lines = [indent + groups[0]]
    for group in groups[1:]:
        if len(lines[-1]) + len(group) + len(" ") + len(" \\") <= width:
            lines[-1] += f" {group}"
        else:
            lines.append(f"{indent}  {group}")
    return " \\\n".join(lines)


def _option(service: str, name: str, value: Any) -> list[str]:
    option = f"--no-{kebab(name)}" if value is False else f"--{kebab(name)}"
    option = _RENAMED.get((service, option), option)
    if isinstance(value, bool):
        return [option]
    if isinstance(value, list) and value and not any(isinstance(item, dict | list) for item in value):
        return [option, *(_scalar(item) for item in value)]
    if isinstance(value, dict | list):
        return [option, *_structure(value)]
    return [option, _scalar(value)]


def _scalar(value: Any) -> str:
    """Return one top-level value. The CLI reads a file for ``file://``, an option for ``-``, JSON for a bracket."""
    text = _text(value)
    odd = not text or not text.isascii() or not text.isprintable() or "`" in text or text != text.strip()
    if odd or text.startswith(("-", "[", *_FILE_PREFIXES)):
        raise _NotPlainError
    return text


def _structure(value: dict[str, Any] | list[Any]) -> list[str]:
    items = value if isinstance(value, list) else [value]
    try:
        return [_pairs(item) for item in items] or ["[]"]
    except _NotPlainError:
        return [_json(value)]


def _json(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("`", "\\u0060").replace("\x7f", "\\u007f")


def _pairs(value: Any) -> str:
    if not isinstance(value, dict) or not value:
        raise _NotPlainError
    return ",".join(f"{_word(key)}={_shorthand(member)}" for key, member in value.items())


def _shorthand(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{_pairs(value)}}}"
    if isinstance(value, list) and value:
        return f"[{','.join(_shorthand(item) for item in value)}]"
    return _word(_text(value))


def _text(value: Any) -> str:
    if value is None:
        raise _NotPlainError
    return value if isinstance(value, str) else json.dumps(value)


def _word(text: str) -> str:
    if not _SHORTHAND_WORD.fullmatch(text) or text.startswith(_FILE_PREFIXES):
        raise _NotPlainError
    return text
