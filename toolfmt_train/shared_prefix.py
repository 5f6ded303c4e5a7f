"""A beginning that many prompts share, run through the model once and attended to by all of them together.

Attention over the shared tokens is one matrix product for the whole batch, and no row has a copy of them: on a CPU that is most of
the time.  It counts as transformers' `eager` attention does: products in the model's precision, the softmax in float32.

Only layers that attend to everything can share: sliding windows and recurrent states are refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import transformers
from packaging.version import Version
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer
from transformers.masking_utils import sdpa_mask

from toolfmt_train.errors import ModelError

__all__ = ["CACHE", "Prefix", "Rest", "shared_attention"]

CACHE = "cache" if Version(transformers.__version__) >= Version("5.24") else "past_key_values"
"""What a model calls its cache."""

_NAME = "toolfmt_shared_prefix"


class Prefix:
    """The tokens with which a set of prompts begins, as each layer's keys and values: (heads, tokens, width)."""

    def __init__(self, model: PreTrainedModel, tokens: list[int]) -> None:
        self.length = len(tokens)
        cache = DynamicCache(config=model.config)
        model(input_ids=torch.tensor([tokens], device=model.device), logits_to_keep=1, **{CACHE: cache})
        layers: list[Any] = cache.layers
        other = {type(layer).__name__ for layer in layers if type(layer) is not DynamicLayer}
        if other:
            raise ModelError(
                f"the model keeps its context as {', '.join(sorted(other))}; only layers that attend to everything can be decoded "
                "here: answer with `model.generate`, and score the completions"
            )
        self.parts: list[tuple[torch.Tensor, torch.Tensor]] = [(layer.keys[0], layer.values[0]) for layer in layers]


class Rest(Cache):
    """What follows the prefix in each row of a batch, with room for ``room`` tokens; made anew at each token it would cost more than the model."""

    def __init__(self, prefix: Prefix, rows: int, room: int) -> None:
        super().__init__(layers=[_Roomy(keys, values, rows, room) for keys, values in prefix.parts])

    def keep(self, rows: list[int]) -> None:
        """Drop the other rows."""
        self.batch_select_indices(torch.tensor(rows, dtype=torch.long))


class _Roomy(DynamicLayer):  # type: ignore[no-untyped-call]
    """Buffers of the full length; ``keys`` and ``values`` are the part in use."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, rows: int, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lazy_initialization(keys, values)
        self._buffers = [part.new_empty((rows, part.shape[0], room, part.shape[-1])) for part in (keys, values)]
        self._show(0)

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> tuple[Any, Any]:
        begin = self.get_seq_length()
        end = begin + key_states.shape[-2]
        for buffer, new in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, begin:end] = new
        self._show(end)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        length = self.get_seq_length()
        self._buffers = [buffer[indices] for buffer in self._buffers]
        self._show(length)

    def _show(self, length: int) -> None:
        self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)


@contextmanager
def shared_attention(model: PreTrainedModel) -> Iterator[None]:
    """Within it the model attends to the ``prefix`` that its call is given, and to the `Rest` that is its cache."""
    before = model.config._attn_implementation
    AttentionInterface.register(_NAME, _attend)
    AttentionMaskInterface.register(_NAME, sdpa_mask)
    model.set_attn_implementation(_NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def _attend(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: torch.Tensor, *,
    scaling: float, prefix: Prefix, **_: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    rows, heads, length, width = query.shape
    kinds = key.shape[1]  # heads that have keys of their own; each serves as many heads of the query
    first_keys, first_values = prefix.parts[module.layer_idx]
    asked = query.reshape(rows, kinds, -1, width) * scaling
    together = asked.transpose(0, 1).reshape(kinds, -1, width)
    to_first = (together @ first_keys.transpose(1, 2)).view(kinds, rows, -1, prefix.length).transpose(0, 1)
    to_rest = (asked @ key.transpose(2, 3)).view(rows, kinds, -1, length, key.shape[2])
    to_rest = to_rest.masked_fill(~attention_mask[:, :, None], float("-inf")).view(rows, kinds, -1, key.shape[2])
    weights = torch.cat([to_first, to_rest], dim=-1).softmax(-1, dtype=torch.float32).to(value.dtype)
    on_first, on_rest = weights[..., : prefix.length], weights[..., prefix.length :]
    seen = (on_first.transpose(0, 1).reshape(kinds, -1, prefix.length) @ first_values).view(kinds, rows, -1, width)
    out = seen.transpose(0, 1) + on_rest @ value
    return out.reshape(rows, heads, length, width).transpose(1, 2).contiguous(), None
