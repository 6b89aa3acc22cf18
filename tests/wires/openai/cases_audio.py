"""Speech and transcripts, written from the API's reference."""

from __future__ import annotations

from tests.wires.case import SSE, Case

BOUNDARY = "----------AaB03x"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
_WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(24)
_MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb\x90\x00" + bytes(64)


def form(**fields: str) -> bytes:
    out = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="call one.wav"\r\n'
    raw = out.encode() + b"Content-Type: audio/wav\r\n\r\n" + _WAVE + b"\r\n"
    for name, value in fields.items():
        raw += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    return raw + f"--{BOUNDARY}--\r\n".encode()


_REQUEST = form(model="gpt-4o-transcribe", prompt="A talk about ships", language="en", response_format="json")
_LOGPROBS = [{"token": "Good", "bytes": [71], "logprob": -0.1}, {"token": " day", "bytes": [32], "logprob": -0.2}]
_USAGE = {
    "type": "tokens",
    "input_tokens": 14,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
    "output_tokens": 10,
    "total_tokens": 24,
}
EVENTS = [
    {"type": "transcript.text.delta", "delta": "Good day", "logprobs": _LOGPROBS},
    {"type": "transcript.text.delta", "delta": " to all of you", "segment_id": "seg_001"},
    {"type": "transcript.text.segment", "id": "seg_001", "start": 0.0, "end": 1.5, "speaker": "A",
     "text": "Good day to all of you"},
    {"type": "transcript.text.done", "text": "Good day to all of you", "logprobs": _LOGPROBS, "usage": _USAGE},
]  # fmt: skip
SRT = "1\n00:00:00,000 --> 00:00:02,000\nGood day to you\n\n2\n00:00:02,000 --> 00:00:03,000\nand to all others\n"

CASES = [
    Case(
        "speech",
        "/v1/audio/speech",
        {
            "model": "gpt-4o-mini-tts",
            "input": "Good day to all of you",
            "voice": "alloy",
            "instructions": "Speak in a calm voice",
            "response_format": "mp3",
            "speed": 1.0,
        },
        _MP3,
        answer_type="audio/mpeg",
    ),
    Case(
        "speech streamed",
        "/v1/audio/speech",
        {"model": "gpt-4o-mini-tts", "input": "Good day to you", "voice": {"id": "voice_1"}, "stream_format": "sse"},
        events=[
            {"type": "speech.audio.delta", "audio": "//PExABZnDnIAOPy3D+7VN3XI3cMTYJfNLRA28Kj"},
            {"type": "speech.audio.delta", "audio": "//PExAB/AAD/AAD/AAD/AAD/AAD/AAD/AAD/AAD/"},
            {"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}},
        ],
        answer_type=SSE,
    ),
    Case(
        "speech of Mistral",
        "/v1/audio/speech",
        {"model": "voxtral-mini-tts-latest", "input": "Good day to you", "voice": "en_paul_neutral"},
        {"audio_data": "SUQzBAAAAAAAIlRTU0UAAAAOAAADTGF2ZjYwLjE2LjEwMAAA//uQAAAA"},
    ),
    Case("transcript", "/v1/audio/transcriptions", _REQUEST,
         {"text": "Good day to all of you", "logprobs": _LOGPROBS, "usage": _USAGE}, request_type=FORM),
    Case(
        "transcript in full",
        "/v1/audio/translations",
        form(model="whisper-1", response_format="verbose_json", **{"timestamp_granularities[]": "word"}),
        {
            "task": "transcribe",
            "language": "english",
            "duration": 8.47,
            "text": "Good day to all of you",
            "words": [{"word": "Good", "start": 0.0, "end": 0.2}, {"word": "day", "start": 0.3, "end": 0.4}],
            "segments": [
                {
                    "id": 0,
                    "seek": 0,
                    "start": 0.0,
                    "end": 3.3,
                    "text": " Good day to all of you",
                    "tokens": [50364, 440],
                    "temperature": 0.0,
                    "avg_logprob": -0.28,
                    "compression_ratio": 1.2,
                    "no_speech_prob": 0.009,
                }
            ],
            "usage": {"type": "duration", "seconds": 9},
        },
        request_type=FORM,
    ),
    Case(
        "transcript by speaker",
        "/v1/audio/transcriptions",
        form(model="gpt-4o-transcribe-diarize", response_format="diarized_json", chunking_strategy="auto",
             **{"known_speaker_names[]": "Ann of the team"}),
        {
            "task": "transcribe",
            "duration": 3.7,
            "text": "Good day. And to you.",
            "segments": [
                {"type": "transcript.text.segment", "id": "seg_001", "start": 0.0, "end": 1.0, "text": "Good day.",
                 "speaker": "Ann of the team"},
                {"type": "transcript.text.segment", "id": "seg_002", "start": 1.0, "end": 2.0, "text": " And to you.",
                 "speaker": "B"},
            ],
            "usage": _USAGE,
        },
        request_type=FORM,
    ),
    Case("transcript as text", "/v1/audio/transcriptions", form(model="whisper-1", response_format="text"),
         b"Good day to all of you\n", request_type=FORM, answer_type="text/plain; charset=utf-8"),
    Case("transcript as subtitles", "/v1/audio/transcriptions", form(model="whisper-1", response_format="srt"),
         SRT.encode(), request_type=FORM, answer_type="application/x-subrip"),
    Case("transcript as web subtitles", "/v1/audio/transcriptions", form(model="whisper-1", response_format="vtt"),
         b"WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nGood day to you\n", request_type=FORM, answer_type="text/vtt"),
    Case("transcript streamed", "/v1/audio/transcriptions", form(model="gpt-4o-transcribe", stream="true"),
         events=EVENTS, request_type=FORM, answer_type=SSE),
    Case("voices", "/v1/audio/voice_consents", form(name="my own voice", language="en-US"),
         {"id": "cons_1", "object": "audio.voice_consent", "name": "my own voice", "language": "en-US"},
         request_type=FORM),
]  # fmt: skip
