"""The facts of the secrets and parameters that the task injects."""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.injected import Injected, ValueFrom, parse_value_from
from pull_doctor.facts.values import Parameter, Secret
from pull_doctor.intake.symptom import Symptom
from pull_doctor.view.rights import Rights

READ_ACTIONS = {"secret": ("secretsmanager:GetSecretValue",), "parameter": ("ssm:GetParameters",)}
"""What reading needs: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""


def may_speak_of_a_secret(symptom: Symptom, message: str) -> bool:
    """Whether a secret that could not be read may stand behind ECS's text; a failed pull has another name there."""
    if symptom.phase not in ("prepare", "unknown"):
        return False
    silent = symptom.kind in ("other-pull-failure", "undetermined") and "CannotPull" not in message
    return silent or symptom.kind in ("secret-unavailable", "kms-denied")


class Secrets(Rights):
    """What Secrets Manager, Systems Manager, and IAM say of what the task injects."""

    @property
    def message(self) -> str:
        """ECS's text itself."""
        return self.failure.message

    @cached_property
    def injected(self) -> Fact[tuple[Injected, ...]]:
        """Every secret and parameter of the task definition, asked for where ECS's text may speak of one."""
        if not may_speak_of_a_secret(self.symptom, self.message):
            return Unknown("the secrets of the task", "prerequisite", detail="ECS's text speaks of no secret")
        definition = self.task_definition
        if isinstance(definition, Unknown):
            return definition
        containers = definition.value.containers
        written = list(dict.fromkeys(one for container in containers for one in container.secrets))
        sources = [parse_value_from(one, self.place) for one in written]
        if None in sources:
            strange = written[sources.index(None)]
            return Unknown(f"secret {strange}", "not-modelled", resource=strange, detail="its valueFrom is not known")
        return Known(tuple(self._injected(one) for one in dict.fromkeys(sources) if one))

    def _injected(self, source: ValueFrom) -> Injected:
        found = self._found(source)
        known = found.value if isinstance(found, Known) else None
        arn = known.arn if isinstance(known, Secret) else source.arn
        policy: Fact[str | None] = Known(None)
        if isinstance(known, Secret):
            policy = self.ask(ask.SecretPolicy(source.place.account, source.place.region, known.arn))
        key = self._key_arn(known.key, source) if known and known.key else None
        key_rights = (
            key if isinstance(key, Unknown) else self.may(self.execution_role, ("kms:Decrypt",), key) if key else None
        )
        rights = self.may(self.execution_role, READ_ACTIONS[source.kind], arn)
        return Injected(source, found, rights, policy, key_rights)

    def _found(self, source: ValueFrom) -> Fact[Secret | Parameter | None]:
        account, region = source.place.account, source.place.region
        for name in source.names:
            answer: Fact[Secret | Parameter | None]
            if source.kind == "secret":
                answer = self.ask(ask.OneSecret(account, region, name))
            else:
                answer = self.ask(ask.OneParameter(account, region, name))
            if isinstance(answer, Unknown) or answer.value:
                return answer
        return Known(None)

    def _key_arn(self, key: str, source: ValueFrom) -> str | Unknown:
        if key.startswith("arn:") and ":key/" in key:
            return key
        if "alias/" in key:
            return Unknown(f"the KMS key behind {key}", "not-modelled", resource=key, detail="an alias names no key")
        return f"arn:{source.place.partition}:kms:{source.place.region}:{source.place.account}:key/{key}"
