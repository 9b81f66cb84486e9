"""Names of images, tags, hosts, services, and secrets never decide what a text means."""

import pytest

from pull_doctor.intake.symptoms import read_symptom
from pull_doctor.intake.symptoms.names import hide_names

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PULL = "CannotPullContainerError: "

TEXTS = {
    "image-not-found": (
        PULL + "pull image manifest has been retried 7 time(s): failed to resolve ref {ref}: {ref}: not found"
    ),
    "repository-not-found": (
        PULL + "Error response from daemon: name unknown: The repository with name '{name}' does not exist in the "
        "registry with id '123456789012'"
    ),
    "registry-access-denied": (
        PULL + "Error response from daemon: pull access denied for {name}, repository does not exist or may require "
        "'docker login': denied: requested access to the resource is denied"
    ),
    "rate-limited": (
        PULL + "failed to resolve ref {ref}: unexpected status from HEAD request to "
        "https://{host}/v2/{name}/manifests/{tag}: 429 Too Many Requests"
    ),
    "network-timeout": (
        PULL + 'failed to resolve ref {ref}: failed to do request: Head "https://{host}/v2/{name}/manifests/{tag}": '
        "dial tcp 10.0.1.1:443: i/o timeout"
    ),
    "dns-failure": (
        PULL
        + "Error response from daemon: Get https://{host}/v2/: dial tcp: lookup {host} on 10.0.0.2:53: no such host"
    ),
    "tls-failure": (
        PULL
        + "Error response from daemon: Get https://{host}/v2/: x509: certificate is valid for {host}, not b.example"
    ),
    "s3-layer-denied": (
        PULL + "ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: unexpected status "
        f"code https://{ECR}/v2/{{name}}/blobs/sha256:77aa: 403 Forbidden"
    ),
    "auth-denied-ecr-permission": (
        PULL + "Error response from daemon: denied: User: arn:aws:sts::123456789012:assumed-role/{word}/0f is not "
        "authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:123456789012:repository/{name}"
    ),
    "disk-full": PULL + "failed to register layer: write /opt/{name}: no space left on device",
    "secret-unavailable": (
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
        "failed to fetch secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name} from secrets manager: "
        "ResourceNotFoundException"
    ),
    "image-too-large-or-pull-timeout": PULL + "{ref}: inactivity time exceeded timeout while pulling image",
    "not-a-pull-failure": (
        "CannotStartContainerError: Error response from daemon: failed to create task for container {word} of {ref}: "
        "exec: not found"
    ),
}
LOOK_ALIKES = (
    "(service {word}) was unable to place a task because no container instance met all of its requirements.",
    "(service web) registered 1 targets in (target-group arn:aws:elasticloadbalancing:a:1:targetgroup/{word}/1)",
    "Essential container {word} in task exited",
)
# One for each kind, and the words that mark a phase or another stop.
WORDS = (
    *("timeout", "connection-refused", "lookup", "no-such-host", "x509", "tls", "proxy", "proxyconnect"),
    *("unauthorized", "denied", "accessdenied", "expiredtoken", "insufficient_scope", "kmserror", "s3-403"),
    *("429", "toomanyrequests", "not-found", "manifest_unknown", "name_unknown", "invalid-reference"),
    *("platform", "vnd.in-toto", "schema1", "no-space-left", "applylayer", "eof", "archive/tar", "503"),
    *("secret", "pull-through-cache", "assume-role", "docker.sock", "nginx-403", "registry", "pull", "cannotpull"),
    *("blobs/app", "manifests/app", "starport", "log-driver", "health-check", "exec-format", "oci-runtime"),
)


def fill(text: str, word: str, *, reference: str | None = None) -> str:
    word_only = word.replace("/", "-")
    return text.format(
        ref=reference or f"{ECR}/{word}:{word_only}",
        name=word,
        tag=word_only,
        word=word_only,
        host=f"{word_only.replace('_', '-')}.example.com",
    )


@pytest.mark.parametrize("kind", TEXTS)
def test_a_name_never_decides(kind: str) -> None:
    for word in WORDS:
        for reference in (f"{ECR}/{word}", f"{ECR}/web:{word.replace('/', '-')}", f"docker.io/{word}:1", f"{word}:1"):
            text = fill(TEXTS[kind], word, reference=reference)
            plain = read_symptom(fill(TEXTS[kind], "web"))
            symptom = read_symptom(text)
            assert (symptom.kind, symptom.phase) == (kind, plain.phase), text


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_a_look_alike_stays_one_whatever_the_name(text: str) -> None:
    for word in (*WORDS, "cannotpullcontainererror", "CannotPullContainerError"):
        assert read_symptom(fill(text, word)).kind == "not-a-pull-failure", word


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("failed to resolve ref ghcr.io/acme/x509:429: not found", "failed to resolve ref *: not found"),
        (
            f"Head https://{ECR}/v2/blobs/app/manifests/403: EOF",
            f"head https://{ECR}/v2/*/manifests/*: eof",
        ),
        ("Get https://denied.example.com:5000/v2/: EOF", "get https://*/v2/: eof"),
        ('Get "https://auth.docker.io/token?scope=x": EOF', 'get "https://auth.docker.io/token/": eof'),
        ("Get https://a.example/registry/v2/blobs/sha256/4e/data?x=y: EOF", "get https://*/v2/*/blobs/*: eof"),
        ("Post https://api.ecr....", "post https://api.ecr...."),
        ("manifest for denied:1 not found: denied", "manifest for * not found: denied"),
        ("image 'denied' is denied", "image * is denied"),
        ("lookup proxyconnect.example.com on 10.0.0.2:53: i/o timeout", "lookup * on *: i/o timeout"),
        (
            "perform: ecr:BatchGetImage on resource: arn:aws:ecr:a:1:repository/b",
            "perform: ecr:batchgetimage on resource: *",
        ),
        (
            "no processor for application/vnd.in-toto+json: unknown",
            "no processor for application/vnd.in-toto+json: unknown",
        ),
        ('{"errors":[{"code":"NAME_UNKNOWN"}]}', '{"errors":[{"code":"name_unknown"}]}'),
        ("daemon at unix:///var/run/docker.sock. Is it on?", "daemon at unix:///var/run/docker.sock. is it on?"),
        ("write C:\\ProgramData\\denied: denied", "write *: denied"),
    ],
)
def test_what_is_hidden_and_what_stays(line: str, words: str) -> None:
    assert hide_names(line) == words
