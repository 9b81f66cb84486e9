"""The facts of the secrets and parameters that the start reads: what the task injects, and logins to registries."""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.injected import ValueFrom, parse_credentials, parse_value_from
from pull_doctor.facts.values import ContainerDefinition, Key, Parameter, Secret
from pull_doctor.intake.image_reference import parse_reference
from pull_doctor.intake.symptom import Kind, Symptom
from pull_doctor.network.flows import starts_outside_vpc
from pull_doctor.policy.request import Values
from pull_doctor.policy.rulings import Layer, Need, Ruling
from pull_doctor.policy.stored import Decryption, Stored
from pull_doctor.view.access import PAST_ENDPOINTS, Access

READ_ACTIONS = {"secret": "secretsmanager:GetSecretValue", "parameter": "ssm:GetParameters"}
"""What reading needs: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""
REFUSED_LOGIN: tuple[Kind, ...] = ("registry-access-denied", "auth-missing-credentials")
"""Kinds of text that show a registry refusing a login, or the want of one."""


def may_speak_of_a_secret(symptom: Symptom, message: str) -> bool:
    """Whether a secret that could not be read may stand behind ECS's text; a failed pull has another name there."""
    if symptom.phase not in ("prepare", "unknown"):
        return False
    silent = symptom.kind in ("other-pull-failure", "undetermined") and "CannotPull" not in message
    return silent or symptom.kind in ("secret-unavailable", "kms-denied")


def may_speak_of_a_login(symptom: Symptom, message: str) -> bool:
    """Whether a login to a private registry may stand behind ECS's text: one that was not read, or was refused."""
    return may_speak_of_a_secret(symptom, message) or symptom.kind in REFUSED_LOGIN


class Secrets(Access):
    """What Secrets Manager, Systems Manager, KMS, and IAM say of what the start reads."""

    @property
    def message(self) -> str:
        """ECS's text itself."""
        return self.failure.message

    @cached_property
    def injected(self) -> Fact[tuple[Stored, ...]]:
        """Every secret and parameter that the task injects, asked for where ECS's text may speak of one."""
        if not may_speak_of_a_secret(self.symptom, self.message):
            return Unknown("the secrets of the task", "prerequisite", detail="ECS's text speaks of no secret")
        definition = self.task_definition
        if isinstance(definition, Unknown):
            return definition
        written = [one for container in definition.value.containers for one in container.secrets]
        return self._all_stored({one: parse_value_from(one, self.place) for one in written})

    @cached_property
    def logins(self) -> Fact[tuple[Stored, ...]]:
        """The secrets with which ECS signs in to registries, asked for where ECS's text may speak of one.

        ECS reads those of every container before any starts, and ignores one that is set for an image in ECR.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html
        """
        if not may_speak_of_a_login(self.symptom, self.message):
            return Unknown("the logins of the task", "prerequisite", detail="ECS's text speaks of no login")
        definition = self.task_definition
        if isinstance(definition, Unknown):
            return definition
        at_start = may_speak_of_a_secret(self.symptom, self.message)
        own = (one for one in definition.value.containers if at_start or one.name == self.failure.container)
        written = [one.registry_credentials for one in own if one.registry_credentials and not _in_ecr(one)]
        return self._all_stored({one: parse_credentials(one, self.place) for one in written})

    def _all_stored(self, sources: dict[str, ValueFrom | None]) -> Fact[tuple[Stored, ...]]:
        for written, source in sources.items():
            if source is None:
                detail = "what names it is of no known form"
                return Unknown(f"secret {written}", "not-modelled", resource=written, detail=detail)
        return Known(tuple(self._stored(one) for one in dict.fromkeys(sources.values()) if one))

    def _stored(self, source: ValueFrom) -> Stored:
        found = self._found(source)
        known = found.value if isinstance(found, Known) else None
        arn = known.arn if isinstance(known, Secret) else source.arn
        of_value = self._policy_of(source, arn)
        reading = self._ruling(Need(READ_ACTIONS[source.kind], arn, "prepare", source.place.account), of_value)
        if known is None or known.key is None:
            return Stored(source, found, reading)
        key = self.ask(ask.OneKey(self.place.account, self.place.region, _arn_of(known.key, source)))
        return Stored(source, found, reading, key, self._decrypting(_arn_of(known.key, source), key, arn))

    def _found(self, source: ValueFrom) -> Fact[Secret | Parameter | None]:
        for name in source.names:
            answer: Fact[Secret | Parameter | None]
            if source.kind == "secret":
                answer = self.ask(ask.OneSecret(self.place.account, self.place.region, name))
            else:
                answer = self.ask(ask.OneParameter(source.place.account, source.place.region, name))
            if isinstance(answer, Unknown) or answer.value:
                return answer
        return Known(None)

    def _policy_of(self, source: ValueFrom, arn: str) -> tuple[Layer, str, Fact[str | None]]:
        """The value's own policy: a parameter has none, and is shared with another account by other means.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html
        """
        read = f"the resource policy of {arn}"
        if source.kind == "secret":
            name = source.names[0]
            return "resource-policy", read, self.ask(ask.SecretPolicy(self.place.account, self.place.region, name))
        if source.place.account == self.place.account:
            return "resource-policy", read, Known(None)
        detail = f"whether account {source.place.account} shares it is not read"
        return "resource-policy", read, Unknown(read, "not-modelled", resource=arn, detail=detail)

    def _decrypting(self, named: str, key: Fact[Key | None], value: str) -> Fact[Ruling] | None:
        known = key.value if isinstance(key, Known) else None
        if known is None and ":key/" not in named:
            detail = "an alias names no key"
            return (
                key
                if isinstance(key, Unknown)
                else Unknown(f"the KMS key behind {named}", "not-visible", detail=detail)
            )
        if known and known.manager == "AWS":
            return None
        arn = known.arn if known else named
        policy = self.ask(ask.KeyPolicy(self.place.account, self.place.region, arn))
        need = Decryption("kms:Decrypt", arn, "prepare", arn.split(":")[4], value)
        return self._ruling(need, ("resource-policy", f"the policy of KMS key {arn}", policy))

    def _ruling(self, need: Need, policy: tuple[Layer, str, Fact[str | None]]) -> Fact[Ruling]:
        """What every layer decides on one need of the execution role."""
        role, rights = self.execution_role, self.may(self.execution_role, (need.action,), need.resource)
        if isinstance(role, Unknown):
            return role
        if role.value is None or rights == Known(None):
            what, lacks = (f"what {role.value} may do", f"IAM knows no role {role.value}")
            if role.value is None:
                what, lacks = ("the rights of the execution role", "the task definition names none")
            return Unknown(what, "prerequisite", resource=role.value, detail=lacks)
        own = self._of_the_role(need, role.value, rights, self._policies_beyond(role.value, (rights,), need.owner))
        return Known(Ruling(need, role.value, own + self._of_the_owner(need, role.value, (policy,))))

    def _carried(self, need: Need, document: str) -> dict[str, Values]:
        """What a request to a store carries, or that store's own request to KMS in the role's name.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
        https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
        """
        if need.phase != "prepare":
            return super()._carried(need, document)
        partition, service, region = need.resource.split(":")[1:4]
        carried: dict[str, Values] = {"aws:requestedregion": (region,)}
        if isinstance(need, Decryption):
            return carried | self._of_decryption(need, partition)
        if starts_outside_vpc(self.task):
            return carried | PAST_ENDPOINTS
        traces = self.store_traces.value if isinstance(self.store_traces, Known) else ()
        hosts = (f"{service}.{region}.", f"{service}-fips.{region}.")
        return carried | self._along(next((one for one in traces if one.host.startswith(hosts)), None))

    def _of_decryption(self, need: Decryption, partition: str) -> dict[str, Values]:
        service, region = need.value.split(":")[2:4]
        context = {"secretsmanager": "secretarn", "ssm": "parameter_arn"}[service]
        carried: dict[str, Values] = {
            f"kms:encryptioncontext:{context}": (need.value,),
            "kms:calleraccount": (self.place.account,),
            "kms:encryptionalgorithm": ("SYMMETRIC_DEFAULT",),
            "aws:viaawsservice": ("true",),
        }
        if partition != "aws-cn":
            carried["kms:viaservice"] = (f"{service}.{region}.amazonaws.com",)
        return carried


def _in_ecr(container: ContainerDefinition) -> bool:
    reference = parse_reference(container.image or "")
    return reference is not None and reference.ecr is not None


def _arn_of(key: str, source: ValueFrom) -> str:
    """The ARN of a key that a secret or parameter of this place names by its id, alias, or ARN."""
    if key.startswith("arn:"):
        return key
    name = key if key.startswith("alias/") else f"key/{key}"
    return f"arn:{source.place.partition}:kms:{source.place.region}:{source.place.account}:{name}"
