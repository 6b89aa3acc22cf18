"""What the demo model says. The same question always has the same answer.

Knows words only; nothing of HTTP or of any API.
"""

from __future__ import annotations

import re

CODENAME = "project paper lantern"
"""What stands in the middle of one answer. A policy that lists it as a word keeps it in."""

_ANSWERS = (
    (r"\b(hello|hi|hey|good (morning|afternoon|evening)|hola|bonjour|hallo)\b", "Hello! What can I do for you?"),
    (r"\bwho are you\b|\bwhat are you\b", "I am a demo model: a few scripted answers, and no model at all."),
    (r"\blaunch code", f"The launch code is on the back of the folder of {CODENAME}, next to the coffee machine."),
    (r"\bcapital of france\b", "The capital of France is Paris."),
    (r"\btea\b", "Pour water that has just boiled over the leaves, wait three to five minutes, and enjoy."),
    (r"\bweather\b", "I cannot look outside, but a jacket is rarely a mistake."),
    (r"\bjoke\b", "Why did the programmer leave the party early? There was no more cache behind the bar."),
    (r"\b(thanks|thank you)\b", "You are welcome."),
)
_SCRIPT = tuple((re.compile(pattern, re.IGNORECASE), answer) for pattern, answer in _ANSWERS)


def answer(said: str) -> str:
    """The reply to what the user said last: a scripted one, else an echo."""
    for pattern, reply in _SCRIPT:
        if pattern.search(said):
            return reply
    return f"You said: {said}" if said.strip() else "You said nothing."


def tokens(text: str) -> list[str]:
    """The text in pieces of at most four characters, so that most words are cut somewhere."""
    return re.findall(r"\s?\S{1,4}|\s", text)
