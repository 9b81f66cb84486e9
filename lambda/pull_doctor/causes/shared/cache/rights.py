"""The rights with which a pull-through cache fetches an image: what refuses them, in words, and what grants them."""

from __future__ import annotations

from dataclasses import dataclass

from pull_doctor.causes.outcome import Applicability, AwsCommand, Evidence, Fix, Problem, Still
from pull_doctor.causes.shared.cache.names import fetched_by
from pull_doctor.causes.shared.image.images import place_of, repository_of
from pull_doctor.causes.shared.rights.amended import with_statement
from pull_doctor.causes.shared.rights.refusals import Refused, evidence, look, more
from pull_doctor.causes.shared.rights.roles import name_of, policy_text
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, EcrLookup
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import DeniedBy, Symptom
from pull_doctor.intake.task import Task
from pull_doctor.policy.rulings import Layer, Ruling
from pull_doctor.resource import Resource, make
from pull_doctor.view.cache import CACHE_ACTIONS, IMPORT
from pull_doctor.view.rights import PULL_ACTIONS

_LAYERS: tuple[Layer, ...] = (
    "identity-policy",
    "permissions-boundary",
    "service-control-policy",
    "resource-policy",
    "registry-policy",
)

_UNREAD: tuple[DeniedBy, ...] = ("endpoint-policy", "resource-control-policy", "session-policy")
"""The layers that are not judged on the cache's rights: of one of them it cannot be said that it lets them pass."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What is decided on the rights of this pull: refused by which layer, allowed by all, or not known."""

    refused: tuple[Refused, ...] = ()
    passed: tuple[str, ...] = ()
    missing: tuple[Unknown, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """The refused actions, each once."""
        return tuple(dict.fromkeys(one.action for one in self.refused))


def names_a_right(symptom: Symptom, rule: CacheRule | None) -> bool:
    """Whether ECS's text names a right of the cache, or the role's right to read what is under a cache rule."""
    of_the_role = symptom.denied_by in (None, "identity-policy")
    return symptom.action in CACHE_ACTIONS or (rule is not None and of_the_role and symptom.action in PULL_ACTIONS)


def judged(cache: Fact[tuple[Ruling, ...]], pull: Fact[tuple[Ruling, ...]]) -> Rights:
    """What the layers decide on the cache's rights, and the role's own policies on reading the repository."""
    refused: list[Refused] = []
    missing: list[Unknown] = []
    for seen in (look(layer, cache) for layer in _LAYERS) if isinstance(cache, Known) else ():
        missing += seen.missing
        for one in (*seen.refused, *seen.by_source):
            # The registry's policy is where these rights may well be granted, so that it has to be read.
            unread = one.ruling.verdict("registry-policy") if one.inferred else None
            if unread and unread.missing:
                missing.append(unread.missing)
            else:
                refused.append(one)
    if isinstance(cache, Unknown) and cache.why != "prerequisite":
        missing.append(cache)
    lacking = {one.action for one in refused}
    settled = cache.value if isinstance(cache, Known) and not missing else ()
    passed = tuple(one.need.action for one in settled if one.need.action not in lacking)
    rulings = tuple(one for one in pull.value if one.need.action in PULL_ACTIONS) if isinstance(pull, Known) else ()
    reading = look("identity-policy", Known(rulings))
    return Rights((*refused, *reading.refused), (*passed, *reading.passed), tuple(dict.fromkeys(missing)))


def without_rights(
    task: Task,
    symptom: Symptom,
    image: ImageReference,
    role: str,
    rule: CacheRule | None,
    ecr_image: Fact[EcrLookup],
    rights: Rights,
) -> Problem:
    """The problem of a role that lacks, or lacked when ECS's text was written, a right to pull through the cache."""
    said = names_a_right(symptom, rule)
    item, repository, where = make(task.place, "AWS::IAM::Role", role), repository_of(image), place_of(image)
    actions = rights.actions or (symptom.action or IMPORT,)
    fetched = f" from {rule.upstream}, by cache rule {rule.prefix}" if rule else ""
    as_missing = ", and ECR answers as if there were no such image" if set(actions) <= set(CACHE_ACTIONS) else ""
    shown: list[Evidence] = []
    if said:
        layer = f" by {symptom.denied_by.replace('-', ' ')}" if symptom.denied_by else ""
        text = f"ECS's text says that {symptom.principal or role} was refused {symptom.action}{layer}"
        shown.append(Evidence(text, "text", (item,)))
    if rule:
        shown.append(fetched_by(image, rule))
    still: Still = "yes" if rights.refused else "unknown"
    if isinstance(ecr_image, Known):
        missing = ecr_image.value.missing
        has = {"repository": f"ECR has no repository {where}", "image": f"repository {where} has no {image.text}"}
        shown.append(Evidence(has[missing] if missing else f"image {image.text} is there now", "fact", (repository,)))
        if missing is None and symptom.action in CACHE_ACTIONS and not rights.refused:
            still = "no"
    if symptom.action in rights.passed:
        shown.append(Evidence(f"the policies that were read let {role} call {symptom.action} now", "fact", (item,)))
        if not rights.refused and symptom.denied_by not in _UNREAD:
            still = "no"
    by_another = said and symptom.denied_by not in (None, "identity-policy")
    verb = "is denied" if by_another or any(one.explicit for one in rights.refused) else "lacks"
    doubt = "that it is to come from there at all: the rule ROOT fits every name that no other rule fits"
    return Problem(
        title=f"{'execution role' if task.on_fargate else 'pulling role'} {verb} {more(actions)}",
        explanation=(
            f"{image.repository} is a pull-through cache's: ECR fetches what it does not have{fetched}, while it is "
            f"pulled. To pull through it {name_of(role)} has to be allowed {' and '.join(actions)}. It "
            f"{'is' if rights.refused else 'was'} not{as_missing}."
        ),
        culprit=item,
        evidence=(*shown, *evidence(task, image, rights.refused), *_ungranted(image, rights.refused)),
        fixes=() if still == "no" else _fixes(symptom, image, item, rule, rights),
        still=still,
        text_proves=said and symptom.action in actions,
        inferred=(doubt,) if rule and rule.prefix == "ROOT" and not said else (),
    )


def _ungranted(image: ImageReference, refused: tuple[Refused, ...]) -> tuple[Evidence, ...]:
    """That the registry's policy does not grant the cache's rights either."""
    lacking = [
        one for one in refused if one.action in CACHE_ACTIONS and one.layer == "identity-policy" and not one.explicit
    ]
    if not lacking:
        return ()
    registry, actions = lacking[0].ruling.need.owner, " or ".join(dict.fromkeys(one.action for one in lacking))
    text = f"registry {registry} has no policy that could grant {actions}"
    if lacking[0].ruling.verdict("registry-policy"):
        text = f"the policy of registry {registry} does not grant {actions}"
    return (Evidence(f"{text} on repository {image.repository}", "fact", (repository_of(image),)),)


def _fixes(
    symptom: Symptom, image: ImageReference, item: Resource, rule: CacheRule | None, rights: Rights
) -> tuple[Fix, ...]:
    assert image.ecr is not None
    registry, account = image.ecr, item.id.split(":")[4]
    below = image.repository if rule is None else "*" if rule.prefix == "ROOT" else f"{rule.prefix.rstrip('/')}/*"
    target = f"arn:{registry.partition}:ecr:{registry.region}:{registry.account}:repository/{below}"
    statement = {"Effect": "Allow", "Action": list(rights.actions or (symptom.action,)), "Resource": target}
    named: tuple[Fix, ...] = ()
    # A text calls the registry's policy a resource-based one.
    found = {"resource-policy" if one.layer == "registry-policy" else one.layer for one in rights.refused}
    if symptom.action in CACHE_ACTIONS and symptom.denied_by and symptom.denied_by not in ("identity-policy", *found):
        layer = symptom.denied_by.replace("-", " ")
        text = f"let the {layer} that ECS's text names allow {symptom.action} on {target} to {item.id}"
        named = (Fix(text, "your-call", account, registry.region, effect="it takes each of these" if found else None),)
    if not found and (named or symptom.explicit_deny):
        text = f"take out of the policy that ECS's text names what denies {symptom.action} on {target} to {item.id}"
        return named or (Fix(text, "your-call", account, registry.region),)
    own = [one for one in rights.refused if one.layer == "identity-policy" and not one.explicit]
    granting = [one for one in rights.refused if one.layer == "resource-policy" and not one.explicit]
    limiting = [one for one in rights.refused if one not in own and one not in granting]
    together = "it takes each of these" if sum(map(bool, (named, own, granting, limiting))) > 1 else None
    fixes = []
    if own or not rights.refused:
        name = f"cache-{(rule.prefix if rule else image.repository).strip('/').replace('/', '-')}"[:128]
        parameters = {"RoleName": name_of(item.id), "PolicyName": name, "PolicyDocument": policy_text([statement])}
        put = AwsCommand("iam", "PutRolePolicy", parameters)
        how: Applicability = "exact" if own else "your-call"
        text = f"give the role the missing rights on {below}"
        fixes.append(Fix(text, how, account, registry.region, (put,), effect=together))
    by_registry = granting or [one for one in own if not (one.ruling.foreign or limiting)]
    if by_registry and set(rights.actions) <= set(CACHE_ACTIONS):
        policy = by_registry[0].ruling.verdict("registry-policy")
        whole = with_statement(policy.document if policy else None, statement | {"Principal": {"AWS": item.id}})
        put = AwsCommand("ecr", "PutRegistryPolicy", {"policyText": whole})
        text = f"let the policy of registry {registry.account} grant them"
        fixes.append(Fix(text, "exact", registry.account, registry.region, (put,), effect=together))
    for one in limiting:
        read = one.verdict.read if one.verdict else "what refuses it"
        text = f"take the deny out of {read}" if one.explicit else f"let {read} allow {one.action} on {target}"
        where = registry.account if one.layer in ("resource-policy", "registry-policy") else account
        fixes.append(Fix(text, "your-call", where, registry.region, effect=together))
    return tuple({fix.text: fix for fix in (*named, *fixes)}.values())
