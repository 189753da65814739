"""An index in; what of its sounds is not heard, or not as it should be, out.

Levels, lengths and likeness come from the index; what lies where no window is, and how high the
sound goes, from some clips that are decoded here.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sprd.audio.clips import decode
from sprd.audio.finding import Finding
from sprd.audio.folders import is_noise
from sprd.audio.misplaced import IMPORT, count
from sprd.audio.sound import SHORT_S, SILENT_DBFS, TOLERANCE_S, Sound, dbfs
from sprd.audio.split import Clip
from sprd.config.labels import BACKGROUND_NOISE_FOLDER
from sprd.config.trial import FeaturesSection
from sprd.errors import DataError

N_LISTENED = 200
MAX_LISTENED_S = 3600.0
"""Clips longer than the window that are decoded, and their length in all."""

N_SPECTRA = 60
"""Clips that are looked at for where their sound ends."""

_VOICE_HZ = 100.0
_LOUD_POWER = 1e4
"""As loud, against the rounding to 16 bits, must a clip be below a band that is called empty."""

SPOILS = 0.25
"""Share of a word's clips from which on it is not that word which is learnt."""

QUIETER_DB, NOISE_BELOW_DB = 12.0, 20.0
QUIET_DBFS = -40.0
CLIPPED_SHARE = 0.1
_TELLING_PEAK = 1000
"""Below, peak and energy are too small numbers to tell one recording from another."""

_HOP_S = 0.02
_ACTIVE = 0.01
"""Of the loudest moment's power: what is still speech, unless the room is nearly as loud."""


class Heard(NamedTuple):
    """A clip, what it sounds like, and the SHA-256 of its file."""

    clip: Clip
    sound: Sound
    sha256: str


def of_lengths(heard: Sequence[Heard], window_s: float, keywords: Sequence[str]) -> list[Finding]:
    """Clips that are longer than what is heard at once, and those too short for a word.

    Those of a keyword that hold mostly something else stop; of any word where none is known.
    """
    found = []
    lengths = {(one.sound.n_samples, one.sound.rate_hz) for one in heard}  # many are the same
    seconds = [n_samples / rate_hz for n_samples, rate_hz in lengths]
    if max(seconds, default=0.0) > window_s + TOLERANCE_S:
        longer = [one for one in heard if one.sound.seconds > window_s + TOLERANCE_S]
        found.append(_of_longer(longer, heard, window_s, keywords))
    if min(seconds, default=SHORT_S) < SHORT_S:
        short = [one for one in heard if one.sound.seconds < SHORT_S]
        what = f"{len(short):,} of {len(heard):,} clips are shorter than {SHORT_S:g} s"
        found.append(Finding("short", what, "No word is: remove them", _keys(short)))
    return found


def _of_longer(
    longer: Sequence[Heard], heard: Sequence[Heard], window_s: float, keywords: Sequence[str]
) -> Finding:
    looked = _evenly(sorted(longer, key=lambda one: (one.clip.word, one.clip.key)), N_LISTENED)
    looked = _at_most(looked, MAX_LISTENED_S)
    outside = [one for one, is_out in zip(looked, _listen(looked, window_s), strict=True) if is_out]
    longest = max(one.sound.seconds for one in longer)
    what = (
        f"{len(longer):,} of {len(heard):,} clips are longer than the {window_s:g} s that"
        f" are heard (up to {longest:,.2f} s): only the start is used, the rest is cut off. In"
        f" {len(outside):,} of {len(looked):,} that were listened to, most of the sound lies beyond"
    )
    advice = f"Cut them into clips: {IMPORT}"
    if outside:
        advice += ", or raise features.clip_duration_ms"
    stops = _are_spoiled(longer, looked, outside, heard, keywords)
    return Finding("longer", what, advice, _keys(outside or longer), stops)


def _are_spoiled(
    longer: Sequence[Heard],
    looked: Sequence[Heard],
    outside: Sequence[Heard],
    heard: Sequence[Heard],
    keywords: Sequence[str],
) -> bool:
    """Whether of a word's clips, reckoned from those looked at, too many hold something else."""
    n_heard, n_longer, n_looked, n_out = (
        _by_word(group) for group in (heard, longer, looked, outside)
    )
    return any(
        n_longer[word] * n_out[word] / n_looked[word] >= SPOILS * n_heard[word]
        for word in n_out
        if not keywords or word in keywords
    )


def _by_word(heard: Sequence[Heard]) -> Mapping[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for one in heard:
        counts[one.clip.word] += 1
    return counts


def _listen(looked: Sequence[Heard], window_s: float) -> list[bool]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda one: lies_outside(one, window_s), looked))


def lies_outside(heard: Heard, window_s: float) -> bool:
    """Whether the loudest moment of a clip, or most of its speech, comes after the window."""
    try:
        samples, rate_hz = decode(heard.clip.path)
    except DataError:
        return False
    hop = max(1, int(rate_hz * _HOP_S))
    n_hops = len(samples) // hop
    if n_hops < 2 or heard.sound.is_silent:
        return False
    wave = samples[: n_hops * hop] - np.float32(samples.mean())
    power = np.square(wave.reshape(n_hops, hop), dtype=np.float32).mean(axis=1)
    power = np.convolve(power, np.full(5, 0.2, np.float32), "same")
    times = (np.arange(n_hops) + 0.5) * hop / rate_hz
    room = float(np.quantile(power, 0.1))
    is_active = power > max(power.max() * _ACTIVE, np.sqrt(power.max() * room))
    is_out = times > window_s
    return bool(is_out[power.argmax()] or is_out[is_active].mean() > 0.5)


def of_silence(heard: Sequence[Heard], keywords: Sequence[str]) -> list[Finding]:
    """Clips in which nothing is to be heard; a keyword of them alone stops, or all of them."""
    silent = [one for one in heard if one.sound.is_silent]
    if not silent:
        return []
    all_of, n_silent = _by_word(heard), _by_word(silent)
    mute = sorted(word for word, n in n_silent.items() if n >= 0.9 * all_of[word])
    what = f"{len(silent):,} of {len(heard):,} clips are silent (below {SILENT_DBFS:g} dBFS)"
    if mute:
        what += f", nearly all of {', '.join(map(repr, mute[:5]))}"
    advice = "Remove them, or record them again"
    stops = any(not keywords or word in keywords for word in mute) or len(silent) == len(heard)
    return [Finding("silent", what, advice, _keys(silent), stops)]


def of_likeness(heard: Sequence[Heard]) -> list[Finding]:
    """Clips with the same sound, whatever their files; silent ones are told as such."""
    groups = _groups_alike([one for one in heard if not one.sound.is_silent])
    if not groups:
        return []
    copies = [one for group in groups for one in group[1:]]
    what = f"{len(copies):,} of {len(heard):,} clips have the same sound as another"
    if n := sum(len({one.clip.word for one in group}) > 1 for group in groups):
        what += f", {count(n, 'time')} under another word"
    elif n := sum(len({one.clip.split for one in group}) > 1 for group in groups):
        what += f", {count(n, 'time')} in another split"
    advice = "Copies are learnt twice, and scored as if they were new: remove them"
    return [Finding("copies", what, advice, _keys(groups[0]))]


def _groups_alike(heard: Sequence[Heard]) -> list[list[Heard]]:
    by_sound: dict[tuple[object, ...], list[Heard]] = defaultdict(list)
    energies = Counter(one.sound.energy for one in heard)
    for one in heard:
        if energies[one.sound.energy] > 1:
            sound = one.sound
            of_file = "" if sound.peak >= _TELLING_PEAK else one.sha256
            key = (sound.rate_hz, sound.n_samples, sound.peak, sound.energy, of_file)
            by_sound[key].append(one)
    return [group for group in by_sound.values() if len(group) > 1]


def of_levels(
    heard: Sequence[Heard], noise: Mapping[str, Sound], is_synthetic: bool
) -> list[Finding]:
    """Words much quieter than the others, noise far below speech, clips at full scale."""
    audible = [one for one in heard if not one.sound.is_silent]
    peaks: dict[str, list[int]] = defaultdict(list)
    for one in audible:
        peaks[one.clip.word].append(one.sound.peak)
    levels = {word: dbfs(float(np.median(of_word))) for word, of_word in peaks.items()}
    found = []
    quieter = {
        word: below
        for word, level in levels.items()
        if len(levels) > 1
        and not is_noise(word)
        and (below := float(np.median([levels[o] for o in levels if o != word])) - level)
        >= QUIETER_DB
    }
    if quieter:
        told = ", ".join(f"{word!r} by {below:.0f} dB" for word, below in sorted(quieter.items()))
        what = f"quieter than the other words: {told}"
        found.append(Finding("quiet", what, "The level is learnt in place of the word: level them"))
    middle_db = float(np.median(list(levels.values()))) if levels else 0.0
    if middle_db < QUIET_DBFS:
        what = f"all words are quiet: half of them peak at {middle_db:.0f} dBFS or below"
        found.append(Finding("quiet", what, "Record nearer to the microphone, or level them"))
    if noise or (heard and not is_synthetic):
        found += _of_noise(audible, noise)
    clipped = [one for one in audible if one.sound.is_clipped]
    if len(clipped) > CLIPPED_SHARE * len(heard):
        what = f"{len(clipped):,} of {len(heard):,} clips are clipped"
        advice = "Record them less loud, or bring samples of floats to -1 .. 1"
        found.append(Finding("clipped", what, advice, _keys(clipped)))
    return found


def _of_noise(audible: Sequence[Heard], noise: Mapping[str, Sound]) -> list[Finding]:
    if not noise:
        advice = f"Noise is made: your own would be better. Put it into {BACKGROUND_NOISE_FOLDER}"
        return [Finding("no_noise", "no recording of noise", advice)]
    if not audible:
        return []
    power = np.median([one.sound.energy / one.sound.n_samples for one in audible])
    speech_db = dbfs(float(power) ** 0.5)
    levels = {key: sound.rms_dbfs for key, sound in noise.items()}
    low = [key for key in sorted(levels, key=levels.__getitem__)
           if speech_db - levels[key] >= NOISE_BELOW_DB]  # fmt: skip
    if not low:
        return []
    first, last = (f"{levels[key]:.0f}" for key in (low[0], low[-1]))
    what = (
        f"{len(low):,} of {len(noise):,} recordings of noise lie{'' if low[1:] else 's'}"
        f" {NOISE_BELOW_DB:g} dB or"
        f" more below speech: at {first if first == last else f'{first} .. {last}'} dBFS (RMS),"
        f" speech at {speech_db:.0f}"
    )
    advice = (
        f"Mixed in by volume, they are hardly heard: bring louder ones into"
        f" {BACKGROUND_NOISE_FOLDER}, or mix at a ratio with augment.snr_low_db and snr_high_db"
    )
    return [Finding("noise_level", what, advice, tuple(low))]


def of_rates(heard: Sequence[Heard], features: FeaturesSection) -> list[Finding]:
    """Clips without a sound where the front end has channels, by rate or by spectrum."""
    top_hz = features.upper_band_limit_hz
    rates = sorted(rate for rate in {one.sound.rate_hz for one in heard} if rate < 2 * top_hz)
    if rates:
        low = [one for one in heard if one.sound.rate_hz in rates]
        told = ", ".join(f"{rate:,} Hz" for rate in rates[:3])
        what = (
            f"{len(low):,} of {len(heard):,} clips were recorded at {told}: nothing lies"
            f" above {rates[-1] / 2:,.0f} Hz, and the front end listens up to {top_hz:,.0f} Hz"
        )
        advice = "Record at 16,000 Hz or more, or lower features.upper_band_limit_hz"
        return [Finding("rate", what, advice, _keys(low))]
    loud = _evenly([one for one in heard if one.sound.peak > 300], N_SPECTRA)
    empty = {one: _is_empty_above(one, 0.6 * top_hz, top_hz) for one in loud}
    looked = [one for one in loud if empty[one] is not None]
    dull = [one for one in looked if empty[one]]
    if len(dull) * 2 < len(looked) or not dull:
        return []
    what = (
        f"nothing lies above {0.6 * top_hz:,.0f} Hz in {len(dull):,} of {len(looked):,} clips that"
        f" were listened to, and the front end listens up to {top_hz:,.0f} Hz"
    )
    advice = "They were recorded at a low rate: record anew, or lower features.upper_band_limit_hz"
    return [Finding("rate", what, advice, _keys(dull))]


def _is_empty_above(heard: Heard, low_hz: float, high_hz: float) -> bool | None:
    """Whether a band holds no more than the rounding to 16 bits leaves there.

    None where the clip is too quiet below the band to tell: what is softer there would be rounded
    away.
    """
    try:
        samples, rate_hz = decode(heard.clip.path)
    except DataError:
        return None
    samples = _loudest(samples, rate_hz)
    if len(samples) < rate_hz // 10:
        return None
    power = _spectrum(samples)
    hz = np.arange(len(power)) * rate_hz / 2 / len(power)
    below, band = power[(hz >= _VOICE_HZ) & (hz < low_hz)], power[(hz >= low_hz) & (hz < high_hz)]
    if not len(band) or not len(below) or below.mean() < _LOUD_POWER:
        return None
    return bool(band.mean() < 1.0)


def _loudest(samples: NDArray[np.int16], rate_hz: int) -> NDArray[np.int16]:
    """Returns the second that holds most of the sound."""
    if len(samples) <= rate_hz:
        return samples
    total = np.concatenate(([0.0], np.cumsum(samples.astype(np.float64) ** 2)))
    start = int(np.argmax(total[rate_hz:] - total[:-rate_hz]))
    return samples[start : start + rate_hz]


def _spectrum(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Returns the power of each frequency, such that white noise of variance 1 gives 1."""
    window = np.hanning(len(samples))
    power = np.abs(np.fft.rfft(samples * window)) ** 2 / np.square(window).sum()
    return np.asarray(power, np.float64)


def _evenly(heard: Sequence[Heard], n: int) -> list[Heard]:
    """Chooses some from all of a sequence."""
    if len(heard) <= n:
        return list(heard)
    return [heard[i] for i in np.linspace(0, len(heard) - 1, n).astype(int)]


def _at_most(heard: Sequence[Heard], seconds: float) -> list[Heard]:
    """Keeps some of a sequence, evenly, whose length is bounded; one at least."""
    total = sum(one.sound.seconds for one in heard)
    return _evenly(heard, max(1, int(len(heard) * min(1.0, seconds / max(total, 1e-9)))))


def _keys(heard: Sequence[Heard]) -> tuple[str, ...]:
    return tuple(one.clip.key for one in heard)
