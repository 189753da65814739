"""A small example of what a model heard in streams, for those that tell of it."""

from typing import Any

import numpy as np

from sprd.audio.streams import Piece, Stream
from sprd.bundle.stream_table import Fooled, fooled_by, stream_table
from sprd.listening.matching import HeardStream, match
from sprd.listening.recognizers import Recognizer, detections
from tests.listening.heard import KEYWORDS, heard, said, stream

LABELS = ("_silence_", "_unknown_", *KEYWORDS)
RULES = Recognizer("recognize_commands", 400, (150, 150), 1500, 1, 40)
N_SPEAKERS = 12
TRANSCRIPTS = {"books/1-2-0003.ogg": "HE HELD <b>IT</b> UPSIDE"}


def keywords(snr_db: float | None, height: float) -> HeardStream:
    """Two words of each of a dozen speakers, 6 s apart; the last speaker is never heard."""
    words = [
        said(word, 6.0 * (2 * speaker + number) + 2, f"speaker{speaker:02}")
        for speaker in range(N_SPEAKERS)
        for number, word in enumerate(KEYWORDS)
    ]
    pieces = [Piece(w.key, w.speaker, w.onset_s - 0.2, w.end_s + 0.3) for w in words]
    bumps = [(w.end_s, w.word, height) for w in words[:-2]]
    bumps[3] = (words[3].end_s, "up", height)  # "down" heard as "up"
    seconds = 12.0 * N_SPEAKERS + 4
    return heard(stream("keywords", seconds, words, pieces, snr_db), bumps)


def example() -> list[HeardStream]:
    """Keywords in quiet and at 10 dB, an hour and a half of two readers, words, noise."""
    books = [
        Piece("books/1-2-0003.ogg", "reader1", 0.0, 2700.0),
        Piece("books/9-9-0001.ogg", "reader9", 2700.3, 5400.0, offset_s=60.0),
    ]
    clips = [Piece(f"cat/ann_nohash_{n}.wav", "ann", 3.0 * n, 3.0 * n + 1) for n in range(200)]
    speech = heard(stream("speech", 5400, (), books), [(100.0, "up", 230), (3000.0, "up", 180)])
    return [
        keywords(None, 240),
        keywords(10.0, 200),
        speech,
        heard(stream("words", 600, (), clips), [(33.5, "down", 220), (93.4, "down", 210)]),
        heard(stream("noise", 360), []),
    ]


def table(streams: list[HeardStream]) -> tuple[dict[str, Any], tuple[Fooled, ...]]:
    """What is told of streams, and what fooled the model."""
    found = [detections(one.scores, one.times_ms, RULES) for one in streams]
    matched = [
        (one.stream, match(one.stream.said, each, KEYWORDS, one.stream.pieces))
        for one, each in zip(streams, found, strict=True)
    ]
    fooled = fooled_by(matched, found, LABELS, TRANSCRIPTS)
    return stream_table(streams, matched, RULES, KEYWORDS, fooled), fooled


def told(streams: list[HeardStream] | None = None) -> dict[str, Any]:
    """What `sprd stream --json` tells of them."""
    what = {
        "model": "runs/kitchen/bundle",
        "data": ["clips"],
        "speech": ["books"],
        "split": "test",
        "n_seeds": 1,
        "is_exact": False,
        "keywords": list(KEYWORDS),
        "recognizer": vars(RULES),
        "fit": None,
    }
    return {**what, **table(example() if streams is None else streams)[0]}


def audible(one: Stream) -> Stream:
    """A stream with a ramp in place of silence."""
    from dataclasses import replace

    return replace(one, samples=np.arange(len(one.samples), dtype=np.int16))
