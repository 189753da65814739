"""How well does `sprd data import` cut recordings of many words? On recordings made from clips.

    python benchmarks/import_recordings.py --data DIR [--speakers development|test|others]
        [--people OUT]

Each recording has 30 words of one list, said by several people, in one of five rooms: words lie
1 to 4 s apart (from the end of one to the start of the next), 30, 20 or 10 dB above the room (mean
power of a word's stretch between 150 Hz and 7 kHz, against that of the room's whole recording), at
-20, -30 or -40 dBFS; 44.1 and 48 kHz, mono and stereo. `test` takes speakers and rooms that were
not looked at while the cutting was built; `others`, people of `speech_commands_more` and rooms that
were not looked at either when it was mended after that. `--people OUT` makes nothing but a new
user's files: two words by four people as eight m4a files (AAC, 48 kHz, stereo), six takes each.

The rule: a source clip takes part if it has at least 0.4 s, its loudest 30 ms lie at least 15 dB
above its own noise (the tenth quietest of a hundred parts of 10 ms; all between 150 Hz and 7 kHz),
and its word's stretch has 0.1 to 0.9 s. How many it leaves out, and why, is printed; it may be 5 %.
(Before the first run it was written as 0.95 s, 20 dB and 0.9 s; README.md tells what changed.)

A word's stretch is the sound around the loudest moment, up to pauses of more than 0.25 s (30 dB
below that moment), less 0.5 % of its energy above the clip's noise at each end: a click or breath
that stands apart is no part of the word. A word is found if a written clip begins at most 20 ms
after its stretch does and ends at most 20 ms before it. A clip without a word is one that holds the
middle of none.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sprd.audio.split import Split, speaker_of, split_of
from sprd.config.trial import DataSection

Wave = NDArray[np.float64]

RATE_HZ = 16_000
BAND_HZ = (150, 7_000)
MIN_CLIP_S, MIN_ABOVE_NOISE_DB = 0.4, 15.0
STRETCH_S = (0.1, 0.9)
PAUSE_S, PAUSE_DB = 0.25, -30.0
OUTSIDE = 0.005
"""Share of a word's energy that its stretch leaves out at each end."""

N_WORDS = 30
SNRS_DB, LEVELS_DBFS = (30, 20, 10), (-20, -30, -40)
ROOMS = {
    "development": (
        "cafe-m",
        "ceiling-fan-m",
        "busy-street-m",
        "washing-machine-m",
        "light-rain-m",
    ),
    "test": ("restaurant-m", "laundry-room-m", "highway-m", "supermarket-m", "inside-a-train-m"),
    "others": ("coffee-shop-b", "airplane-m", "rain-on-window-m", "car-engine-i", "crowd-m"),
}
"""Babble, hum, traffic, a machine and a shop, water or a train."""

MORE_SPOKEN = ("up", "down", "left", "right", "go", "one", "five", "eight", "zero")
SPOKEN = ("up", "down", "yes", "no", "left", "right", "on", "off", "stop", "go", "eight", "six")
TOLERANCE_S = 0.02


@dataclass(frozen=True)
class Source:
    """A clip that takes part: its sound, and from which sample to which its word lies."""

    word: str
    speaker: str
    wave: Wave
    start: int
    end: int


@dataclass(frozen=True)
class Recording:
    """A recording that was made, and where its words lie, in seconds."""

    path: Path
    room: str
    snr_db: int
    truth: tuple[tuple[float, float], ...]


def main() -> None:
    """Prints the words found and the clips without a word, by room and by noise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="shared/data")
    parser.add_argument("--speakers", choices=tuple(ROOMS), default="development")
    parser.add_argument("--people", type=Path, metavar="OUT", help="make eight m4a files there")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sources = sources_of(args.data, args.speakers)
    if args.people:
        make_people(sources, args.people, args.seed)
        return
    with tempfile.TemporaryDirectory() as folder:
        rooms = args.data / "room_noise" / "_background_noise_"
        made = list(make_recordings(sources, rooms, args.speakers, Path(folder), args.seed))
        measure(made, Path(folder) / "imported")


def sources_of(folder: Path, speakers: str) -> list[Source]:
    """Returns the clips that take part, of training and validation speakers or of test speakers."""
    data = DataSection(keywords=("up", "down"))
    is_more = speakers == "others"
    words, corpus = (SPOKEN, "speech_commands"), (MORE_SPOKEN, "speech_commands_more")
    spoken, name = corpus if is_more else words
    paths = [path for word in spoken for path in sorted((folder / name / word).glob("*_nohash_*"))]
    taken, n_seen = [], 0
    left_out: Counter[str] = Counter()
    for path in paths:
        speaker = speaker_of(path.name)
        is_test = split_of(speaker, data) == Split.TESTING
        if not is_more and is_test != (speakers == "test"):
            continue
        n_seen += 1
        samples, rate_hz = soundfile.read(path, dtype="float64")
        if rate_hz != RATE_HZ:
            raise SystemExit(f"{path}: must have {RATE_HZ} Hz, got {rate_hz}")
        stretch = stretch_of(samples)
        if isinstance(stretch, str):
            left_out[stretch] += 1
            continue
        taken.append(Source(path.parent.name, speaker, samples, *stretch))
    reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(left_out.items()))
    share = left_out.total() / n_seen
    print(f"{n_seen:,} source clips, left out by the rule: {share:.1%} ({reasons})", flush=True)
    return taken


def stretch_of(samples: Wave) -> tuple[int, int] | str:
    """Returns from where to where the word of a clip lies; or why the rule leaves the clip out."""
    if len(samples) < MIN_CLIP_S * RATE_HZ:
        return "short"
    step = RATE_HZ // 100
    band = in_band(samples)
    power = np.square(band[: len(band) // step * step]).reshape(-1, step).mean(axis=1)
    noise = float(np.quantile(power, 0.1))
    loudest = float(np.convolve(power, np.ones(3) / 3, "valid").max())
    if not loudest > 10 ** (MIN_ABOVE_NOISE_DB / 10) * noise:
        return "noisy"
    above = np.maximum(power - 2 * noise, 0)
    loud = np.flatnonzero(above > above.max() * 10 ** (PAUSE_DB / 10))
    parts = np.split(loud, np.flatnonzero(np.diff(loud) > PAUSE_S * 100) + 1)
    word = next(part for part in parts if part[0] <= above.argmax() <= part[-1])
    sums = np.cumsum(above[word[0] : word[-1] + 1])
    ends = np.array([OUTSIDE, 1 - OUTSIDE]) * sums[-1]
    first, last = (int(word[0] + n) for n in np.searchsorted(sums, ends))
    start, end = first * step, (last + 1) * step
    if not STRETCH_S[0] <= (end - start) / RATE_HZ <= STRETCH_S[1]:
        return (
            "its word too short" if (end - start) / RATE_HZ < STRETCH_S[0] else "its word too long"
        )
    return start, end


def in_band(samples: Wave) -> Wave:
    """Returns what is heard of speech."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    spectrum[(hertz < BAND_HZ[0]) | (hertz > BAND_HZ[1])] = 0
    return np.fft.irfft(spectrum, len(samples))


def make_recordings(
    sources: Sequence[Source], rooms: Path, speakers: str, folder: Path, seed: int
) -> Iterator[Recording]:
    """Makes a recording for each room, noise and level; rates and channels take turns."""
    rng = np.random.default_rng(seed)
    kinds = [(48_000, 2), (44_100, 1), (48_000, 1), (44_100, 2)]
    number = 0
    for name in ROOMS[speakers]:
        room, rate_hz = soundfile.read(rooms / f"{name}.ogg", dtype="float64", always_2d=True)
        noise = soxr.resample(room.mean(axis=1), rate_hz, RATE_HZ)
        for snr_db in SNRS_DB:
            for level_dbfs in LEVELS_DBFS:
                said = [sources[i] for i in rng.choice(len(sources), N_WORDS, replace=False)]
                wave, truth = laid_out(said, level_dbfs, rng)
                wave += in_room(noise, len(wave), level_dbfs - snr_db, rng)
                path = folder / f"{name}_{snr_db}dB_{number}.wav"
                write(path, wave, *kinds[number % len(kinds)])
                number += 1
                yield Recording(path, name, snr_db, truth)


def laid_out(
    said: Sequence[Source], level_dbfs: float, rng: np.random.Generator
) -> tuple[Wave, tuple[tuple[float, float], ...]]:
    """Puts words one after another, 1 to 4 s apart, each at the level."""
    at, starts = RATE_HZ * 2, []
    for one in said:
        starts.append(at)
        at += one.end - one.start + int(rng.uniform(1, 4) * RATE_HZ)
    wave = np.zeros(at + RATE_HZ)
    ramp = np.minimum(1, np.arange(RATE_HZ) / (RATE_HZ // 100))
    for one, start in zip(said, starts, strict=True):
        n = len(one.wave)
        soft = one.wave * ramp[:n] * ramp[:n][::-1]
        rms = np.sqrt(np.square(in_band(one.wave)[one.start : one.end]).mean())
        wave[start - one.start : start - one.start + n] += soft * 10 ** (level_dbfs / 20) / rms
    ends = [start + one.end - one.start for one, start in zip(said, starts, strict=True)]
    return wave, tuple((s / RATE_HZ, e / RATE_HZ) for s, e in zip(starts, ends, strict=True))


def in_room(noise: Wave, n_samples: int, level_dbfs: float, rng: np.random.Generator) -> Wave:
    """Returns a room from anywhere in its recording on, again and again, at a level."""
    start = int(rng.integers(len(noise)))
    long = np.resize(np.roll(noise, -start), n_samples)
    loud: Wave = long * 10 ** (level_dbfs / 20) / np.sqrt(np.square(noise).mean())
    return loud


def write(path: Path, wave: Wave, rate_hz: int, n_channels: int) -> None:
    """Writes 16 bits; the second channel of two is a little quieter."""
    sound = soxr.resample(wave, RATE_HZ, rate_hz)
    gains = np.array([1.0, 0.8])[:n_channels]
    soundfile.write(path, np.clip(sound[:, None] * gains, -1, 1), rate_hz, subtype="PCM_16")


def measure(made: Sequence[Recording], out: Path) -> None:
    """Imports each recording and tells what was found of it."""
    hours = sum(soundfile.info(one.path).duration for one in made) / 3600
    print(f"{len(made)} recordings, {hours:.2f} h", flush=True)
    files = [str(one.path) for one in made]
    command = [sys.executable, "-m", "sprd", "data", "import", *files, "--word", "word"]
    began = time.monotonic()
    subprocess.run([*command, "--speaker", "somebody", "--out", str(out)], check=True)
    seconds = time.monotonic() - began
    print(f"{seconds:.0f} s, {seconds / hours:.0f} s for each hour")
    report = json.loads((out / "import.json").read_text(encoding="utf-8"))
    clips = {Path(source["file"]).name: source["clips"] for source in report["sources"]}
    for title, groups in (("noise", SNRS_DB), ("room", sorted({one.room for one in made}))):
        for group in groups:
            ones = [one for one in made if group in (one.snr_db, one.room)]
            show(f"{title} {group}", [(one, clips.get(one.path.name, [])) for one in ones])


def show(title: str, pairs: Sequence[tuple[Recording, list[dict[str, float]]]]) -> None:
    """Prints a line about some recordings and the clips of each."""
    n_words = n_found = n_clips = n_empty = 0
    for one, clips in pairs:
        windows = [(clip["start_s"], clip["end_s"]) for clip in clips]
        n_words, n_clips = n_words + len(one.truth), n_clips + len(windows)
        n_found += sum(
            any(a <= start + TOLERANCE_S and b >= end - TOLERANCE_S for a, b in windows)
            for start, end in one.truth
        )
        n_empty += sum(
            not any(a <= (start + end) / 2 <= b for start, end in one.truth) for a, b in windows
        )
    print(
        f"{title}: {n_found} of {n_words} words found ({n_found / n_words:.2%}),"
        f" {n_empty} of {n_clips} clips without a word ({n_empty / max(1, n_clips):.2%})"
    )


def make_people(sources: Sequence[Source], out: Path, seed: int) -> None:
    """Writes OUT/<word>/<name>.m4a: two words, four people, six takes of each."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(RATE_HZ * 60)
    for word in ("up", "down"):
        of_word = [one for one in sources if one.word == word]
        people = sorted({one.speaker for one in of_word})
        for name, speaker in zip(("anna", "ben", "cleo", "dan"), people, strict=False):
            own = [one for one in of_word if one.speaker == speaker]
            wave, _ = laid_out([own[i % len(own)] for i in range(6)], -25, rng)
            wave += in_room(noise, len(wave), -60, rng)
            path = out / word / f"{name}.m4a"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_m4a(path, wave)
    print(f"eight files in {out}")


def write_m4a(path: Path, wave: Wave) -> None:
    """Encodes AAC in an m4a file, 48 kHz stereo, as phones do; needs PyAV."""
    import av

    sound = soxr.resample(wave, RATE_HZ, 48_000).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([sound, sound]), "fltp", "stereo")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


if __name__ == "__main__":
    main()
