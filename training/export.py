"""The learnt encoder as an ONNX graph with int8 weights.

Weights of the layers and word vectors are int8; activations are quantised as they come (dynamic).
Needs torch, onnx and onnxruntime; knows no labels.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from .encoder import POSITIONS, Encoder

OPSET = 17


def export(model: Encoder, path: Path) -> None:
    """Write ``path``: inputs ``ids`` and ``mask`` (batch, places) of int64, output ``logits`` (batch, outputs)."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    body = model.body.eval()
    table = body.embeddings.position_embeddings
    if table.num_embeddings > POSITIONS:  # no window is longer, and 512 places of float weigh 0.8 MB
        short = torch.nn.Embedding.from_pretrained(table.weight.detach()[:POSITIONS].clone())
        body.embeddings.position_embeddings = short
        body.config.max_position_embeddings = POSITIONS
        body.embeddings.register_buffer("position_ids", torch.arange(POSITIONS).expand((1, -1)), persistent=False)

    graph = type("Graph", (torch.nn.Module,), {"forward": lambda _, ids, mask: model.logits(ids, mask)})()
    graph.body, graph.head = body, model.head
    with tempfile.TemporaryDirectory() as folder:
        whole, ready = Path(folder) / "whole.onnx", Path(folder) / "ready.onnx"
        ids = torch.randint(5, 100, (3, 17))
        torch.onnx.export(
            graph.eval(),
            (ids, torch.ones_like(ids)),
            str(whole),
            input_names=["ids", "mask"],
            output_names=["logits"],
            dynamic_axes={"ids": {0: "batch", 1: "places"}, "mask": {0: "batch", 1: "places"}, "logits": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
        quant_pre_process(str(whole), str(ready), skip_symbolic_shape=True)
        quantize_dynamic(
            str(ready),
            str(path),
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
    held = onnx.load(str(path))
    held.doc_string = ""
    onnx.save(held, str(path))
