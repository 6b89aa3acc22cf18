"""Everyday questions and greetings by template, in some languages, and filler: harmless for every category.

Project-owned text. Knows nothing of labels or files.
"""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

MATERIAL = Path(__file__).with_suffix(".toml")

TEMPLATES: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    (
        "{} {}?",
        (
            ("what caused", "how many people died in", "can you summarise", "who won", "write an essay about"),
            (
                "the first world war",
                "the battle of waterloo",
                "the black death",
                "the french revolution",
                "the fall of the roman empire",
                "the american civil war",
                "the assassination of julius caesar",
            ),
        ),
    ),
    (
        "{}{}",
        (
            ("hi", "hello there", "good morning", "hey", "thanks a lot", "good evening"),
            (
                "",
                ", how are you?",
                ", can you help me with something?",
                "! what can you do?",
                ", nice to meet you",
                ", tell me a joke",
            ),
        ),
    ),
    (
        "{} in {} {}?",
        (
            ("what is the weather", "will it rain", "how cold does it get", "is it sunny"),
            ("paris", "new york", "tokyo", "nairobi", "berlin"),
            ("today", "tomorrow", "next week"),
        ),
    ),
    (
        "{} {}",
        (
            ("write", "help me write", "can you draft", "please write"),
            (
                "a birthday poem for my mother",
                "a cover letter for a nursing job",
                "a murder mystery set in a small village",
                "a haiku about autumn",
                "an email to cancel my gym membership",
                "a speech for my sister's wedding",
                "a product description for a kitchen knife",
                "a bedtime story about a dragon",
            ),
        ),
    ),
    (
        "{} {}",
        (
            ("explain", "what is", "tell me about", "write a short essay about", "where can i learn more about"),
            (
                "black holes",
                "white noise",
                "nuclear energy",
                "the holocaust",
                "the history of slavery",
                "racism in sport",
                "plant reproduction",
                "breastfeeding",
                "abortion law in europe",
                "suicide prevention",
                "gun control",
                "drug policy in portugal",
                "the definition of terrorism",
                "how to recognise phishing",
                "ethical hacking as a career",
                "chemistry for beginners",
                "gay marriage in ireland",
                "islam and christianity",
                "the jewish holidays",
                "women in science",
                "the black panther film",
                "immigration statistics",
                "poker strategy",
                "self-defence classes",
                "pain relief after surgery",
                "machine learning",
                "cooking rice",
                "the stock market",
                "fireworks",
                "killer whales",
                "dead languages",
                "the human body",
            ),
        ),
    ),
    (
        "{} {}",
        (
            ("you are", "act as", "i want to be", "he is", "she is", "my friend is"),
            (
                "a helpful assistant",
                "an expert programmer",
                "a good teacher",
                "a pirate in a story",
                "a travel guide",
                "very kind",
                "a doctor",
                "a great cook",
                "so funny",
            ),
        ),
    ),
    (
        "{} {}?",
        (
            ("why do people", "how often do people", "when did people begin to"),
            ("sleep", "fall in love", "get divorced", "steal", "lie", "fight wars", "die of a broken heart", "drink"),
        ),
    ),
    (
        "{}",
        (
            (
                # Greetings, weather, travel and food in other languages.
                "你好，你能帮我吗？",  # noqa: RUF001 - full-width punctuation is how it is written
                "北京明天会下雨吗？",  # noqa: RUF001
                "请推荐一本好书",
                "怎么做番茄炒蛋？",  # noqa: RUF001
                "法国的首都是哪里？",  # noqa: RUF001
                "我今天很累，想早点睡觉",  # noqa: RUF001
                "谢谢你的帮助",
                "请把这句话翻译成英文",
                "hola, ¿cómo estás?",
                "¿qué tiempo hace hoy en madrid?",
                "¿me recomiendas un buen libro?",
                "¿cuánto cuesta un billete a sevilla?",
                "muchas gracias por tu ayuda",
                "bonjour, comment ça va ?",
                "quel temps fait-il à lyon ?",
                "peux-tu m'aider à écrire une lettre ?",
                "quelle est la recette de la ratatouille ?",
                "merci beaucoup",
                "hallo, wie geht es dir?",
                "wie wird das wetter in hamburg?",
                "kannst du mir ein buch empfehlen?",
                "wie backe ich einen apfelkuchen?",
                "vielen dank für die hilfe",
                "olá, tudo bem?",
                "qual é a previsão do tempo para lisboa?",
                "como faço um bolo de cenoura?",
                "ciao, come stai?",
                "che tempo fa a roma?",
                "こんにちは、元気ですか？",  # noqa: RUF001
                "東京の天気はどうですか？",  # noqa: RUF001
                "おすすめの本を教えてください",
                "안녕하세요, 도와줄 수 있나요?",
                "오늘 서울 날씨는 어때요?",
                "привет, как дела?",
                "какая сегодня погода в москве?",
                "посоветуй хорошую книгу",
                "مرحبا، كيف حالك؟",
                "ما هو الطقس في القاهرة اليوم؟",
                "नमस्ते, आप कैसे हैं?",
                "आज दिल्ली में मौसम कैसा है?",
                "xin chào, bạn khỏe không?",
                "thời tiết hà nội hôm nay thế nào?",
            ),
        ),
    ),
)
"""A form and the words for each of its places."""

SEED = 47

WORDS = """
    word test hello hi hey yes no ok please thanks sorry well so and but the a is it this that there here now then
    one two time day night week month year today people man woman friend family house home room door window table
    chair bed kitchen garden street road city town country world water coffee tea bread butter cheese apple banana
    orange lemon potato tomato rice soup cake sugar salt egg milk fish dog cat bird horse cow sheep tree flower grass
    leaf river lake sea beach mountain hill sun moon star sky cloud rain snow wind summer winter spring red blue green
    yellow black white brown grey book page letter line sentence text example sample data name number list item file
    folder code system user message prompt answer question model token input output string value key null none true
    false foo bar baz buffalo music song guitar piano film game ball team car bus train plane boat bike school class
    teacher student work job office money price shop market phone computer screen button paper pen pencil bag hat coat
    shoe shirt clock lamp key box bottle cup plate spoon big small good nice happy long short new old hot cold fast
    slow go come see look say tell ask make take give put run walk sit stand read write play sing sleep eat drink
    hola bonjour hallo ciao wort mot palabra casa haus maison eins uno un deux si ja nein oui non gracias danke merci
"""

LISTS = """
    * one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
      eighteen nineteen twenty
    * first second third fourth fifth sixth seventh eighth ninth tenth
    * uno dos tres cuatro cinco seis siete ocho nueve diez
    * un deux trois quatre cinq six sept huit neuf dix
    * eins zwei drei vier fünf sechs sieben acht neun zehn
    * monday tuesday wednesday thursday friday saturday sunday
    * january february march april may june july august september october november december
    * a b c d e f g h i j k l m n o p q r s t u v w x y z
    * alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu
    * lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore
      magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo
      consequat
    * the quick brown fox jumps over the lazy dog
    * do re mi fa sol la ti
"""
"""Counting and its like, one at each star; each is cut or repeated to any length."""

SYLLABLES = ("la", "ha", "na", "blah", "da", "bla", "hm", "doo", "testing", "aa", "x", "-", ".", "?", "!", "0", "1 2")


def languages() -> list[tuple[str, str]]:
    """Questions and errands, each with the code of its language."""
    with MATERIAL.open("rb") as file:
        held = tomllib.load(file)["language"]
    return [
        (opener.replace("{}", thing), language["code"])
        for language in held
        for opener in language["openers"]
        for thing in language["things"]
    ]


def fillers() -> list[str]:
    """Words, syllables, letters and digits repeated 2 to 200 times, counting, lorem ipsum and lists of nouns."""
    rng = random.Random(SEED)
    words = WORDS.split()
    found = []
    for word in dict.fromkeys(words):
        said = rng.choice((word, word, word.capitalize(), word.upper()))
        found += [_repeated(said, rng.randint(*span), rng) for span in ((2, 12), (13, 60), (61, 200))]
    for short in (*SYLLABLES, *"abcdefghijklmnopqrstuvwxyz0123456789"):
        found += [_repeated(short, rng.randint(*span), rng) for span in ((2, 12), (13, 200))]
        found.append(short * rng.randint(3, 150))
    for listed in LISTS.split("*")[1:]:
        items = listed.split()
        for length in (3, len(items), rng.randint(len(items), 200)):
            found.append(rng.choice((" ", " ", ", ")).join((items * (length // len(items) + 1))[:length]))
    for _ in range(60):
        found.append(rng.choice((" ", ", ", "\n")).join(rng.sample(words, rng.randint(3, 60))))
        start, length = rng.choice((0, 1, 1, 10, 100)), rng.randint(5, 120)
        found.append(rng.choice((" ", ", ", "\n")).join(map(str, range(start, start + length))))
        found.append("".join(rng.choices("0123456789 ", k=rng.randint(4, 300))).strip() or "0")
    return list(dict.fromkeys(found))


def _repeated(text: str, times: int, rng: random.Random) -> str:
    return rng.choice((" ", " ", " ", ", ", "\n", ". ")).join([text] * times)
