"""Azure AI Content Safety: what is asked, and what is read out of what it answers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.azure import BLOCKLIST, CARD, MAX_IMAGE, OURS, AzureContentSafety
from guardrail.backends.dialect import Dialect, Question
from tests.backends.fakes import Asked
from tests.backends.fakes import azure as fake
from tests.backends.fakes.exchange import HELLO, EveryService, Exchange, asked, holds, replies, told

URL = "https://canary.cognitiveservices.azure.com"
CLEAN: Any = {
    "blocklistsMatch": [],
    "categoriesAnalysis": [{"category": name, "severity": 0} for name in ("Hate", "SelfHarm", "Sexual", "Violence")],
}
"""The document's own example."""


def azure(**settings: Any) -> AzureContentSafety:
    return AzureContentSafety(url=URL, api_key=fake.KEY, **settings)


def picture(about: str = "", kind: str = "image/png") -> Question:
    content = base64.b64encode(f"a picture {about}".encode()).decode()
    return Question((), image=f"data:{kind};base64,{content}")


DIALECT = fake.dialect(URL)
FOUR, LISTED = azure(levels=4), azure(blocklists=("house",))
DIALECTS: list[Dialect] = [DIALECT, FOUR, LISTED, azure(ignore=frozenset({"Hate", "Sexual"}))]
QUESTIONS = [HELLO, Question(("hello",), "output"), picture()]
EXCHANGE = Exchange(fake.answer, DIALECT, CLEAN)
said, reason, unsent = EXCHANGE.said, EXCHANGE.reason, EXCHANGE.unsent
changed, without = EXCHANGE.changed, EXCHANGE.without


class TestAsEveryService(EveryService):
    exchange = EXCHANGE


def test_the_request_for_a_text_is_the_documented_one() -> None:
    query = DIALECT.query(HELLO)
    assert (query.method, query.url) == ("POST", f"{URL}/contentsafety/text:analyze?api-version=2024-09-01")
    assert dict(query.headers) == {"ocp-apim-subscription-key": fake.KEY, "content-type": "application/json"}
    assert json.loads(query.body) == {
        "text": "hello canary",
        "categories": ["Hate", "SelfHarm", "Sexual", "Violence"],
        "outputType": "EightSeverityLevels",
    }
    assert fake.KEY not in repr(query)


def test_the_request_for_an_image_is_the_documented_one() -> None:
    query = DIALECT.query(Question(("beside",), image="data:image/png;base64,Y29udGVudDE="))
    assert query.url == f"{URL}/contentsafety/image:analyze?api-version=2024-09-01"
    assert json.loads(query.body) == {
        "image": {"content": "Y29udGVudDE="},
        "categories": ["Hate", "SelfHarm", "Sexual", "Violence"],
        "outputType": "FourSeverityLevels",
    }


def test_its_card_says_what_it_can() -> None:
    assert CARD.categories == {*OURS.values(), BLOCKLIST}
    assert CARD.modalities == {"text", "image"}
    assert (CARD.longest, CARD.unit) == (10_000, "characters")
    assert DIALECT.card.categories == DIALECT.categories == set(fake.MEANS)
    assert LISTED.card.categories == LISTED.categories == {*fake.MEANS, BLOCKLIST}
    assert (DIALECT.batch, DIALECT.criteria, DIALECT.slow, DIALECT.model) == (1, (), False, "")


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("category", sorted(fake.MEANS))
def test_each_category_alone_is_found_under_our_name(category: str, side: Any) -> None:
    (scores,) = said(DIALECT, Question((f"a text about [{category}]",), side))
    assert scores.scores == {name: 1.0 if name == category else 0.0 for name in fake.MEANS}
    assert (scores.flags, scores.unseen) == (None, frozenset())
    (scores,) = said(FOUR, Question((f"a text about [{category}]",), side))
    assert scores.scores[category] == 6 / 7


@pytest.mark.parametrize("category", sorted(fake.MEANS))
def test_each_category_alone_is_found_in_an_image(category: str) -> None:
    (scores,) = said(DIALECT, picture(f"[{category}]"))
    assert scores.scores == {name: 6 / 7 if name == category else 0.0 for name in fake.MEANS}
    assert scores.unseen == frozenset()


def test_clean_text_gives_nothing() -> None:
    (scores,) = said(DIALECT, HELLO)
    assert not any(scores.scores.values())
    (scores,) = DIALECT.read(HELLO, told(CLEAN))
    assert scores.scores == dict.fromkeys(fake.MEANS, 0.0)


@pytest.mark.parametrize(("severity", "found"), [*enumerate(["", "", "s", "s", "sb", "sb", "sbl", "sbl"])])
@pytest.mark.parametrize("category", sorted(fake.MEANS))
def test_the_operating_points_are_the_documented_levels(category: str, severity: int, found: str) -> None:
    """Low is 2 and 3, medium 4 and 5, high 6 and 7."""
    (scores,) = DIALECT.read(
        HELLO, told({"categoriesAnalysis": [{"category": fake.MEANS[category], "severity": severity}]})
    )
    assert DIALECT.points is not None
    at = {name[0] for name, floors in DIALECT.points.items() if scores.scores[category] >= floors[category]}
    assert at == set(found)


def test_every_category_has_a_floor_at_every_point() -> None:
    for dialect in DIALECTS:
        assert dialect.points is not None
        assert set(dialect.points) == {"lenient", "balanced", "strict"}
        assert all(floors.keys() == dialect.categories for floors in dialect.points.values())


def test_a_term_of_a_blocklist_is_a_finding_at_every_point() -> None:
    assert json.loads(LISTED.query(HELLO).body)["blocklistNames"] == ["house"]
    assert json.loads(LISTED.query(HELLO).body)["haltOnBlocklistHit"] is False
    (scores,) = said(LISTED, Question(("this is [listed] and [violence]",)))
    assert (scores.scores[BLOCKLIST], scores.scores["violence"], scores.scores["hate"]) == (1.0, 1.0, 0.0)
    assert LISTED.points is not None
    assert all(scores.scores[BLOCKLIST] >= floors[BLOCKLIST] > 0 for floors in LISTED.points.values())
    assert said(LISTED, HELLO)[0].scores[BLOCKLIST] == 0.0


def test_blocklists_are_unseen_where_nothing_is_said_of_them() -> None:
    assert LISTED.read(HELLO, told(without("blocklistsMatch")))[0].unseen == {BLOCKLIST}
    assert said(LISTED, picture())[0].unseen == {BLOCKLIST}
    hit = {"blocklistName": "house", "blocklistItemId": "1", "blocklistItemText": "x"}
    (scores,) = LISTED.read(HELLO, told({"categoriesAnalysis": [], "blocklistsMatch": [hit]}))
    assert scores.scores == {BLOCKLIST: 1.0}
    assert scores.unseen == set(fake.MEANS)


def test_a_category_without_a_severity_was_not_judged() -> None:
    (scores,) = DIALECT.read(HELLO, told(changed("categoriesAnalysis", 1, to={"category": "SelfHarm"})))
    assert scores.unseen == {"self-harm"}
    assert "self-harm" not in scores.scores
    (scores,) = DIALECT.read(HELLO, told(without("categoriesAnalysis", 0)))
    assert scores.unseen == {"hate"}


@pytest.mark.parametrize("severity", [8, -1, 2.0, "2", True, [2], 10**30, float("nan")])
def test_what_is_no_severity_is_malformed(severity: Any) -> None:
    body = changed("categoriesAnalysis", 2, to={"category": "Sexual", "severity": severity})
    assert reason(body) == "malformed"
    assert reason(body, dialect=azure(ignore=frozenset({"Sexual"}))) == "malformed"


def test_a_step_that_was_not_asked_for_is_malformed() -> None:
    body = changed("categoriesAnalysis", 2, to={"category": "Sexual", "severity": 3})
    assert reason(body, dialect=FOUR) == reason(body, picture()) == "malformed"
    assert DIALECT.read(HELLO, told(body))[0].scores["sexual"] == 3 / 7


@pytest.mark.parametrize("found", [{}, "Hate", [1], [{}], [{"category": 1}], [{"category": "Hate", "severity": 0}] * 2])
def test_what_is_no_list_of_categories_is_malformed(found: Any) -> None:
    assert reason(changed("categoriesAnalysis", to=found)) == "malformed"


@pytest.mark.parametrize("found", ["x", {}, [1], [{}], [{"blocklistName": 1}]])
def test_what_is_no_list_of_matches_is_malformed(found: Any) -> None:
    assert reason(changed("blocklistsMatch", to=found), dialect=LISTED) == "malformed"


def test_an_unknown_category_is_told() -> None:
    body = changed("categoriesAnalysis", 0, to={"category": "canary", "severity": 0})
    assert reason(body) == "unknown_category"


def test_a_reply_that_judges_nothing_is_empty() -> None:
    assert reason({"categoriesAnalysis": []}) == "empty"
    assert reason({"categoriesAnalysis": [{"category": "Hate"}]}) == "empty"


def test_what_is_ignored_is_neither_asked_about_nor_returned() -> None:
    deaf = azure(ignore=frozenset({"Violence"}))
    assert deaf.categories == deaf.card.categories == {"hate", "self-harm", "sexual"}
    assert json.loads(deaf.query(HELLO).body)["categories"] == ["Hate", "SelfHarm", "Sexual"]
    assert said(deaf, Question(("[violence] [hate]",)))[0].scores == {"hate": 1.0, "self-harm": 0.0, "sexual": 0.0}
    assert "violence" not in deaf.read(HELLO, told(CLEAN))[0].scores


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="none of: Hate, SelfHarm, Sexual, Violence"):
        azure(ignore=frozenset({"hate"}))
    with pytest.raises(ValueError, match="leaves nothing"):
        azure(ignore=frozenset(OURS))
    with pytest.raises(ValueError, match="levels"):
        azure(levels=5)
    with pytest.raises(ValueError, match="API key"):
        AzureContentSafety(url=URL, api_key="canary\nx: y")


def test_a_text_is_measured_in_code_points() -> None:
    assert fake.answer(asked(DIALECT.query(Question(("\U0001f600" * 10_000,))))).status == 200
    assert unsent(Question(("\U0001f600" * 10_001,))) == "too_large"


def test_one_text_at_a_time() -> None:
    assert unsent(Question(("a", "b"))) == unsent(Question(())) == "malformed"


@pytest.mark.parametrize(
    "source",
    [
        "https://canary.example/a.png",
        "http://store.blob.core.windows.net/a.png",
        "https://store.blob.core.windows.net.evil.example/a.png",
        "https://store.blob.core.windows.net@evil.example/a.png",
        "data:image/png,canary",
        "data:image/svg+xml;base64,Y2FuYXJ5",
        "data:text/html;base64,Y2FuYXJ5",
        "data:image/png;base64,",
        "data:image/png;base64,canary!",
        "data:image/png;base64,Y2FuYXJ",
        "data:image/png;base64,Y2Fu\nYXJ5",
        "data:image/png;base64,Y2Fuÿ",
        "canary",
    ],
)
def test_what_is_no_image_of_its_is_not_sent(source: str) -> None:
    assert unsent(Question((), image=source), azure(blobs=frozenset({"store.blob.core.windows.net"}))) == "malformed"


def test_the_formats_it_reads_are_sent() -> None:
    for kind in ("image/png", "IMAGE/JPEG", "image/gif", "image/bmp", "image/tiff", "image/webp"):
        assert said(DIALECT, picture("[hate]", kind))[0].scores["hate"] == 6 / 7


def test_an_image_may_have_4_mb() -> None:
    def sized(size: int) -> Question:
        return Question((), image=f"data:image/png;base64,{base64.b64encode(bytes(size)).decode()}")

    assert fake.answer(asked(DIALECT.query(sized(MAX_IMAGE)))).status == 200
    assert unsent(sized(MAX_IMAGE + 3)) == "too_large"


def test_links_to_the_storage_that_was_named_are_passed_on() -> None:
    stored = azure(blobs=frozenset({"store.blob.core.windows.net"}))
    link = "https://store.blob.core.windows.net/pictures/a.png?about=[violence]"
    assert json.loads(stored.query(Question((), image=link)).body)["image"] == {"blobUrl": link}
    assert said(stored, Question((), image=link))[0].scores["violence"] == 6 / 7
    assert unsent(Question((), image=link)) == "malformed"


def test_the_fake_refuses_what_the_document_does() -> None:
    query = DIALECT.query(HELLO)
    assert said(AzureContentSafety(url=f"{URL}/", api_key=fake.KEY), HELLO)
    keyless = AzureContentSafety(url=URL)
    assert dict(keyless.query(HELLO).headers) == {"content-type": "application/json"}
    assert fake.answer(asked(keyless.query(HELLO))).status == 401
    assert fake.answer(Asked("POST", "/contentsafety/text:analyze", dict(query.headers), query.body)).status == 400
    extra = json.dumps({"text": "x", "canary": 1}).encode()
    assert fake.answer(Asked("POST", asked(query).path, dict(query.headers), extra)).status == 400


WORDS = ["categoriesAnalysis", "blocklistsMatch", "category", "severity", "Hate", "SelfHarm", "Sexual", "blocklistName"]


@given(replies(CLEAN, WORDS), st.sampled_from(QUESTIONS), st.sampled_from(DIALECTS))
def test_any_reply_is_read_as_one_scores_a_text_or_not_at_all(body: Any, question: Question, dialect: Dialect) -> None:
    holds(dialect, question, body)
