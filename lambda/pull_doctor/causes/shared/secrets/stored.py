"""What stands in the way of a secret or parameter that the start reads: whether it is there, and who may read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pull_doctor.causes.shared.rights.amended import source_values
from pull_doctor.causes.shared.rights.refusals import Refused, sentence
from pull_doctor.causes.shared.rights.sources import WRITTEN
from pull_doctor.causes.shared.secrets.keys import UNUSABLE
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Key, Secret
from pull_doctor.policy.combine import Layer, combine
from pull_doctor.policy.evaluate import Decision
from pull_doctor.policy.rulings import Ruling
from pull_doctor.policy.rulings import Verdict as Layered
from pull_doctor.policy.stored import Decryption, Stored
from pull_doctor.resource import Resource, make

What = Literal["gone", "deleted", "denied", "key", "part", "way"]
"""``way``: a policy refuses the request for the VPC or the endpoint that it comes from, which is another cause's."""

OF_THE_REGISTRY = re.compile(
    r"CannotPullContainerAuthError|private registry credentials|registry auth from asm", re.IGNORECASE
)
"""What ECS says of the login to a registry, and never of what the task injects."""
_ARN = re.compile(r"arn:[\w-]+:(?:secretsmanager|ssm):[\w-]*:\d*:(?:secret:|parameter/)[\w/+=.@!-]+")
_SAYS: tuple[tuple[What, re.Pattern[str]], ...] = (
    (
        "part",
        re.compile(
            r"did not contain json key|specified secret value for|staging label|looking for beginning of value",
            re.IGNORECASE,
        ),
    ),
    ("deleted", re.compile(r"marked (?:for deletion|deleted)", re.IGNORECASE)),
    (
        "gone",
        re.compile(r"ResourceNotFoundException|can't find the specified secret|invalid parameters?:|ParameterNotFound"),
    ),
    (
        "key",
        re.compile(r"Access to KMS is not allowed|perform: kms:|DecryptionFailure|KMSInvalidState", re.IGNORECASE),
    ),
    ("denied", re.compile(r"AccessDenied|perform: (?:secretsmanager|ssm):", re.IGNORECASE)),
)
"""What a text proves of the secret it speaks of; the first that fits.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html"""


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing found to stand in the way of one value; ``refused`` is the layer that does, where one does.

    ``inferred`` are steps behind it that were not read.
    """

    what: What
    one: Stored
    text: str
    refused: Refused | None = None
    inferred: tuple[str, ...] = ()


Verdict = Defect | Unknown
"""What stands in the way, or what could not be told."""


def existence(one: Stored) -> tuple[Verdict, ...]:
    """Whether the value is there."""
    if isinstance(one.found, Unknown):
        return (one.found,)
    if one.found.value is None:
        store = "Secrets Manager" if one.source.kind == "secret" else "Systems Manager"
        text = f"{store} in {one.source.place.region} has no {one.source.kind} {one.source.arn}"
        return (Defect("gone", one, text),)
    if isinstance(one.found.value, Secret) and one.found.value.deleted_at:
        since = f"{one.found.value.deleted_at:%Y-%m-%d}"
        return (Defect("deleted", one, f"secret {one.arn} is marked for deletion, with the date {since}"),)
    return ()


def rights(one: Stored) -> tuple[Verdict, ...]:
    """Whether the execution role may read the value, and decrypt it; nothing is said of one that is not there."""
    if any(isinstance(each, Defect) for each in existence(one)):
        return ()
    found = [_refusal(one, one.reading, "denied"), _key(one)]
    if one.decrypting:
        found.append(_refusal(one, one.decrypting, "key"))
    # A value that could not be described tells nothing of its key.
    found.append(one.found if isinstance(one.found, Unknown) else None)
    return tuple(filter(None, found))


def either(one: Stored) -> tuple[Verdict, ...]:
    """Both: first whether it is there, then who may read it."""
    return (*existence(one), *rights(one))


def _refusal(one: Stored, ruling: Fact[Ruling], what: What) -> Verdict | None:
    """Whether the role may not do it: in one account its policies or the value's suffice, else it takes both.

    A key's policy must admit at least the account, and a grant of the key may allow what no policy does.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
    https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
    """
    if isinstance(ruling, Unknown):
        return ruling
    ruled, need = ruling.value, ruling.value.need
    of_key = isinstance(need, Decryption)
    decisions: dict[Layer, Decision | None] = {"resource-policy": None}
    decisions |= {one.layer: one.decision for one in ruled.verdicts if one.layer != "registry-policy"}
    combined = combine(decisions, same_account=not ruled.foreign, key_policy=of_key)
    if combined.effect == "allow":
        return None
    assert combined.layer is not None
    assert combined.layer in ("identity-policy", "permissions-boundary", "service-control-policy", "resource-policy")
    verdict = ruled.verdict(combined.layer)
    subject = f"whether {ruled.role} may call {need.action} on {need.resource}"
    if combined.effect == "unknown":
        missing = [each.missing for each in (verdict, *ruled.verdicts) if each and each.missing]
        return missing[0] if missing else Unknown(subject, "not-modelled", resource=need.resource)
    if verdict and verdict.hangs_on:
        return Defect("way", one, _mismatch(verdict), Refused(ruled, combined.layer, verdict))
    refused = Refused(ruled, combined.layer, verdict)
    inferred: tuple[str, ...] = ()
    if of_key and not refused.explicit:
        inferred = (f"no grant of {need.resource} lets {ruled.role} decrypt with it: a key's grants are not read",)
    limit = refused.layer in ("permissions-boundary", "service-control-policy")
    asked = f"{need.action} on {need.resource}" if limit else need.action
    return Defect(what, one, sentence(refused, asked), refused, inferred)


def _mismatch(verdict: Layered) -> str:
    """What a condition on the way names, and what the request carries instead."""
    context = verdict.request.context if verdict.request else {}
    keys = " and ".join(WRITTEN[key] for key in verdict.hangs_on)
    named = " or ".join(source_values(verdict.document or "", verdict.hangs_on))
    carried = [value for key in verdict.hangs_on if isinstance(value := context.get(key), tuple)]
    carries = " and ".join(each for value in carried for each in value) or "none"
    return f"{verdict.read} names {named} for {keys}, and the request carries {carries}"


def _key(one: Stored) -> Verdict | None:
    """Whether the key that encrypts the value decrypts nothing, for anybody or for another account."""
    foreign = isinstance(one.reading, Known) and one.reading.value.foreign
    known: Key | None = None
    if one.key is not None:
        if isinstance(one.key, Unknown):
            return one.key
        known = one.key.value
        if known is None:
            return Defect("key", one, f"KMS knows no key by the name that {one.arn} has for its own")
        if known.state in UNUSABLE:
            return Defect("key", one, f"{known.arn}, the key of {one.arn}, {UNUSABLE[known.state]}")
    by_aws = known.manager == "AWS" if known else isinstance(one.found, Known) and isinstance(one.found.value, Secret)
    if foreign and by_aws:
        text = f"AWS's own key encrypts {one.arn}, and account {one.source.place.account} alone can decrypt with it"
        return Defect("key", one, text)
    return None


@dataclass(frozen=True, slots=True)
class Held:
    """What ECS's text says, held against what was read of the values of one use.

    ``said`` is what the text proves of the value it means, ``named`` the values that it names, ``another`` one that it
    names and that is none of them. ``by_source`` are the refusals that hang on the way. ``defects`` are the others,
    those of a named value first, and of which the text says the same.
    """

    said: What | None
    named: tuple[Stored, ...]
    another: str | None
    by_source: tuple[Defect, ...]
    defects: tuple[Defect, ...]
    unknown: tuple[Unknown, ...]

    @property
    def fitting(self) -> Defect | None:
        """A defect of which the text says the same."""
        return next((one for one in self.defects if fits(self.said, one)), None)


def hold(text: str, values: tuple[Stored, ...], judge: Callable[[Stored], tuple[Verdict, ...]]) -> Held:
    """Hold the text against the values: it may be about one of them, about another, or not say."""
    verdicts = [each for one in values for each in judge(one)]
    named = tuple(one for one in values if _names(text, one))
    unknown = tuple(dict.fromkeys(one for one in verdicts if isinstance(one, Unknown)))
    arn = _ARN.search(text)
    another = arn[0] if arn and not named else None
    said = next((what for what, pattern in _SAYS if pattern.search(text)), None)
    defects = sorted(
        (one for one in verdicts if isinstance(one, Defect)),
        key=lambda one: (one.one not in named, not fits(said, one), bool(one.inferred)),
    )
    by_source = tuple(one for one in defects if one.what == "way")
    return Held(said, named, another, by_source, tuple(one for one in defects if one.what != "way"), unknown)


def fits(said: What | None, defect: Defect) -> bool:
    """Whether ECS's text says the same of the value."""
    gone = ("gone", "deleted")
    return said == defect.what or (said in gone and defect.what in gone)


def in_one_line(message: str) -> str:
    """ECS's text with plain apostrophes and single spaces."""
    return " ".join(message.replace("\u2019", "'").split())


def _names(text: str, one: Stored) -> bool:
    # The bare name of a secret is often a common word: only its ARN in a text means it.
    names = {one.arn, one.source.arn, *(one.source.names if one.source.kind == "parameter" else ())}
    # What names a secret without the six characters at the end of its ARN may be told with them.
    suffix = r"(?:-\w{6})?" if one.source.kind == "secret" else ""
    return any(re.search(rf"(?<![\w/.-]){re.escape(name)}{suffix}(?!\.?[\w/+=@-])", text) for name in names)


def resource_of(one: Stored) -> Resource:
    """The secret or parameter itself."""
    kind = "AWS::SecretsManager::Secret" if one.source.kind == "secret" else "AWS::SSM::Parameter"
    return make(one.source.place, kind, one.arn)
