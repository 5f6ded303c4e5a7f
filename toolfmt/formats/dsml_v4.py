"""DSML of DeepSeek V4: `dsml` with the outer tag ``tool_calls`` and a blank line in a call without arguments.

    <｜DSML｜tool_calls>
    <｜DSML｜invoke name="now">

    </｜DSML｜invoke>
    </｜DSML｜tool_calls>

Source: what DeepSeek-V4-Flash writes, as vLLM 0.33 reads it.
"""

from toolfmt.formats.dsml import Dsml

__all__ = ["DsmlV4"]


class DsmlV4(Dsml):
    name = "dsml_v4"
    opens, closes = ("<｜DSML｜tool_calls>", '<｜DSML｜invoke name="'), ("</｜DSML｜tool_calls>", "")
    no_arguments = "\n"
    results_block = ("", "")
    result_opens, result_closes, between_results = "<tool_result>", "</tool_result>", "\n\n"
    tools_head = (
        "## Tools\n\nYou have access to a set of tools to help answer the user's question. "
        'You can invoke tools by writing a "<｜DSML｜tool_calls>" block like the following:\n\n'
        '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="$TOOL_NAME">\n'
        '<｜DSML｜parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜parameter>\n...\n</｜DSML｜invoke>\n'
        '<｜DSML｜invoke name="$TOOL_NAME2">\n...\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>\n\n'
        'String parameters should be specified as is and set `string="true"`. For all other types (numbers, booleans, arrays, objects), '
        'pass the value in JSON format and set `string="false"`.\n\n'
        "If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside <think>...</think> "
        "BEFORE any tool calls or final response.\n\n"
        "Otherwise, output directly after </think> with tool calls or final response.\n\n### Available Tool Schemas\n\n"
    )
    tools_tail = "\n\nYou MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls."
