"""The second symptom table: texts of tasks that stopped for something other than a pull.

A log driver, a file system, a network interface, a container that could not be created or started, a health check,
missing capacity. A text that names a pull error never comes here, whatever else stands in it.

Texts: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
"""

from __future__ import annotations

from pull_doctor.intake.symptom_rules import Rule, rule

OTHER_STOPS: tuple[Rule, ...] = (
    rule(
        "not-a-pull-failure",
        r"logger args|logging driver|log driver",
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
        "signal: killed",
    ),
    rule(
        "not-a-pull-failure",
        r"EFS utils|EFS volume|mount\.nfs|EBS volume|CannotCreateVolumeError|copy contents to volume",
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: timed out",
    ),
    rule(
        "not-a-pull-failure",
        r"create network interface|network interface provisioning|Unexpected EC2 error",
        "Timeout waiting for network interface provisioning to complete.",
    ),
    rule(
        "not-a-pull-failure",
        r"env(?:ironment)? files?\b",
        "ResourceInitializationError: failed to download env files: file download command: non empty error stream",
    ),
    rule(
        "not-a-pull-failure",
        r"Cannot(?:Create|Start|Stop|Inspect|Remove|Get)\w*Error|HostConfigError|OutOfMemory|TaskStoppedBeforePullBeginError"
        r"|RuntimeTimeoutError|RuntimeError:|exec format error",
        "CannotStartContainerError: Error response from daemon: OCI runtime create failed: exec: web: not found",
    ),
    rule(
        "not-a-pull-failure",
        r"Could not transition to \[?(?!pulled|MANIFEST_PULLED|pullBegin)\w",
        "DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s",
    ),
    rule(
        "not-a-pull-failure",
        r"health checks?\b|Essential container|deregist(?:er|ration)|Task stopped by|Scaling activity|Spot Task was"
        r"|instance .{0,60}terminated",
        "Essential container in task exited",
    ),
    rule(
        "not-a-pull-failure",
        r"unable to place a task because|RESOURCE:\w|Capacity is unavailable|no container instance",
        "(service web) was unable to place a task because no container instance met all of its requirements.",
    ),
    rule(
        "not-a-pull-failure",
        r"^ResourceInitializationError(?!: unable to pull )(?!.{0,400}(?:secret|registry auth))",
        "ResourceInitializationError: failed to create new container runtime task: failed to create shim",
    ),
)
"""As in ``RULES``, the first that matches decides."""
