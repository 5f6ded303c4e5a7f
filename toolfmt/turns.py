"""How chat templates frame the messages of a conversation; `toolfmt.templates.chat` writes by it."""

from dataclasses import dataclass

__all__ = ["CHATML", "GEMMA", "LLAMA3", "Turns"]


@dataclass(frozen=True, slots=True)
class Turns:
    """What stands before and after a message of each role."""

    system: tuple[str, str]
    user: tuple[str, str]
    assistant: tuple[str, str]
    """Before what the assistant writes, and after its end-of-turn marker."""
    tool: tuple[str, str]
    """Round tool results, round all that stand side by side where the format has marks to tell them apart."""
    end: str = ""
    """The assistant's end-of-turn marker, where the format itself has none."""
    before_tools: str = "\n\n"
    """Between a system message and the tools block."""
    bos: bool = False
    """A conversation begins with the tokenizer's own token for it, if it has one."""


CHATML = Turns(
    system=("<|im_start|>system\n", "<|im_end|>\n"),
    user=("<|im_start|>user\n", "<|im_end|>\n"),
    assistant=("<|im_start|>assistant\n", "\n"),
    tool=("<|im_start|>user\n", "<|im_end|>\n"),
    end="<|im_end|>",
)
GEMMA = Turns(
    system=("<start_of_turn>developer\n", "<end_of_turn>\n"),
    user=("<start_of_turn>user\n", "<end_of_turn>\n"),
    assistant=("<start_of_turn>model\n", "\n"),
    tool=("<start_of_turn>developer\n", "<end_of_turn>\n"),
    end="<end_of_turn>",
    bos=True,
)
LLAMA3 = Turns(
    system=("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"),
    user=("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
    assistant=("<|start_header_id|>assistant<|end_header_id|>\n\n", ""),
    tool=("<|start_header_id|>ipython<|end_header_id|>\n\n", "<|eot_id|>"),
    bos=True,
)
