"""A chat app of one's own, guarded by one line: ``uvicorn examples.fastapi_app:app``.

    curl localhost:8000/chat -H 'content-type: application/json' -d '{"message": "hello"}'

The policy says where this app's texts are; the app itself knows nothing of guarding.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

from guardrail import GuardrailMiddleware

app = FastAPI(title="A guarded chat app")
app.add_middleware(GuardrailMiddleware, policy=Path(__file__).with_name("fastapi_policy.yaml"))


class Question(BaseModel):
    message: str


class Answer(BaseModel):
    reply: str


@app.post("/chat")
async def chat(question: Question) -> Answer:
    """Stands in for a call of a model."""
    if "tip" in question.message:
        return Answer(reply="Write to the owner of card 5555 5555 5555 4444.")
    return Answer(reply=f"You said: {question.message}")
