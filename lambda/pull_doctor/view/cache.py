"""What AWS decides on the rights with which a pull-through cache fetches an image that ECR does not have yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Literal

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import CacheRule, CacheRuleState, RegistryLookup, RegistryRules, Secret
from pull_doctor.intake.image_reference import ImageReference, parse_reference
from pull_doctor.intake.symptom import Kind
from pull_doctor.network.addresses import networks_of
from pull_doctor.network.flows import Flow
from pull_doctor.network.hosts import families
from pull_doctor.network.trace import Trace
from pull_doctor.policy.rulings import Layer, Need, Ruling
from pull_doctor.view.access import Access

IMPORT, CREATE = "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"
CACHE_ACTIONS = (IMPORT, CREATE)
"""What the first pull through a cache needs besides; the second only where the repository is not there yet.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html"""
_SPEAKS_OF_THE_UPSTREAM: tuple[Kind, ...] = ("pull-through-cache-failure", "rate-limited")
_MAY_BE_MISSING_THERE: tuple[Kind, ...] = (
    *("image-not-found", "repository-not-found", "registry-access-denied", "pull-through-cache-failure"),
    *("other-pull-failure", "undetermined"),
)
"""Kinds of text behind which may stand that the upstream does not have the image."""


def upstream_name(image: ImageReference, rule: CacheRule) -> str:
    """The repository that ECR asks the upstream of a rule for.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html
    """
    below = image.repository if rule.prefix == "ROOT" else image.repository.removeprefix(f"{rule.prefix.rstrip('/')}/")
    there = rule.upstream_prefix
    return below if there in (None, "ROOT") else f"{there}/{below}"


@dataclass(frozen=True, slots=True)
class UpstreamWay:
    """The path to the upstream of a cache; ``dialled`` is what shows that the puller itself went there, if it did."""

    trace: Trace
    dialled: Literal["host", "address"] | None = None


class Cache(Access):
    """What is decided on the rights of the cache, layer by layer."""

    @cached_property
    def cache_rulings(self) -> Fact[tuple[Ruling, ...]]:
        """The rights that the cache needs to fetch this image, each with what every layer decides on it.

        A repository's policy may grant the import; the registry's, of either version, may grant both.
        """
        role, found, image, arn = self.role, self.ecr_image, self.failure.reference, self.repository_arn
        if unfetched := self._unfetched:
            return unfetched
        assert image is not None
        assert image.ecr is not None
        assert arn is not None
        account, owner, region = self.place.account, image.ecr.account, image.ecr.region
        of_registry = self.ask(ask.RegistryPolicyOf(account, region, owner))
        policies: list[tuple[Layer, str, Fact[str | None]]] = [
            ("registry-policy", f"the policy of registry {owner}", _document(of_registry))
        ]
        needs = [Need(IMPORT, arn, "resolve", owner)]
        if isinstance(found, Known) and found.value.missing == "repository":
            needs.append(Need(CREATE, arn, "resolve", owner))
        else:
            of_repository = self.ask(ask.RepositoryPolicy(account, region, owner, image.repository))
            policies.append(("resource-policy", f"the policy of repository {image.repository}", of_repository))
        rights = self.may(role, CACHE_ACTIONS, arn)
        if isinstance(role, Unknown):
            return role
        if role.value is None:
            return Unknown("the pulling role", "prerequisite", detail="there is none")
        if rights == Known(None):
            detail = f"IAM knows no role {role.value}"
            return Unknown(f"what {role.value} may do", "prerequisite", resource=role.value, detail=detail)
        documents = self._policies_beyond(role.value, (rights,), owner)
        rulings = []
        for need in needs:
            of_role = self._of_the_role(need, role.value, rights, documents)
            rulings.append(Ruling(need, role.value, of_role + self._of_the_owner(need, role.value, tuple(policies))))
        return Known(tuple(rulings))

    @cached_property
    def cache_state(self) -> Fact[CacheRuleState | None]:
        """What ECR finds when it tries the rule that the image is under; ``None`` if there is no such rule any more."""
        rule = self._rule_in_doubt
        if isinstance(rule, Unknown):
            return rule
        assert self.failure.reference is not None
        assert self.failure.reference.ecr is not None
        registry = self.failure.reference.ecr
        return self.ask(ask.CacheRuleWorks(self.place.account, registry.region, registry.account, rule.value.prefix))

    @cached_property
    def cache_secret(self) -> Fact[Secret | None]:
        """The secret with which the rule signs in to its upstream; ``None`` if there is none of that ARN."""
        rule = self._rule_in_doubt
        if isinstance(rule, Unknown):
            return rule
        if rule.value.credential is None:
            detail = f"cache rule {rule.value.prefix} names none"
            return Unknown("the secret of the pull-through cache", "prerequisite", detail=detail)
        return self.ask(ask.OneSecret(self.place.account, self.place.region, rule.value.credential))

    @cached_property
    def upstream_image(self) -> Fact[RegistryLookup]:
        """What the upstream says of an image that ECR would have to fetch, where it is a registry outside ECR."""
        if unfetched := self._unfetched:
            return unfetched
        image, rule = self.failure.reference, self.cache_rule
        assert image is not None
        assert isinstance(rule, Known)
        assert rule.value
        host, name = rule.value.upstream, upstream_name(image, rule.value)
        there = parse_reference(f"{host}/{name}")
        if self.symptom.kind not in _MAY_BE_MISSING_THERE or there is None or there.ecr:
            return Unknown(f"image {name} in {host}", "prerequisite", detail="a stranger is not to ask there for it")
        return self.ask(
            ask.RegistryImage(self.place.account, self.place.region, host, name, image.digest or image.tag or "latest")
        )

    @cached_property
    def upstream_way(self) -> Fact[UpstreamWay]:
        """The path from the puller to where the cache has the image from: its layers may come from there at first.

        AWS says of the first pull through a cache that it may need a route to the internet.
        https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
        """
        rule, symptom = self._rule_in_doubt, self.symptom
        if isinstance(rule, Unknown):
            return rule
        dialled = self._dialled_upstream
        host = symptom.host if dialled == "host" and symptom.host else rule.value.upstream
        address = symptom.address if dialled else None
        ways = self.ways((Flow("download", host, address=address, families=families(host)),))
        return ways if isinstance(ways, Unknown) else Known(UpstreamWay(ways.value[0], dialled))

    @property
    def _dialled_upstream(self) -> Literal["host", "address"] | None:
        """How the text shows that layers were asked for outside AWS; ECR's own have addresses of S3."""
        symptom = self.symptom
        if self.layers_elsewhere:
            return "host"
        lists = self.vpc.value.s3_prefix_list if isinstance(self.vpc, Known) else None
        if symptom.host or symptom.address is None or not (isinstance(lists, Known) and lists.value):
            return None
        try:
            address = ip_address(symptom.address)
        except ValueError:
            return None
        of_s3 = any(address in network for network in networks_of(lists.value.cidrs))
        return "address" if symptom.phase == "download" and address.is_global and not of_s3 else None

    @property
    def _rule_in_doubt(self) -> Fact[CacheRule]:
        """The rule by which ECR has to fetch the image, or of which ECS's text may speak."""
        unfetched, rule = self._unfetched, self.cache_rule
        spoken_of = self.symptom.kind in _SPEAKS_OF_THE_UPSTREAM or self.layers_elsewhere
        if isinstance(rule, Known) and rule.value and spoken_of:
            return Known(rule.value)
        if unfetched:
            return unfetched
        assert isinstance(rule, Known)
        assert rule.value
        return Known(rule.value)

    @property
    def _unfetched(self) -> Unknown | None:
        """Why no cache fetches the image, as far as is known; what ECR has it serves, whatever the role may fetch."""
        rule, found, fact = self.cache_rule, self.ecr_image, "the rights of the pull-through cache"
        if isinstance(rule, Unknown):
            return rule
        if isinstance(found, Unknown):
            return found
        if rule.value is None:
            return Unknown(fact, "prerequisite", detail="no cache rule fits the repository")
        return None if found.value.missing else Unknown(fact, "prerequisite", detail="the image is there")


def _document(rules: Fact[RegistryRules]) -> Fact[str | None]:
    return rules if isinstance(rules, Unknown) else Known(rules.value.policy)
