"""A report as one HTML file that asks no address for anything: words, table and pictures are inside it."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from core.study.paper import Number, Table, bold

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.3rem 0.8rem; text-align: left; border-bottom: 1px solid #8885; white-space: nowrap; }
figure { margin: 1rem 0; }
img { max-width: 100%; background: white; }
img.pixels { image-rendering: pixelated; }
pre { overflow-x: auto; padding: 0.8rem; background: #8882; }
"""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture with its kind, such as image/png, and the sentence that says what it shows."""

    content: bytes
    kind: str
    alt: str


def html(
    title: str, paragraph: str, table: Table, pictures: Sequence[Picture], *, command: str, references: str,
    notes: Sequence[str] = (),
) -> str:  # fmt: skip
    """The whole report.

    paragraph  what was done
    command    the line that does it again
    notes      sentences a reader needs
    """
    said = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1><h2>Method</h2><p>{escape(paragraph)}</p>",
            f'<h2>Results</h2><div class="wide">{_table(table)}</div><p>{escape(table.caption)}</p>',
            f"<h2>Notes</h2><ul>{said}</ul>" if said else "",
            *map(_figure, pictures),
            f"<h2>Again</h2><pre>{escape(command)}</pre>",
            f"<h2>References</h2><pre>{escape(references)}</pre></body></html>",
        ]
    )


def _table(table: Table) -> str:
    head = "".join(
        f'<th scope="col">{escape(title)}</th>' for title in (*table.words, *(f"{name} %" for name in table.numbers))
    )
    lines = [
        "<tr>"
        + "".join(f"<td>{escape(word)}</td>" for word in line.words)
        + "".join(f"<td>{_number(one, leads)}</td>" for one, leads in zip(line.numbers, leading, strict=True))
        + "</tr>"
        for line, leading in zip(table.lines, bold(table), strict=True)
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _number(number: Number | None, leads: bool) -> str:
    if number is None:
        return "–"
    mean = f"{100 * number.mean:.1f}"
    spread = "" if number.std is None else f" ± {100 * number.std:.1f}"
    low, high = (f"{100 * end:.1f}" for end in number.interval)
    return f"{f'<strong>{mean}</strong>' if leads else mean}{spread} [{low}, {high}]"


def _figure(picture: Picture) -> str:
    data = b64encode(picture.content).decode("ascii")
    pixels = ' class="pixels"' if picture.kind == "image/png" else ""
    alt = escape(picture.alt)
    source = f"data:{picture.kind};base64,{data}"
    return f'<figure><img{pixels} alt="{alt}" src="{source}"><figcaption>{alt}</figcaption></figure>'
