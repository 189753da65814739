"""Clips that a model confused in, one HTML page out, on which each of them can be heard.

It gets plain texts and addresses of sounds, reads no audio, and escapes whatever it is given: the
names of files and folders are anybody's.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sprd.report.document import document

MOST_CLIPS = 1000
"""A page holds no more; a table has them all."""

_POLICY = "media-src data: file:"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --pale: #8881 }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1280px; margin: 1.5rem auto;
  padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
h2 small, .of { color: #888; font-weight: 400 }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)) }
li { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .75rem; min-width: 0 }
audio { display: block; width: 100%; height: 2.4rem; margin: .4rem 0 }
p { margin: .25rem 0 } .of { font-size: 13px }
"""


@dataclass(frozen=True)
class ConfusedClip:
    """One clip that was heard as another label than its own.

    `confidence` is the probability of `heard`, `missed` that of `truth`; `sound` is the address of
    its audio, a data URI or that of a file.
    """

    name: str
    word: str
    truth: str
    heard: str
    confidence: float
    missed: float
    speaker: str
    split: str
    sound: str


def most_confident(clips: Sequence[ConfusedClip]) -> list[ConfusedClip]:
    """Returns the clips in the order of a page: the surest mistake first."""
    return sorted(clips, key=lambda clip: -clip.confidence)


def confused_page(title: str, clips: Sequence[ConfusedClip], n_confused: int, n_clips: int) -> str:
    """Returns a page with a player a clip, grouped by what was heard.

    Args:
        title: What was scored on what.
        clips: At most `MOST_CLIPS`.
        n_confused: How many there are, those that are not shown included.
        n_clips: How many were scored.
    """
    shown = most_confident(clips)
    groups = dict.fromkeys(clip.heard for clip in shown)
    body = "\n".join(_group(label, [c for c in shown if c.heard == label]) for label in groups)
    rest = n_confused - len(shown)
    more = f" The {len(shown):,} surest mistakes are here, {rest:,} are not." if rest else ""
    told = f"{n_confused:,} of {n_clips:,} clips were heard as another label than their own.{more}"
    return document(title, _STYLE, _POLICY, f"<p>{told}</p>\n{body}")


def _group(heard: str, clips: Sequence[ConfusedClip]) -> str:
    counts = Counter(clip.truth for clip in clips).most_common()
    truths = ", ".join(f"{n:,} {escape(truth)}" for truth, n in counts)
    items = "\n".join(map(_item, clips))
    title = f"heard as {escape(heard)} <small>{truths}</small>"
    return f"<section>\n<h2>{title}</h2>\n<ol>\n{items}\n</ol>\n</section>"


def _item(clip: ConfusedClip) -> str:
    word = "" if clip.word == clip.truth else f", the word {escape(clip.word)}"
    origin = ", ".join(filter(None, (clip.speaker, clip.split)))
    return (
        f"<li><b>{escape(clip.truth)}</b>{word}"
        f'<audio controls preload="none" src="{escape(clip.sound)}"></audio>'
        f"<p>{escape(clip.heard)} {clip.confidence:.3f}, {escape(clip.truth)} {clip.missed:.3f}</p>"
        f'<p class="of">{escape(clip.name)}{"<br>" if origin else ""}{escape(origin)}</p></li>'
    )
