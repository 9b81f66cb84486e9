"""The lifecycle rules that could have taken an image away: named with what they take, and never claimed.

ECR tells nobody which rule took an image.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

import textwrap

from pull_doctor.causes.outcome import Evidence
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.facts.fact import Fact, Unknown
from pull_doctor.facts.values import LifecycleRule
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.policy.wildcards import fits, literal

_SHOWN = 2
_DESCRIPTION = 80
_COUNTED = {
    "imageCountMoreThan": "once there are more than {count}",
    "sinceImagePushed": "{count} {unit} after they were pushed",
    "sinceImagePulled": "{count} {unit} after they were last pulled",
    "sinceImageTransitioned": "{count} {unit} after they were archived",
}


def taken_by(
    image: ImageReference, rules: Fact[tuple[LifecycleRule, ...]], *, untagged: bool = False, archived: bool = False
) -> tuple[Evidence, ...]:
    """The rules that could have expired, or ``archived``, the image, in the order in which ECR applies them.

    ``untagged``: the image may have lost its tag before.
    """
    if isinstance(rules, Unknown):
        return ()
    fitting = []
    for one in sorted(rules.value, key=lambda one: one.priority):
        if _could_take(one, image.tag, untagged=untagged, archived=archived):
            fitting.append(one)
            if not untagged and _surely_selects(one, image.tag):
                break
    return tuple(Evidence(_said(one, image.repository), "fact", (repository_of(image),)) for one in fitting[:_SHOWN])


def _could_take(rule: LifecycleRule, tag: str | None, *, untagged: bool, archived: bool) -> bool:
    if (rule.action == "transition") != archived:
        return False
    if rule.tag_status != "tagged":
        return rule.tag_status == "any" or untagged
    # All prefixes or patterns must be met, but another tag of the same image may have met the others.
    return tag is not None and any(fits(one, tag) for one in _patterns(rule))


def _surely_selects(rule: LifecycleRule, tag: str | None) -> bool:
    """Whether the tag alone meets the rule, so that no later rule can take its image.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    """
    return rule.tag_status == "tagged" and tag is not None and all(fits(one, tag) for one in _patterns(rule))


def _patterns(rule: LifecycleRule) -> tuple[str, ...]:
    return (*(literal(one) + "*" for one in rule.prefixes), *rule.patterns)


def _said(rule: LifecycleRule, repository: str) -> str:
    description = textwrap.shorten(rule.description or "", _DESCRIPTION, placeholder="...")
    named = f' ("{description}")' if description else ""
    takes = {"tagged": "images with a tag like", "untagged": "untagged images", "any": "images"}[rule.tag_status]
    tags = " or ".join((*(f"{one}*" for one in rule.prefixes), *rule.patterns))
    unit = rule.unit if rule.count != 1 else (rule.unit or "").removesuffix("s")
    when = _COUNTED.get(rule.count_type, f"by {rule.count_type}").format(count=rule.count, unit=unit or "days")
    does, done = ("expires", "expired") if rule.action == "expire" else ("archives", "archived")
    return (
        f"rule {rule.priority}{named} of the lifecycle policy of {repository} {does} {takes}{tags and ' ' + tags}, "
        f"{when}: it could have {done} this one"
    )
