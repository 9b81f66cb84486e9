"""The text report on a terminal: the same words, with colour where the terminal has it."""

from __future__ import annotations

import re
import sys

from rich.console import Console
from rich.text import Text

_STYLES = (
    (r"^error\[[a-z0-9-]+\]: .*$", "bold red"),
    (r"^(unknown|note|ok)\[[a-z0-9-]+\]: .*$", "bold"),
    (r"^help: ", "bold green"),
    (r"^note: ", "bold yellow"),
    (r"^  FAIL\b", "bold red"),
    (r"^  ok\b", "green"),
    (r"^[A-Z][^:\n]{2,60}:$", "bold"),
)


def show(text: str) -> None:
    """Write the report to standard output; colour only on a terminal, and not against ``NO_COLOR``."""
    if not sys.stdout.isatty():
        sys.stdout.write(text)
        return
    styled = Text(text)
    for pattern, style in _STYLES:
        styled.highlight_regex(re.compile(pattern, re.MULTILINE), style)
    # Text, never markup: outside text may hold what looks like it. No wrapping: commands are copied from here.
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(styled, end="")
