"""Reads ECS's text: the rules by which words mean a phase and a kind, and what else the words prove."""

from pull_doctor.intake.symptoms.reading import MAX_TEXT, matching_rule, read_symptom

__all__ = ["MAX_TEXT", "matching_rule", "read_symptom"]
