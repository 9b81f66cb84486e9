"""What moto's ECR lacks of a registry: pull-through cache rules, account settings, policies for every action.

Each repair is patched into moto once; what is set lives with moto's own backend of the account and Region.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.exceptions import InvalidParameterException
from moto.ecr.models import ECRBackend
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


def repair() -> None:
    """Patch moto."""
    _account_settings()
    _registry_policies()
    _cache_rules()


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


def _cache_rules() -> None:
    def rules(backend: ECRBackend) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = vars(backend).setdefault("cache_rules", {})
        return found

    def create(self: Any) -> ActionResult:
        given = {name: self._get_param(name) for name in _CACHE_RULE if self._get_param(name)}
        rule = given | {"registryId": self.ecr_backend.account_id}
        rules(self.ecr_backend)[rule["ecrRepositoryPrefix"]] = rule
        return ActionResult(rule)

    def describe(self: Any) -> ActionResult:
        return ActionResult({"pullThroughCacheRules": list(rules(self.ecr_backend).values())})

    def delete(self: Any) -> ActionResult:
        return ActionResult(rules(self.ecr_backend).pop(self._get_param("ecrRepositoryPrefix")))

    ECRResponse.create_pull_through_cache_rule = create  # type: ignore[attr-defined] # the repair
    ECRResponse.describe_pull_through_cache_rules = describe  # type: ignore[attr-defined] # the repair
    ECRResponse.delete_pull_through_cache_rule = delete  # type: ignore[attr-defined] # the repair
