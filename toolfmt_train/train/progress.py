"""The losses of a run, passed on as they come."""

from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from toolfmt_train.train.sft import OnStep

__all__ = ["Progress"]


class Progress(TrainerCallback):
    """Keeps the loss of every step and tells ``on_step``."""

    def __init__(self, on_step: "OnStep | None") -> None:
        self.losses: list[float] = []
        self._on_step = on_step

    def on_log(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        logs: Any = None,
        **kwargs: Any,
    ) -> None:
        if "loss" not in logs:
            return
        self.losses.append(float(logs["loss"]))
        if self._on_step is not None:
            self._on_step(state.global_step, state.max_steps, self.losses[-1])
