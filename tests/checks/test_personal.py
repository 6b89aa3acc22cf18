from __future__ import annotations

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.checks import iban, personal
from guardrail.checks.card import luhn
from guardrail.checks.personal import ENTITIES, PersonalData
from tests.checks.streaming import obeys, words_found

ALL = PersonalData("personal")


def found(text: str) -> list[tuple[str, str]]:
    return [(category.removeprefix("personal/"), piece) for category, piece in words_found(ALL, text)]


@pytest.mark.parametrize(
    ("entity", "text", "piece"),
    [
        ("email", "write to john.doe+x@mail.example.co.uk.", "john.doe+x@mail.example.co.uk"),
        ("email", "<a_b%c@example.com>", "a_b%c@example.com"),
        ("email", "mailto:jo@example.com?subject=x", "jo@example.com"),
        ("email", "jürgen@müller.de", "jürgen@müller.de"),
        ("email", "我的邮箱是jo@example.com吗", "jo@example.com"),
        ("email", "-----jo@example.com", "jo@example.com"),
        ("email", "jo@example.com-", "jo@example.com"),
        ("email", "jo@xn--mller-kva.xn--p1ai", "jo@xn--mller-kva.xn--p1ai"),
        ("email", "jo@10.0.0.1.example.com", "jo@10.0.0.1.example.com"),
        ("phone", "call +49 30 1234567 now", "+49 30 1234567"),
        ("phone", "+1 (555) 123-4567", "+1 (555) 123-4567"),
        ("phone", "tel:+14155552671", "+14155552671"),
        ("phone", "+1 415 555 2671 24 hours", "+1 415 555 2671"),
        ("phone", "+44 (0)20 7946 0958", "+44 (0)20 7946 0958"),
        ("phone", "555-123-4567, or", "555-123-4567"),
        ("phone", "(555) 123-4567.", "(555) 123-4567"),
        ("phone", "555.123.4567", "555.123.4567"),
        ("phone", "1-555-123-4567", "1-555-123-4567"),
        ("phone", "020 7946 0958", "020 7946 0958"),
        ("phone", "01 23 45 67 89", "01 23 45 67 89"),
        ("phone", "0171 1234567", "0171 1234567"),
        ("phone", "030/1234567", "030/1234567"),
        ("phone", "(02) 9876 5432", "(02) 9876 5432"),
        ("phone", "(11) 98765-4321", "(11) 98765-4321"),
        ("phone", "138 1234 5678", "138 1234 5678"),
        ("phone", "0049 30 123456", "0049 30 123456"),
        ("card", "card 4111 1111 1111 1111, 12/26", "4111 1111 1111 1111"),
        ("card", "4111111111111111", "4111111111111111"),
        ("card", "5555-5555-5555-4444", "5555-5555-5555-4444"),
        ("card", "3782 822463 10005", "3782 822463 10005"),
        ("card", "no.4111 1111 1111 1111", "4111 1111 1111 1111"),
        ("card", "4111 1111 1111 1111 123", "4111 1111 1111 1111"),
        ("iban", "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"),
        ("iban", "gb82west12345698765432.", "gb82west12345698765432"),
        ("iban", "(NO93 8601 1117 947)", "NO93 8601 1117 947"),
        ("ip", "from 192.168.1.20.", "192.168.1.20"),
        ("ip", "http://10.1.2.3:80/x", "10.1.2.3"),
        ("ip", "10.1.2.0/24", "10.1.2.0"),
        ("ip", "[2001:db8::1]", "2001:db8::1"),
        ("ip", "2001:db8:0:0:1:0:0:1", "2001:db8:0:0:1:0:0:1"),
    ],
)
def test_finds(entity: str, text: str, piece: str) -> None:
    assert found(text) == [(entity, piece)]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T10:20:30.123Z and 2024-01-02 10:20:30+00:00",
        "01/02/2024 12:30, 01.02.2024 12:30, 2024/01/02",
        "550e8400-e29b-41d4-a716-446655440000 12345678-1234-1234-1234-123456789012",
        "$1,234,567.89 and 1 234 567 EUR and +1000000",
        "order 1234567890 or 112-5551234-1234567",
        "SSN-like 123-45-6789, ISBN 978-3-16-148410-0",
        "v1.2.3.4 version 1.2.3.4 Version: 10.20.30.40 1.2.3.4.5 1.2.3.4-beta",
        "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36",
        "127.0.0.1 0.0.0.0 999.1.1.1 256.1.1.1 ::1",
        "std::f32::consts a::b dead::beef 10:30:45 00:1a:2b:3c:4d:5e 00:11:22:33:44:55:66:77",
        "git@github.com:owner/repo logo@2x.png react@18.2.0 @someone a@b user@localhost @app.route",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709 d41d8cd98f00b204e9800998ecf8427e",
        "4111111111111112 4111 1111 1111 1112 a4111111111111111 4111111111111111b 0.4111111111111111",
        "1234567890123452",  # right check digit, no network
        "41111111111111110000000000",
        "DE89 3704 0044 0532 0130 01 XX89370400440532013000 DE8937040044053201300",
        "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO",
        "https://example.com/a/20240102/555-123-4567-x?id=1234567890123",
        "for i in range(100): x[i] = (12) - 3456 * 7.5e+10",
        "Smith (1999) 123-4567; pp. 345-360",
        "Python 3.11.7, Linux 5.15.0-105-generic, port 8080",
        "jo@" + "aa." * 100 + "com",
        "tel. \u0661\u0662\u0663-\u0664\u0665\u0666-\u0667\u0668\u0669\u0660",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []


def test_only_what_was_chosen_is_found() -> None:
    text = "jo@example.com 192.168.1.20"
    assert [f.category for f in PersonalData("p", ["ip"]).scan(text)] == ["personal/ip"]
    assert PersonalData("p", ["ip"]).categories == {"personal/ip"}
    with pytest.raises(ValueError, match="passport"):
        PersonalData("p", ["passport"])
    with pytest.raises(ValueError, match="choose from"):
        PersonalData("p", [])


def test_check_digits() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert iban.valid("FR1420041010050500013M02606")
    assert not iban.valid("FR1420041010050500013M02607")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("Hello, how are", 3),
        ("Hello, how ", 0),
        ("It ends here.\n", 0),
        ("call 555-12", 6),
        ("call 555-12 ", 7),
        ("mail jo@exam", 7),
        ("IBAN DE89 3704 ", 10),
        ("in version ", 8),
    ],
)
def test_prose_holds_little_and_numbers_are_held(text: str, held: int) -> None:
    assert ALL.tail(text) == held


def test_a_long_run_is_read_in_bounded_steps() -> None:
    for run in ("a" * 5000, "1" * 5000, "1." * 2500, "a@" * 2500, "x-" * 2500, "+1(" * 1600, "DE89" * 1200):
        assert ALL.reach is not None
        assert ALL.tail(run) <= ALL.reach
        ALL.scan(run)


FRAGMENTS = [
    "jo@example.com", "a.b-c@x.y.org", "+49 30 1234567", "+1 (555) 123-4567", "555-123-4567", "(555) 123-4567",
    "020 7946 0958", "01 23 45 67 89", "4111 1111 1111 1111", "4111111111111111", "3782 822463 10005",
    "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "192.168.1.20", "2001:db8::1", "version ", "Version: ",
    "v", "ver", "build", "Chrome/", "120.0.0.0", "git@github.com", ":", " ", "  ", ".", "-", "/", "@", "(", ")", "+",
    "1", "20", "x", "é", "是", "_", "the", "a" * 70, "7" * 50, "1." * 30, "-" * 70, "\n",
]  # fmt: skip
PIECES = st.sampled_from(FRAGMENTS).flatmap(
    lambda piece: st.one_of(st.just(piece), st.integers(0, len(piece)).map(lambda size: piece[:size]))
)


@settings(max_examples=250, deadline=None)
@given(st.lists(PIECES, max_size=7).map("".join), st.lists(st.integers(0, 400), max_size=5))
def test_laws(text: str, places: list[int]) -> None:
    obeys(ALL, text, places)


@pytest.mark.parametrize(
    "text",
    [
        "jo4111 1111 1111 1111",
        "是version jo@example.com",
        "version 1.2.3.4 5 x",
        "Version: 1.2.3.4_x@y",
        "in version 1.2.3.4-5@",
        "Chrome/120.0.0.0 5",
        "jo@" + "aa." * 100 + "com",
        "555-123-4567@example.com",
    ],
)
def test_laws_on_texts_that_once_broke_them(text: str) -> None:
    obeys(ALL, text, [5, 9])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=5).map("".join))
def test_no_entity_lacks_its_trigger(text: str) -> None:
    for find, _, triggers in personal._ENTITIES.values():
        if not any(re2.search(trigger, text) for trigger in triggers):
            assert not list(find(text, 0))


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.sampled_from(ENTITIES), min_size=1),
    st.lists(PIECES, max_size=6).map("".join),
    st.lists(st.integers(0, 400), max_size=3),
)
def test_laws_of_a_choice(entities: set[str], text: str, places: list[int]) -> None:
    obeys(PersonalData("some", entities), text, places)
