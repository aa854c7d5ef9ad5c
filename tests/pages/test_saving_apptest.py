"""Below which charts the buttons stand that save them, and how plotly figures are saved."""

import csv
import io

import pytest
from streamlit.testing.v1 import AppTest

from core.plots import class_counts
from core.ui import chart as drawing
from core.ui import saving


def page(rows: int, file: str | None) -> None:
    from core.plots import class_counts
    from core.ui import chart as drawing

    counts = {"train": [3, 5][:rows], "test": [1, 2][:rows]}
    drawing.draw(class_counts.chart(["a", "b"][:rows], counts), "some.chart", file)


@pytest.mark.parametrize(
    ("rows", "file", "labels"), [(2, "counts", ["SVG", "CSV"]), (2, None, []), (0, "counts", [])],
    ids=["finished", "still growing", "empty"],
)  # fmt: skip
def test_a_chart_is_saved_once_it_is_finished_and_holds_something(rows: int, file: str | None, labels: list[str]):
    app = AppTest.from_function(page, kwargs={"rows": rows, "file": file}).run()
    assert not app.exception
    assert [button.proto.label for button in app.get("download_button")] == labels


def test_each_ending_writes_what_it_says():
    chart = class_counts.chart(["a", "b"], {"train": [3, 5], "test": [1, 2]})
    assert drawing.FILES["svg"] == (saving.to_svg, "image/svg+xml")
    write, mime = drawing.FILES["csv"]
    read = list(csv.DictReader(io.StringIO(write(chart).decode(), newline="")))
    assert mime == "text/csv" and sum(int(row["images"]) for row in read) == 11


def test_a_plotly_figure_has_a_camera_for_svg_and_few_stops_for_the_keyboard():
    settings = drawing.plotly("run-map")
    assert settings["modeBarButtons"] == [["zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]]
    assert settings["toImageButtonOptions"] == {"format": "svg", "filename": "run-map"}
