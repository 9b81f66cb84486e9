"""The container instance has no instance profile, or one without a role, where the instance's role pulls.

Where the task definition names no execution role, a task on EC2 pulls from ECR with the role of its container instance:
the one role in the instance's profile. Without it the ECS agent has no credentials, and Docker asks ECR without a
login: "no basic auth credentials". A profile that is deleted and made anew is another one to the instance. The profile
of an instance that is terminated does not show any more.

What mends it: a profile with a role on the instance, or an execution role in the task definition.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
"""

from __future__ import annotations

from pull_doctor.causes.outcome import AwsCommand, Evidence, Fix, NotApplicable, Ok, Outcome, Problem, Undetermined
from pull_doctor.causes.shared.rights.roles import role_of_session
from pull_doctor.facts.fact import Fact, Known, Unknown
from pull_doctor.facts.values import Instance, InstanceProfile
from pull_doctor.intake.image_reference import ImageReference
from pull_doctor.intake.symptom import Symptom
from pull_doctor.intake.task import Task
from pull_doctor.intake.told import Told
from pull_doctor.resource import Place, Resource, make

_POLICY = "AmazonEC2ContainerServiceforEC2Role"
_PROFILE, _ROLE = "<instance-profile>", "<role>"


def check(
    *,
    task: Task,
    symptom: Symptom,
    told: Told,
    image: ImageReference,
    execution_role: Fact[str | None],
    pulling_instance: Fact[Instance],
    pulling_profile: Fact[InstanceProfile | None],
) -> Outcome:
    if task.on_fargate or task.launch_type not in ("EC2", None):
        return NotApplicable(f"on {task.launch_type or task.capacity_provider} no container instance's role pulls")
    if isinstance(execution_role, Known) and execution_role.value:
        return NotApplicable(f"the task pulls with its execution role {execution_role.value}")
    if who := role_of_session(symptom) or symptom.principal:
        return Ok(f"ECS's text shows that ECS pulled with {who}")
    unread = [one for one in (execution_role, pulling_instance, pulling_profile) if isinstance(one, Unknown)]
    if isinstance(pulling_instance, Unknown) or isinstance(pulling_profile, Unknown):
        return Undetermined((unread[0],))
    host, profile = pulling_instance.value, pulling_profile.value
    if profile and profile.role:
        return Ok(f"instance {host.id} has role {profile.role}")
    if host.state != "running":
        fact = f"the role of instance {host.id}"
        return Undetermined((Unknown(fact, "not-visible", resource=host.id, detail=f"it is {host.state}"),))
    item = make(task.place, "AWS::EC2::Instance", host.id)
    if profile:
        title, why = "instance profile holds no role", f"instance profile {profile.arn} of {host.id} holds no role"
    elif host.profile:
        title = "instance profile does not exist"
        why = f"instance {host.id} has instance profile {host.profile}, which IAM does not know"
    else:
        title, why = "container instance has no instance profile", f"instance {host.id} has no instance profile"
    culprit = Resource("AWS::IAM::InstanceProfile", profile.arn, profile.arn) if profile else item
    return Problem(
        title=title,
        explanation=(
            f"The task definition names no execution role, so that ECS pulls {image.repository} with the role of the "
            f"container instance. {why[0].upper()}{why[1:]}, and ECR gives no login to somebody without credentials."
        ),
        culprit=culprit,
        evidence=(Evidence(why, "fact", tuple(dict.fromkeys((culprit, item)))),),
        fixes=(*_fixes(task.place, host, profile), _execution_role(task)),
        inferred=("the role was taken away since: ECS's text shows a sign-in to ECR",) if told.signed_in else (),
    )


def _fixes(place: Place, host: Instance, profile: InstanceProfile | None) -> tuple[Fix, ...]:
    if profile:
        name = profile.arn.rsplit("/", 1)[-1]
        put_in = AwsCommand("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": name, "RoleName": _ROLE})
        text = f"put a role into {name} that trusts ec2.amazonaws.com and has {_POLICY}"
        effect = "every instance with this profile gets the role"
        return (Fix(text, "fill-in", place.account, place.region, (put_in,), effect=effect),)
    put_on: tuple[AwsCommand, ...]
    if host.profile:
        of_this = [{"Name": "instance-id", "Values": [host.id]}]
        put_on = (
            AwsCommand("ec2", "DescribeIamInstanceProfileAssociations", {"Filters": of_this}),
            AwsCommand(
                "ec2",
                "ReplaceIamInstanceProfileAssociation",
                {"AssociationId": "<association>", "IamInstanceProfile": {"Name": _PROFILE}},
            ),
        )
    else:
        parameters = {"InstanceId": host.id, "IamInstanceProfile": {"Name": _PROFILE}}
        put_on = (AwsCommand("ec2", "AssociateIamInstanceProfile", parameters),)
    return (
        Fix(
            f"give {host.id} an instance profile whose role has {_POLICY}",
            "fill-in",
            place.account,
            place.region,
            put_on,
            effect="the instances that its launch template or Auto Scaling group starts next need the profile there",
        ),
    )


def _execution_role(task: Task) -> Fix:
    family = task.family or "the task definition"
    text = f"register a revision of {family} whose executionRoleArn is a role with AmazonECSTaskExecutionRolePolicy"
    return Fix(text, "your-call", task.place.account, task.place.region)
