"""Rows in one sequence have the loss and the gradient of rows alone, and a model that reads them otherwise is found out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolfmt_train.models import load

torch = pytest.importorskip("torch")


def row(prefix: str, asked: str, answer: str) -> dict[str, list[int]]:
    ids = [ord(char) for char in prefix + asked + answer]
    return {"input_ids": ids, "labels": [-100] * len(prefix + asked) + ids[len(prefix + asked) :]}


ROWS = [
    row("one and the same prefix, ", "first?", "yes"),
    row("one and the other prefix, ", "second?", "no, never"),
    row("one and the same prefix, ", "third?", "yes"),
    row("one and the same prefix, ", "first?", "yes"),
    row("something else ", "?", "x"),
]


@pytest.fixture
def model(tiny: Path) -> Any:
    return load(str(tiny), dtype="float32").model


def alone(each: dict[str, list[int]]) -> dict[str, Any]:
    return {name: torch.tensor([values]) for name, values in each.items()}


def gradient(model: Any, losses: Any) -> Any:
    model.zero_grad()
    losses.sum().backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


def test_a_shared_batch_has_the_losses_and_the_gradient_of_its_rows(model: Any) -> None:
    from toolfmt_train.train.trainer import _token_losses, shared_batch

    batch = shared_batch(ROWS)
    ordered = sorted(ROWS, key=lambda each: each["input_ids"])
    separate = torch.cat([_token_losses(model, alone(each)) for each in ordered])
    together = _token_losses(model, batch)
    assert len(separate) == sum(label != -100 for each in ROWS for label in each["labels"])
    assert torch.allclose(together, separate, atol=1e-5)
    assert torch.allclose(gradient(model, _token_losses(model, batch)), gradient(model, separate), atol=1e-4)


def test_the_losses_are_those_of_the_models_own_head(model: Any) -> None:
    from toolfmt_train.train.trainer import _token_losses

    inputs = alone(ROWS[1])
    with torch.no_grad():
        assert torch.allclose(_token_losses(model, inputs).mean(), model(**inputs).loss, atol=1e-6)


def test_no_prefix_stands_twice() -> None:
    from toolfmt_train.train.trainer import shared_batch

    text = "".join(map(chr, shared_batch(ROWS)["input_ids"][0].tolist()))
    assert text.count("one and the ") == 1 and text.count("same prefix") == 1 and text.count("other prefix") == 1
    assert text.count("yes") == 3 and text.count("something else") == 1
    one = shared_batch(ROWS[:1])
    assert one["input_ids"][0].tolist() == ROWS[0]["input_ids"] and one["position_ids"][0].tolist() == list(range(34))
    assert torch.equal(one["attention_mask"][0, 0], torch.ones(34, 34, dtype=torch.bool).tril())


def causal(inputs: dict[str, Any]) -> dict[str, Any]:
    """Every token sees all before it, those of other rows too."""
    size = inputs["input_ids"].shape[1]
    return {**inputs, "attention_mask": torch.ones(1, 1, size, size, dtype=torch.bool).tril()}


class Other:
    """The model, its inputs changed for a share of its answer."""

    def __init__(self, model: Any, changed: Callable[[dict[str, Any]], dict[str, Any]], share: float = 1.0) -> None:
        self.device, self.model, self.changed, self.share = model.device, model, changed, share

    def __call__(self, **inputs: Any) -> Any:
        out = self.model(**inputs)
        out.logits = (1 - self.share) * out.logits + self.share * self.model(**self.changed(inputs)).logits
        return out


def test_a_model_that_reads_rows_side_by_side_otherwise_is_found_out(model: Any) -> None:
    from toolfmt_train.train.trainer import can_share

    rows = [row("same ", "abcdefgh" * 5, "xyz" * 9), row("same ", "bcdefgha" * 5, "xyz" * 9)]
    assert can_share(model, rows) and can_share(model, ROWS)
    assert can_share(Other(model, lambda inputs: inputs), rows)  # type: ignore[arg-type]
    assert not can_share(Other(model, causal), rows)  # type: ignore[arg-type]
    assert not can_share(Other(model, causal, 0.02), rows)  # type: ignore[arg-type]
    assert not can_share(Other(model, lambda inputs: {**inputs, "position_ids": None}), rows)  # type: ignore[arg-type]
    assert not can_share(model, ROWS[:1])
