"""Lessons as data: those that ship, their order, and what is no lesson."""

import json

import pytest

from core import api
from core.errors import DataError
from core.ui.learn import lessons, stored

GOOD = {
    "title": "A title", "lead": "A lead.", "before": {"data": "moons"}, "question": "What happens?",
    "after": {"eps": 0.1}, "measure": "robust", "read": "share",
    "choices": [{"says": "little", "below": 0.5}, {"says": "much"}], "meaning": "{before} became {after}.",
}  # fmt: skip


def test_eight_lessons_ship_each_with_numbers_that_are_measured():
    found = lessons.read()
    assert len(found) == 8 and len({lesson.title for lesson in found}) == 8
    for lesson in found:
        assert "{after}" in lesson.meaning and not any(letter.isdigit() for letter in lesson.meaning)
        assert lesson.question.endswith("?") and len(lesson.choices) >= 2
        assert set(lesson.before) | set(lesson.after) <= {
            "data", "method", "k", "model", "depth", "width", "training", "norm", "eps", "seed", "balls", "attacked",
        }  # fmt: skip


def test_files_come_by_number_and_may_be_added(tmp_path):
    for name in ("10-last", "2-second", "1-first"):
        (tmp_path / f"{name}.json").write_text(json.dumps({**GOOD, "title": name}))
    assert [lesson.title for lesson in lessons.read(tmp_path)] == ["1-first", "2-second", "10-last"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"measure": "speed"}, "measure"),
        ({"colour": 1}, "colour"),
        ({"choices": [{"says": "only"}]}, "choices"),
        ({"choices": [{"says": "a", "below": 0.5}, {"says": "b", "below": 0.7}]}, "the last one none"),
        ({"choices": [{"says": "a", "below": 0.5}, {"says": "b", "below": 0.4}, {"says": "c"}]}, "rising"),
        ({"choices": [{"says": "a", "below": 0.5}, {"says": "b", "at_least": 0.4}, {"says": "c"}]}, "one kind"),
        ({"stored": {"study": "s", "before": "a", "after": "b"}}, "and not both"),
        ({"before": {}, "stored": {"before": "a", "after": "b"}}, "a study or widths"),
        ({"onward": [{"says": "out", "to": "https://example.org"}]}, "onward"),
        ({"choices": [{"says": "a"}, {"says": "b", "below": 0.4}, {"says": "c"}]}, "needs a bound"),
    ],
)
def test_what_is_no_lesson_is_one_sentence_that_names_the_file(tmp_path, change, says):
    (tmp_path / "3-mine.json").write_text(json.dumps(GOOD | change))
    with pytest.raises(DataError, match="3-mine.json") as caught:
        lessons.read(tmp_path)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_stored_lessons_say_what_the_shipped_runs_say_and_name_them():
    study, widths = (one.stored for one in lessons.read() if one.stored)
    row = next(
        r for r in api.study.rows(study.study) if f"{r.method}:{r.ipc}:{r.training}:{r.eps:g}" == study.after
    )  # fmt: skip
    found = stored.told(study)
    assert [bar["place"] for bar in found["bars"]] == [study.before, *study.beside, study.after]
    last = found["bars"][-1]
    assert (last["share"], last["low"], last["high"], last["n"]) == (
        row.attacked, *row.attacked_interval, row.attacked_images,
    )  # fmt: skip
    assert found["command"] == api.study.command(study.study) and "3 seeds, of the full data 1" in found["under"]
    kernel, *_, narrow = stored.told(widths)["bars"]
    rows = {row.width: row for row in api.results.WidthResult.of(api.get(widths.widths)).rows}
    assert (kernel["share"], narrow["share"]) == (rows[None].strong_acc, rows[64].strong_acc)
    assert stored.told(widths)["picture"].startswith("data:image/png;base64,")
    with pytest.raises(DataError, match="has no 65; it has: 16, 64"):
        stored.told(widths.model_copy(update={"after": "65"}))


def test_what_is_no_json_is_said(tmp_path):
    (tmp_path / "1-bad.json").write_text("{")
    with pytest.raises(DataError, match="1-bad.json cannot be read as a lesson"):
        lessons.read(tmp_path)
