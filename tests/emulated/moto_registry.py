"""What moto's ECR lacks of a registry: cache rules, replication, account settings, policies for every action.

Each repair is patched into moto once; what is set lives with moto's own backend of the account and Region.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr.exceptions import InvalidParameterException
from moto.ecr.models import ECRBackend, ecr_backends
from moto.ecr.responses import ECRResponse

_SCOPE = "REGISTRY_POLICY_SCOPE"
_SETTINGS = {_SCOPE: ("V1", "V2"), "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE", "CLAIR")}
_CACHE_RULE = (
    "ecrRepositoryPrefix",
    "upstreamRegistryUrl",
    "credentialArn",
    "customRoleArn",
    "upstreamRepositoryPrefix",
)
_V1_ACTIONS = {"ecr:ReplicateImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"}
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html"""


class _NoCacheRuleError(ServiceException):
    code = "PullThroughCacheRuleNotFoundException"
    message = "The pull through cache rule does not exist."


def repair() -> None:
    """Patch moto."""
    _account_settings()
    _registry_policies()
    _cache_rules()
    _validation_of_cache_rules()
    _replication()


def break_cache_rule(account: str, region: str, prefix: str, failure: str | Callable[[], str] | None) -> None:
    """Let ECR find, when it tries a pull-through cache rule, that it fails with this sentence; ``None`` ends that.

    A function is asked at each try; an empty sentence says that the rule works.
    """
    tries: dict[str, Callable[[], str]] = vars(ecr_backends[account][region]).setdefault("tries", {})
    tries[prefix] = failure if callable(failure) else lambda: failure or ""


def break_replication(account: str, region: str, repository: str, code: str | None) -> None:
    """Let the copies of a repository's images that are not made yet fail with this code; ``None`` ends that.

    ``account`` and ``region`` are those of the registry that copies.
    """
    _failures(ecr_backends[account][region])[repository] = code


def _failures(backend: ECRBackend) -> dict[str, str | None]:
    found: dict[str, str | None] = vars(backend).setdefault("failures", {})
    return found


def _settings_of(backend: ECRBackend) -> dict[str, str]:
    """The settings of the registry, which starts with the wider scope, as every new one does."""
    found: dict[str, str] = vars(backend).setdefault("account_settings", {_SCOPE: "V2"})
    return found


def _account_settings() -> None:
    def put(self: Any) -> ActionResult:
        name, value = self._get_param("name"), self._get_param("value")
        if value not in _SETTINGS.get(name, ()):
            raise InvalidParameterException(f"Invalid parameter: {name} {value}")
        _settings_of(self.ecr_backend)[name] = value
        return ActionResult({"name": name, "value": value})

    def get(self: Any) -> ActionResult:
        name = self._get_param("name")
        return ActionResult({"name": name, "value": _settings_of(self.ecr_backend).get(name)})

    ECRResponse.put_account_setting = put  # type: ignore[attr-defined] # the repair
    ECRResponse.get_account_setting = get  # type: ignore[attr-defined] # the repair


def _registry_policies() -> None:
    def validate(self: Any, policy_text: str) -> None:
        if _settings_of(self)[_SCOPE] == "V2":
            return
        for statement in json.loads(policy_text)["Statement"]:
            actions = statement["Action"]
            if set([actions] if isinstance(actions, str) else actions) - _V1_ACTIONS:
                raise InvalidParameterException("Invalid registry policy provided")

    ECRBackend._validate_registry_policy_action = validate  # type: ignore[method-assign] # the repair


def _rules(backend: ECRBackend) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = vars(backend).setdefault("cache_rules", {})
    return found


def _cache_rules() -> None:
    def create(self: Any) -> ActionResult:
        given = {name: self._get_param(name) for name in _CACHE_RULE if self._get_param(name)}
        rule = given | {"registryId": self.ecr_backend.account_id}
        _rules(self.ecr_backend)[rule["ecrRepositoryPrefix"]] = rule
        return ActionResult(rule)

    def describe(self: Any) -> ActionResult:
        return ActionResult({"pullThroughCacheRules": list(_rules(self.ecr_backend).values())})

    def delete(self: Any) -> ActionResult:
        return ActionResult(_rules(self.ecr_backend).pop(self._get_param("ecrRepositoryPrefix")))

    ECRResponse.create_pull_through_cache_rule = create  # type: ignore[attr-defined] # the repair
    ECRResponse.describe_pull_through_cache_rules = describe  # type: ignore[attr-defined] # the repair
    ECRResponse.delete_pull_through_cache_rule = delete  # type: ignore[attr-defined] # the repair


def _validation_of_cache_rules() -> None:
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ValidatePullThroughCacheRule.html."""

    def validate(self: Any) -> ActionResult:
        prefix = self._get_param("ecrRepositoryPrefix")
        rule = _rules(self.ecr_backend).get(prefix)
        if not rule:
            raise _NoCacheRuleError
        failure = vars(self.ecr_backend).get("tries", {}).get(prefix, str)()
        return ActionResult(rule | {"isValid": not failure} | ({"failure": failure} if failure else {}))

    ECRResponse.validate_pull_through_cache_rule = validate  # type: ignore[attr-defined] # the repair


def _replication() -> None:
    """A copy is complete once the other registry has the image; a world pushes it there.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageReplicationStatus.html
    """

    def describe(self: Any) -> ActionResult:
        name, wanted = self._get_param("repositoryName"), self._get_param("imageId")
        backend = self.ecr_backend
        image = backend._get_repository(name)._get_image(wanted.get("imageTag"), wanted.get("imageDigest"))
        to = [
            (one["registryId"], one["region"])
            for rule in backend.replication_config["rules"]
            if _copies(rule, name)
            for one in rule["destinations"]
        ]
        statuses = [_copy(backend, name, image.image_digest, *place) for place in to]
        return ActionResult({"repositoryName": name, "imageId": wanted, "replicationStatuses": statuses})

    ECRResponse.describe_image_replication_status = describe  # type: ignore[attr-defined] # the repair


def _copies(rule: dict[str, Any], repository: str) -> bool:
    filters = rule.get("repositoryFilters") or [{"filter": ""}]
    return any(repository.startswith(one["filter"]) for one in filters)


def _copy(backend: ECRBackend, name: str, digest: str, account: str, region: str) -> dict[str, Any]:
    there = ecr_backends[account][region].repositories.get(name)
    status: dict[str, Any] = {"region": region, "registryId": account, "status": "IN_PROGRESS"}
    if there and any(one.image_digest == digest for one in there.images):
        return status | {"status": "COMPLETE"}
    if code := _failures(backend).get(name):
        return status | {"status": "FAILED", "failureCode": code}
    return status
