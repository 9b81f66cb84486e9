"""The second symptom table: texts that use the words of a pull and speak of something else.

A text that does not speak of a pull needs no rule: missing capacity, or a network interface that could not be made,
names no registry and no manifest. A text that names a pull error never comes here, whatever else stands in it.

Texts: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
"""

from __future__ import annotations

from pull_doctor.intake.symptoms.rule import Rule, rule

OTHER_STOPS: tuple[Rule, ...] = (
    rule(
        "not-a-pull-failure",
        r"cannot(?:create|start|stop|inspect|remove|get)\w{0,40}error|containerruntime\w{0,20}error"
        r"|taskstoppedbeforepullbeginerror"
        r"|resourceinitializationerror: (?!(?:unable|failed) to (?:pull|retrieve|get) )",
        "CannotCreateContainerError: Error response from daemon: No such image: sha256:1f0e",
    ),
    rule(
        "not-a-pull-failure",
        r"oci runtime|failed to create (?:shim )?task|starting container process|logging driver|mounting volume"
        r"|no such container|external connectivity|port is already allocated|select device driver|container name"
        r"|invalid mount config|cgroup|network \S{1,200} not found",
        "Error response from daemon: failed to create task for container: exec: registry: not found",
    ),
    rule(
        "not-a-pull-failure",
        r"essential container|health check|task stopped by|register targets|registered \d+ targets"
        r"|deregist(?:er|ration)|env(?:ironment)? files?\b",
        "Essential container in task exited: manifest.json is missing",
    ),
)
"""As in ``RULES``, the first that matches decides."""
