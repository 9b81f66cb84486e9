"""What AWS decides on the rights with which a pull-through cache fetches an image that ECR does not have yet."""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import RegistryRules
from pull_doctor.policy.rulings import Layer, Need, Ruling
from pull_doctor.view.access import Access

IMPORT, CREATE = "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"
CACHE_ACTIONS = (IMPORT, CREATE)
"""What the first pull through a cache needs besides; the second only where the repository is not there yet.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html"""


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
