"""What a pull-through cache needs to fetch from its upstream: a secret that ECR can read, and a login that is taken."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from shlex import quote
from typing import Literal

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, Problem, Still
from pull_doctor.causes.shared.cache.instead import UPSTREAM_LOGIN, upstream_of
from pull_doctor.causes.shared.cache.names import fetched_by
from pull_doctor.causes.shared.image.images import repository_of
from pull_doctor.facts.fact import Fact, Known
from pull_doctor.facts.values import CacheRule, CacheRuleState, Secret
from pull_doctor.intake.image_reference import EcrRegistry, ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.resource import Place, Resource, make

_NAME = "ecr-pullthroughcache/"
"""How the name of such a secret begins; it is in the account and Region of its rule.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html"""
_UNREADABLE = re.compile(r"unableto(?:access|decrypt)secret|secretnotfoundexception", re.IGNORECASE)
"""https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html"""
_REFUSED = re.compile(r"authentication to the upstream registry failed|upstreamaccessdenied", re.IGNORECASE)
_LONGEST = 200
"""Characters of ECR's own sentence that are quoted."""


@dataclass(frozen=True, slots=True)
class _Defect:
    """What does not work; ``why`` goes on from a sentence about the rule, ``shown`` are clauses with ids."""

    title: str
    why: str
    culprit: Resource
    shown: tuple[str, ...]
    fixes: tuple[Fix, ...]
    inferred: tuple[str, ...] = ()


def of_upstream(
    symptom: Symptom,
    message: str,
    image: ImageReference,
    rule: CacheRule | None,
    secret: Fact[Secret | None],
    state: Fact[CacheRuleState | None],
) -> Problem | None:
    """The problem of a rule whose upstream ECR cannot sign in to; ``None`` where neither facts nor text show one.

    ``rule`` is ``None`` where it is not known, or gone. What the text tells of has been mended since where ECR's own
    test of the rule passes.
    """
    told = _told(symptom, message)
    defect = _defect(image, rule, secret, state) if rule else None
    if rule is None or defect is None:
        return _by_text(told, image, rule, state)
    root = ("that it is to come from there at all: the rule ROOT fits every name that no other rule fits",)
    return Problem(
        title=defect.title,
        explanation=(
            f"{image.repository} is a pull-through cache's: ECR fetches what it does not have from {rule.upstream}, by "
            f"cache rule {rule.prefix}. {defect.why} What ECR has fetched before it serves all the same."
        ),
        culprit=defect.culprit,
        evidence=(
            *_said(told, image),
            fetched_by(image, rule),
            *(Evidence(one, "fact", (defect.culprit,)) for one in defect.shown),
        ),
        fixes=defect.fixes,
        text_proves=told == "unreadable",
        inferred=(*defect.inferred, *(root if rule.prefix == "ROOT" and not told else ())),
    )


def _told(symptom: Symptom, message: str) -> Literal["unreadable", "refused"] | None:
    """What ECS's text says of the upstream: ECR cannot read the secret, or the upstream does not take the login."""
    text = " ".join(message.split())
    if symptom.kind != "pull-through-cache-failure":
        return None
    if _UNREADABLE.search(text):
        return "unreadable"
    return "refused" if _REFUSED.search(text) else None


def _said(told: Literal["unreadable", "refused"] | None, image: ImageReference) -> tuple[Evidence, ...]:
    if told is None:
        return ()
    what = (
        "could not read the secret of the cache rule" if told == "unreadable" else "could not sign in to the upstream"
    )
    return (
        Evidence(
            f"ECS's text says that ECR {what}, for repository {image.repository}", "text", (repository_of(image),)
        ),
    )


def _by_text(
    told: Literal["unreadable", "refused"] | None,
    image: ImageReference,
    rule: CacheRule | None,
    state: Fact[CacheRuleState | None],
) -> Problem | None:
    """The problem that ECS's text alone shows; an upstream may refuse alike a name that it does not have."""
    works = isinstance(state, Known) and state.value is not None and state.value.valid
    if told is None or (told == "refused" and (rule is None or works)):
        return None
    still: Still = "no" if works else "unknown"
    fixes: tuple[Fix, ...] = ()
    if rule and rule.credential and not works:
        fixes = (_new_value(rule, rule.credential),)
    shown = [*_said(told, image), *((fetched_by(image, rule),) if rule else ())]
    if rule and works:
        text = f"ECR's own test of cache rule {rule.prefix} against {rule.upstream} passes now"
        shown.append(Evidence(text, "fact", (repository_of(image),)))
    refused = told == "refused"
    return Problem(
        title=f"ECR could not {'sign in to the upstream' if refused else 'read the secret'} of the pull-through cache",
        explanation=(
            f"{image.repository} is a pull-through cache's: ECR signs in to the upstream with the secret that its "
            f"rule names, and fetches the image while it is pulled. ECS's text says that "
            f"{'the upstream did not take the login' if refused else 'ECR could not read that secret'}."
        ),
        culprit=repository_of(image),
        evidence=tuple(shown),
        fixes=fixes,
        still=still,
        text_proves=not refused,
        inferred=("that the login is at fault: an upstream may refuse alike what it does not have",) if refused else (),
    )


def _defect(
    image: ImageReference, rule: CacheRule, secret: Fact[Secret | None], state: Fact[CacheRuleState | None]
) -> _Defect | None:
    """What the facts show not to work: the secret, as it tells more, else the rule as ECR tries it."""
    assert image.ecr is not None
    tried = state.value if isinstance(state, Known) else None
    of_secret = _of_the_secret(image.ecr, rule, rule.credential, secret, tried) if rule.credential else None
    if of_secret:
        doubt: tuple[str, ...] = of_secret.inferred
        if tried and tried.valid:
            doubt = (*doubt, f"ECR's own test of cache rule {rule.prefix} passes all the same")
        shown = (*of_secret.shown, *(_failure(image, rule, tried) if tried else ()))
        return _Defect(of_secret.title, of_secret.why, of_secret.culprit, shown, of_secret.fixes, doubt)
    if tried is None or tried.valid:
        return None
    item = Resource("AWS::ECR::PullThroughCacheRule", rule.prefix)
    shown = _failure(image, rule, tried)
    known = upstream_of(rule.upstream)
    if rule.credential is None and known and known.login:
        why = f"The rule names no secret, and {rule.upstream} wants a login."
        title = "pull-through cache rule names no secret for its upstream"
        return _Defect(title, why, item, shown, (_other_secret(image.ecr, rule),))
    why = f"ECR's own test of the rule fails, so that it can fetch nothing from {rule.upstream}."
    fix = Fix(
        f"mend what ECR names, so that it reaches {rule.upstream}", "your-call", image.ecr.account, image.ecr.region
    )
    if rule.credential:
        why = f"ECR's own test of the rule, which signs in to {rule.upstream} with {rule.credential}, fails."
        fix = _new_value(rule, rule.credential)
    elif rule.custom_role:
        text = f"let {rule.custom_role} pull from {rule.upstream}, and that registry's policies admit it"
        fix = Fix(text, "your-call", image.ecr.account, image.ecr.region)
    return _Defect(f"pull-through cache rule {rule.prefix} fails ECR's own test", why, item, shown, (fix,))


def _of_the_secret(
    registry: EcrRegistry, rule: CacheRule, arn: str, secret: Fact[Secret | None], tried: CacheRuleState | None
) -> _Defect | None:
    region, account, name = arn.split(":")[3], arn.split(":")[4], arn.split(":", 6)[-1]
    item = make(Place(registry.partition, account, region), "AWS::SecretsManager::Secret", arn)
    named = f"cache rule {rule.prefix} names secret {arn}"
    what = "secret of the pull-through cache rule"
    other = _other_secret(registry, rule)
    if secret == Known(None):
        why = "The secret with which it signs in there does not exist."
        shown: tuple[str, ...] = (f"{named}, which Secrets Manager does not have",)
        return _Defect(f"{what} does not exist", why, item, shown, (other,))
    found = secret.value if isinstance(secret, Known) else None
    shown = (named,)
    if found and found.deleted_at:
        shown = (f"{named}, which is marked for deletion, with the date {found.deleted_at:%Y-%m-%d}",)
        why = "The secret with which it signs in there is marked for deletion, so that nobody can read it."
        restore = AwsCommand("secretsmanager", "RestoreSecret", {"SecretId": arn})
        back = Fix("restore the secret, if it is still the one to use", "your-call", account, region, (restore,))
        return _Defect(f"{what} is marked for deletion", why, item, shown, (back, other))
    if tried and tried.valid:
        return None
    doubt = () if tried else (f"ECR's own test of cache rule {rule.prefix} was not read, and could pass all the same",)
    if (account, region) != (registry.account, registry.region):
        shown = (f"{named}, and is itself in registry {registry.account} ({registry.region})",)
        why = "Its secret is not in the rule's own account and Region, as ECR needs it."
        where = "account" if account != registry.account else "Region"
        return _Defect(f"{what} is in another {where}", why, item, shown, (other,), doubt)
    if not name.startswith(_NAME):
        why = f"The name of its secret does not begin with {_NAME}, as ECR needs it."
        return _Defect(f"name of the cache rule's secret lacks {_NAME}", why, item, shown, (other,), doubt)
    return None


def _failure(image: ImageReference, rule: CacheRule, tried: CacheRuleState) -> tuple[str, ...]:
    """ECR's own sentence on what does not work."""
    if tried.valid:
        return ()
    assert image.ecr is not None
    text = f"ECR's own test of cache rule {rule.prefix} of registry {image.ecr.account} fails"
    if not tried.failure:
        return (f"{text} against {rule.upstream}",)
    return (
        f"{text} against {rule.upstream}: {textwrap.shorten(tried.failure, _LONGEST, placeholder=' ...').rstrip('.')}",
    )


def _new_value(rule: CacheRule, arn: str) -> Fix:
    region, account = arn.split(":")[3:5]
    put = f"aws secretsmanager put-secret-value --region {quote(region)} --secret-id {quote(arn)} {UPSTREAM_LOGIN}"
    text = f'put a login that {rule.upstream} takes into the secret, as JSON with "username" and "accessToken"'
    return Fix(text, "fill-in", account, region, (put,))


def _other_secret(registry: EcrRegistry, rule: CacheRule) -> Fix:
    """Another secret for the rule, in its own account and Region."""
    create = (
        f"aws secretsmanager create-secret --region {quote(registry.region)} "
        f"--name {quote(f'{_NAME}<name>')} {UPSTREAM_LOGIN}"
    )
    arn = f"arn:{registry.partition}:secretsmanager:{registry.region}:{registry.account}:secret:{_NAME}<name>"
    named = {
        "registryId": registry.account,
        "ecrRepositoryPrefix": rule.prefix,
        "credentialArn": f"{arn}-<end of the ARN that create-secret prints>",
    }
    text = f'name a secret in the rule that holds a login to {rule.upstream}, as JSON with "username" and "accessToken"'
    update = AwsCommand("ecr", "UpdatePullThroughCacheRule", named)
    return Fix(text, "fill-in", registry.account, registry.region, (create, update))
