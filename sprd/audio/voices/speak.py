"""Words in, spoken sound out: the child process that loads espeak-ng, and nothing else does.

`python -m sprd.audio.voices.speak` reads a JSON list of jobs on stdin and answers each, in order,
with the number of bytes (4, little-endian) and that many bytes of 22,050 Hz mono int16 on stdout.
A job is `{"voice", "text", "rate", "pitch", "range", "seed"}`. espeak-ng is GPL-3: it is never
loaded into a process of ours. It keeps global state that outlives a word (its noise, its echo), so
each job runs in a fork that has just initialised it: no result depends on what was said before.
Standard library only, so that a child starts at once.
"""

import ctypes
import json
import os
import struct
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

SAMPLE_RATE_HZ = 22_050

# Source: espeak-ng/speak_lib.h.
_SYNCHRONOUS = 2
"""espeak_Synth returns when all sound has gone to the callback. Mode 1 has a thread of its own,
and waiting for it takes steps of 20 ms: longer than the word."""
_CHARS_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE, _WORD_GAP = 1, 2, 3, 4, 7


def speak(library: str, data_parent: str, job: Mapping[str, Any]) -> bytes:
    """Says one text in a process that has not yet used the library.

    Returns:
        (n_samples,) little-endian int16, as bytes.

    Raises:
        RuntimeError: The library refuses the voice.
    """
    espeak = ctypes.CDLL(library)
    chunks: list[bytes] = []

    def collect(wave: int | None, n_samples: int, events: int | None) -> int:
        if wave and n_samples > 0:
            chunks.append(ctypes.string_at(wave, 2 * n_samples))
        return 0

    callback_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    callback = callback_type(collect)
    rate = espeak.espeak_Initialize(_SYNCHRONOUS, 0, os.fsencode(data_parent), 0)
    if rate != SAMPLE_RATE_HZ:
        raise RuntimeError(f"espeak-ng must give {SAMPLE_RATE_HZ} Hz, got {rate}")
    espeak.espeak_SetSynthCallback(callback)
    _set_voice(espeak, job)
    text = job["text"].encode() + b"\0"
    espeak.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 0, 0, _CHARS_UTF8, None, None)
    return b"".join(chunks)


def _set_voice(espeak: ctypes.CDLL, job: Mapping[str, Any]) -> None:
    """Sets all that decides how it sounds. Its noise is rand(), seeded with the time by default."""
    if espeak.espeak_SetVoiceByName(job["voice"].encode()) != 0:
        raise RuntimeError(f"voice must be one of espeak-ng, got {job['voice']!r}")
    settings = (
        (_RATE, job["rate"]),
        (_VOLUME, 100),
        (_PITCH, job["pitch"]),
        (_RANGE, job["range"]),
        (_WORD_GAP, 0),
    )
    for parameter, value in settings:
        espeak.espeak_SetParameter(parameter, int(value), 0)
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(job["seed"]))
    ctypes.CDLL(None).srand(ctypes.c_uint(job["seed"]))


def speak_apart(library: str, data_parent: str, job: Mapping[str, Any]) -> bytes:
    """Says one text in a fork of this process, so that this one stays as it is.

    Raises:
        RuntimeError: The fork failed; the reason is on stderr.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with os.fdopen(write_end, "wb") as file:
                file.write(speak(library, data_parent, job))
            status = 0
        except Exception as error:
            sys.stderr.write(f"{error}\n")
            sys.stderr.flush()
        finally:
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as file:
        sound = file.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError(f"saying {job['text']!r} as {job['voice']!r} failed")
    return sound


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers every job of a list."""
    import espeakng_loader

    library = espeakng_loader.get_library_path()
    data_parent = os.path.dirname(espeakng_loader.get_data_path())
    for job in json.load(requests):
        sound = speak_apart(library, data_parent, job)
        answers.write(struct.pack("<I", len(sound)) + sound)
        answers.flush()


if __name__ == "__main__":
    try:
        main(sys.stdin.buffer, sys.stdout.buffer)
    except (RuntimeError, OSError) as error:
        sys.exit(f"speak: {error}")
