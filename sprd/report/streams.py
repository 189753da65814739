"""What a model heard in streams in, one HTML file out: curve, tables, what fooled it to be heard.

Every text that comes from a file or a user is escaped, and the page may load nothing but the sounds
that were written beside it.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from sprd.config.numbers import number_of
from sprd.report.document import document
from sprd.report.stream_plot import condition_words

MOST_MISTAKES = 500
"""A page holds no more; `--json` has them all."""

_MATERIALS = {
    "speech": "running speech",
    "words": "other words",
    "noise": "noise",
}
_POLICY = "media-src data: 'self' file:; img-src data:"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --pale: #8881 }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 1.5rem auto;
  padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
figure { margin: 1rem 0; background: #fff; border-radius: 6px }
figure svg { width: 100%; height: auto; display: block }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 13px;
  font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line) }
th:first-child, td:first-child { text-align: left }
th { vertical-align: bottom; white-space: normal }
small { color: #888 } p { margin: .4rem 0 }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)) }
li { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .75rem; min-width: 0 }
audio { display: block; width: 100%; height: 2.4rem; margin: .4rem 0 }
"""


def stream_page(
    title: str, told: Mapping[str, Any], lines: Sequence[str], svg: bytes, sounds: Sequence[str]
) -> str:
    """Returns the page.

    Args:
        title: What listened to what.
        told: What `sprd stream --json` tells.
        lines: Sentences to begin with.
        svg: The curve.
        sounds: Address of the sound of each of `told["false_accepts"]`; fewer where there is none.
    """
    mistakes = told["false_accepts"]
    intro = "\n".join(f"<p>{escape(line)}</p>" for line in lines)
    rest = len(mistakes) - MOST_MISTAKES
    more = f" The surest {MOST_MISTAKES:,} are here, {rest:,} are not." if rest > 0 else ""
    addresses = [*sounds, *[""] * (len(mistakes) - len(sounds))]
    items = "\n".join(
        _mistake(one, sound)
        for one, sound in zip(mistakes[:MOST_MISTAKES], addresses, strict=False)
    )
    text = svg.decode("utf-8")
    body = f"""{intro}
<figure>{text[text.index("<svg") :]}</figure>
<p>Left of the curve the hours of running speech are too few to tell. The large marks are where the
recogniser of the model works.</p>
<h2>Keywords</h2>
{_table(CONDITION_HEADS, [condition_cells(one) for one in told["conditions"]])}
<h2>What is no keyword</h2>
{_table(MATERIAL_HEADS, [material_cells(one) for one in told["materials"]])}
<p><small>{escape(SMALL_PRINT)}</small></p>
<h2>What fooled it</h2>
<p>{len(mistakes):,} times it heard a keyword that nobody said.{more}</p>
<ol>
{items}
</ol>"""
    return document(title, _STYLE, _POLICY, body)


CONDITION_HEADS = (
    "words in",
    "heard of\nall words",
    "recall\n(95 %)",
    "at 1 .. 20 an hour\nmean (95 %)",
    "delay\nmedian",
    "delay\n95 of 100",
    "worst tenth\nof speakers",
    "as another\nkeyword",
)
MATERIAL_HEADS = (
    "material",
    "hours",
    "false\naccepts",
    "an hour\n(95 %, exact)",
    "as readers\ndiffer (95 %)",
)
SMALL_PRINT = (
    "Intervals of recalls are a bootstrap over speakers, or exact where they are few. Those of"
    " rates are the exact Poisson limits of the count; none is told as below its upper limit."
    " Delays count from the end of a word."
)


def condition_cells(one: Mapping[str, Any]) -> list[str]:
    """Returns the texts of a condition's row, under `CONDITION_HEADS`."""
    recall, mean = number_of("recall_at_threshold"), number_of("recall_streaming")
    return [
        condition_words(one["condition"]),
        f"{one['n_heard']:,} of {one['n_words']:,}",
        recall.text(one["recall"], one["interval"]),
        mean.text(one["recall_streaming"], one["recall_streaming_interval"]),
        _milliseconds(one["delay_ms"]),
        _milliseconds(one["delay_p95_ms"]),
        number_of("worst_tenth_recall").text(one["worst_tenth_recall"]),
        f"{one['n_confused']:,}",
    ]


def _milliseconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f} ms"


def material_cells(one: Mapping[str, Any]) -> list[str]:
    """Returns the texts of a material's row, under `MATERIAL_HEADS`."""
    name = _MATERIALS.get(one["material"], one["material"])
    if one["is_synthetic"]:
        name += ", synthetic voices: ranks models, tells no rate"
    ends = one["interval_of_groups"]
    unknown = "-" if one["is_synthetic"] else "unknown"
    apart = number_of("false_accepts_per_hour").ends(ends) or unknown
    return [name, f"{one['hours']:.2f}", f"{one['n']:g}", one["text"], apart]


def mistake_words(one: Mapping[str, Any]) -> str:
    """Says in which word or recording a keyword was heard, and at which second."""
    where = _MATERIALS.get(one["material"], one["material"])
    if one["condition"]:
        where = f"keywords, {condition_words(one['condition'])}"
    if one["recording"] is None:
        return f"{where}: between recordings, at {one['at_s']:.1f} s of {one['stream']}"
    said = f"{one['said']!r} " if one["said"] and len(one["said"].split()) == 1 else ""
    return f"{where}: {said}{one['recording']} at {one['recording_at_s']:.1f} s"


def _mistake(one: Mapping[str, Any], sound: str) -> str:
    player = f'<audio controls preload="none" src="{escape(sound)}"></audio>' if sound else ""
    said = one["said"] or ""
    text = f"<p><small>{escape(said)}</small></p>" if len(said.split()) > 1 else ""
    return (
        f"<li><b>{escape(one['heard'])}</b> {one['score']} <small>{escape(one['kind'])}</small>"
        f"{player}<p>{escape(mistake_words(one))}</p>{text}</li>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>None was heard.</p>"
    shown = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    cells = "\n".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return (
        f'<div class="wide"><table>\n<thead><tr>{shown}</tr></thead>\n<tbody>\n{cells}\n</tbody>\n'
        "</table></div>"
    )
