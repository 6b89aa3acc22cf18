"""Texts judged one by one, without any server: ``python -m examples.plain_check``."""

from __future__ import annotations

from guardrail import Guard, Outcome

TEXTS = (
    "How long should tea steep?",
    "Charge it to 4111 1111 1111 1111.",
    "GUARDRAIL-TEST-REFUSE",
)


def main() -> None:
    guard = Guard.from_policy("default")
    for text in TEXTS:
        decision = guard.check(text, user="user-17")
        if decision.outcome is Outcome.REFUSED:
            reasons = sorted({finding.category for finding in decision.findings})
            print(f"refused: {', '.join(reasons)} (reference {decision.id})")
        else:
            print(f"{decision.outcome}: {decision.text}")
    guard.close()


if __name__ == "__main__":
    main()
