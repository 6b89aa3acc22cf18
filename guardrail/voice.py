"""What the caller is told instead of an answer, in the caller's language.

Never a rule's internals, never the caller's text; infrastructure words never pose as an answer.
"""

from __future__ import annotations

from .errors import BadRequest
from .policy.plan import Plan
from .policy.texts import choose_language
from .verdict import Action, Verdict
from .wires.protocol import Notice


class Voice:
    """Composes the notices of one exchange. ``accept`` is the Accept-Language header."""

    def __init__(self, plan: Plan, decision: str, accept: str | None) -> None:
        self._plan, self._decision, self._accept = plan, decision, accept

    def refusal(self, verdict: Verdict) -> Notice:
        """For content that is refused, or that could not be judged where the policy then refuses."""
        if verdict.action is Action.REVIEW:
            return self._compose("review", "content_review", 400, answer=True)
        if verdict.say == "unavailable":
            return self.unavailable("not_evaluated")
        return self._compose(verdict.say, "content_refused", 400, answer=True)

    def provider(self) -> Notice:
        """For what the model's own provider refused."""
        return self._compose("default", "provider_refused", 400, answer=True)

    def unknown(self) -> Notice:
        """For an object that is not there for this caller; whether it is there for another is not told."""
        return Notice("No such object.", "not_found", self._decision, status=404)

    def unavailable(self, code: str, status: int = 503) -> Notice:
        return self._compose("unavailable", code, status)

    def limited(self, retry_after: int) -> Notice:
        return self._compose("limited", "rate_limited", 429, retry=retry_after)

    def identity(self) -> Notice:
        return self._compose("identity", "identity_required", 401)

    def bad(self, wrong: BadRequest) -> Notice:
        """The sentence that helps is about the request's form, so it may be told in full."""
        template = "too_large" if wrong.status == 413 else "bad_request"
        first, _, rest = self._compose(template, wrong.code, wrong.status).text.partition("\n")
        why = str(wrong) if first.endswith((":", "\uff1a")) else str(wrong)[:1].upper() + str(wrong)[1:]
        text = f"{first} {why}.\n{rest}" if rest else f"{first} {why}."
        return Notice(text, wrong.code, self._decision, status=wrong.status)

    def _compose(
        self, template: str, code: str, status: int, *, answer: bool = False, retry: int | None = None
    ) -> Notice:
        texts = self._plan.texts
        language = choose_language(self._accept, texts.language, texts.languages(template))
        words = texts.render(template, language, id=self._decision, retry_after=retry)
        return Notice(words, code, self._decision, answer and self._plan.answer, status, retry)
