"""What looks broken and is not accuses nobody, not even as possible."""

from __future__ import annotations

import pytest

from tests.emulated.aws import EmulatedAws
from tests.end_to_end.harness import report_on
from tests.worlds.harmless import HARMLESS, build_harmless

SPREAD = [
    pytest.param(name, marks=pytest.mark.slow if number % 2 else []) for number, name in enumerate(sorted(HARMLESS))
]
"""All worlds, of which the fast set has every other one."""


@pytest.mark.parametrize("name", SPREAD)
def test_nobody_is_accused(aws: EmulatedAws, name: str) -> None:
    report = report_on(aws, build_harmless(aws, name).event)
    assert report.causes == ()
    assert (report.verdict, report.not_checked) == ("no-defect-found", ())
