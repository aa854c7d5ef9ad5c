"""Robust accuracy against the attack budget eps, measured once after training, with 95 % intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, called, legend, percent_axis, quantitative, table
from core.plots.palette import GREEN, GREY, OWN, beside, training_dash

TINY = 1e-9
COLUMNS = ("eps", "value", "low", "high", "run")
Row = Mapping[str, Any]


def around(curve: Sequence[Row], eps: float) -> tuple[Row, Row] | None:
    """The measured points on both sides of an eps, twice the same where it was measured; None outside the curve."""
    below = [row for row in curve if row["eps"] <= eps + TINY]
    above = [row for row in curve if row["eps"] >= eps - TINY]
    return (below[-1], above[0]) if below and above else None


def chart(
    curve: Sequence[Row], references: Mapping[str, Sequence[Row]], norm: str, eps: float | None,
    asked: float | None = None, proven: Sequence[Row] = (), method: str = "", training: str = "",
    titles: Mapping[str, str] | None = None,
) -> Chart:  # fmt: skip
    """Accuracy against eps of one run and its references, and down to what is proven of the same network a band.

    curve  rows with eps, value, low, high: eps in pixel units of [0, 1], the others shares in [0, 1]
    eps    budget that the run was trained and judged at, marked by a rule, or None
    asked  budget whose measured neighbours are marked, or None
    proven rows with eps and value, at the same eps and of the same images; empty where no certificate is known
    method, training  of these runs: colour says the method, the dash the training
    titles what the legend calls them
    raises AssertionError where more is proven than an attack left: then one of both is wrong
    """
    rows: list[dict[str, Any]] = [{**_pick(row), "run": OWN} for row in curve]
    for name, other in references.items():
        rows += [{**_pick(row), "run": name} for row in other]
    end = max((row["eps"] for row in rows), default=1.0) or 1.0
    x = quantitative("eps", f"attack budget ε ({norm}, pixels in [0, 1])", (0, end), axis={"grid": False})
    y = quantitative("value", "accuracy under PGD", (0, 1), axis=percent_axis())
    colours = beside(method)
    colour = {
        "field": "run",
        "type": "nominal",
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": {**legend(), "columns": 2, **called(titles or {})},
    }
    band = {
        "mark": {"type": "area", "opacity": 0.16, "color": colours[OWN]},
        "transform": [{"filter": f"datum.run == '{OWN}'"}],
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 2.2, "strokeDash": training_dash(training)},
        "encoding": {"x": x, "y": y, "color": colour, "tooltip": _tooltip()},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 26, "opacity": 1, "color": colours[OWN]},
        "transform": band["transform"],
        "encoding": {"x": x, "y": y},
    }
    certified = _certified(curve, proven, x, y) if proven else []
    layers = [band, *certified, line, dots] + ([_rule(eps)] if eps is not None else [])
    if asked is not None and (pair := around(curve, asked)) is not None:
        layers.append(_marker(asked, pair, colours[OWN]))
    alt = f"Accuracy under PGD at {len(curve)} budgets, {norm}" + (", with what is proven below" if proven else "")
    return Chart(data=table(rows, COLUMNS), spec={"layer": layers, "height": 260}, alt=alt)


def _certified(
    curve: Sequence[Row], proven: Sequence[Row], x: dict[str, Any], y: dict[str, Any]
) -> list[dict[str, Any]]:
    """A pale band from what is proven to what attacks leave, and the lower end as a line with a word at its end."""
    rows = [{"eps": p["eps"], "value": p["value"], "attacked": c["value"]} for p, c in zip(proven, curve, strict=True)]
    assert all(row["value"] <= row["attacked"] for row in rows), "an attack broke an image that is proven"
    share = {"type": "quantitative", "format": ".1%"}
    tooltip = [{"field": "eps", "type": "quantitative", "title": "ε"}, {"field": "value", "title": "proven", **share}]
    data = {"values": rows}
    area = {"x": x, "y": y, "y2": {"field": "attacked"}}
    word = {"type": "text", "align": "left", "dx": 6, "dy": -8, "color": GREEN, "text": "proven, at least"}
    return [
        {"data": data, "mark": {"type": "area", "opacity": 0.25, "color": GREY}, "encoding": area},
        {"data": data, "mark": {"type": "line", "color": GREEN, "strokeWidth": 2.2, "point": {"color": GREEN}},
         "encoding": {"x": x, "y": y, "tooltip": tooltip}},
        {"data": {"values": rows[:1]}, "mark": {**word, "baseline": "top", "dy": 12},
         "encoding": {"x": x, "y": y}},
    ]  # fmt: skip


def _pick(row: Row) -> dict[str, float]:
    return {name: row[name] for name in ("eps", "value", "low", "high")}


def _rule(eps: float) -> dict[str, Any]:
    """A vertical line at the headline eps, with its own one-row table."""
    return {
        "data": {"values": [{"eps": eps}]},
        "mark": {"type": "rule", "color": GREY, "strokeDash": [3, 3]},
        "encoding": {"x": {"field": "eps", "type": "quantitative"}},
    }


def _marker(eps: float, pair: tuple[Row, Row], colour: str) -> dict[str, Any]:
    """A thick bar at an eps: a measured point's interval, or from the accuracy measured below down to that above."""
    first, last = pair
    high, low = (first["high"], first["low"]) if first is last else (first["value"], last["value"])
    return {
        "data": {"values": [{"eps": eps, "low": low, "high": high}]},
        "mark": {"type": "rule", "color": colour, "strokeWidth": 6, "strokeCap": "round", "opacity": 0.85},
        "encoding": {
            "x": {"field": "eps", "type": "quantitative"},
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
        },
    }


def _tooltip() -> list[dict[str, Any]]:
    share = {"type": "quantitative", "format": ".1%"}
    return [
        {"field": "run"},
        {"field": "eps", "type": "quantitative", "format": ".4f", "title": "ε"},
        {"field": "value", "title": "accuracy", **share},
        {"field": "low", "title": "95 % from", **share},
        {"field": "high", "title": "to", **share},
    ]
