"""Embeddings, reranking, moderations, and the routes with no table of their own, from the APIs' references."""

from __future__ import annotations

from tests.wires.case import Case

_PAGE = {"object": "list", "data": [], "has_more": False}
_JOB = {
    "id": "ftjob-1",
    "object": "fine_tuning.job",
    "model": "gpt-4o-mini",
    "training_file": "file-1",
    "status": "failed",
    "user_provided_suffix": "our own one",
    "error": {"code": "invalid_file", "message": "line two is no chat", "param": "training_file"},
    "method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": "auto"}}},
    "metadata": {"customer": "one of ours"},
}
_SCORES = {
    "harassment": 0.1,
    "harassment/threatening": 0.1,
    "sexual": 0.1,
    "self-harm/intent": 0.1,
    "illicit/violent": 0,
}
CASES = [
    Case(
        "embeddings",
        "/v1/embeddings",
        {"model": "text-embedding-3-small", "input": "Blue and deep", "dimensions": 4, "user": "someone we know"},
        {
            "object": "list",
            "data": [{"object": "embedding", "embedding": [0.1, -0.2, 0.3, 0.4], "index": 0}],
            "model": "text-embedding-3-small",
            "usage": {"prompt_tokens": 5, "total_tokens": 5},
        },
    ),
    Case(
        "embeddings of a list, in base64",
        "/openai/deployments/mine/embeddings",
        {"input": ["Blue and deep", "High and dry"], "encoding_format": "base64"},
        {"object": "list", "data": [{"object": "embedding", "embedding": "agdavRrGj71IFpq7", "index": 0}], "model": "m"},
    ),
    Case(
        "embeddings of pictures",
        "/v1/multimodalembeddings",
        {
            "model": "voyage-multimodal-3",
            "inputs": [
                {
                    "content": [
                        {"type": "text", "text": "A tree and a hill"},
                        {"type": "image_url", "image_url": "https://example.com/a.png"},
                    ]
                }
            ],
            "input_type": "document",
        },
        {"object": "list", "data": [{"object": "embedding", "embedding": [0.1], "index": 0}], "model": "v"},
    ),
    Case(
        "rerank",
        "/v1/rerank",
        {"model": "rerank-2.5", "query": "Where is the sea?", "documents": ["At the shore", "On the map"], "top_n": 2},
        {
            "model": "rerank-2.5",
            "results": [{"index": 1, "relevance_score": 0.8, "document": {"text": "On the map"}}],
            "usage": {"total_tokens": 17},
        },
    ),
    Case(
        "moderations",
        "/v1/moderations",
        {
            "model": "omni-moderation-latest",
            "input": [
                {"type": "text", "text": "A text to be judged"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ],
        },
        {
            "id": "modr-1",
            "model": "omni-moderation-latest",
            "results": [
                {
                    "flagged": False,
                    "categories": dict.fromkeys(_SCORES, False),
                    "category_scores": _SCORES,
                    "category_applied_input_types": {name: ["text"] for name in _SCORES},
                }
            ],
        },
    ),
    Case("moderations of a list", "/v1/moderations", {"input": ["A text", "Another text"]}, {"id": "m", "results": []}),
    Case("models", "/v1/models/ft:gpt-4o:our-own", None, {"id": "ft", "object": "model", "deleted": True},
         method="DELETE"),
    Case("fine-tuning", "/v1/fine_tuning/jobs",
         {"model": "gpt-4o-mini", "training_file": "file-1", "suffix": "our own one", "seed": 1,
          "integrations": [{"type": "wandb", "wandb": {"project": "our project", "tags": ["a tag"]}}],
          "metadata": {"customer": "one of ours"}}, _JOB),
    Case("fine-tuning: events", "/v1/fine_tuning/jobs/ftjob-1/events", None,
         {"object": "list", "data": [{"object": "fine_tuning.job.event", "id": "e", "message": "Job has begun"}]},
         method="GET"),
    Case("fine-tuning: permissions", "/v1/fine_tuning/checkpoints/ft:gpt-4o:a:b/permissions",
         {"project_ids": ["proj_1"]}, _PAGE),
    Case("evals", "/v1/evals",
         {"name": "Our own test", "data_source_config": {"type": "custom", "item_schema": {"type": "object"}},
          "testing_criteria": [{"type": "label_model", "name": "Judge", "model": "gpt-4o", "labels": ["good one"],
                                "input": [{"role": "developer", "content": "Say if it is good"}]}]},
         {"id": "eval_1", "object": "eval", "name": "Our own test"}),
    Case("evals: run", "/v1/evals/eval_1/runs",
         {"name": "a first run", "data_source": {"type": "completions", "source": {"type": "file_content",
          "content": [{"item": {"question": "who is it"}}]}}},
         {"id": "evalrun_1", "object": "eval.run", "eval_id": "eval_1", "name": "a first run"}),
    Case("evals: outputs", "/v1/evals/eval_1/runs/evalrun_1/output_items", None,
         {"object": "list", "data": [{"id": "o", "sample": {"output": [{"role": "assistant", "content": "it is me"}]}}]},
         method="GET"),
    Case("chatkit", "/v1/chatkit/sessions", {"user": "someone we know", "workflow": {"id": "wf_1"}},
         {"id": "cksess_1", "object": "chatkit.session", "client_secret": "ek_token", "user": "someone we know"}),
    Case("chatkit: items", "/v1/chatkit/threads/cthr_1/items", None,
         {"object": "list", "data": [{"id": "cthi_1", "object": "chatkit.thread_item", "type": "chatkit.user_message",
          "content": [{"type": "input_text", "text": "Who is it now"}]}]}, method="GET"),
    Case("usage", "/v1/organization/usage/completions", None,
         {"object": "page", "data": [{"object": "bucket", "results": [{"model": "gpt-4o"}]}]}, method="GET"),
    Case("projects", "/v1/organization/projects/proj_1", {"name": "Our own project"},
         {"id": "proj_1", "object": "organization.project", "name": "Our own project"}),
    Case("libraries", "/v1/libraries", {"name": "Our own books", "description": "What we read"},
         {"id": "lib_1", "name": "Our own books", "generated_description": "Books of all kinds"}),
    Case("libraries: text", "/v1/libraries/lib_1/documents/doc_1/text_content", None, {"text": "words of a book"},
         method="GET"),
]  # fmt: skip
