"""The table of a paper, as LaTeX (booktabs) and as Markdown: mean ± deviation, interval, and what was measured how.

In each block the best mean is bold, and so is every other whose 95 % interval overlaps its own: the data do not tell
them apart. Reference lines, such as the full data, take no part in that.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.study.intervals import Interval, overlap


@dataclass(frozen=True, kw_only=True)
class Number:
    """A mean accuracy in [0, 1], its deviation over seeds (None for one), and its 95 % interval."""

    mean: float
    std: float | None
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: words, then numbers, None where there is none.

    block      lines of one block are compared with each other
    reference  takes no part in being best
    """

    words: tuple[str, ...]
    numbers: tuple[Number | None, ...]
    block: str = ""
    reference: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Lines below the titles of their columns; the caption says attack, images and seeds."""

    caption: str
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    lines: tuple[Line, ...]


def bold(table: Table) -> list[tuple[bool, ...]]:
    """Which numbers of each line are the best of their block and column, or not to be told from it."""
    return [
        tuple(_leads(table, line, column) for column in range(len(table.numbers)))
        for line in table.lines
    ]  # fmt: skip


def _leads(table: Table, line: Line, column: int) -> bool:
    rivals = [
        found
        for other in table.lines
        if other.block == line.block and not other.reference and (found := other.numbers[column]) is not None
    ]
    number = line.numbers[column]
    if number is None or line.reference or len(rivals) < 2:
        return False
    best = max(rivals, key=lambda one: one.mean)
    return overlap(number.interval, best.interval)


def latex(table: Table) -> str:
    """A `table` environment for \\usepackage{booktabs}, every special character escaped."""
    lines = _lines(table, _tex_number, " & ", r" \\", tex)
    head = " & ".join(tex(title) for title in (*table.words, *(f"{title} (%)" for title in table.numbers))) + r" \\"
    columns = "l" * len(table.words) + "c" * len(table.numbers)
    body = [r"\toprule", head, r"\midrule", *lines, r"\bottomrule"]
    inner = [rf"\begin{{tabular}}{{{columns}}}", *body, r"\end{tabular}"]
    return "\n".join(
        [r"\begin{table}", r"\centering", rf"\caption{{{tex(table.caption)}}}", *inner, r"\end{table}"]
    )  # fmt: skip


def markdown(table: Table) -> str:
    """A Markdown table with its caption below."""
    titles = (*table.words, *(f"{title} %" for title in table.numbers))
    lines = [f"| {line} |" for line in _lines(table, _md_number, " | ", "", _cell)]
    return "\n".join([f"| {' | '.join(titles)} |", "|" + "---|" * len(titles), *lines, "", table.caption])


def _lines(
    table: Table, number: Callable[[Number, bool], str], between: str, end: str, words: Callable[[str], str]
) -> list[str]:
    return [
        between.join(
            [
                *map(words, line.words),
                *(
                    number(one, leads) if one is not None else "–"
                    for one, leads in zip(line.numbers, leading, strict=True)
                ),
            ]
        )
        + end
        for line, leading in zip(table.lines, bold(table), strict=True)
    ]


def _tex_number(number: Number, leads: bool) -> str:
    mean = f"{100 * number.mean:.1f}"
    spread = "" if number.std is None else rf" \pm {100 * number.std:.1f}"
    shown = rf"\mathbf{{{mean}}}{spread}" if leads else f"{mean}{spread}"
    low, high = (f"{100 * end:.1f}" for end in number.interval)
    return f"${shown}$ [{low}, {high}]"


def _md_number(number: Number, leads: bool) -> str:
    mean = f"{100 * number.mean:.1f}"
    spread = "" if number.std is None else f" ± {100 * number.std:.1f}"
    low, high = (f"{100 * end:.1f}" for end in number.interval)
    return f"{f'**{mean}**' if leads else mean}{spread} [{low}, {high}]"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "ε": r"$\varepsilon$", "±": r"$\pm$", "×": r"$\times$",
    "η": r"$\eta$", "≤": r"$\leq$", "≥": r"$\geq$", "·": r"$\cdot$", "–": "--",
}  # fmt: skip


def tex(text: str) -> str:
    """Plain text as LaTeX."""
    return "".join(SPECIAL.get(letter, letter) for letter in text)
