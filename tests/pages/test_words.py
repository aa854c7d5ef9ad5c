"""Somebody's text on a page is shown, never obeyed; in a spreadsheet as well."""

import re

import pytest

from core.plots.chart import Chart
from core.types.spreadsheet import cell
from core.ui import saving, words

NASTY = [
    "![x](http://e.example/x.png)", "[link](http://e.example)", "<img src=x>", "**bold**", "_it_", "`code`", "$x^2$",
    ":red[a]", ":material/home:", "# title", "> quote", "- list", "1. list", "~~gone~~", "![x][y]", "\\![x](y)",
]  # fmt: skip
PLAIN = ["mfc 10/class · digits", "y_train of x.npz, got (3, 4)", "radius must be ≥ 0, got -1"]


@pytest.mark.parametrize("text", NASTY)
def test_every_mark_of_markdown_is_escaped(text: str):
    shown = words.plain(text)
    assert re.sub(r"\\(?=[^\w\s]|_)", "", shown.replace("\\\\", "\0")).replace("\0", "\\") == text
    assert not re.search(r"(?<!\\)[\[\]`*$<~]", shown.replace("\\\\", ""))
    assert not re.match(r"[#>+-]|\d[.)]", shown)


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_sentences_stay_as_they_are(text: str):
    assert words.plain(text) == text


def test_long_and_many_lines_become_one_short_line():
    assert words.plain("a\n b\t\r\n c") == "a b c"
    assert len(words.plain("x" * 5000)) == 600 and words.plain("x" * 5000).endswith("…")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", ' =HYPERLINK("http://e")'])
def test_a_formula_is_text_in_a_spreadsheet(text: str):
    assert cell(text) == f"'{text}"
    chart = Chart(spec={}, data={text: [text, "fine", -1.5, None]}, alt="")
    lines = saving.to_csv(chart).decode()
    assert not re.search(r'(^|\n|,)"?\s*[=+@]', lines) and "-1.5" in lines


@pytest.mark.parametrize("value", ["fine", "a=b", -1.5, -3, None, True, ""])
def test_other_cells_stay_as_they_are(value: object):
    assert cell(value) is value
