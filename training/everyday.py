"""Everyday questions and greetings by template, in some languages: harmless for every category.

Project-owned text. Knows nothing of labels or files.
"""

from __future__ import annotations

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
