"""The frozen types of one trial's configuration. Knows no file, architecture or board by name.

`sprd.config.reader` reads files into these types; the names of architectures, of their parameters
and of boards come in as plain data (`Vocabulary`). A key that came later is left out of what is
dumped while it is off (`exclude_if`): the key of a store, a record and a manifest of a file that
does not name it are what they were before.
"""

from collections.abc import Mapping
from operator import not_
from typing import Annotated, Literal

from pydantic import Field

from sprd.config import frontend
from sprd.config.budget import Budget
from sprd.config.frozen import Section, is_unset
from sprd.config.labels import labels_of
from sprd.config.params import Scalar
from sprd.config.recognizer import RecognizerSection

Percentage = Annotated[float, Field(ge=0, le=100)]
PositiveInt = Annotated[int, Field(ge=1)]
Decibels = Annotated[float, Field(ge=-20, le=60)]
Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]


class DataSection(Section):
    """Which audio, which keywords, who is kept aside."""

    source: str = Field(
        "synthetic",
        min_length=1,
        description="`synthetic`, `speech_commands` (v0.02), `speech_commands_v0.01`, or a folder "
        "of `<word>/<speaker>_nohash_<n>.wav`, relative to the sweep file.",
    )
    sources: Words = Field(
        (),
        exclude_if=not_,
        description="In place of `source`: several of them in one index, where a clip that is in "
        "two counts once. A folder with `_background_noise_` alone is one too.",
    )
    extra: Words = Field(
        (), description="More folders of the same form, merged in: your own recordings."
    )
    speech: Words = Field(
        (),
        exclude_if=not_,
        description="Folders of running speech, relative to the sweep file: what must not be heard "
        "as a keyword. LibriSpeech's transcripts keep recordings of a keyword out.",
    )
    keywords: Words = Field(
        min_length=1, description="Words to recognise, in the order of the model's outputs."
    )
    silence_percentage: Percentage = Field(
        25.0, description="Silence clips drawn in training, in percent of the keyword clips."
    )
    unknown_percentage: Annotated[float, Field(ge=0, le=1000)] = Field(
        25.0, description="Other words drawn in training, in percent of the keyword clips."
    )
    unknown_draw: Literal["clip", "word"] = Field(
        "clip",
        exclude_if=lambda value: value == "clip",
        description="Which other word comes into a batch: any clip is as likely as another, or any "
        "word, however many clips it has.",
    )
    validation_percentage: Percentage = Field(
        10.0, description="Speakers kept for validation: objectives and checkpoints."
    )
    testing_percentage: Percentage = Field(
        10.0, description="Speakers kept for the one test of what is exported."
    )
    split: Literal["auto", "hash", "lists"] = Field(
        "auto",
        description="`hash`: by salted hash of the speaker, whoever else is there. `lists`: by "
        "`validation_list.txt` and `testing_list.txt` of the data set. `auto`: lists where they "
        "exist, else hash; where that leaves a split without a word, by rank of the hashes.",
    )
    personal: bool = Field(
        False,
        description="A device for the speakers of these recordings alone: takes are split, not "
        "speakers, so scores tell nothing of other people.",
    )
    split_salt: str = Field(
        "sprd", description="Salt of the speaker hash: another salt is another split."
    )
    max_bad_percentage: Percentage = Field(
        1.0, description="Share of unreadable files that is skipped and counted; more is an error."
    )
    n_voices: int = Field(
        96, ge=60, le=400, description="Synthetic source: voices, each one a speaker."
    )
    n_takes: int = Field(
        3, ge=1, le=20, description="Synthetic source: times that a voice says each keyword."
    )
    n_other_words: int = Field(
        30, ge=5, le=60, description="Synthetic source: other words spoken, for `_unknown_`."
    )

    @property
    def all_sources(self) -> tuple[str, ...]:
        """`sources`, or the one that `source` names."""
        return self.sources or (self.source,)


class FeaturesSection(Section):
    """The front end: waveform -> frames of channels, the numbers that the firmware computes."""

    preprocess: Literal["micro", "mfcc", "average"] = Field(
        "micro", description="Front end. Only `micro` has firmware code."
    )
    sample_rate_hz: int = Field(
        16000,
        ge=frontend.SAMPLE_RATES_HZ[0],
        le=frontend.SAMPLE_RATES_HZ[1],
        description="Audio is resampled to this; `micro` takes multiples of 1000.",
    )
    clip_duration_ms: int = Field(
        1000, ge=100, le=10000, description="What the model hears at once."
    )
    window_size_ms: int = Field(
        30,
        ge=frontend.FRAMES_MS[0],
        le=frontend.FRAMES_MS[1],
        description="Length of an analysis window.",
    )
    window_stride_ms: int = Field(
        20,
        ge=frontend.FRAMES_MS[0],
        le=frontend.FRAMES_MS[1],
        description="Step between windows; at most the window.",
    )
    n_channels: int = Field(
        40,
        ge=frontend.N_CHANNELS[0],
        le=frontend.N_CHANNELS[1],
        description="Filter-bank channels, or coefficients.",
    )
    lower_band_limit_hz: float = Field(125.0, ge=0, description="Bottom of the filter bank.")
    upper_band_limit_hz: float = Field(
        7500.0, gt=0, description="Top of the filter bank; below half the sample rate."
    )
    smoothing_bits: int = Field(10, ge=4, le=16, description="Noise reduction: scale of estimates.")
    even_smoothing: float = Field(
        0.025, ge=0, le=1, description="Noise reduction: smoothing of even channels."
    )
    odd_smoothing: float = Field(
        0.06, ge=0, le=1, description="Noise reduction: smoothing of odd channels."
    )
    min_signal_remaining: float = Field(
        0.05, ge=0, le=1, description="Noise reduction: share of the signal that always stays."
    )
    enable_pcan: bool = Field(True, description="Per-channel amplitude normalisation.")
    pcan_strength: float = Field(0.95, ge=0, le=1, description="Exponent of the normalisation.")
    pcan_offset: float = Field(80.0, ge=0, description="Added to the noise estimate.")
    gain_bits: int = Field(21, ge=4, le=30, description="Fractional bits of the gain.")
    enable_log: bool = Field(True, description="Take the logarithm of each channel.")
    scale_shift: int = Field(6, ge=0, le=15, description="Bits by which the logarithm is scaled.")

    @property
    def n_samples(self) -> int:
        """Samples of one clip."""
        return frontend.n_samples(self.sample_rate_hz, self.clip_duration_ms)

    @property
    def window_samples(self) -> int:
        """Samples of one window."""
        return frontend.n_samples(self.sample_rate_hz, self.window_size_ms)

    @property
    def stride_samples(self) -> int:
        """Samples between the starts of two windows."""
        return frontend.n_samples(self.sample_rate_hz, self.window_stride_ms)

    @property
    def n_frames(self) -> int:
        """Windows that fit into one clip."""
        return 1 + (self.n_samples - self.window_samples) // self.stride_samples

    @property
    def shape(self) -> tuple[int, int]:
        """(frames, channels) of one clip's features.

        `average` pools equal groups of FFT bins, so its channels are at least `n_channels`.
        """
        if self.preprocess != "average":
            return self.n_frames, self.n_channels
        return self.n_frames, -(-self.n_fft_bins // self.bins_per_channel)

    @property
    def n_fft_bins(self) -> int:
        """Bins of the spectrogram: the window is padded to a power of two."""
        return frontend.n_fft(self.window_samples) // 2 + 1

    @property
    def bins_per_channel(self) -> int:
        """FFT bins that `average` pools into one channel."""
        return max(1, self.n_fft_bins // self.n_channels)


class AugmentSection(Section):
    """How training clips are varied. Validation and test clips never are."""

    context_ms: int = Field(
        0,
        ge=0,
        le=4000,
        exclude_if=not_,
        description="Audio before each clip, of every split, so that the front end has settled as "
        "on a device that listens all day; the model sees none of it.",
    )
    placement: Literal["shift", "window"] = Field(
        "shift",
        exclude_if=lambda value: value == "shift",
        description="Where a word lies: where it was recorded, moved by `time_shift_ms`, or whole, "
        "anywhere in the window in which a device can hear it.",
    )
    time_shift_ms: int = Field(
        100, ge=0, le=1000, description="Shift by up to this, either way; unused in a `window`."
    )
    speed_percent: float = Field(
        0.0,
        ge=0,
        le=30,
        exclude_if=not_,
        description="Words are said faster or slower by up to this, in seven steps.",
    )
    reverb_frequency: float = Field(
        0.0,
        ge=0,
        le=1,
        exclude_if=not_,
        description="Share of the stored variants that sound in one of 64 simulated rooms.",
    )
    background_frequency: float = Field(
        0.8, ge=0, le=1, description="Share of training clips that get background noise."
    )
    background_volume: float = Field(
        0.1, ge=0, le=1, description="Loudest background noise mixed in, 1 being full scale."
    )
    snr_low_db: Decibels | None = Field(
        None,
        exclude_if=is_unset,
        description="Least ratio of word to background noise, drawn evenly up to `snr_high_db` in "
        "place of a volume; noise is that of the recordings of the split. Both or none.",
    )
    snr_high_db: Decibels | None = Field(
        None, exclude_if=is_unset, description="Greatest ratio of word to background noise."
    )
    babble_frequency: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the stored variants with another training clip behind them, of a "
        "word that is no keyword and of another speaker.",
    )
    babble_volume: float = Field(
        0.1, ge=0, le=1, description="Loudest such clip, 1 being as recorded; unused with a ratio."
    )
    gain_db: float = Field(0.0, ge=0, le=30, description="Volume changes by up to this, +/-.")
    speech_cuts: int = Field(
        0,
        ge=0,
        le=100_000,
        exclude_if=not_,
        description="Cuts of training readers' speech, a window each, among the `_unknown_` clips;"
        " none where none speaks.",
    )
    partial_words: int = Field(
        0,
        ge=0,
        le=100_000,
        exclude_if=not_,
        description="Halves of keywords, alone or at an edge, among the `_unknown_` clips.",
    )
    n_variants: int = Field(
        8, ge=1, le=64, description="Variants of each training clip that are computed and stored."
    )
    time_mask_frames: int = Field(
        0,
        ge=0,
        le=100,
        description="Longest stretch of frames blanked out in a batch (SpecAugment).",
    )
    channel_mask_channels: int = Field(
        0, ge=0, le=64, description="Widest band of channels blanked out in a batch (SpecAugment)."
    )


class ModelSection(Section):
    """An architecture and the value of each of its parameters, defaults filled in."""

    architecture: str
    params: Mapping[str, Scalar]


Steps = Annotated[tuple[PositiveInt, ...], Field(strict=False)]
Rates = Annotated[tuple[Annotated[float, Field(gt=0, le=10)], ...], Field(strict=False)]


class TrainSection(Section):
    """How long and how fast a model learns."""

    steps: PositiveInt | Steps = Field(
        (12000, 3000), description="Steps of a training; a list gives phases."
    )
    learning_rate: Annotated[float, Field(gt=0, le=10)] | Rates = Field(
        (0.001, 0.0001), description="Learning rate; a list as long as `steps` gives one a phase."
    )
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="`constant` within a phase, or `cosine` from the rate to 0."
    )
    batch_size: int = Field(100, ge=1, le=4096, description="Clips of a step.")
    optimizer: Literal["gradient_descent", "momentum", "adam"] = Field(
        "gradient_descent", description="Update rule."
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum, where the optimizer has one.")
    eval_interval: PositiveInt = Field(
        1000, description="Steps between two evaluations on validation speakers."
    )
    average_decay: float = Field(
        0.0,
        ge=0,
        lt=1,
        exclude_if=not_,
        description="Share that a moving average of the weights keeps at each step; the average "
        "is what is scored and exported. 0 is off, 0.999 averages about 1000 steps.",
    )
    keyword_offset: Annotated[float, Field(ge=0, le=5)] = Field(
        0.0,
        exclude_if=not_,
        description="Raises the logits of keywords by this over what the "
        "drawn shares of labels teach: more is heard, and the threshold decides.",
    )
    label_smoothing: float = Field(
        0.0, ge=0, le=0.5, description="Share of each label that is spread over all labels."
    )
    mixup_alpha: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Mixes pairs of clips of a batch, and their labels, by shares from "
        "Beta(alpha, alpha); 0 is off.",
    )
    teacher_weight: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the loss that compares the model with a larger one trained on the "
        "same clips (distillation); 0 trains none.",
    )
    teacher_temperature: float = Field(
        2.0, ge=1, le=20, description="Temperature at which the two are compared."
    )
    teacher_filters: PositiveInt = Field(
        64, le=512, description="Filters of each of the four layers of the larger model."
    )
    teacher_steps: PositiveInt | None = Field(
        None, description="Steps of the larger model; unset: as many as the model's own."
    )

    @property
    def phases(self) -> tuple[tuple[int, float], ...]:
        """(steps, learning rate) of each phase."""
        steps = self.steps if isinstance(self.steps, tuple) else (self.steps,)
        rates = self.learning_rate if isinstance(self.learning_rate, tuple) else None
        return tuple(zip(steps, rates or (self.learning_rate,) * len(steps), strict=True))  # type: ignore[arg-type]

    @property
    def n_steps(self) -> int:
        """Steps of the whole training."""
        return sum(steps for steps, _ in self.phases)


class Config(Section):
    """All that decides what one trial computes."""

    seed: int = Field(ge=0)
    n_threads: int = Field(ge=1)
    data: DataSection
    features: FeaturesSection
    augment: AugmentSection
    model: ModelSection
    train: TrainSection
    budget: Budget
    recognizer: RecognizerSection | None = Field(None, exclude_if=is_unset)
    """None: nothing is scored on streams."""

    @property
    def interval_ms(self) -> int | None:
        """Milliseconds between two inferences on streams; None where nothing is scored on them."""
        if self.recognizer is None:
            return None
        stride_ms, asked = self.features.window_stride_ms, self.budget.inference_interval_ms
        return self.recognizer.interval(stride_ms, asked)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the model's outputs, in order."""
        return labels_of(self.data.keywords)
