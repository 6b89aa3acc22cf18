"""sexual/minors, composed: references to minors found by words of age, and the sexual score.

No text that pairs the two was ever used for training, so this is a rule on two measured things and
not a learnt score. It errs towards flagging. Knows no model and no thresholds.
"""

from __future__ import annotations

import re

_DIGIT = re.compile(r"[0-9]")
_TOKEN = re.compile(r"[^\W_]+")

_NUMBERS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
)

_WORDS = frozenset(
    """
    child children childhood childlike kid kids kiddo kiddos minor minors underage underaged infant infants toddler
    toddlers baby babies newborn newborns preteen preteens tween tweens teen teens teenage teenaged teenager teenagers
    adolescent adolescents juvenile juveniles schoolgirl schoolgirls schoolboy schoolboys schoolchild schoolchildren
    pupil pupils kindergarten kindergartner kindergartener preschool preschooler preschoolers jailbait loli lolis
    lolicon shota shotacon
    niño niña niños niñas criança crianças enfant enfants mineur mineure mineurs mineures fillette fillettes kinder
    kindes minderjährig minderjährige minderjährigen minderjähriger bambino bambina bambini bambine minorenne minorenni
    """.split()  # noqa: SIM905 - a list of words reads best as words
)

_PHRASE = re.compile(
    r"\b(?:(?:little|young|small)\s+(?:girl|boy|one)s?|under[\s-]aged?|pre[\s-]teens?"
    r"|(?:elementary|primary|middle|high)[\s-]?school\w*|(?:first|second|third|[1-9]th|1[01]th)\s+graders?"
    r"|menor(?:es)?\s+de\s+edad)\b"
)
_PHRASE_WORDS = frozenset(
    """
    little young small under pre elementary primary middle high highschool highschooler highschoolers
    grader graders menor menores
    """.split()  # noqa: SIM905
)

_AGE = rf"(?:1[0-7]|0?[1-9]|{'|'.join(_NUMBERS)})"
_AGES = re.compile(
    rf"""
    \b{_AGE}[\s-]*(?:years?|yrs?|y)[\s/.-]*(?:old|olds|o\b)          # 12 years old, 12-year-old, 12 y/o
    | \b{_AGE}\s?yo\b                                                # 12yo
    | \b(?:age|aged|ages|edad|alter|âge|idade)\s*(?:of\s*|is\s*|:\s*|de\s*)?{_AGE}\b(?!\s*years?\b(?!\s*old))
    | \b(?:i\s?['\u2019]?\s?a?m|(?:s?he|they)(?:['\u2019]?s|\s+is|['\u2019]?re|\s+are|\s+was)|just\s+turned|turns)
      \s+(?:only\s+|just\s+)?{_AGE}\b(?!\s*(?:%|percent|minutes?|hours?|days?|weeks?|miles?|km|feet))
    | (?<![0-9])(?:1[0-7]|[1-9])\s?(?:años|ans\b|jahre|anni|anos)
    """,
    re.VERBOSE,
)

_OTHER_SCRIPTS = re.compile(
    "дет(?:и|ей|ск)|реб[её]н|несовершеннолетн|школьни|طفل|أطفال|قاصر|बच्च|नाबालिग|শিশু"  # noqa: RUF001 - so written
    "|儿童|兒童|孩子|小孩|未成年|幼女|少女|学生|學生|子供|子ども|小学生|中学生|高校生|어린이|아이|미성년|trẻ\\s?em"
    "|(?<![0-9])(?:1[0-7]|[1-9])\\s?(?:岁|歲|歳|才|살|лет)"
)

_ODDS = 10.0
"""With a reference, the odds of the sexual score count this many times: errs towards flagging."""

_WITHOUT = 0.01
"""Without one, this share of the sexual score is kept: the reference may be in words not known here."""

WORTH_A_LOOK = 0.002
"""Below this sexual score the composed one is under 0.02 with a reference too, and none is looked for."""


def refers_to_minor(text: str) -> bool:
    """Whether ``text`` names a child, a teenager or an age under 18, in one of some languages.

    The model gives it normalised words (see ``ngrams.words``), so that no odd character hides one.
    Words are looked up first: the patterns run only where something they need is there.
    """
    lowered = text.lower()
    words = set(_TOKEN.findall(lowered))
    if not _WORDS.isdisjoint(words):
        return True
    if not _PHRASE_WORDS.isdisjoint(words) and _PHRASE.search(lowered):
        return True
    if (not words.isdisjoint(_NUMBERS) or _DIGIT.search(lowered)) and _AGES.search(lowered):
        return True
    return not text.isascii() and _OTHER_SCRIPTS.search(lowered) is not None


def compose(sexual: float, reference: bool) -> float:
    """The sexual/minors score in [0, 1] of a text with this sexual score, with or without a reference."""
    if not reference:
        return _WITHOUT * sexual
    return _ODDS * sexual / (1.0 - sexual + _ODDS * sexual)
