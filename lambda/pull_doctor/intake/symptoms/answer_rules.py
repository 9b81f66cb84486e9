"""What a registry, its storage, or ECR's API answered.

Texts: https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html and
https://docs.aws.amazon.com/AmazonECR/latest/userguide/error-pullthroughcache.html
"""

from __future__ import annotations

from pull_doctor.intake.symptoms.rule import Rule, rule

LIMITS_AND_LOGINS: tuple[Rule, ...] = (
    rule(
        "rate-limited",
        r"toomanyrequests|too many requests| 429\b|rate limit|rate exceeded|throttlingexception|requestlimitexceeded",
        "CannotPullContainerError: Error response from daemon: pull access denied for acme/web: toomanyrequests: You "
        "have reached your unauthenticated pull rate limit.",
    ),
    rule(
        "auth-token-expired",
        r"token (?:has|is) expired|expiredtoken|security token .{0,40}(?:expired|is invalid)|signature expired",
        "CannotPullContainerError: Error response from daemon: denied: Your authorization token has expired. "
        "Reauthenticate and try again.",
    ),
)
"""Limits and expired logins often stand behind a general "denied"."""

CACHE: tuple[Rule, ...] = (
    rule(
        "pull-through-cache-failure",
        r"upstream\w{0,40}exception|unableto(?:access|decrypt)secret|pull[ -]through cache"
        r"|perform: ecr:batchimportupstreamimage|upstream (?:registry|image)",
        "CannotPullContainerError: Error response from daemon: User: arn:aws:sts::123456789012:assumed-role/web/1 is "
        "not authorized to perform: ecr:BatchImportUpstreamImage on resource: "
        "arn:aws:ecr:eu-west-1:123456789012:repository/quay/acme because no identity-based policy allows the "
        "ecr:BatchImportUpstreamImage action",
    ),
)
"""A right that only a cached pull needs tells more than that a right is missing."""

RIGHTS: tuple[Rule, ...] = (
    rule(
        "auth-denied-ecr-permission",
        r"perform:? (?:ecr|ecr-public):|perform: sts:getservicebearertoken|cannotpull\w{1,40}: accessdeniedexception",
        "CannotPullContainerError: Error response from daemon: pull access denied for 123456789012.dkr.ecr.eu-west-1."
        "amazonaws.com/web, repository does not exist or may require 'docker login': denied: User: arn:aws:sts::"
        "123456789012:assumed-role/web-execution/0f is not authorized to perform: ecr:BatchGetImage on resource: "
        "arn:aws:ecr:eu-west-1:123456789012:repository/web because no identity-based policy allows the "
        "ecr:BatchGetImage action",
    ),
    rule(
        "auth-denied-ecr-permission",
        r"accessdenied|unauthorizedoperation",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: "
        "service call has been retried 1 time(s): AccessDeniedException: User: arn:aws:sts::123456789012:assum",
        within="sign-in",
    ),
    rule(
        "auth-missing-credentials",
        r"no basic auth credentials|engine ecr credentials: not found|unable to locate credentials"
        r"|authentication is required",
        "CannotPullContainerError: Error response from daemon: Get https://123456789012.dkr.ecr.eu-west-1.amazonaws."
        "com/v2/web/manifests/5: no basic auth credentials",
    ),
)
"""AWS names the missing right, or the client the missing login; "pull access denied" and "not found" only wrap it."""

OF_LAYERS: tuple[Rule, ...] = (
    rule(
        "registry-access-denied",
        r"failed (?:to copy|open): .{0,100}https?://"
        r"(?![^/\s]{0,200}(?:\.dkr[.-]ecr|amazonaws\.|on\.aws))\S{1,300} 40[13]\b",
        "CannotPullContainerError: ref pull has been retried 7 time(s): failed to copy: httpReadSeeker: failed open: "
        "unexpected status code https://quay.io/v2/acme/web/blobs/sha256:77aa: 403 Forbidden",
        within="download",
    ),
    rule(
        "layer-corrupt-or-extract-failure",
        r" 404\b|not found\.?$",
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: "
        "could not fetch content descriptor sha256:77aa (application/vnd.oci.image.layer.v1.tar+gzip) from remote: "
        "not found",
        within="download",
    ),
)
"""While layers come, the manifest was read: "not found" is a layer's, and a 403 is not the manifest's."""

OF_STORAGE: tuple[Rule, ...] = (
    rule(
        "s3-layer-denied",
        r" 403\b|<code>accessdenied",
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: "
        "unexpected status code https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/v2/web/blobs/sha256:77aa: "
        "403 Forbidden",
        within="download",
    ),
)
"""ECR's layers come from S3; so do those of which the text does not tell the registry."""

OUTAGES: tuple[Rule, ...] = (
    rule(
        "registry-unavailable-5xx",
        r"50[0234](?<!daemon: \d\d\d):? (?:internal|bad|service|gateway|slow|not implemented)"
        r"|unexpected.{0,20} status.{0,160} 5\d\d\b|http 5\d\d response|serverexception|internalfailure: "
        r"|could not reach any registry endpoint|registry is temporarily unavailable|bad gateway|gateway time-?out"
        r"|: service unavailable",
        "CannotPullContainerError: failed to resolve ref docker.io/library/redis:7: failed to authorize: failed to "
        "fetch anonymous token: unexpected status from GET request to https://auth.docker.io/token: 503 Service "
        "Unavailable",
    ),
)
"""An answer of 5xx says nothing of the image or the login, whatever follows it."""

ACCESS: tuple[Rule, ...] = (
    rule(
        "registry-access-denied",
        r"no pull access|pull access denied|does not exist or may require",
        "CannotPullContainerError: API error (404): repository acme/private not found: does not exist or no pull "
        "access",
        phase="resolve",
    ),
)
"""Docker Hub says "not found" and "no access" in one breath: it does not tell which."""

MISSING: tuple[Rule, ...] = (
    rule(
        "repository-not-found",
        r"name unknown|name_unknown|repository with name \S{1,300} does not exist|repositorynotfoundexception"
        r"|repository \S{1,300} not found|project \S{1,300} not found|repository name not known",
        "CannotPullContainerError: The task can't pull the image. Check whether the image exists. Error response from "
        "daemon: name unknown: The repository with name 'wbe' does not exist in the registry with id '123456789012'",
        phase="resolve",
    ),
    rule(
        "repository-not-found",
        r"repository (?:not found|does not exist)(?! or may)",
        "CannotPullContainerError: Error response from daemon: repository does not exist",
    ),
    rule(
        "image-not-found",
        r"manifest unknown|manifest_unknown|image \S{1,300} not found"
        r"|tag \S{1,300} not found|artifact \S{1,300} not found|requested image not found|imagenotfoundexception"
        r"|no such image",
        "CannotPullImageManifestError: Error response from daemon: manifest unknown: Requested image not found",
        phase="resolve",
    ),
    rule(
        "image-not-found",
        r": not found\b|\* not found\b",
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:5: not found",
        within="resolve",
    ),
    rule(
        "image-not-found",
        r" 404 not found(?<!/token/: 404 not found)|is not found|status code(?: \[[^\]]{1,100}\])?: 404\b"
        r"|http 404 response|image with imageid .{1,200} does not exist"
        r"|imagearchivedexception|image .{0,200}\b(?:is|was) (?:in the )?archived?\b"
        r"|(?:image|manifest|tag) (?:(?:was |could )?not (?:be )?found|does not exist)",
        'CannotPullContainerError: Error response from daemon: manifest tagged by "5" is not found',
    ),
)
"""What the registry says is not there."""

REFUSED: tuple[Rule, ...] = (
    rule(
        "registry-access-denied",
        r"requested access to the resource is denied|insufficient_scope|unauthorized| 40[13]\b"
        r"|(?:403|access|:) forbidden|authorization failed|bad credentials|incorrect username or password"
        r"|denied(?<!permission denied)(?<!is denied)(?:$|:| denied)"
        r"|not signed in notary|vulnerability (?:policy|scanning|severity)",
        "CannotPullImageManifestError: The task can't pull the image. Check whether the image exists. Error response "
        "from daemon: errors: denied: requested access to the resource is denied unauthorized: authentication required",
    ),
)
"""A refusal of which nothing more is said."""
