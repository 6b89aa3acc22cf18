"""Images, films and Mistral's reading of pages, written from the APIs' references."""

from __future__ import annotations

from tests.wires.case import SSE, Case

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
_USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 10},
    "output_tokens": 20,
    "total_tokens": 30,
}
_LOOK = {"background": "opaque", "output_format": "png", "quality": "high", "size": "1024x1024"}
BOUNDARY = "------------------------d74496d66958873e"


def form(*parts: tuple[str, str | None, str, bytes]) -> bytes:
    """A form's bytes: (name, file name, media type, content) each."""
    out = b""
    for name, filename, media, content in parts:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        head += f'; filename="{filename}"' if filename is not None else ""
        head += f"\r\nContent-Type: {media}" if media else ""
        out += head.encode() + b"\r\n\r\n" + content + b"\r\n"
    return out + f"--{BOUNDARY}--\r\n".encode()


FORM = f"multipart/form-data; boundary={BOUNDARY}"
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200, 256))


def _partial(kind: str, n: int) -> dict[str, object]:
    return {
        "type": f"{kind}.partial_image",
        "b64_json": PIXEL,
        "partial_image_index": n,
        "created_at": 1700000000,
        **_LOOK,
    }


def _complete(kind: str) -> dict[str, object]:
    return {"type": f"{kind}.completed", "b64_json": PIXEL, "created_at": 1700000000, **_LOOK, "usage": _USAGE}


CASES = [
    Case(
        "images",
        "/v1/images/generations",
        {
            "model": "gpt-image-1",
            "prompt": "A lion that cooks a meal",
            "n": 2,
            "moderation": "auto",
            "output_compression": 90,
            "style": "vivid",
            "response_format": "b64_json",
            "user": "someone we know",
            **_LOOK,
        },
        {
            "created": 1700000000,
            **_LOOK,
            "data": [
                {"b64_json": PIXEL, "revised_prompt": "A calm lion cooks a big meal"},
                {"url": "https://images.example.com/a.png", "revised_prompt": "Another lion cooks"},
            ],
            "usage": _USAGE,
        },
    ),
    Case(
        "images streamed",
        "/v1/images/generations",
        {"model": "gpt-image-1", "prompt": "A lion that cooks", "stream": True, "partial_images": 2, "n": 1},
        events=[
            ("image_generation.partial_image", _partial("image_generation", 0)),
            ("image_generation.partial_image", _partial("image_generation", 1)),
            ("image_generation.completed", _complete("image_generation")),
        ],
        answer_type=SSE,
    ),
    Case(
        "images edited in JSON",
        "/v1/images/edits",
        {
            "model": "gpt-image-1.5",
            "prompt": "turn the logo to green",
            "images": [{"image_url": "https://example.com/a.png"}, {"file_id": "file-abc"}],
            "mask": {"image_url": f"data:image/png;base64,{PIXEL}"},
            "input_fidelity": "high",
        },
        {"created": 1, "data": [{"b64_json": PIXEL}]},
    ),
    Case(
        "images edited in a form, streamed",
        "/openai/deployments/mine/images/edits",
        form(
            ("prompt", None, "", b"turn the logo to green"),
            ("image[]", "a.png", "image/png", _PNG),
            ("image[]", "b.png", "image/png", _PNG),
            ("mask", "m.png", "image/png", _PNG),
            ("stream", None, "", b"true"),
            ("user", None, "", b"someone we know"),
        ),
        request_type=FORM,
        events=[
            ("image_edit.partial_image", _partial("image_edit", 0)),
            ("image_edit.completed", _complete("image_edit")),
        ],
        answer_type=SSE,
    ),
    Case(
        "images varied",
        "/v1/images/variations",
        form(("image", "a.png", "image/png", _PNG), ("n", None, "", b"2"), ("size", None, "", b"256x256")),
        {"created": 1, "data": [{"url": "https://images.example.com/a.png"}]},
        request_type=FORM,
    ),
    Case(
        "images of xAI",
        "/v1/images/edits",
        {
            "model": "grok-imagine-image",
            "prompt": "make it a night scene",
            "image": {"type": "image_url", "url": f"data:image/png;base64,{PIXEL}"},
            "aspect_ratio": "1:1",
        },
        {"data": [{"url": "https://imgen.example.com/a", "mime_type": "image/jpeg"}], "usage": {"cost": 7}},
    ),
    Case(
        "videos",
        "/v1/videos",
        {
            "model": "sora-2",
            "prompt": "A fox that runs in snow",
            "seconds": "4",
            "size": "720x1280",
            "input_reference": {"image_url": "https://example.com/a.png"},
        },
        {
            "id": "video_123",
            "object": "video",
            "model": "sora-2",
            "status": "failed",
            "progress": 10,
            "created_at": 1700000000,
            "prompt": "A fox that runs in snow",
            "remixed_from_video_id": "video_122",
            "seconds": "4",
            "size": "720x1280",
            "error": {"code": "moderation_blocked", "message": "This was not made."},
        },
    ),
    Case("videos: look up", "/v1/videos/c84748c1", None, {"status": "pending", "progress": 1}, method="GET"),
    Case(
        "ocr",
        "/v1/ocr",
        {
            "model": "mistral-ocr-latest",
            "document": {"type": "document_url", "document_url": "https://example.com/a.pdf", "document_name": "a b"},
            "document_annotation_prompt": "Say what it is about",
            "include_image_base64": True,
            "pages": [0],
        },
        {
            "pages": [
                {
                    "index": 0,
                    "markdown": "# A title\n\nAnd some words",
                    "images": [{"id": "img-0.jpeg", "image_base64": PIXEL, "image_annotation": '{"what": "a tree"}'}],
                    "tables": [{"id": "tbl-0.md", "content": "one and two", "format": "markdown"}],
                    "hyperlinks": ["https://example.com/some place"],
                    "header": "Page one",
                    "footer": None,
                    "dimensions": {"dpi": 200, "height": 10, "width": 10},
                    "blocks": [{"content": "A title", "type": "title", "top_left_x": 1}],
                }
            ],
            "model": "mistral-ocr-2505",
            "document_annotation": '{"about": "trees and words"}',
            "usage_info": {"pages_processed": 1},
        },
    ),
]
