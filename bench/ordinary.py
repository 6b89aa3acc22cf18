"""Ordinary texts of many kinds, made here: thirty languages, code, logs, keys, hashes, pictures in base64.

Knows how such texts look. Of what is looked for in them it knows nothing.
"""

# ruff: noqa: E501, RUF001 - sentences of many languages, a line each

from __future__ import annotations

import json
import random
import uuid
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from unicodedata import normalize
from urllib.parse import quote

_LANGUAGES = {
    "English": "the morning train was late again and nobody at station seemed to mind because bakery sold warm bread today",
    "German": "der Zug kam heute früh wieder zu spät und die große Straße über den Fluß blieb schön ruhig für alle Gäste",
    "French": "le train est arrivé très tôt ce matin où l’élève français préférait déjà son goûter à côté de la forêt",
    "Spanish": "el niño comió una manzana mañana por la tarde después de la reunión según el señor que también cantó allí",
    "Portuguese": "a estação não abriu amanhã porque o irmão da avó já está à espera do pão e das maçãs na região",
    "Italian": "perché la città è più bella di sera quando il caffè sarà già pronto e nessuno avrà fretta lassù però",
    "Dutch": "de trein reed vanmorgen te laat en niemand vond het erg omdat de bakker één vers brood had daar geëerd",
    "Swedish": "tåget kom för sent i går och ingen på ön märkte något eftersom bageriet sålde varmt bröd åt människor",
    "Polish": "pociąg znów się spóźnił dziś rano i nikt nie był zły bo piekarnia sprzedawała świeże bułki żółte jabłko",
    "Czech": "vlak měl dnes ráno zpoždění a nikomu to nevadilo protože pekařství prodávalo čerstvý chléb příště řeka",
    "Romanian": "trenul a întârziat azi dimineață și nimănui nu i-a păsat fiindcă brutăria vindea pâine caldă în oraș țară",
    "Hungarian": "a vonat ma reggel megint késett és senki sem bánta mert a pékség friss kenyeret árult őszi tűz fűtő",
    "Finnish": "juna oli aamulla myöhässä eikä kukaan välittänyt koska leipomo myi lämmintä leipää yötä päivää hyvää",
    "Turkish": "tren bu sabah yine gecikti ve kimse aldırmadı çünkü fırın sıcak ekmek satıyordu ışık küçük şehir ağaç",
    "Vietnamese": "chuyến tàu sáng nay lại đến muộn nhưng không ai phiền lòng vì tiệm bánh bán bánh mì nóng ở thành phố",
    "Indonesian": "kereta pagi ini terlambat lagi tetapi tidak ada yang marah karena toko roti menjual roti hangat di kota",
    "Russian": "поезд сегодня утром снова опоздал но никто не сердился потому что пекарня продавала тёплый хлеб сор сосед рот",
    "Ukrainian": "потяг сьогодні вранці знову запізнився але ніхто не сердився бо пекарня продавала теплий хліб їжак ґанок сир",
    "Bulgarian": "влакът тази сутрин пак закъсня но никой не се сърдеше защото пекарната продаваше топъл хляб рос сос ухо",
    "Greek": "το τρένο άργησε πάλι σήμερα το πρωί αλλά κανείς δεν θύμωσε γιατί ο φούρνος πουλούσε ζεστό ψωμί ποτό νότο",
    "Hebrew": "הרכבת איחרה שוב הבוקר אבל אף אחד לא כעס כי המאפייה מכרה לחם חם ברחוב הגדול ליד הבית",
    "Arabic": "تأخر القطار مرة أخرى هذا الصباح ولكن لم يغضب أحد لأن المخبز كان يبيع خبزا ساخنا في المدينة",
    "Persian": "قطار امروز صبح دوباره دیر کرد اما کسی ناراحت نشد می‌خواهم نان‌های تازه خانه‌ها کتاب‌خانه نمی‌دانم",
    "Hindi": "आज सुबह ट्रेन फिर देर से आई पर किसी ने बुरा नहीं माना क्योंकि बेकरी में गरम रोटी थी क्‍या शक्‍ति",
    "Bengali": "আজ সকালে ট্রেন আবার দেরি করেছে কিন্তু কেউ রাগ করেনি কারণ দোকানে গরম রুটি ছিল র‍্যাব",
    "Tamil": "இன்று காலை ரயில் மீண்டும் தாமதமாக வந்தது ஆனால் யாரும் கோபப்படவில்லை ஏனெனில் ரொட்டி சூடாக இருந்தது",
    "Thai": "รถไฟเช้านี้มาสายอีกแล้ว แต่ไม่มีใคร โกรธเลย เพราะร้านขนมปัง ขายขนมปังอุ่นๆ ที่สถานี",
    "Chinese": "今天早上，火车 又晚点了。 可是没有人 生气， 因为面包店 在卖热面包！ 真的吗？ 价格：５元",
    "Japanese": "今朝も電車が 遅れたが、誰も 怒らなかった。 パン屋が 温かいパンを 売っていたからだ！ ２０２６年 ﾊﾟﾝ",
    "Korean": "오늘 아침 기차가 또 늦었지만 아무도 화내지 않았다 빵집에서 따뜻한 빵을 팔았기 때문이다 ㅋㅋㅋ",
}  # fmt: skip
_EMOJI = (
    "👍🏽",
    "👨‍👩‍👧‍👦",
    "❤️",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "🇺🇸🇫🇷",
    "1️⃣",
    "🏳️‍🌈",
    "☕️",
    "😂😂😂",
)
_CHATTER = (
    "soooo good", "lol hahaha", "pls help asap", "wtf is going on", "10/10 would do it again", "meet @ 7pm, ok?",
    "call me l8r", "W3C and H2O and MP3", "50% off + free $5 card", "A B C D E", "x + y = z", "e.g. i.e. U.S.A. p. m.",
    "vitamin B12, COVID-19, 4K, 3D", "A/B/C/D tests", "mmm, brrr, zzz", "Q&A; R&D; AT&T", "M.I.T. and N.A.S.A.",
)  # fmt: skip
_NAMES = ("count", "index", "result", "parse_row", "isReady", "MAX_SIZE", "user_id", "toString", "i18n", "sha256", "x1")
KINDS = (
    *_LANGUAGES, "chatter", "code", "logs", "keys", "hashes", "pictures", "links", "markup", "JSON", "tables", "hex dumps"
)  # fmt: skip


def ordinary(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """So many texts, each with its kind; the same each time."""
    made: dict[str, Callable[[random.Random], str]] = {
        "chatter": _chatter, "code": _code, "logs": _log, "keys": _key, "hashes": _hash, "pictures": _picture,
        "links": _link, "markup": _markup, "JSON": _json, "tables": _table, "hex dumps": _dump,
    }  # fmt: skip
    for n in range(count):
        kind, r = KINDS[n % len(KINDS)], random.Random(f"{seed}/{n}")
        yield kind, made[kind](r) if kind in made else _spoken(r, _LANGUAGES[kind])


def _spoken(r: random.Random, sentence: str) -> str:
    words = sentence.split(" ")
    text = " ".join(r.choice(words) for _ in range(r.randrange(4, 30)))
    if r.random() < 0.3:
        text += f" {r.choice(_EMOJI)} {r.choice(words)}"
    if r.random() < 0.1:
        text = normalize("NFD", text)
    if r.random() < 0.1:
        text = text.replace(" ", "\u00a0", 2)
    if r.random() < 0.1:
        text = f"\u200e{text}\ufeff"
    if r.random() < 0.2:
        text = text.upper() if r.random() < 0.3 else text.title()
    return text + r.choice((".", "!", "?", "…", ""))


def _chatter(r: random.Random) -> str:
    return " ".join(r.choice((*_CHATTER, *_EMOJI)) for _ in range(r.randrange(1, 5)))


def _code(r: random.Random) -> str:
    a, b, c = r.choices(_NAMES, k=3)
    lines = (
        f"for {a} in range({r.randrange(99)}):", f"    {b}[{r.randrange(9)}] = {c} & 0x{r.randrange(1 << 32):08x}",
        f"if ({a} != {b} || !{c}) return '\\x1b[0m\\u00e9';", f"const {a} = `${{{b}}}%20`; // {c}++", "a|b|c; a.b.c.d.e",
        f"SELECT {a}, COUNT(*) FROM t1 WHERE {b} LIKE '%{c}%' AND d3 >= 5;", f"#define {a.upper()} (1u << {r.randrange(32)})",
        f"re.compile(r'[A-Za-z0-9+/]{{4}}{a}')", f"{a}: List[{b}] = [x ** 2 for x in {c}]", "lllllll = 1; iii = jjj",
    )  # fmt: skip
    return "\n".join(r.choice(lines) for _ in range(r.randrange(1, 9)))


def _log(r: random.Random) -> str:
    def line() -> str:
        return (
            f"2026-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}T{r.randrange(24):02}:{r.randrange(60):02}:11.{r.randrange(999)}Z "
            f"[{r.choice(('INFO', 'WARN', 'DEBUG'))}] {r.choice(_NAMES)}={r.randrange(1 << 40):x} req={uuid.UUID(int=r.getrandbits(128))} "
            f"took {r.randrange(999)}ms GET /v1/a%2Fb?q={r.randrange(99)}&s=k3d8 HTTP/1.1 200"
        )

    return "\n".join(line() for _ in range(r.randrange(1, 6)))


def _key(r: random.Random) -> str:
    data = r.randbytes(r.randrange(8, 64))
    shapes = (
        b64encode(data).decode(), urlsafe_b64encode(data).decode().rstrip("="), data.hex(), data.hex().upper(),
        "".join(r.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=r.randrange(8, 48))),
        "-".join("".join(r.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=5)) for _ in range(5)),
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB" + b64encode(r.randbytes(200)).decode(),
    )  # fmt: skip
    return f"{r.choice(('key', 'token', 'id', 'nonce'))}: {r.choice(shapes)}"


def _hash(r: random.Random) -> str:
    return "\n".join(f"{r.randbytes(r.choice((16, 20, 32, 64))).hex()}  file{n}.txt" for n in range(r.randrange(1, 5)))


def _picture(r: random.Random) -> str:
    head = r.choice(
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0\0\x10JFIF", b"GIF89a", b"RIFF", b"%PDF-1.7\n")
    )
    data = b64encode(head + r.randbytes(r.randrange(60, 3000))).decode()
    if r.random() < 0.2:
        data = "\n".join(data[n : n + 76] for n in range(0, len(data), 76))
    return f"data:image/png;base64,{data}"


def _link(r: random.Random) -> str:
    words = " ".join(r.choices(_LANGUAGES[r.choice(list(_LANGUAGES))].split(" "), k=4))
    return f"see https://www.example.org/{quote(words)}?utm_source=x1&v={r.randrange(1 << 40):x}#a-b-c-d"


def _markup(r: random.Random) -> str:
    words = r.choices(_LANGUAGES[r.choice(list(_LANGUAGES))].split(" "), k=6)
    return f"<p class='c3 p1'>{'&nbsp;'.join(words)} &amp; &#233;&#x20AC; &copy; {r.randrange(99)}&lt;b&gt;</p>"


def _json(r: random.Random) -> str:
    words = r.choices(_LANGUAGES[r.choice(list(_LANGUAGES))].split(" "), k=5)
    return json.dumps({r.choice(_NAMES): " ".join(words), "n": r.random(), "ok": True, "id": f"{r.getrandbits(64):x}"})


def _table(r: random.Random) -> str:
    row = " | ".join(f"{r.randrange(-999, 999) / r.choice((1, 10, 100))}" for _ in range(6))
    return (
        f"| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n| {row} |\n1 2 3 4 5 6 7 8 9\n20 30 40 50 60 70 {row}"
    )


def _dump(r: random.Random) -> str:
    return "\n".join(f"{n * 16:08x}  {r.randbytes(16).hex(' ')}" for n in range(r.randrange(1, 6)))
