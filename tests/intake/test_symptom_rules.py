"""The symptom table against its own examples: which rule decides, and that the order is the declared one."""

from collections.abc import Iterator

import pytest

from pull_doctor.intake.symptoms import matching_rule, read_symptom
from pull_doctor.intake.symptoms.names import hide_names
from pull_doctor.intake.symptoms.other_stops import OTHER_STOPS
from pull_doctor.intake.symptoms.rule import Rule
from pull_doctor.intake.symptoms.rules import GROUPS, RULES


@pytest.mark.parametrize("rule", RULES + OTHER_STOPS, ids=lambda rule: f"{rule.kind}: {rule.pattern.pattern[:40]}")
def test_each_example_meets_its_own_rule_first(rule: Rule) -> None:
    assert matching_rule(rule.example) is rule
    symptom = read_symptom(rule.example)
    assert symptom.kind == rule.kind
    assert symptom.phase == (rule.phase or rule.within or symptom.phase)


def also_speaking(example: str) -> Iterator[tuple[int, Rule]]:
    """Every rule of the table whose words stand in this example, with the place of its group."""
    words, phase = hide_names(example), read_symptom(example).phase
    for place, group in enumerate(GROUPS):
        for rule in group:
            if rule.pattern.search(words) and rule.within in (None, phase):
                yield place, rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.kind}: {rule.pattern.pattern[:40]}")
def test_other_rules_that_speak_stand_in_a_later_group_or_agree(rule: Rule) -> None:
    place = next(place for place, group in enumerate(GROUPS) if rule in group)
    for other_place, other in also_speaking(rule.example):
        assert other_place > place or (other_place == place and other.kind == rule.kind), other


@pytest.mark.parametrize("place", range(len(GROUPS) - 1))
def test_each_group_has_an_example_that_its_place_decides(place: int) -> None:
    later = [
        other.kind
        for rule in GROUPS[place]
        for other_place, other in also_speaking(rule.example)
        if other_place > place and other.kind != rule.kind
    ]
    assert later, "no example of this group holds words of a later one: it could stand anywhere"


def test_the_order_inside_a_group_decides_nothing() -> None:
    turned = [rule for group in GROUPS for rule in reversed(group)]
    for example in (rule.example for rule in RULES):
        words, phase = hide_names(example), read_symptom(example).phase
        decides = next(rule for rule in turned if rule.matches(words, phase))
        assert decides.kind == read_symptom(example).kind


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.kind}: {rule.pattern.pattern[:40]}")
def test_wrapping_and_typography_change_nothing(rule: Rule) -> None:
    wrapped = rule.example.replace("'", "\u2019").replace(" ", " \n ").upper().lower()
    assert read_symptom(wrapped).kind == rule.kind


@pytest.mark.parametrize(
    "rule",
    [rule for rule in RULES if rule.example.startswith("CannotPull")],
    ids=lambda rule: f"{rule.kind}: {rule.pattern.pattern[:40]}",
)
def test_a_text_cut_anywhere_keeps_naming_a_pull(rule: Rule) -> None:
    for length in range(len("CannotPull"), len(rule.example)):
        assert read_symptom(rule.example[:length]).kind not in ("not-a-pull-failure", "undetermined")
