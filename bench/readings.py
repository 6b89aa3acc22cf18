"""``python -m bench.readings``: what disguises hide, and what undoing them finds where nothing is hidden.

Fifty phrases in every disguise, by words, by patterns and by the embedded model, each with readings and without;
and 20,000 ordinary texts, made here, in which readings should find nothing. No clock is looked at.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

from guardrail.backends.moderation import Moderation
from guardrail.checks.disguised import Disguised
from guardrail.checks.patterns import Patterns
from guardrail.checks.personal import PersonalData
from guardrail.checks.protocol import Scanner
from guardrail.checks.readings import plain
from guardrail.checks.secrets import Secrets
from guardrail.checks.words import Words
from guardrail.flow import Call, Effect, run
from guardrail.local.backend import LocalBackend
from tests.checks.disguises import DISGUISES

from .ordinary import KINDS, ordinary

PHRASES = (
    *("silver lantern", "copper kettle", "velvet harbor", "purple anchor", "hollow mountain", "frozen orchard"),
    *("broken compass", "golden sparrow", "midnight parade", "crystal bridge", "wooden satellite", "paper dragon"),
    *(
        "emerald stairway",
        "quiet thunder",
        "borrowed umbrella",
        "crooked chimney",
        "painted cathedral",
        "salty biscuit",
    ),
    *("marble fountain", "distant carousel", "rusty telescope", "wandering monk", "secret pantry", "double rainbow"),
    *("spotted mushroom", "northern gate", "open the iron door", "bring me the red ledger", "meet at the old mill"),
    *("count every third star", "sell the blue horse", "hide behind the curtain", "carry the lamp upstairs"),
    *("follow the white rabbit", "burn the old letters", "never trust a clockmaker"),
    *("zorbenblat", "quibberish", "florbwhistle", "snickerdoodle", "bumbershoot", "gobbledygook", "hullabaloo"),
    *("skedaddle", "canoodling", "flibbertigibbet", "kerfuffle", "lollygagger", "nincompoop", "whippersnapper"),
)
"""What is looked for: nothing that anybody says by chance."""
SHORT = ("bomb", "damn", "drugs", "hate", "hell", "idiot", "kill", "loser", "poison", "stupid")
"""Short words, which are found by chance soonest, beside the phrases where false alarms are counted."""
RUDE = tuple(
    f"you are a {how} {what} and everybody {does} you"
    for how, what, does in product(
        ("stupid", "worthless", "pathetic", "dumb", "disgusting"), ("idiot", "moron", "loser", "fool", "clown"),
        ("hates", "despises"),
    )
)  # fmt: skip
"""What a model is asked about: insults, and mild ones."""
AROUND = "please tell me about {} and what you know of the history of it"
"""Text turned round is known by the little words around it."""
TURNED = {"rot13", "reversed"}

Judge = Callable[[str], bool]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.readings", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--texts", type=int, default=20_000, help="ordinary texts")
    asked = parser.parse_args(words)
    model = _model()
    for line in (*caught(model), "", *alarms(asked.texts, model)):
        print(line, flush=True)
    return 0


def caught(model: tuple[Judge, Judge] | None) -> list[str]:
    """A table: of each disguise, how many phrases are found without readings and with them."""
    ways: dict[str, tuple[tuple[Judge, Judge], Sequence[str]]] = {
        "words": (_both(Words("w", PHRASES, "custom/w"), Words("w", PHRASES, "custom/w", turned=True)), PHRASES),
        "patterns": (_both(*[_patterns(PHRASES)] * 2), PHRASES),
    }
    if model is not None:
        ways["local model"] = (model, tuple(text for text in RUDE if model[0](text)))
    lines = ["| Disguise | " + " | ".join(f"{way}: without | with" for way in ways) + " |"]
    lines.append("|---" * (2 * len(ways) + 1) + "|")
    totals: Counter[tuple[str, int]] = Counter()
    disguises: dict[str, Callable[[str], str]] = {"none": str, **DISGUISES}
    for name, disguise in disguises.items():
        cells = []
        for way, (judges, phrases) in ways.items():
            for n, judge in enumerate(judges):
                said = [disguise(AROUND.format(p)) if name in TURNED else f"now, {disguise(p)}, ok" for p in phrases]
                found = sum(map(judge, said))
                totals[way, n] += found
                cells.append(f"{found} of {len(phrases)}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    count = len(DISGUISES) + 1
    shares = [f"{totals[way, n] / len(ways[way][1]) / count:.1%}" for way in ways for n in (0, 1)]
    return [*lines, "| all | " + " | ".join(shares) + " |"]


def alarms(count: int, model: tuple[Judge, Judge] | None) -> list[str]:
    """A table: of each kind of ordinary text, how many have readings, and in how many these alone find something."""
    scanners: list[Scanner] = [_patterns(PHRASES + SHORT), PersonalData("p"), Secrets("s")]
    bare = [Words("w", PHRASES + SHORT, "custom/w"), *scanners]
    turned = Words("w", PHRASES + SHORT, "custom/w", turned=True)
    undone = [Disguised(scanner, whole=True) for scanner in (turned, *scanners)]
    read: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    for kind, text in ordinary(count):
        texts[kind] += 1
        read[kind] += not plain(text)
        exact[kind] += any(len(u.scan(text)) > len(b.scan(text)) for b, u in zip(bare, undone, strict=True))
        if model is not None and not plain(text):
            judged[kind] += model[1](text) and not model[0](text)
    lines = ["| Ordinary texts | texts | with readings | alarms by readings | of the model |", "|---|---|---|---|---|"]
    for kind in (*KINDS, "all"):
        sums = [sum(each.values()) if kind == "all" else each[kind] for each in (texts, read, exact, judged)]
        size, *rest = sums
        cells = [f"{size:,}", f"{rest[0] / max(size, 1):.0%}", *(f"{n} ({n / max(size, 1):.2%})" for n in rest[1:])]
        lines.append(f"| {kind} | " + " | ".join(cells if model is not None else [*cells[:3], "not asked"]) + " |")
    return lines


def _patterns(phrases: Sequence[str]) -> Patterns:
    return Patterns("r", [rf"(?i)\b{re.escape(phrase)}\b" for phrase in phrases], "custom/r")


def _both(bare: Scanner, inner: Scanner) -> tuple[Judge, Judge]:
    undone = Disguised(inner, whole=True)
    return lambda text: bool(bare.scan(text)), lambda text: bool(undone.scan(text))


def _model() -> tuple[Judge, Judge] | None:
    """The embedded model at its point ``balanced``, without readings and with them; None where it is not there."""
    try:
        backend = LocalBackend()
    except (OSError, ValueError) as error:
        print(f"the embedded model is left out: {type(error).__name__}", file=sys.stderr)
        return None
    floors = dict((backend.points or {})["balanced"])
    made = [Moderation("harm", backend, floors, readings=readings) for readings in (False, True)]

    def judge(moderation: Moderation, text: str) -> bool:
        return any(run(moderation.ask([text]), _perform))

    return lambda text: judge(made[0], text), lambda text: judge(made[1], text)


def _perform(effect: Effect) -> object:
    if isinstance(effect, Call):
        return effect.fn(*effect.args)
    raise TypeError(f"nothing here answers a {type(effect).__name__}")


if __name__ == "__main__":
    sys.exit(main())
