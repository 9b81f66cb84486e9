"""The facts of the rights: what the roles may do, who may assume them, and which secrets the start needs."""

from __future__ import annotations

from functools import cached_property

from pull_doctor.facts import questions as ask
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import RegistryRules, Role, Simulated
from pull_doctor.resource import make
from pull_doctor.view.contents import Contents

SIGN_IN_ACTIONS = ("ecr:GetAuthorizationToken",)
PULL_ACTIONS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What a pull from ECR needs; BatchCheckLayerAvailability is for pushing.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""


class Rights(Contents):
    """What IAM, Secrets Manager and Systems Manager say of the rights and secrets behind the pull."""

    @cached_property
    def role_details(self) -> Fact[Role | None]:
        """The pulling role as IAM has it; ``None``: no such role. Not asked where ECR had accepted its requests."""
        if self.told.rights_held:
            return Unknown("the execution role", "prerequisite", detail="ECR had accepted its requests")
        return self._details(self.role, "the execution role")

    @cached_property
    def task_role(self) -> Fact[str | None]:
        """The role that the task's own code would have: the task's override, else the task definition's."""
        definition = self.task_definition
        if not self.task.task_role_override and isinstance(definition, Unknown):
            return definition
        named = self.task.task_role_override or (isinstance(definition, Known) and definition.value.task_role)
        return Known(make(self.place, "AWS::IAM::Role", named).arn if named else None)

    @cached_property
    def task_role_details(self) -> Fact[Role | None]:
        """The task role as IAM has it, asked for only where ECS could not assume a role."""
        if self.symptom.kind != "role-assume-failure":
            return Unknown("the task role", "prerequisite", detail="ECS's text does not speak of assuming a role")
        return self._details(self.task_role, "the task role")

    def _details(self, role: Fact[str | None], what: str) -> Fact[Role | None]:
        if isinstance(role, Unknown):
            return role
        if role.value is None:
            return Unknown(what, "prerequisite", detail="the task definition names none")
        if foreign := self._foreign(role.value):
            return foreign
        return self.ask(ask.OneRole(self.place.account, self.place.region, role.value))

    def _foreign(self, role: str) -> Unknown | None:
        """Why a role of another account cannot be judged: this account's IAM knows only its own."""
        owner = role.split(":")[4]
        if owner == self.place.account:
            return None
        detail = f"it is of account {owner}, the task ran in {self.place.account}"
        return Unknown(f"role {role}", "not-visible", resource=role, detail=detail)

    @cached_property
    def organization(self) -> Fact[str | None]:
        """The account's organization, asked for only where ECS's text leaves open whether its policies let the pull."""
        if self.repository_arn is None or self.told.rights_held:
            return Unknown("the account's organization", "prerequisite", detail="its policies did not decide here")
        return self.ask(ask.Organization(self.place.account, self.place.region))

    @cached_property
    def sign_in_rights(self) -> Fact[tuple[Simulated, ...] | None]:
        """What the pulling role's policies decide on signing in to ECR; ``None``: no such role."""
        return self._simulation(SIGN_IN_ACTIONS, "*")

    @cached_property
    def pull_rights(self) -> Fact[tuple[Simulated, ...] | None]:
        """What the pulling role's policies decide on reading the image; ``None``: no such role."""
        return self._simulation(PULL_ACTIONS, self.repository_arn or "*")

    def _simulation(self, actions: tuple[str, ...], resource: str) -> Fact[tuple[Simulated, ...] | None]:
        if self.repository_arn is None:
            return Unknown("the role's rights in ECR", "prerequisite", detail="the image is not in ECR")
        return self.may(self.role, actions, resource)

    def may(
        self, role: Fact[str | None], actions: tuple[str, ...], resource: str
    ) -> Fact[tuple[Simulated, ...] | None]:
        """What the role's policies decide on these actions on one resource; ``None``: no such role."""
        if isinstance(role, Unknown):
            return role
        if role.value is None:
            return Unknown("the execution role", "prerequisite", detail="the task definition names none")
        if foreign := self._foreign(role.value):
            return foreign
        return self.ask(ask.Simulation(self.place.account, self.place.region, role.value, actions, resource))

    @cached_property
    def repository_policy(self) -> Fact[str | None]:
        """The policy of the image's repository; ``None`` if it has none."""
        reference = self.failure.reference
        if reference is None or reference.ecr is None:
            return Unknown("the repository's policy", "prerequisite", detail="the image is not in ECR")
        registry = reference.ecr
        return self._owners_policies_held or self.ask(
            ask.RepositoryPolicy(self.place.account, registry.region, registry.account, reference.repository)
        )

    @cached_property
    def registry_rules(self) -> Fact[RegistryRules]:
        """The policy of the image's registry, and whether it is one on pulls."""
        reference = self.failure.reference
        if reference is None or reference.ecr is None:
            return Unknown("the registry's policy", "prerequisite", detail="the image is not in ECR")
        registry = reference.ecr
        return self._owners_policies_held or self.ask(
            ask.RegistryPolicyOf(self.place.account, registry.region, registry.account)
        )

    @cached_property
    def _owners_policies_held(self) -> Unknown | None:
        """Why the policies of repository and registry need not be read: ECR had accepted the pull, and would now."""
        rights = self.pull_rights
        if not self.told.rights_held:
            return None
        if isinstance(rights, Unknown):
            return rights
        if any(one.decision != "allowed" for one in rights.value or ()):
            return None
        return Unknown("the owner's policies on the image", "prerequisite", detail="ECR had accepted the pull")
