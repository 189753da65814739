"""Points in, one HTML file out that needs nothing else: plot, tables, limits, how it was scored.

Every text that comes from a file or a user is escaped, and the page may load nothing.
"""

from collections.abc import Sequence
from html import escape

from sprd.config.limits import Limit
from sprd.config.numbers import STREAM_SCORES, number_of
from sprd.config.objectives import Objective
from sprd.report.columns import UNKNOWN_RECALL, Column, known_columns
from sprd.report.document import document
from sprd.report.frontier import ACCURACY, Point, interval_of, is_of_one_speaker
from sprd.sweep.rows.guessing import is_guess

_KEYS = (
    ACCURACY,
    *STREAM_SCORES,
    UNKNOWN_RECALL,
    "false_accept_rate",
    "model_bytes",
    "flash_bytes",
    "ram_bytes",
    "arena_bytes",
    "instructions",
    "latency_ms",
)
_KINDS = {"frontier": "frontier", "trial": "", "over": "over", "reference": "reference"}
_POLICY = "script-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --pale: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1280px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
figure { margin: 1rem 0; background: #fff; border-radius: 6px } figure svg { width: 100%;
  height: auto; display: block }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 13px;
  font-variant-numeric: tabular-nums }
th, td { padding: .3rem .55rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line) }
.text { text-align: left } td.label { white-space: normal;
  max-width: 9rem; overflow-wrap: anywhere } td.kind { white-space: normal; min-width: 9rem }
th { vertical-align: bottom }
th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0;
  padding: 0; text-align: inherit; cursor: pointer; white-space: normal }
th[aria-sort=ascending] button::after { content: " \\2191" }
th[aria-sort=descending] button::after { content: " \\2193" }
tr.frontier td { background: var(--pale); font-weight: 600 } tr.over td { opacity: .7 }
small, .interval { color: #888; font-weight: 400 } ul { padding-left: 1.2rem }
"""
_HOW_SCORED = """\
<p>Each number is of the int8 model in TensorFlow Lite Micro, on streams by TensorFlow Lite's
kernels, on {whom}. Below each accuracy stands its 95 % interval, a bootstrap over speakers, or
exact on clips where speakers are too few: where two overlap much, chance may have decided which is
better. The best of many trials is chosen on these very {noun}, so its score is somewhat too high;
test {noun} are scored only for what is exported, and the bundle's manifest tells that score. Sizes
are of the converted model; RAM, flash, instructions and latency are estimates for the board and
its build.</p>"""
_OF_SPEAKERS = {"noun": "speakers", "whom": "validation speakers, whom training never heard"}
_OF_TAKES = {
    "noun": "takes",
    "whom": "validation takes of speakers whom training heard, too: it holds for them alone",
}
_SCRIPT = """
for (const head of document.querySelectorAll("th")) {
  head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = head.closest("table").tBodies[0];
    const key = row => row.children[head.cellIndex].dataset.sort;
    const order = (a, b) => {
      if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
      const by = key(a) - key(b);  // NaN where one is a word
      return (Number.isNaN(by) ? key(a).localeCompare(key(b)) : by) * (up ? 1 : -1);
    };
    body.append(...[...body.rows].sort(order));
  });
}
"""


def frontier_page(
    name: str,
    points: Sequence[Point],
    objectives: Sequence[Objective],
    limits: Sequence[Limit],
    svg: bytes,
    is_personal: bool = False,
) -> str:
    """Returns the page of a run.

    Args:
        name: Of the sweep.
        points: What `points_of` gave.
        objectives: What the frontier is taken over.
        limits: What a trial had to keep.
        svg: The plot, from `plot_frontier`.
        is_personal: Takes were split, not speakers.
    """
    best = [point for point in points if point.kind == "frontier"]
    title = f"{name}: the frontier"
    n_trained = sum(point.kind != "reference" for point in points)
    body = f"""\
<p>{len(best)} of {n_trained} trained trials: no other that fits is as good in all of these, and
better in one: {_aims(objectives)}.</p>
<figure>{_inline(svg)}</figure>
<h2>Limits</h2>
{_limits(limits)}
<h2>Frontier</h2>
{_table(best, objectives, False)}
<h2>All trained trials{" and references" if n_trained < len(points) else ""}</h2>
{_table(points, objectives, True)}
<h2>How the scores were made</h2>
{_HOW_SCORED.format(**(_OF_TAKES if is_personal else _OF_SPEAKERS))}
<script>{_SCRIPT}</script>"""
    return document(title, _STYLE, _POLICY, body)


def _inline(svg: bytes) -> str:
    """The element alone, without what only a file of its own has."""
    text = svg.decode("utf-8")
    return text[text.index("<svg") :]


def _limits(limits: Sequence[Limit]) -> str:
    if not limits:
        return "<p>None.</p>"
    items = []
    for limit in limits:
        what, bound = number_of(limit.key), "at least" if limit.is_minimum else "at most"
        items.append(f"<li>{escape(f'{what.title}: {bound} {what.exact(limit.bound)}')}</li>")
    return f"<ul>{''.join(items)}</ul>"


def _table(points: Sequence[Point], objectives: Sequence[Objective], with_kind: bool) -> str:
    if not points:
        return "<p>None.</p>"
    columns = known_columns(_KEYS, objectives, [point.row for point in points])
    params = list(dict.fromkeys(key for point in points for key in point.params))
    heads = [_head("trial", "text"), *([_head("kind", "text")] if with_kind else [])]
    heads += [_head(_heading(one)) for one in columns]
    heads += [_head(key, "text") for key in params]
    shown = "".join(heads)
    rows = "\n".join(_row(point, columns, params, with_kind) for point in points)
    return (
        f'<div class="wide"><table>\n<thead><tr>{shown}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _head(text: str, kind: str = "") -> str:
    return f'<th scope="col" class="{kind}"><button>{escape(text)}</button></th>'


def _heading(one: Column) -> str:
    return f"{one.number.title}, {one.unit}" if one.unit else one.number.title


def _row(point: Point, columns: Sequence[Column], params: Sequence[str], with_kind: bool) -> str:
    label = point.label
    cells = [_cell(label, label, "text label")]
    if with_kind:
        why = ", ".join(map(str, point.violations))
        kind = ": ".join(filter(None, (_KINDS[point.kind], why)))
        kind = why if is_guess(point.violations) else kind
        cells.append(_cell(kind, kind, "text kind"))
    cells += [_number(point, one) for one in columns]
    for key in params:
        value = point.params.get(key)
        text = "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
        cells.append(_cell(text, "" if value is None else str(value)))
    return f'<tr class="{point.kind}">{"".join(cells)}</tr>'


def _number(point: Point, one: Column) -> str:
    value = one.value(point.row)
    extra = ""
    is_score = one.key in (ACCURACY, *STREAM_SCORES)
    if is_score and (bounds := interval_of(point.row, one.key)):
        told = one.number.ends(bounds) + (", 1 speaker" if is_of_one_speaker(point.row) else "")
        extra = f'<br><span class="interval">{told}</span>'
    if value is None:
        return '<td data-sort="">unknown</td>'
    return f'<td data-sort="{value!r}">{escape(one.text(point.row))}{extra}</td>'


def _cell(text: str, sort: str, kind: str = "text") -> str:
    return f'<td class="{kind}" data-sort="{escape(sort)}">{escape(text)}</td>'


def _aims(objectives: Sequence[Objective]) -> str:
    words = (f"{'high' if o.maximize else 'low'} {number_of(o.key).title}" for o in objectives)
    return escape(", ".join(words))
