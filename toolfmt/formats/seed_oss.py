"""Seed-OSS (ByteDance): the tags of `qwen_xml`, values without newlines of their own, and everything as Python writes it.

    <seed:tool_call>
    <function=set>
    <parameter=on>True</parameter>
    <parameter=data>{'k': 'v', 'n': None}</parameter>
    </function>
    </seed:tool_call>

Strings stand bare, so reading needs the tools; JSON is read too.  Source: the chat template of Seed-OSS-36B (llama.cpp).  It declares tools as Python
stubs, which lose most of a schema; toolfmt writes and reads a block of JSON lines instead, which is provisional.
"""

from toolfmt.families.raw_tags import RawTags
from toolfmt.format import Limits
from toolfmt.turns import Turns

__all__ = ["SeedOss"]


class SeedOss(RawTags):
    name = "seed_oss"
    opens, closes = ("<seed:tool_call>", "<function="), ("</seed:tool_call>", "")
    frame = ""
    reads_python = writes_python = True
    before_call = ("\n\n", "\n")
    reasoning, reasoning_inside, after_reasoning = ("<seed:think>", "</seed:think>"), ("", ""), ("\n",)
    end_of_turn = ("<seed:eos>",)
    result_opens = ""
    turns = Turns(
        system=("<seed:bos>system\n", "<seed:eos>"),
        user=("<seed:bos>user\n", "<seed:eos>"),
        assistant=("<seed:bos>assistant\n", ""),
        tool=("<seed:bos>tool\n", "<seed:eos>"),
    )
    limits = Limits(
        reasoning=True,
        typed_values=False,
        names=r"[^>\n]+",
        keys=r"[^>\n]*",
        never=(
            "</parameter><parameter=",
            "</parameter>\n<parameter=",
            "</parameter></function>",
            "</parameter>\n</function>",
            "</parameter>\n</seed:tool_call>\n<seed:tool_call>\n<function=",
            "</function>\n</seed:tool_call>\n<seed:tool_call>\n<function=",
        ),
    )
