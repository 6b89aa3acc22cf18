"""Azure Prompt Shields: whether a prompt, or a document that a model is shown, attacks the model's instructions.

Knows the JSON of ``text:shieldPrompt``. What the user wrote goes as the ``userPrompt``; what others wrote, be it the
model, a tool or a document, goes as ``documents``, for the service looks for other attacks there. Must never know a
policy.

Source: https://github.com/Azure/azure-rest-api-specs/blob/main/specification/cognitiveservices/data-plane/ContentSafety/stable/2024-09-01/contentsafety.json
for the shapes; https://learn.microsoft.com/azure/ai-services/content-safety/overview (input requirements) for the
limits; https://learn.microsoft.com/azure/ai-services/content-safety/concepts/jailbreak-detection for what is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from .azure import VERSION, address, alone, listened, subscription
from .card import Card
from .dialect import Query, Question, decoded, encoded, malformed

ATTACK = "prompt_injection"
OURS: Mapping[str, str] = {"attackDetected": ATTACK}

LONGEST = 10_000
"""Characters of a prompt, and of all documents of a request together."""

DOCUMENTS = 5
"""Documents in one request."""

CARD = Card(
    name="azure-shield",
    title="Azure Prompt Shields",
    categories=frozenset({ATTACK}),
    source="https://learn.microsoft.com/azure/ai-services/content-safety/concepts/jailbreak-detection",
    languages="trained and tested on en, de, es, ja, fr, it, pt, zh; others work less well",
    longest=LONGEST,
    unit="characters",
    scores="flags",
    price="per text record; a free tier exists",
)


class AzurePromptShields:
    """The service's yes or no on each text. A ``Dialect`` and ``ToolSided``.

    ``url``: the resource's endpoint (``https://NAME.cognitiveservices.azure.com``). ``documents``: every text goes as
    a document, five to a request, as what tools gave does in any case. Without it a user's texts are prompts, which
    are asked about one by one, as the service takes no more.

    Raises ValueError for settings that cannot be.
    """

    card = CARD
    model = ""
    categories = CARD.categories
    points: Mapping[str, Mapping[str, float]] | None = None
    batch_chars = LONGEST
    criteria: tuple[str, ...] = ()
    slow = False

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        version: str = VERSION,
        documents: bool = False,
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        listened(OURS, ignore)
        self._headers = subscription(api_key)
        self._address = address(url.rstrip("/"), "text:shieldPrompt", version)
        self._documents = documents
        self.batch = DOCUMENTS if documents else 1

    def of_tools(self) -> AzurePromptShields:
        """The same, to which every text is a document; itself where it is so already."""
        if self._documents:
            return self
        other = copy(self)
        other._documents, other.batch = True, DOCUMENTS
        return other

    def query(self, question: Question) -> Query:
        """The request. Raises NotEvaluated: ``too_large``, ``malformed``, ``blind`` for an image."""
        if question.image:
            raise NotEvaluated("blind", "the service reads text only")
        if self._as_documents(question):
            texts = list(question.texts)
            if not 0 < len(texts) <= DOCUMENTS:
                raise malformed(f"the service takes 1 to {DOCUMENTS} documents at a time")
            if sum(map(len, texts)) > LONGEST:
                raise NotEvaluated("too_large", f"the documents have more than {LONGEST:,} characters")
            asked: dict[str, Any] = {"userPrompt": "", "documents": texts}
        else:
            asked = {"userPrompt": alone(question.texts, LONGEST), "documents": []}
        return Query(self._address, encoded(asked), self._headers)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores`` a text, same order. Raises NotEvaluated: ``status``, ``malformed``, ``empty``."""
        held = decoded(reply)
        if not isinstance(held, dict):
            raise malformed("the reply is no object")
        if not self._as_documents(question):
            return (_said(held.get("userPromptAnalysis")),)
        found = held.get("documentsAnalysis")
        if not isinstance(found, list):
            raise malformed("the reply has no analysis of the documents")
        if not found:
            raise NotEvaluated("empty", "the service judged no document")
        if len(found) != len(question.texts):
            raise malformed(f"{len(found)} answers for {len(question.texts)} documents")
        return [_said(one) for one in found]

    def _as_documents(self, question: Question) -> bool:
        return self._documents or question.side == "output"


def _said(analysis: Any) -> Scores:
    attack = analysis.get("attackDetected") if isinstance(analysis, dict) else None
    if not isinstance(attack, bool):
        raise malformed("an analysis does not say whether there is an attack")
    return Scores({}, {ATTACK: attack})
