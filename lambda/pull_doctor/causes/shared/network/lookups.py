"""What the causes share that stand in the way of a lookup."""

from __future__ import annotations

from pull_doctor.causes.outcome import Ok, Outcome, Undetermined
from pull_doctor.causes.row import SILENT
from pull_doctor.facts.fact import Unknown
from pull_doctor.intake.symptom import Symptom


def no_lookup(symptom: Symptom) -> Outcome:
    """The outcome where the text gives no reason to read what stops or forwards lookups."""
    if symptom.kind in SILENT:
        return Undetermined((Unknown("whether a lookup failed", "not-visible", detail="ECS's text does not say"),))
    if symptom.address:
        return Ok(f"ECS's text shows that the name was resolved, to {symptom.address}")
    return Ok(f"ECS's text tells of {symptom.kind}, not of a lookup that failed")
