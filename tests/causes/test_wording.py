"""The catalogue's own words follow the rules of wording."""

from __future__ import annotations

import re

import pytest

from pull_doctor.causes.catalogue import CATALOGUE
from pull_doctor.causes.row import Row
from pull_doctor.causes.runner import Check, checks
from tests.report.wording import BANNED

every_row = pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.cause)
every_check = pytest.mark.parametrize("check", checks(), ids=lambda check: check.row.cause)


@every_row
def test_a_defect_is_named_in_one_clause(row: Row) -> None:
    assert not row.defect.endswith(".")
    assert not BANNED.search(row.defect.replace("answers the registry's name wrongly", ""))
    assert len(row.defect) <= 130
    assert row.defect[0].islower() or not row.defect[1].islower()


@every_row
def test_what_it_follows_from_is_a_cause_and_said_in_a_clause(row: Row) -> None:
    for origin, why in row.follows:
        assert origin in {one.cause for one in CATALOGUE}
        assert why[0].islower() or why.startswith(("Docker", "ECR"))
        assert not why.endswith(".")


@every_check
def test_the_long_explanation_reads_as_agreed(check: Check) -> None:
    first, _, rest = check.explanation.partition("\n")
    assert first.endswith("."), "the first line is a sentence"
    assert not rest or rest.startswith("\n"), "and stands alone"
    assert not BANNED.search(check.explanation), BANNED.search(check.explanation)
    assert "What mends it:" in check.explanation
    assert re.search(r"^https://docs\.aws\.amazon\.com/\S+$", check.explanation, re.MULTILINE)
