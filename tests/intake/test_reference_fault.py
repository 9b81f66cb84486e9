"""Where a text is no image reference: the caret stands under the part at fault, and under nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pull_doctor.intake.image_reference import parse_reference
from pull_doctor.intake.reference_fault import find_fault
from pull_doctor.intake.scrub import image_text, visible

DIGEST = "sha256:" + "0f" * 32
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("marked", "why", "corrected"),
    [
        ("", "is empty", None),
        ("[ ]", "is empty", None),
        (f"[https://]{ECR}/web:1", "begins with https://", f"{ECR}/web:1"),
        (f"[HTTPS://]{ECR}/web:1", "begins with HTTPS://", f"{ECR}/web:1"),
        ("[docker://]web", "begins with docker://", "web"),
        ("[https://h]ttps://web", "begins with https://", None),
        ("web:1[ ]", "ends in white space", "web:1"),
        ("web:1[\n]", "ends in white space", "web:1"),
        ("web:1[\\n]", "ends in white space", "web:1"),
        ("web:1[\t  ]", "ends in white space", "web:1"),
        ("web:1[\\u200b]", "ends in white space", "web:1"),
        ("[ ]web:1", "begins with white space", "web:1"),
        ("[\\t]web:1", "begins with white space", "web:1"),
        ("docker[ p]ull web", "has white space in it", None),
        ("r.io/web:[ ]1", "has white space in it", None),
        ("r.io/we[\\u200b]b:1", "has white space in it", None),
        ('web["]', "has a character in it", "web"),
        ("web:1.2[+]45", "has a character in it", None),
        ("w[\\u0435]b", "has a character", None),
        ("w[\u0435]b", "has a character", None),
        ("r.io/[Team]/app:1", "has upper case in its repository name", "r.io/team/app:1"),
        ("r.io/team/[MyApp]:V1", "has upper case in its repository name", "r.io/team/myapp:V1"),
        ("r.io/[Team/App]/x:Team", "has upper case in its repository name", "r.io/team/app/x:Team"),
        ("r.io/[Orders:]Orders-42", "has upper case in its repository name", "r.io/orders:Orders-42"),
        (f"r.io/[Web]@{DIGEST}", "has upper case in its repository name", f"r.io/web@{DIGEST}"),
        ("web:[.]1", "has a tag that begins with a dot or a dash", None),
        ("r.io/web:[-]1.x", "has a tag that begins with a dot or a dash", None),
        (f"r.io/web:{'x' * 128}[yz]", "has a tag of more than 128 characters", None),
        ("r.io/web:1[:2]", "has more than one colon behind its name", None),
        ("r.io/web:[:1]", "has more than one colon behind its name", "r.io/web:1"),
        ("r.io/web:feature[/]login", "has a slash in its tag", None),
        ("r.io/web[:]", "has a colon without a tag", None),
        (f"r.io/web[:@]{DIGEST}", "has a colon without a tag", None),
        ("r.io/web@sha256:[12ab]", "has a digest of 4 digits instead of 64", None),
        (f"r.io/web@sha256:[{'0F' * 32}]", "has upper case in its digest", f"r.io/web@{DIGEST}"),
        (f"r.io/web@sha256:[{'0g' * 32}]", "has more than the digits", None),
        ("r.io/web@[md5:d41d8cd98f00b204e9800998ecf8427e]", "has an @ and no digest", None),
        ("r.io/web@[v1]", "has an @ and no digest", None),
        ("r.io/web[@]", "has an @ and no digest", None),
        ("r.io/web[@sha256:]", "has a digest of 0 digits", None),
        (f"r.io/web@{DIGEST}[@{DIGEST}]", "has more than one @", None),
        ("host:[port]/web", "has a port that is not a number", None),
        ("host:[123456]/web", "has a port that is not a number", None),
        ("host[:]/web", "has a port that is not a number", None),
        ("[my_host.example.com]/web", "has an impossible host name", None),
        ("[arn:aws:ecr:eu-west-1:123456789012:repository]/web", "begins as an ARN does", None),
        (f"docker.io/{'a' * 245}[{'a' * 4}]", "has more than 255 characters", None),
        (f"[{'a' * 64}]", "is the id of an image", None),
        ("r.io[/]", "names no repository", None),
        ("r.io[/]:1", "names no repository", None),
        ("[:1]", "names no repository", None),
        ("r.io/team[//]web", "has a slash without a name on both sides", None),
        ("r.io/[/]web", "has a slash without a name on both sides", None),
        ("r.io/web[/]", "has a slash without a name on both sides", None),
        ("r.io/web[/]:1", "has a slash without a name on both sides", None),
        ("[/]web", "has a slash without a name on both sides", None),
        ("r.io/web[___]x", "has dots, dashes, or underscores out of place", None),
        ("r.io/[-]web/app", "has dots, dashes, or underscores out of place", None),
        ("r.io/web[.]/app", "has dots, dashes, or underscores out of place", None),
        ("r.io/a--b__c[-.]d", "has dots, dashes, or underscores out of place", None),
        ("r.io/web:[${TAG}]", "holds an unfilled placeholder", None),
        ("r.io/web:[${TAG]", "holds an unfilled placeholder", None),
        ("r.io/web:[$TAG]", "holds an unfilled placeholder", None),
        ("[$IMAGE]", "holds an unfilled placeholder", None),
        ("r.io/web:[<tag>]", "holds an unfilled placeholder", None),
        ("[<the image>]", "holds an unfilled placeholder", None),
        ("r.io/[{{ app }}]:1", "holds an unfilled placeholder", None),
        ("https://[%HOST%]/web", "holds an unfilled placeholder", None),
        ("[None]/web:1", "holds an unfilled placeholder", None),
        ("r.io/[None]:1", "holds an unfilled placeholder", None),
    ],
)
def test_what_is_at_fault_where_and_what_it_must_mean(marked: str, why: str, corrected: str | None) -> None:
    before, _, rest = marked.partition("[")
    part, _, after = rest.partition("]")
    text = before + part + after
    fault = find_fault(text)
    assert fault is not None
    assert fault.why.startswith(why)
    assert len(f"image reference {fault.why}") <= 80
    assert (" " * text.rfind(fault.part) + fault.part, fault.corrected) == (" " * len(before) + part, corrected)
    # With what nobody sees written out, it is the same fault in the same place.
    shown = find_fault(visible(text))
    assert shown is not None
    assert (shown.why, shown.part, shown.corrected) == (fault.why, visible(fault.part), corrected)


@pytest.mark.parametrize("text", [ECR, f"{ECR}/team/app", f"r.io:5000/web:None@{DIGEST}", "undefined/web:undefined"])
def test_a_reference_has_no_fault(text: str) -> None:
    assert find_fault(text) is None


TEXTS = (
    st.text(max_size=300)
    | st.from_regex(r"(https?://)?[A-Za-z0-9._/:@ -]{0,80}", fullmatch=True)
    | st.lists(st.sampled_from(["a", "A", ":", "@", "/", ".", "-", "_", "[", "]", " ", "\\n", "None", DIGEST])).map(
        "".join
    )
)


@given(TEXTS)
def test_a_text_is_legal_or_has_a_fault_that_can_be_pointed_at(text: str) -> None:
    fault = find_fault(text)
    assert (fault is None) == (parse_reference(text) is not None)
    if fault:
        assert fault.part in text
        assert fault.part or not text or len(text) > 500
        assert fault.corrected is None or parse_reference(fault.corrected)


@given(TEXTS)
def test_what_intake_shows_of_a_text_is_legal_only_if_the_text_is(text: str) -> None:
    assert (find_fault(image_text(text)) is None) == (parse_reference(text) is not None)


@pytest.mark.parametrize(
    "unit", [" ", "\\n", "{{", "<a", "${", "A/", "a-_", "https://", "a:", "@", "/", '"', "%a", "\\u200b"]
)
def test_the_longest_text_of_a_stranger_takes_a_moment(unit: str) -> None:
    began = time.process_time()
    for text in (unit * (600 // len(unit)), "a" + unit * (600 // len(unit)) + "a", unit * 10_000):
        find_fault(text)
    assert time.process_time() - began < 0.5
