"""What an import found in recordings in, a page on which each clip can be heard out.

The page lies in the folder of the clips and loads nothing but these and the recordings: it works
from a disk, without a network. Every text that comes from a file or a user is escaped.
"""

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sprd.report.document import document
from sprd.sweep.rows.counts import counted

_POLICY = "media-src 'self' file:"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --found: #2a7d4f; --doubt: #b8860b;
  --drop: #999 }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1280px; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: anywhere }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .2rem }
p { margin: .3rem 0 } small { color: #888 }
.strip { position: relative; height: 20px; background: #8882; border-radius: 3px; margin: .5rem 0;
  overflow: hidden }
.strip i { position: absolute; top: 0; bottom: 0; min-width: 2px; background: var(--found) }
.strip i.doubtful { background: var(--doubt) } .strip i.dropped { background: var(--drop);
  top: 60% }
ul { list-style: none; padding: 0; margin: .5rem 0; display: grid; gap: .3rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)) }
li { border-left: 3px solid var(--found); padding: .15rem .5rem; background: #8881 }
li.doubtful { border-color: var(--doubt) } li.dropped { border-color: var(--drop) }
li b { font-weight: 600 } li small { display: block }
audio { width: 100%; height: 32px; display: block; margin: .2rem 0 }
"""


def import_page(folder: Path, sources: Sequence[Mapping[str, Any]]) -> str:
    """Returns the page of a folder of clips.

    Args:
        folder: Where the page will lie, and the clips in it.
        sources: The recordings, as in `import.json`.
    """
    clips = [clip for source in sources for clip in source["clips"]]
    n_doubtful = sum(bool(clip["doubts"]) for clip in clips)
    n_dropped = sum(len(source["dropped"]) for source in sources)
    title = f"Imported into {_printable(folder.name or str(folder))}"
    parts = "\n".join(_source(folder, source) for source in sources)
    body = f"""\
<p>{counted(len(clips), "clip")} of {counted(len(sources), "recording")}: {n_doubtful:,} doubtful,
{n_dropped:,} more dropped. Delete the file of a clip that is wrong: it does not come back. What was
dropped is played from the recording, if the browser knows its format.</p>
{parts}"""
    return document(title, _STYLE, _POLICY, body)


def _source(folder: Path, source: Mapping[str, Any]) -> str:
    """One recording: what it is, where in it clips lie, and each clip."""
    path = Path(source["file"])
    clips = [("doubtful" if clip["doubts"] else "found", clip) for clip in source["clips"]]
    dropped = [("dropped", one) for one in source["dropped"]]
    duration_s = source["duration_s"]
    marks = "".join(_mark(kind, one, duration_s) for kind, one in clips + dropped)
    found = sorted(clips + dropped, key=lambda pair: pair[1]["start_s"])
    words = sorted({clip["clip"].partition("/")[0] for _, clip in clips})
    told = ", ".join([*words, source["speaker"], _time(duration_s)])
    link = _address(folder, path)
    items = "\n".join(_item(kind, one, link) for kind, one in found)
    return f"""<h2>{escape(_printable(path.name))}</h2>
<p><small>{escape(_printable(told))}; {len(clips):,} found, of these
{sum(kind == "doubtful" for kind, _ in clips):,} doubtful; {len(dropped):,} dropped<br>
{escape(_printable(str(path.parent)))}</small></p>
<div class="strip">{marks}</div>
<ul>
{items}
</ul>"""


def _mark(kind: str, one: Mapping[str, Any], duration_s: float) -> str:
    left, right = (100 * one[key] / max(duration_s, 1e-3) for key in ("start_s", "end_s"))
    return f'<i class="{kind}" style="left:{left:.3f}%;width:{max(0.0, right - left):.3f}%"></i>'


def _item(kind: str, one: Mapping[str, Any], recording: str) -> str:
    """A clip, or what was dropped: its time, what is doubtful about it, and a player."""
    times = f"{_time(one['start_s'])} .. {_time(one['end_s'])}"
    if kind == "dropped":
        address = f"{recording}#t={one['start_s']:.2f},{one['end_s']:.2f}"
        name, reasons = "dropped", one["reason"]
    else:
        address, name, reasons = quote(one["clip"]), one["clip"], ", ".join(one["doubts"])
    why = f"; {kind}: {reasons}" if kind == "doubtful" else f"; {reasons}" if reasons else ""
    return (
        f'<li class="{kind}">{escape(_printable(name))}'
        f"<small>{times}{escape(_printable(why))}</small>"
        f'<audio controls preload="none" src="{escape(address)}"></audio></li>'
    )


def _address(folder: Path, path: Path) -> str:
    """Returns where a recording lies, seen from the page."""
    return quote(os.fsencode(os.path.relpath(path, folder.absolute())))


def _time(seconds: float) -> str:
    """Words a time: minutes and seconds."""
    return f"{int(seconds // 60)}:{seconds % 60:05.2f}"


def _printable(text: str) -> str:
    """Returns a text that can be written in UTF-8, whatever bytes a file name holds."""
    return text.encode("utf-8", "replace").decode("utf-8")
