"""One configuration over folds of speakers: honest predictions, one summary, resumable."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from sprd.audio import store
from sprd.audio.corpus import Corpus, look_into
from sprd.audio.split import Split
from sprd.config.trial import Config
from sprd.errors import DataError, InputError, OutputError
from sprd.model.evaluate import score_predicted
from sprd.sweep.rows.folds import FoldTable
from sprd.sweep.rows.row import FoldResult
from sprd.sweep.trial.folds import run_fold, summarize
from tests.builders import make_fold, make_sweep
from tests.speakers import RATES, binomial_intervals, coverage, right_or_wrong

LABELS = ("_silence_", "_unknown_", "up", "down")


FIRST = make_fold(0, [0, 1, 2, 2, 3, 3], [0, 1, 2, 1, 3, 2], ["silence 0", *"aabab"])
"""Recalls 1, 1, 1/2, 1/2: mean 3/4."""
SECOND = make_fold(1, [0, 1, 1, 2, 3], [0, 3, 1, 2, 3], ["silence 1", *"cdcd"])
"""Recalls 1, 1/2, 1, 1: mean 7/8."""


def folds_of(
    predicted: NDArray[np.int64], truth: NDArray[np.int64], speakers: list[str]
) -> list[FoldResult]:
    """The clips as two folds of as many speakers, each scored in one figure."""
    half = len(truth) // 2
    return [
        FoldResult(
            fold=fold,
            n_folds=2,
            predicted=predicted[part].tolist(),
            truth=truth[part].tolist(),
            speakers=speakers[part],
            scores={"balanced_accuracy": float((predicted[part] == truth[part]).mean())},
            model_bytes=1000,
            seconds=1.5,
        )
        for fold, part in enumerate((slice(half), slice(half, None)))
    ]


class TestSummary:
    """Numbers worked out by hand."""

    def test_mean_and_spread_of_the_folds(self) -> None:
        """(3/4 + 7/8) / 2; their distance over the root of 2."""
        found = summarize([SECOND, FIRST], LABELS)
        assert found.per_fold == (0.75, 0.875)
        assert found.balanced_accuracy == 0.8125
        assert found.std == round(0.125 / 2**0.5, 6)
        assert (found.n_folds, found.n_clips, found.n_speakers) == (2, 11, 4)

    def test_rates_are_of_the_pooled_clips(self) -> None:
        """1 of 5 others is heard as a keyword; 1 of 6 keywords as none."""
        found = summarize([FIRST, SECOND], LABELS)
        assert found.recall == {
            "_silence_": 1.0,
            "_unknown_": round(2 / 3, 6),
            "up": round(2 / 3, 6),
            "down": round(2 / 3, 6),
        }
        assert found.pooled_balanced_accuracy == 0.75
        assert found.false_accept_rate == 0.2
        assert found.false_reject_rate == round(1 / 6, 6)

    def test_intervals_are_those_of_the_pooled_clips(self) -> None:
        """The bootstrap draws speakers, as everywhere."""
        pooled = score_predicted(
            np.array(FIRST.predicted + SECOND.predicted),
            np.array(FIRST.truth + SECOND.truth),
            FIRST.speakers + SECOND.speakers,
            LABELS,
        )
        found = summarize([FIRST, SECOND], LABELS)
        assert found.intervals == pooled.intervals
        assert found.interval == pooled.intervals["balanced_accuracy"]

    def test_intervals_are_the_binomial_quantiles_by_hand(self) -> None:
        """Sixteen speakers in two folds, eight of them right throughout: 4 to 12 of 16."""
        found = summarize(folds_of(*right_or_wrong(16, 8)), LABELS)
        assert found.intervals == dict.fromkeys(RATES, (4 / 16, 12 / 16))
        assert found.intervals == binomial_intervals(16, 8)
        assert found.interval == (4 / 16, 12 / 16)

    def test_intervals_hold_the_truth_in_95_of_100_data_sets(self) -> None:
        """Of 600 with 40 speakers in two folds; 90 % intervals would hold it in at most 0.905."""
        shares = coverage(lambda *clips: summarize(folds_of(*clips), LABELS).intervals)
        assert 0.93 < np.mean(list(shares.values())) < 0.97
        assert all(0.92 < share < 0.98 for share in shares.values()), shares

    def test_json_holds_all_of_it(self) -> None:
        """What a record keeps is read back the same."""
        found = summarize([FIRST, SECOND], LABELS)
        kept = found.as_dict()
        assert json.loads(json.dumps(kept)) == kept
        assert kept["per_fold"] == [0.75, 0.875]
        assert kept["intervals"]["recall up"] == list(found.intervals["recall up"])

    @pytest.mark.parametrize("folds", [[], [FIRST], [FIRST, FIRST], [FIRST, SECOND, SECOND]])
    def test_only_all_folds_are_summarized(self, folds: list[Any]) -> None:
        """A part of them would be another figure under the same name."""
        with pytest.raises(ValueError, match="folds: must be all folds of one cross-validation"):
            summarize(folds, LABELS)

    def test_folds_of_two_cross_validations_are_not_mixed(self) -> None:
        """Two of three are not two of two."""
        with pytest.raises(ValueError, match=r"got \[0, 1\]"):
            summarize([FIRST, replace(SECOND, n_folds=3)], LABELS)


class TestTable:
    """`folds.jsonl`: what ended is not trained again."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """A table of two trials on disk."""
        path = tmp_path / "folds.jsonl"
        table = FoldTable(path)
        table.append(7, FIRST)
        table.append(8, FIRST)
        table.append(7, SECOND)
        return path

    def test_folds_are_found_by_trial_and_number_of_folds(self, path: Path) -> None:
        """Five folds of a trial say nothing of its ten."""
        table = FoldTable(path)
        assert table.done(7, 2) == {0: FIRST, 1: SECOND}
        assert set(table.done(8, 2)) == {0}
        assert table.done(7, 5) == table.done(9, 2) == {}

    def test_appended_folds_are_done(self, path: Path) -> None:
        """In this process as in the next; results summarize the same."""
        table = FoldTable(path)
        table.append(8, SECOND)
        assert table.done(8, 2) == FoldTable(path).done(8, 2)
        found = summarize(list(table.done(8, 2).values()), LABELS)
        assert found == summarize([FIRST, SECOND], LABELS)

    def test_new_table_is_empty_and_makes_no_file(self, tmp_path: Path) -> None:
        """Before the first fold there is nothing."""
        assert FoldTable(tmp_path / "folds.jsonl").done(0, 2) == {}
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("torn", [b"{", b'{"trial": 7, "fo', b"\0" * 100])
    def test_cut_off_line_is_left_out_and_overwritten(self, path: Path, torn: bytes) -> None:
        """A crash in the middle of a write costs that fold alone."""
        with path.open("ab") as file:
            file.write(torn)
        table = FoldTable(path)
        assert set(table.done(7, 2)) == {0, 1}
        table.append(8, SECOND)
        assert set(FoldTable(path).done(8, 2)) == {0, 1}

    @pytest.mark.parametrize(
        "damage",
        [
            b"{",
            b"5",
            b"{}",
            json.dumps({"trial": 7, **asdict(FIRST), "truth": [0]}).encode(),
            json.dumps({"trial": 7, **asdict(FIRST), "fold": 2}).encode(),
            json.dumps({"trial": "7", **asdict(FIRST)}).encode(),
            json.dumps({"trial": 7, **asdict(FIRST), "scores": None}).encode(),
        ],
    )
    def test_damaged_line_is_an_input_error(self, path: Path, damage: bytes) -> None:
        """It is told in one line, and nothing is skipped in silence."""
        lines = path.read_bytes().split(b"\n")
        lines[1] = damage
        path.write_bytes(b"\n".join(lines))
        with pytest.raises(InputError) as caught:
            FoldTable(path)
        assert str(caught.value) == (
            f"{path}, line 2: must be the result of a fold, got {damage[:60]!r}. Restore the file,"
            " or delete it: its folds are then trained again; a newer sprd may read it."
        )

    def test_full_disk_leaves_the_file_as_before(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The fold is not done, then."""
        table, before = FoldTable(path), path.read_bytes()

        def fail(descriptor: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OutputError, match=r"folds\.jsonl: must be writable: No space left"):
            table.append(8, SECOND)
        assert path.read_bytes() == before
        assert set(table.done(8, 2)) == {0}


def test_driver_needs_no_tensorflow() -> None:
    """Only who trains a fold loads it."""
    code = "import sys, sprd.sweep.trial.folds; sys.exit('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


RATE = 16_000
TONES_HZ = {"up": 400, "down": 1200, "tree": 3000}


def make_config() -> Config:
    """Clips of 200 ms, 8 channels, two variants, 100 steps."""
    config = make_sweep().default
    updates = {
        "data": {"validation_percentage": 25.0, "testing_percentage": 25.0},
        "features": {"clip_duration_ms": 200, "n_channels": 8, "window_stride_ms": 20},
        "augment": {"n_variants": 2, "time_shift_ms": 0, "background_frequency": 0.0},
        "train": {"optimizer": "adam", "steps": (100,), "learning_rate": (0.01,)},
    }
    sections = {k: getattr(config, k).model_copy(update=v) for k, v in updates.items()}
    return config.model_copy(update=sections)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Words that are tones after a pause, of sixteen speakers, each noisier than the one before."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    times = np.arange(RATE // 5) / RATE
    for word, tone_hz in TONES_HZ.items():
        (folder / word).mkdir()
        for speaker in range(16):
            tone = 8000 * np.sin(2 * np.pi * tone_hz * times) * (times > 0.1)
            wave = tone + rng.normal(0, 30 + 90 * speaker, len(times))
            path = folder / word / f"{speaker:02d}_nohash_0.wav"
            soundfile.write(path, wave.astype(np.int16), RATE)
    (folder / "_background_noise_").mkdir()
    noise = rng.integers(-900, 900, 10 * RATE).astype(np.int16)
    soundfile.write(folder / "_background_noise_" / "hiss.wav", noise, RATE)
    return look_into(folder, make_config().data).corpus


@pytest.mark.usefixtures("one_thread")
class TestFold:
    """One fold, trained and scored."""

    @pytest.fixture(autouse=True)
    def few_silence_clips(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of silence, enough to learn."""
        n_silence = {Split.TRAINING: 20, Split.VALIDATION: 4, Split.TESTING: 2}
        monkeypatch.setattr(store, "N_SILENCE", n_silence)

    @pytest.fixture
    def results(self, corpus: Corpus) -> list[Any]:
        """Both folds of two."""
        return [run_fold(make_config(), corpus, fold, 2) for fold in range(2)]

    def test_clips_are_predicted_once_and_the_same_again(
        self, corpus: Corpus, results: list[Any]
    ) -> None:
        """Speakers of the test are not among them; a second run gives the same predictions."""
        people = {s for one in results for s in one.speakers if not s.startswith("silence ")}
        assert people == {c.speaker for c in corpus.clips if c.split is not Split.TESTING}
        found = summarize(results, LABELS)
        assert found.n_clips == 4 + 3 * len(people)
        assert 0.6 < found.balanced_accuracy < 1
        again = run_fold(make_config(), corpus, 1, 2)
        assert replace(again, seconds=results[1].seconds) == results[1]

    def test_result_is_what_json_holds(self, tmp_path: Path, results: list[Any]) -> None:
        """A worker sends it home, and the table keeps it."""
        result = results[0]
        assert json.loads(json.dumps(asdict(result))) == asdict(result)
        assert len(result.predicted) == len(result.truth) == len(result.speakers)
        assert result.model_bytes > 1000 and result.seconds > 0
        FoldTable(tmp_path / "folds.jsonl").append(0, result)
        assert FoldTable(tmp_path / "folds.jsonl").done(0, 2)[0] == result

    def test_too_small_a_corpus_is_refused_in_one_line(self, corpus: Corpus) -> None:
        """Before anything is computed."""
        with pytest.raises(DataError, match=r"^folder .*: each of 50 folds must have a sp[^\n]*$"):
            run_fold(make_config(), corpus, 0, 50)
