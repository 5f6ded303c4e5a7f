"""`coercion="vllm"` and its like: every cell of the table in reference/peers.md section 4, then the prose below it.

Beyond these cases the laws were compared once with the servers' own functions (vLLM 0.33.0, SGLang 0.5.23,
mlx-lm 0.32.2, transformers 5.23.0) on 1.2 million inputs, and agreed on all that JSON can say.
"""

import copy
import pickle
from typing import Any

import pytest

from toolfmt.coercion import SERVER_LAWS, CallLost, vllm_value
from toolfmt.ir import MAX_DEPTH, same

SERVERS = ("vllm", "sglang", "mlx", "transformers")
LOST = object()
INTEGER, NUMBER, BOOLEAN, STRING = ({"type": name} for name in ("integer", "number", "boolean", "string"))
OBJECT, ARRAY, OPTIONAL = {"type": "object"}, {"type": "array"}, {"type": ["string", "null"]}
UNION = {"anyOf": [INTEGER, STRING]}
TWENTY = "12345678901234567891"
ROUNDED = int(float(TWENTY))

# (text, schema, what vLLM, SGLang, mlx-lm and transformers make of it)
TABLE: list[tuple[str, Any, Any, Any, Any, Any]] = [
    ("null", STRING, "null", None, None, "null"),
    ("NULL", STRING, "NULL", None, None, "NULL"),
    ("null", OPTIONAL, None, None, None, None),
    ("NULL", OPTIONAL, None, None, None, "NULL"),
    ("None", OPTIONAL, "None", "None", None, None),
    ("None", BOOLEAN, "None", False, False, "None"),
    *(("null", schema, None, None, None, "null") for schema in (INTEGER, NUMBER, BOOLEAN, OBJECT, ARRAY)),
    *(("NULL", schema, "NULL", None, None, "NULL") for schema in (INTEGER, NUMBER, BOOLEAN, OBJECT, ARRAY)),
    ("True", BOOLEAN, True, True, True, True),
    ("true", BOOLEAN, True, True, True, True),
    ("1", BOOLEAN, True, False, False, True),
    ("0", BOOLEAN, False, False, False, False),
    ("yes", BOOLEAN, "yes", False, False, "yes"),
    ("x", BOOLEAN, "x", False, False, "x"),
    ("", BOOLEAN, "", False, False, ""),
    ("5.0", INTEGER, 5.0, "5.0", 5, 5),
    ("5.5", INTEGER, 5.5, "5.5", LOST, "5.5"),
    ("-1.5e3", INTEGER, -1500.0, "-1.5e3", -1500, -1500),
    *((text, schema, text, text, LOST, text) for text in ("x", "yes", "") for schema in (INTEGER, NUMBER)),
    ("5.0", NUMBER, 5, 5.0, 5, 5.0),
    ("-1.5e3", NUMBER, -1500, -1500.0, -1500, -1500.0),
    ("05", INTEGER, 5, 5, 5, 5),
    (" 5", INTEGER, 5, 5, 5, 5),
    ("+5", INTEGER, 5, 5, 5, 5),
    ("1_000", INTEGER, 1000, 1000, 1000, 1000),
    (TWENTY, INTEGER, int(TWENTY), int(TWENTY), ROUNDED, int(TWENTY)),
    (TWENTY, NUMBER, int(TWENTY), ROUNDED, ROUNDED, ROUNDED),
    ("1e400", NUMBER, "1e400", LOST, LOST, "1e400"),
    ("NaN", NUMBER, "NaN", LOST, LOST, "NaN"),
    ("5", UNION, 5, "5", "5", 5),
    ("5", OPTIONAL, "5", "5", 5, "5"),
    ('{"a":1}', OBJECT, {"a": 1}, {"a": 1}, {"a": 1}, {"a": 1}),
    ("{'a': 1}", OBJECT, "{'a': 1}", {"a": 1}, {"a": 1}, "{'a': 1}"),
    ("[1]", OBJECT, [1], [1], [1], "[1]"),
    ("5", OBJECT, 5, 5, 5, "5"),
    ('"x"', OBJECT, "x", "x", "x", '"x"'),
    ('"x"', INTEGER, "x", '"x"', LOST, '"x"'),
    ('"x"', NUMBER, "x", '"x"', LOST, '"x"'),
    ('"x"', BOOLEAN, "x", False, False, '"x"'),
    ("true", INTEGER, True, "true", LOST, "true"),
    ('{"a":1}', INTEGER, {"a": 1}, '{"a":1}', LOST, '{"a":1}'),
    ("5", {}, "5", "5", "5", "5"),
    ('{"a":1}', {"description": "any"}, '{"a":1}', '{"a":1}', {"a": 1}, '{"a":1}'),
    ('{"a":1}', {"properties": {}}, '{"a":1}', {"a": 1}, {"a": 1}, '{"a":1}'),
]
CELLS = [
    pytest.param(server, row[0], row[1], value, id=f"{server}-{row[0]!r}-{row[1]}")
    for row in TABLE
    for server, value in zip(SERVERS, row[2:], strict=True)
]


def check(server: str, text: str, schema: Any, wanted: Any, declared: bool = True) -> None:
    law, before = SERVER_LAWS[server], copy.deepcopy(schema)
    if wanted is LOST:
        with pytest.raises(CallLost):
            law(text, schema, {}, declared)
    else:
        got = law(text, schema, {}, declared)
        assert same(got, wanted), f"{got!r} is not {wanted!r}"
    assert schema == before


@pytest.mark.parametrize(("server", "text", "schema", "wanted"), CELLS)
def test_table(server: str, text: str, schema: Any, wanted: Any) -> None:
    check(server, text, schema, wanted)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("schema", [{}, True, INTEGER])
def test_unknown_parameter(server: str, schema: Any) -> None:
    check(server, "5", schema, "5", declared=False)
    check(server, "null", schema, None if server in ("sglang", "mlx") else "null", declared=False)


@pytest.mark.parametrize("server", SERVERS)
def test_outer_whitespace(server: str) -> None:
    check(server, "\n x \n", STRING, "x" if server == "transformers" else "\n x \n")
    check(server, " x ", {}, "x" if server == "transformers" else " x ", declared=False)


ALIASES = [
    *((name, "5", 5) for name in ("int", "int32", "int64", "uint", "uint32", "uint64", "long", "short", "unsigned")),
    (" Integer ", "5", 5),
    *((name, "5.5", 5.5) for name in ("float", "float32", "float64", "double")),
    ("bool", "1", True),
    ("dict", '{"a": 1}', {"a": 1}),
    *((name, "[1]", [1]) for name in ("arr", "list", "sequence")),
    *((name, "5", "5") for name in ("str", "text", "varchar", "char", "enum", " String ")),
]


@pytest.mark.parametrize(("name", "text", "wanted"), ALIASES)
def test_vllm_aliases(name: str, text: str, wanted: Any) -> None:
    check("vllm", text, {"type": name}, wanted)


VLLM = [
    ("5", {"enum": [1, 2]}, 5),
    ("5", {"enum": [1, "a"]}, 5),
    ("x", {"enum": [1, "a"]}, "x"),
    ("null", {"enum": ["a", None]}, None),
    ("true", {"enum": [True]}, True),
    ("5.5", {"enum": [1.5]}, 5.5),
    ("[1]", {"enum": [[1]]}, [1]),
    ('{"a": 1}', {"enum": [{"a": 1}]}, {"a": 1}),
    ("5", {"type": "string", "enum": ["5", "6"]}, "5"),
    ("5", {"type": "string", "enum": ["5", 6]}, 5),
    ("5", {"allOf": [STRING, {"anyOf": [{"oneOf": [INTEGER]}]}]}, 5),
    ("5", {"const": 5}, "5"),
    ("5", {"$ref": "#/$defs/X"}, "5"),
    ("null", {"anyOf": [{"$ref": "#/$defs/X"}, {"type": "null"}]}, None),
    ("5", {"anyOf": [{"$ref": "#/$defs/X"}, {"type": "null"}]}, "5"),
    ("1", {"type": ["boolean", "integer"]}, 1),
    ("true", {"type": ["boolean", "integer"]}, True),
    (" TRUE ", BOOLEAN, True),
    ("[1e400]", ARRAY, "[1e400]"),
    ('{"a": NaN}', OBJECT, '{"a": NaN}'),
    ('"x"', {"type": ["integer", "string"]}, '"x"'),
    ("5", {"type": "anything"}, 5),
    ("5", True, "5"),
    ("9" * 5000, INTEGER, "9" * 5000),
    ("9" * 5000, NUMBER, "9" * 5000),
]


@pytest.mark.parametrize(("text", "schema", "wanted"), VLLM)
def test_vllm(text: str, schema: Any, wanted: Any) -> None:
    check("vllm", text, schema, wanted)


NESTED = {
    "type": "object",
    "properties": {
        "n": INTEGER,
        "s": STRING,
        "l": {"type": "array", "items": NUMBER},
        "o": {"type": "object", "properties": {"b": BOOLEAN}},
    },
}
WALKED = [
    ({"n": "5"}, {"n": 5}),
    ({"s": 5}, {"s": "5"}),
    ({"s": True}, {"s": "true"}),
    ({"s": None}, {"s": "null"}),
    ({"s": [1]}, {"s": [1]}),
    ({"l": ["1", 2.0, "x", None]}, {"l": [1, 2, "x", None]}),
    ({"o": {"b": "1", "c": "1"}}, {"o": {"b": True, "c": "1"}}),
    ({"n": "[1]", "other": "5"}, {"n": [1], "other": "5"}),
]


@pytest.mark.parametrize(("value", "wanted"), WALKED)
def test_vllm_walks_typed_values(value: Any, wanted: Any) -> None:
    before = copy.deepcopy(value)
    assert same(vllm_value(value, NESTED), wanted)
    assert same(value, before)


def test_vllm_does_not_walk_what_it_reads_from_text() -> None:
    check("vllm", '{"n": "5", "s": 5, "l": ["1"]}', NESTED, {"n": "5", "s": 5, "l": ["1"]})


SGLANG = [
    ("5", {"type": ["integer", "string"]}, 5),
    ("5", {"type": ["null", "integer"]}, 5),
    ("5", {"type": ["null"]}, "5"),
    ("5", {"type": []}, "5"),
    ("5", {"anyOf": [INTEGER, INTEGER]}, 5),
    ("5", {"anyOf": [{"type": "null"}, INTEGER]}, 5),
    ("5", {"oneOf": [INTEGER, {"type": "null"}]}, 5),
    ("5", {"anyOf": [INTEGER, BOOLEAN]}, 5),
    ("5", {"anyOf": [BOOLEAN, INTEGER]}, False),
    ("5", {"anyOf": [INTEGER, BOOLEAN, STRING]}, "5"),
    ("5", {"anyOf": [{"$ref": "#/$defs/X"}]}, "5"),
    ("5", {"enum": [1, 2]}, 5),
    ("5", {"enum": [1, "a"]}, "5"),
    ("5", {"enum": [1, None]}, "5"),
    ("5", {"enum": []}, "5"),
    ("5", {"allOf": [STRING, INTEGER]}, 5),
    ("5", {"allOf": [STRING, {}]}, "5"),
    ("5", {"properties": {}}, 5),
    ("[1]", {"items": {}}, [1]),
    ("5", {"type": "uint8"}, 5),
    ("5", {"type": "numeric"}, 5),
    ("1E3", NUMBER, 1000.0),
    ("TRUE", {"type": "binary"}, True),
    (" true", BOOLEAN, False),
    ("{'a': None}", {"type": "dict[str, int]"}, {"a": None}),
    ("['a']", {"type": "list"}, ["a"]),
    ("True", {"type": "any"}, True),
    ("true", {"type": "any"}, "true"),
    ('"x"', {"type": "any"}, "x"),
    ("5", {"type": "null"}, 5),
    ("5", {"type": "varchar"}, "5"),
    ("NULL", True, None),
    ("5", True, "5"),
    ("inf", NUMBER, LOST),
    ("[NaN]", ARRAY, LOST),
    ("Infinity", OBJECT, LOST),
    ("[1e400, 'a']", ARRAY, LOST),
    ("{[]: 1}", OBJECT, "{[]: 1}"),
    ("9" * 5000, INTEGER, "9" * 5000),
    ("[" + "9" * 5000 + "]", ARRAY, "[" + "9" * 5000 + "]"),
]


@pytest.mark.parametrize(("text", "schema", "wanted"), SGLANG)
def test_sglang(text: str, schema: Any, wanted: Any) -> None:
    check("sglang", text, schema, wanted)


MLX = [
    ("null", {}, None),
    ("5", None, "5"),
    ("[1]", {"anyOf": [ARRAY]}, [1]),
    ("[1", {"anyOf": [ARRAY]}, "[1"),
    ('"x"', {"enum": ["x"]}, '"x"'),
    ("5.5", NUMBER, 5.5),
    ("1e400", INTEGER, LOST),
    ("5", {"type": ["integer", "null"]}, 5),
    ("x", {"type": ["integer", "null"]}, "x"),
    ("true", {"type": ["boolean", "null"]}, "true"),
    ("True", {"type": ["boolean", "null"]}, True),
    ("{'a': 1}", {"type": ["object", "null"]}, {"a": 1}),
    ("TRUE", {"type": "bool"}, True),
    ("x", {"type": "binary"}, False),
    ("{'a': 1}", {"type": "dict"}, {"a": 1}),
    ('{"a": "x\ny"}', OBJECT, {"a": "x\ny"}),
    ("x", OBJECT, "x"),
    ("[NaN]", ARRAY, LOST),
    ("{[]: 1}", OBJECT, LOST),
    ("[" + "9" * 5000 + "]", ARRAY, LOST),
    ("5", True, LOST),
    ("5", False, "5"),
]


@pytest.mark.parametrize(("text", "schema", "wanted"), MLX)
def test_mlx(text: str, schema: Any, wanted: Any) -> None:
    check("mlx", text, schema, wanted)


TRANSFORMERS = [
    ("1", {"type": ["boolean", "integer"]}, True),
    ("1", {"type": ["integer", "boolean"]}, 1),
    ("5", {"type": ["string", "integer"]}, 5),
    ("5", {"type": "string", "oneOf": [INTEGER]}, 5),
    ("5.0", {"anyOf": [NUMBER, INTEGER]}, 5.0),
    ("5.0", {"oneOf": [{"anyOf": [INTEGER]}, NUMBER]}, 5),
    ("None", {"type": "integer", "nullable": True}, None),
    ("None", {"type": "integer"}, "None"),
    ("none", {"type": "null"}, "none"),
    ("5", {"enum": [1, 2]}, "5"),
    ("5", {"allOf": [INTEGER]}, "5"),
    ("5", {"type": "int"}, "5"),
    ("5", True, "5"),
    ("5", NUMBER, 5),
    ("1e3", NUMBER, 1000),
    ("5", {"type": ["object", "array"]}, "5"),
    ("[1]", {"type": ["object", "array"]}, [1]),
    ('{"a": 1}', ARRAY, '{"a": 1}'),
    ("nan", INTEGER, "nan"),
    ("9" * 5000, INTEGER, "9" * 5000),
    ('{"a": NaN}', OBJECT, LOST),
    (" true\n", BOOLEAN, True),
]


@pytest.mark.parametrize(("text", "schema", "wanted"), TRANSFORMERS)
def test_transformers(text: str, schema: Any, wanted: Any) -> None:
    check("transformers", text, schema, wanted)


@pytest.mark.parametrize("server", ["sglang", "mlx"])
@pytest.mark.parametrize(
    "text", ["(1, 2)", "1, 2", "[(1,)]", "{1}", "{1: 2}", "{'a': {None: 1}}", "b'x'", "1j", "...", "'\\x0", "\x00"]
)
def test_python_values_that_are_not_json_stay_text(server: str, text: str) -> None:
    check(server, text, ARRAY, text)


@pytest.mark.parametrize("server", ["sglang", "mlx"])
@pytest.mark.parametrize(
    "text",
    [
        "['" + "x" * 100_000 + "']",
        "(" * 300 + "'x'" + ")" * 300,
        "-" * 90_000 + "1",
        "1+" * 45_000 + "1",
        "lambda:" * 10_000 + "1",
        "a." * 40_000 + "b",
    ],
    ids=lambda text: text[:4],
)
def test_large_literals_stay_text(server: str, text: str) -> None:
    check(server, text, OBJECT, text)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("depth", [MAX_DEPTH, 100_000])
def test_values_deeper_than_toolfmt_carries(server: str, depth: int) -> None:
    check(server, "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1), {"type": "string"}, "[" * 255 + "]" * 255)
    check(server, "[" * depth + "]" * depth, ARRAY, LOST)


def test_messages() -> None:
    for server, text, schema, message in (
        ("sglang", "NaN", NUMBER, "SGLang reads `NaN` as nan, which JSON cannot say"),
        ("sglang", "1e400", NUMBER, "SGLang reads `1e400` as inf, which JSON cannot say"),
        ("mlx", "x", INTEGER, "mlx-lm raises ValueError on `x` and loses the call"),
        ("mlx", "1e400", NUMBER, "mlx-lm raises OverflowError on `1e400` and loses the call"),
        ("mlx", "x" * 100, INTEGER, f"mlx-lm raises ValueError on `{'x' * 57}...` and loses the call"),
    ):
        with pytest.raises(CallLost) as caught:
            SERVER_LAWS[server](text, schema, {}, True)
        assert str(caught.value) == message


def test_laws_pickle() -> None:
    assert set(SERVER_LAWS) == set(SERVERS)
    for server, law in SERVER_LAWS.items():
        assert pickle.loads(pickle.dumps(law))("null", {}, {}, True) == law("null", {}, {}, True), server
