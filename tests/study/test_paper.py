"""A paper's table, paragraph, references and report: what is in them, escaped, and nothing from outside."""

import re
from html.parser import HTMLParser

from core.settings.run import RunConfig
from core.settings.study import Study, plan
from core.study.paper import Line, Number, Table, bold, latex, markdown, tex
from core.study.report import Picture, html
from core.study.table import table
from core.study.writing_up import bibtex, of_study, paragraph_of_run, paragraph_of_study
from tests.study.test_study import SMALL, record


def number(mean: float, half: float, std: float | None = 0.01) -> Number:
    return Number(mean=mean, std=std, interval=(mean - half, mean + half))


LINES = (
    Line(words=("full",), numbers=(number(0.99, 0.01), None), block="a", reference=True),
    Line(words=("a_b & c",), numbers=(number(0.6, 0.02), number(0.3, 0.01))),
    Line(words=("mfc",), numbers=(number(0.57, 0.02), number(0.2, 0.01, None))),
    Line(words=("random",), numbers=(number(0.4, 0.02), number(0.1, 0.01))),
)
TABLE = Table(caption="100 % of ε", words=("Method",), numbers=("Clean", "Robust"), lines=LINES)


def test_the_best_is_bold_with_all_whose_interval_overlaps_its_own():
    assert bold(TABLE) == [(False, False), (True, True), (True, False), (False, False)]


def test_a_line_alone_in_its_block_is_not_best():
    lines = (LINES[1], Line(words=("x",), numbers=(number(0.1, 0.1), None), block="other"))
    assert bold(Table(caption="", words=("Method",), numbers=("Clean", "Robust"), lines=lines)) == [(False, False)] * 2


def test_latex_is_booktabs_with_every_special_character_escaped():
    text = latex(TABLE)
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}{lcc}"))
    assert r"a\_b \& c & $\mathbf{60.0} \pm 1.0$ [58.0, 62.0] & $\mathbf{30.0} \pm 1.0$ [29.0, 31.0] \\" in text
    assert r"mfc & $\mathbf{57.0} \pm 1.0$ [55.0, 59.0] & $20.0$ [19.0, 21.0] \\" in text
    assert r"\caption{100 \% of $\varepsilon$}" in text and "full & $99.0" in text and "& -- " not in text
    assert tex(r"\ # ~ ^ {x} $") == r"\textbackslash{} \# \textasciitilde{} \textasciicircum{} \{x\} \$"
    assert not re.search(r"(?<!\\)[%#]", text)


def test_markdown_says_the_same():
    lines = markdown(TABLE).splitlines()
    assert lines[3] == "| a_b & c | **60.0** ± 1.0 [58.0, 62.0] | **30.0** ± 1.0 [29.0, 31.0] |"
    assert lines[4].endswith("| 20.0 [19.0, 21.0] |") and lines[-1] == "100 % of ε"


def study() -> Study:
    return Study(**{**SMALL, "methods": ("random", "mfc"), "ipc": (2,), "trainings": ("standard", "adversarial")})


def test_the_table_of_a_study_says_attack_images_seeds_and_compares_within_a_training():
    made = {c.digest: record(c, clean=0.9, pgd=0.5, attacked=0.2 + 0.1 * (c.method == "mfc")) for c in plan(study())}
    found = of_study(study(), table(study(), lambda cell: made.get(cell.digest)), 0.1)
    assert len(found.lines) == 6 and {line.block for line in found.lines} == {
        f"{training} {ipc}" for training in ("standard", "adversarial") for ipc in (None, 2)
    }
    assert all(word in found.caption for word in ("margin-PGD", "Linf", "ε = 0.1", "12 test images", "20", "95 %"))
    assert {line.words[3] for line in found.lines} == {"2"}


def test_the_paragraph_is_made_of_the_settings():
    said = paragraph_of_study(study())
    for word in ("Digits", "120", "2 images per class", "Minimal finite covering", "Standard and Adversarial (PGD)",
                 "Linf", "0.05 and 0.1", "12", "2 seeds", "Student"):  # fmt: skip
        assert word in said, word
    run = RunConfig(seed=7)
    said = paragraph_of_run(run)
    assert "seed is 7" in said and f"{run.evaluation.eps:.4g}" in said and "Minimal finite covering" in said


def test_references_are_those_of_what_is_used():
    cited = bibtex([cell.settings for cell in plan(study())])
    keys = set(re.findall(r"^@\w+\{(\w+),", cited, re.M))
    assert {"chen2024", "madry2018", "croce2020", "alpaydin1998", "rumelhart1986"} <= keys and "zhao2023" not in keys


class Addresses(HTMLParser):
    """Everything that a browser would ask for, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asked += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def test_a_report_asks_nobody_for_anything_and_escapes_what_it_is_given():
    picture = Picture(content=b"\x89PNG", kind="image/png", alt="<b>")
    text = html("<script>x</script>", "a & b", TABLE, [picture], command="run <x>", references="@a{b}", notes=["<i>"])
    read = Addresses()
    read.feed(text)
    assert read.asked == ["data:image/png;base64,iVBORw=="] and not {"script", "link", "b", "i"} & set(read.tags)
    assert "@import" not in text and "url(" not in text and "<strong>60.0</strong> ± 1.0 [58.0, 62.0]" in text
