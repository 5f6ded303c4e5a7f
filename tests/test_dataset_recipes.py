"""docs/datasets.md: its recipes do what they show, and its table of layouts says what the layouts are."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from toolfmt.layouts.base import find_layout, layouts

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = (DOCS / "datasets.md").read_text(encoding="utf-8")


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recipes, generate = _load("recipes"), _load("generate")
RECIPES = {
    section.partition("\n")[0].removeprefix("## "): section
    for section in recipes.sections(PAGE)
    if "```console" in section
}


@pytest.mark.parametrize("title", RECIPES)
def test_the_recipe_gives_what_it_shows(title: str) -> None:
    assert recipes.refreshed(RECIPES[title]) == RECIPES[title], "python docs/generate.py"


@pytest.mark.parametrize("title", RECIPES)
def test_no_row_is_refused_and_losses_are_spoken_of(title: str) -> None:
    section = RECIPES[title]
    rows, rest = (
        re.findall(r"^(\d+) rows? in = (\d+) rows? out \+ 0 rejects$", section, re.MULTILINE),
        section.rpartition("**Lost:** ")[2],
    )
    assert rows and all(before == after != "0" for before, after in rows)
    assert rest.startswith("nothing") == (", losses: 0," in section)
    assert ("--on-loss" in section.partition("```console")[2].partition("```")[0]) == (", losses: 0," not in section)


def test_every_layout_has_a_recipe() -> None:
    """Its rows are read, or it is written; `apigen_mt` rows are called `llamafactory`, whose shape they have."""
    read = {
        name for names in re.findall(r"^[\w ]+ -> \w+ \(([\w, ]+)\)$", PAGE, re.MULTILINE) for name in names.split(", ")
    }
    assert read == set(layouts()) - {"apigen_mt"}
    assert len(RECIPES) == 18 and "apigen_mt" in RECIPES["APIGen-MT: `Salesforce/APIGen-MT-5k`"]


def test_what_a_recipe_writes_can_be_read_again() -> None:
    blocks = re.findall(r'^```json title="[^"]+"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
    found = [find_layout(row).name for body in blocks for row in recipes.rows_in(body)]
    assert len(blocks) == 2 * len(RECIPES) and len(found) == 2 * 21 and set(found) >= {"trl", "openai", "messages_text"}


def test_a_page_that_is_too_old_is_made_anew() -> None:
    section = RECIPES["TRL: rows with a `tools` column"]
    older = section.replace("days:2", "days:3").replace("losses: 0", "losses: 1").replace("1 row in", "2 rows in")
    assert older != section and recipes.refreshed(older) == section
    changed = section.replace('"days": 2', '"days": 4')
    assert "days:4" in recipes.refreshed(changed)
    assert recipes.refreshed("no recipe\n") == "no recipe\n"


def test_a_recipe_that_cannot_run_is_an_error() -> None:
    broken = RECIPES["TRL: rows with a `tools` column"].replace("--to functiongemma", "--to nothing")
    with pytest.raises(AssertionError, match="unknown format"):
        recipes.refreshed(broken)
    with pytest.raises(AssertionError, match="a recipe runs toolfmt"):
        recipes.run("rm x")


def test_the_table_of_layouts_is_as_new_as_the_layouts() -> None:
    assert generate.with_layouts(PAGE) == PAGE, "python docs/generate.py"
    table = PAGE.partition(generate.LAYOUTS)[2].partition(generate.END_OF_LAYOUTS)[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(layouts())
    assert generate.with_layouts(PAGE.replace("parallel calls |", "|")) == PAGE


def test_json_is_spread_over_lines_without_a_change() -> None:
    value = {"a": [1, 1.0, 2**70, None, True, {}, []], "long": ["x" * 90, {"b c": "ü\n" * 40}], "": "</s>"}
    text = recipes.spread(value)
    assert json.dumps(list(recipes.rows_in(text + "\n" + text))) == json.dumps([value, value])
    assert "\n" in text and recipes.spread([1]) == "[1]"
