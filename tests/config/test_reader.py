"""Sweep files: what they give, and how each kind of bad one is refused."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sprd.config.dimensions import Choice, Range
from sprd.config.reader import N_TRIED_POINTS, load_sweep, parse_sweep, resolve
from sprd.config.sections import SECTIONS
from sprd.config.sweep import SweepConfig
from sprd.config.text import MAX_FILE_BYTES
from sprd.config.trial import Config
from sprd.errors import ConfigError
from sprd.model.params import ARCHITECTURES
from tests.builders import make_sweep
from tests.strategies import VOCABULARY, legal_params, toml_text, toml_values

FILE = Path("/sweeps/x.toml")

SEED_RECIPE = """
[sweep]
name = "sprd"
[data]
source = "speech_commands"
keywords = ["up", "down"]
silence_percentage = 25
unknown_percentage = 25
validation_percentage = 10
testing_percentage = 10
[features]
preprocess = "micro"
clip_duration_ms = 1000
window_size_ms = 30
window_stride_ms = 20
n_channels = 40
sample_rate_hz = 16000
[augment]
background_frequency = 0.8
background_volume = 0.1
time_shift_ms = 100
[model]
architecture = "tiny_conv"
[train]
steps = [12000, 3000]
learning_rate = [0.001, 0.0001]
batch_size = 100
optimizer = "gradient_descent"
eval_interval = 1000
"""

SWEEP = '[sweep]\nname = "x"\n'
DATA = SWEEP + '[data]\nkeywords = ["up", "down"]\n'
MODEL = DATA + '[model]\narchitecture = "tiny_conv"\n'
TWO_MODELS = DATA + '[space]\n"model.architecture" = ["tiny_conv", "ds_cnn"]\n'


def parsed(text: str) -> SweepConfig:
    """The sweep of a text."""
    return parse_sweep(text, FILE, VOCABULARY)


def refusal(text: str) -> str:
    """The message with which a text is refused, less the file's name."""
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    message = str(caught.value)
    assert message.startswith(f"{FILE}")
    return message.removeprefix(f"{FILE}").removeprefix(" ")


def test_seed_recipe_gives_the_values_of_the_seed() -> None:
    """SPRD's train_model.sh under our names, defaults or not."""
    config = parsed(SEED_RECIPE).default
    assert config.labels == ("_silence_", "_unknown_", "up", "down")
    assert config.train.phases == ((12000, 0.001), (3000, 0.0001))
    assert config.train.n_steps == 15000
    assert (config.train.batch_size, config.train.optimizer) == (100, "gradient_descent")
    assert (config.train.eval_interval, config.train.schedule) == (1000, "constant")
    features = config.features
    assert (features.window_size_ms, features.window_stride_ms, features.n_channels) == (30, 20, 40)
    assert (features.preprocess, features.shape) == ("micro", (49, 40))
    assert (features.sample_rate_hz, features.clip_duration_ms) == (16000, 1000)
    data, augment = config.data, config.augment
    assert (data.silence_percentage, data.unknown_percentage) == (25, 25)
    assert (data.validation_percentage, data.testing_percentage) == (10, 10)
    assert (augment.background_frequency, augment.background_volume) == (0.8, 0.1)
    assert (augment.time_shift_ms, augment.gain_db) == (100, 0)
    assert (augment.time_mask_frames, augment.channel_mask_channels) == (0, 0)
    assert config.model.params == {
        "filters": 8, "kernel": "10x8", "stride": "2x2", "dropout": 0.5,
    }  # fmt: skip


def test_defaults_are_the_recipe_of_the_seed() -> None:
    """A file that names only the keywords and the model trains as SPRD's trainer does."""
    shortest = parsed(MODEL).default
    recipe = parsed(SEED_RECIPE).default
    assert shortest.features == recipe.features
    assert shortest.augment == recipe.augment
    assert shortest.train == recipe.train
    assert shortest.model == recipe.model


BAD_TABLES = [
    ("[modle]", ": unknown table [modle]. Did you mean 'model'?"),
    ("train = 3", ": train must be a table, got 3. Write [train]."),
    ("[[train]]", ": train must be a table, got [{}]. Write [train]."),
    ('["a\\nb"]', ": keys must be printable, got 'a\\nb'. Rename it."),
    (SWEEP + '"n\\ttrials" = 3', ": keys must be printable, got 'n\\ttrials'. Rename it."),
    ("sweep =", ": must be TOML: Invalid value (at end of document)."),
    ("[sweep]\n[sweep]", ": must be TOML: Cannot declare ('sweep',) twice"),
    ("a = " + "[" * 5000, ": must be TOML: "),
    ("a" + ".a" * 3000 + " = 1", ": must be TOML: "),
    ("seed = " + "9" * 5000, ": must be TOML: Exceeds the limit (4300 digits)"),
    ("seed = 9223372036854775808", ": integers must have at most 64 bits, got 0x8000"),
    ("seed = 0x" + "f" * 5000, ": integers must have at most 64 bits, got 0xffff"),
]

BAD_SWEEPS = [
    ("[sweep]", "[sweep] name: must be given. Name of the sweep"),
    (SWEEP + "n_trails = 3", "[sweep] n_trails: unknown key. Did you mean 'n_trials'? Known:"),
    (
        MODEL + "[budget]\nboard_toml = ''",
        "[budget] board_toml: unknown key. Did you mean 'board'?",
    ),
    (SWEEP + "n_trials = 0", "[sweep] n_trials: must lie in 1 .. 100000, got 0."),
    (SWEEP + 'n_trials = "3"', "[sweep] n_trials: must be an integer, got '3'."),
    (SWEEP + "n_trials = true", "[sweep] n_trials: must be an integer, got True."),
    (SWEEP + "n_trials = 3.0", "[sweep] n_trials: must be an integer, got 3.0."),
    (SWEEP + "seed = -1", "[sweep] seed: must be greater than or equal to 0, got -1."),
    (
        SWEEP + 'sampler = "tpee"',
        "[sweep] sampler: must be 'bayes', 'tpe', 'nsga2', 'random' or 'grid', got 'tpee'.",
    ),
    (
        '[sweep]\nname = "a b"',
        "[sweep] name: must match pattern '^[A-Za-z0-9][A-Za-z0-9_.-]*$', got 'a b'.",
    ),
    (
        f'[sweep]\nname = "{"x" * 65}"',
        f"[sweep] name: must have at most 64 characters, got '{'x' * 65}'.",
    ),
    (
        SWEEP + 'objectives = ["balanced_acuracy"]',
        "[sweep] objectives: unknown metric 'balanced_acuracy'. Did you mean 'balanced_accuracy'?",
    ),
    (SWEEP + "objectives = []", "[sweep] objectives: must name at least one metric, got []."),
    (
        SWEEP + 'objectives = ["min macs", "max macs"]',
        "[sweep] objectives: must not contradict each other, got 'min macs' and 'max macs'.",
    ),
    (
        SWEEP + 'objectives = ["accuracy", "max accuracy"]',
        "[sweep] objectives: must differ, got 'accuracy' twice. Remove one.",
    ),
    (
        SWEEP + 'objectives = ["accuracy", "latency"]',
        "[sweep] objectives: unknown metric 'latency'. Did you mean 'latency_ms'?",
    ),
]

BOARD = '[budget]\nboard = "arduino_nano_33_ble"\n'
SPACE = '[space]\n"model.filters" = [4, 8]\n"train.momentum" = { low = 0.0, high = 0.9 }\n'
REFERENCE = '[[reference]]\nname = "a"\nsweep = "a.toml"\n'

BAD_OBJECTIVES = [
    (
        MODEL.replace("[data]", f'objectives = ["accuracy", "{key}"]\n[data]'),
        f"[sweep] objectives: {key} must come with a board, got none. Name one in [budget] board:",
    )
    for key in ("flash_bytes", "ram_bytes", "latency_ms", "energy_uj")
] + [
    (
        MODEL.replace("[data]", f"confirm_folds = 5\nobjectives = {objectives}\n[data]"),
        "[sweep] confirm_folds: must come with balanced_accuracy as the first objective, got"
        f" '{first}'. It is what the folds confirm.",
    )
    for objectives, first in (
        ('["accuracy"]', "max accuracy"),
        ('["macs", "balanced_accuracy"]', "min macs"),
        ('["min balanced_accuracy"]', "min balanced_accuracy"),
    )
]

BAD_RULES = [
    (SWEEP + "confirm_folds = 1", "[sweep] confirm_folds: must lie in 2 .. 20, got 1."),
    (SWEEP + "confirm_trials = 0", "[sweep] confirm_trials: must lie in 1 .. 100, got 0."),
    (SWEEP + "max_minutes = 0", "[sweep] max_minutes: must be greater than 0, got 0."),
    (SWEEP + "max_minutes = inf", "[sweep] max_minutes: must be a finite number, got inf."),
    (SWEEP + "patience_trials = 0", "[sweep] patience_trials: must be greater than or equal to 1"),
    (SWEEP + "reduction_factor = 1", "[sweep] reduction_factor: must lie in 2 .. 10, got 1."),
    (
        SWEEP + 'scheduler = "ashaa"',
        "[sweep] scheduler: must be 'asha', 'hyperband', 'median' or 'none', got 'ashaa'.",
    ),
    (SWEEP + 'warm_start = "old"', "[sweep] warm_start: must be a list, got 'old'."),
]

BAD_STARTS = [
    ("start = 3\n" + MODEL, ": start must be tables, got 3. Write [[start]]."),
    (MODEL + "[start]\nx = 1", ": start must be tables, got {'x': 1}. Write [[start]]."),
    (
        MODEL + SPACE + '[[start]]\n"model.filters" = 4\n[[start]]\n"model.filtres" = 8',
        "[[start]] 2: must name dimensions of [space], got 'model.filtres'."
        " Did you mean 'model.filters'? Known: model.filters, train.momentum. A dotted",
    ),
    (
        MODEL + SPACE + "[[start]]\nmodel.filters = 4",
        "[[start]] 1: must name dimensions of [space], got 'model'.",
    ),
    (
        MODEL + SPACE + '[[start]]\n"model.filters" = 6',
        "[[start]] 1: model.filters must lie in its dimension of [space], ",
    ),
    (
        MODEL + SPACE + '[[start]]\n"train.momentum" = 0.95',
        "[[start]] 1: train.momentum must lie in its dimension of [space], ",
    ),
    (
        MODEL + SPACE + '[[start]]\n"train.momentum" = [0.1]',
        "[[start]] 1: train.momentum must lie in its dimension of [space], ",
    ),
    (MODEL + '[[start]]\n"a" = 1', "[[start]] 1: must name dimensions of [space], got 'a'."),
]

BAD_REFERENCES = [
    (MODEL + "[reference]\nx = 1", ": reference must be tables, got {'x': 1}. Write [[refere"),
    (MODEL + "[[reference]]", "[[reference]] name: must be given. How it is called in plots."),
    (MODEL + '[[reference]]\nname = "a"', "[[reference]] sweep: must be given. Its sweep file"),
    (
        MODEL + REFERENCE + "file = 3",
        "[[reference]] file: unknown key. Known: name, sweep.",
    ),
    (
        MODEL + REFERENCE.replace('"a"', '""'),
        "[[reference]] name: must have at least 1 character, got ''.",
    ),
    (MODEL + 2 * REFERENCE, "[[reference]] name: must differ, got 'a' twice."),
]

BAD_DATA = [
    (SWEEP, "[data] keywords: must be given. Words to recognise"),
    ("[data]\nkeywords = []", "[data] keywords: must have at least 1 item, got []."),
    ('[data]\nkeywords = "up"', "[data] keywords: must be a list, got 'up'."),
    ('[data]\nkeywords = ["up", 3]', "[data] keywords: must be a string, got 3."),
    ('[data]\nkeywords = ["up", ""]', "[data] keywords: must have at least 1 character, got ''."),
    ('[data]\nkeywords = ["up", "down", "up"]', "[data] keywords: must differ, got 'up' twice."),
    (
        '[data]\nkeywords = ["up", "_unknown_"]',
        "[data] keywords: must not use a reserved label, got '_unknown_'. Reserved: _silence_,"
        " _unknown_, _background_noise_, and what starts with '_'.",
    ),
    (
        '[data]\nkeywords = ["_background_noise_"]',
        "[data] keywords: must not use a reserved label, got '_background_noise_'.",
    ),
    (
        '[data]\nkeywords = ["../up"]',
        "[data] keywords: must be letters, digits, spaces, ', - or _, got '../up'.",
    ),
    (
        '[data]\nkeywords = ["u\\np"]',
        "[data] keywords: must be letters, digits, spaces, ', - or _, got 'u\\np'.",
    ),
    ('[data]\nsource = ""', "[data] source: must have at least 1 character, got ''."),
    ('[data]\nsource = "a\\u0000b"', ": text must not hold a null character, got 'a\\x00b'."),
    ('[data]\nextra = "mine"', "[data] extra: must be a list, got 'mine'."),
    ("[data]\nextra = [3]", "[data] extra: must be a string, got 3."),
    (
        "[data]\nsilence_percentage = 101",
        "[data] silence_percentage: must lie in 0 .. 100, got 101.",
    ),
    (
        "[data]\nvalidation_percentage = 50\ntesting_percentage = 40",
        "[data]: validation_percentage + testing_percentage <= 80 must hold, got 50 + 40.",
    ),
]

BAD_MODELS = [
    (DATA, "[model] architecture: must be given. Known: blocks, bottleneck, conv"),
    (
        DATA + '[model]\narchitecture = "tiny_cnov"',
        "[model] architecture: unknown architecture 'tiny_cnov'. Did you mean 'tiny_conv'?",
    ),
    (
        DATA + '[model]\narchitecture = ["tiny_conv"]',
        "[model] architecture: unknown architecture ['tiny_conv']. Did you mean 'tiny_conv'?",
    ),
    (
        MODEL + "filtres = 8",
        "[model] filtres: unknown key of tiny_conv. Did you mean 'filters'? Known: dropout,",
    ),
    (MODEL + "n_blocks = 3", "[model] n_blocks: unknown key of tiny_conv. Known: dropout, filters"),
    (
        MODEL + "filters = 0",
        "[model] filters: must lie in 1 .. 1024, got 0. Filters of the convolution.",
    ),
    (
        MODEL + "filters = 8.0",
        "[model] filters: must be an integer, got 8.0. Filters of the convolution.",
    ),
    (
        MODEL + 'kernel = "10"',
        "[model] kernel: must be two integers joined by 'x', like '10x8', got '10'.",
    ),
    (TWO_MODELS + "[model]\nn_blocks = 99", "[model] n_blocks: must lie in 0 .. 8, got 99."),
    (
        TWO_MODELS + "[model]\nkernel_frames = 5",
        "[model] kernel_frames: unknown key of tiny_conv. Did you mean 'kernel'?",
    ),
]

BAD_REST = [
    (
        '[budget]\nboard = "arduino_nano_33_bel"',
        "[budget] board: unknown board 'arduino_nano_33_bel'. Did you mean 'arduino_nano_33_ble'?",
    ),
    (
        "[budget]\nflash_bytes = -1",
        "[budget] flash_bytes: must be greater than or equal to 0, got -1.",
    ),
    ("[budget]\nflash_bytes = 1.5", "[budget] flash_bytes: must be an integer, got 1.5."),
    ("[budget]\nlatency_ms = inf", "[budget] latency_ms: must be a finite number, got inf."),
    (
        '[features]\npreprocess = "mel"',
        "[features] preprocess: must be 'micro', 'mfcc' or 'average', got 'mel'.",
    ),
    ("[features]\nn_channels = 40.0", "[features] n_channels: must be an integer, got 40.0."),
    (
        '[features]\nframe = "30/20x40"\nn_channels = 40',
        "[features] frame: must not stand beside n_channels, which it sets, got both."
        " Remove one of them.",
    ),
    (
        '[features]\nframe = "30x20"',
        "[features] frame: must be window/stride x channels, like '30/20x40', got '30x20'.",
    ),
    (
        "[features]\nframe = 30",
        "[features] frame: must be window/stride x channels, like '30/20x40', got 30.",
    ),
    (
        '[features]\nframe = "30/20x400"',
        "[features] n_channels: must lie in 4 .. 128, got 400.",
    ),
    (
        "[features]\nwindow_stride_ms = 40",
        "[features]: window_stride_ms <= window_size_ms must hold, got window_stride_ms=40,"
        " window_size_ms=30. The micro front end cannot skip samples.",
    ),
    (
        "[features]\nwindow_stride_ms = 20\n[budget]\ninference_interval_ms = 10.0",
        "[features] window_stride_ms <= [budget] inference_interval_ms must hold, got 20 and 10."
        " There are no new features before.",
    ),
    (
        "[features]\nclip_duration_ms = 100\nwindow_size_ms = 150",
        "[features]: window_size_ms <= clip_duration_ms must hold, got 150 and 100.",
    ),
    (
        "[features]\nlower_band_limit_hz = 7500",
        "[features]: lower_band_limit_hz < upper_band_limit_hz must hold, got 7500 and 7500.",
    ),
    (
        "[features]\nsample_rate_hz = 8000",
        "[features]: upper_band_limit_hz < sample_rate_hz / 2 must hold, got 7500 Hz at 8000 Hz.",
    ),
    (
        "[features]\nupper_band_limit_hz = 8000",
        "[features]: upper_band_limit_hz < sample_rate_hz / 2 must hold, got 8000 Hz at 16000 Hz.",
    ),
    (
        "[features]\nsample_rate_hz = 22050",
        "[features]: sample_rate_hz must be a multiple of 1000 for the micro front end, got 22050.",
    ),
    (
        "[train]\nsteps = [100, 200]\nlearning_rate = [0.1]",
        "[train] learning_rate: must have one entry a phase of steps, got steps=(100, 200),"
        " learning_rate=(0.1,).",
    ),
    (
        "[train]\nsteps = 100",
        "[train] learning_rate: must have one entry a phase of steps, got steps=100,"
        " learning_rate=(0.001, 0.0001).",
    ),
    (
        "[train]\nsteps = []\nlearning_rate = []",
        "[train] learning_rate: must have one entry a phase of steps, got steps=()",
    ),
    (
        '[data]\npersonal = true\nsplit = "lists"',
        "[data]: personal = true must come without split = 'lists', which deals speakers. Remove",
    ),
    (
        '[train]\nschedule = "cosine"',
        "[train]: schedule 'cosine' takes one number of steps, got (12000, 3000).",
    ),
    ('[train]\nsteps = [100, "2"]', "[train] steps: must be an integer, got [100, '2']."),
    ("[train]\nsteps = 0", "[train] steps: must be greater than or equal to 1, got 0."),
    ("[train]\nlearning_rate = nan", "[train] learning_rate: must be a finite number, got nan."),
    ("[train]\nmomentum = 1", "[train] momentum: must be less than 1, got 1."),
]

BAD_SPACES = [
    ('"train.momentum" = []', "momentum", "must have at least one value, got []. Remove the line."),
    (
        '"train.momentum" = 0.1',
        "momentum",
        "must be a list of values or { low, high, step, log }, got 0.1.",
    ),
    (
        '"train.momentum" = [[0.1], [0.2]]',
        "momentum",
        "must list numbers, strings or booleans, got [0.1]. Write a joint choice as a named"
        " preset.",
    ),
    ('"train.momentum" = [0.1, 0.1]', "momentum", "values must differ, got [0.1, 0.1]."),
    ('"train.momentum" = [0, 0.0]', "momentum", "values must differ, got [0, 0.0]."),
    (
        '"train.momentum" = { low = 0.9, high = 0.1 }',
        "momentum",
        "low <= high must hold, got low=0.9, high=0.1.",
    ),
    (
        '"train.momentum" = { low = 0, high = 0.1, log = true }',
        "momentum",
        "log needs low > 0 and no step, got low=0, step=None.",
    ),
    (
        '"train.momentum" = { low = 0.1, high = 0.2, step = 0.1, log = true }',
        "momentum",
        "log needs low > 0 and no step, got low=0.1, step=0.1.",
    ),
    (
        '"train.momentum" = { low = 0.1, high = 0.2, step = 0 }',
        "momentum",
        "step > 0 must hold, got step=0.",
    ),
    (
        '"train.momentum" = { low = 0.1, high = 0.2, step = -0.1 }',
        "momentum",
        "step > 0 must hold, got step=-0.1.",
    ),
    ('"train.momentum" = { low = 0.1 }', "momentum", "high must be a number, got None."),
    ('"train.momentum" = { low = "a", high = 1 }', "momentum", "low must be a number, got 'a'."),
    (
        '"train.momentum" = { low = 0.1, high = inf }',
        "momentum",
        "high must be a finite number, got inf.",
    ),
    (
        '"train.momentum" = { low = 0.1, high = 0.2, log = 1 }',
        "momentum",
        "log must be true or false, got 1.",
    ),
    (
        '"train.momentum" = { lo = 0.1, high = 0.2 }',
        "momentum",
        "unknown key 'lo'. Did you mean 'low'? Known: high, log, low, step.",
    ),
    (
        '"train.momentum" = [0.5, 1]',
        "momentum",
        "momentum: must be less than 1, got 1. Momentum, where the optimizer has one.",
    ),
    (
        '"train.momentun" = [0.5]',
        "momentun",
        "momentun: unknown key. Did you mean 'momentum'? Known: average_decay, batch_size",
    ),
]

BAD_DIMENSIONS = [
    ("train.momentum = [0.5, 0.6]", "train", "unknown key 'momentum'. Known: high, log, low, step."
     " A dotted name stands in quotes."),
    ('"model.filters" = [8, 2000]', "model.filters", "filters of tiny_conv must lie in 1 .. 1024,"
     " got 2000."),
    ('"model.filters" = { low = 0, high = 8 }', "model.filters", "filters of tiny_conv must lie in"
     " 1 .. 1024, got 0."),
    ('"model.filters" = { low = 8, high = 16.5 }', "model.filters", "filters of tiny_conv must be"
     " an integer, got 16.5. Filters of the convolution."),
    ('"model.n_blocks" = [1, 2]', "model.n_blocks", "no chosen architecture has 'n_blocks'."
     " Known: dropout, filters, kernel, stride."),
    ('"model.filtres" = [1, 2]', "model.filtres", "no chosen architecture has 'filtres'."
     " Did you mean 'filters'?"),
    ('"model.architecture" = ["tiny_conv", "ds_cn"]', "model.architecture",
     "unknown architecture 'ds_cn'. Did you mean 'ds_cnn'?"),
    ('"features.frame" = ["30/20x40", "30"]', "features.frame", "frame: must be window/stride x"
     " channels, like '30/20x40', got '30'."),
    ('"features.frame" = ["30/20x40"]\n"features.n_channels" = [20]', "features.n_channels",
     "must not stand beside features.frame, which sets n_channels. Remove one of them."),
    ('"features.frame" = ["30/20x40"]\n[features]\nn_channels = 40', "features.frame",
     "must not stand beside n_channels in [features], which it sets. Remove one of them."),
    ('"features.n_channels" = [20, 40]\n[features]\nframe = "30/20x40"', "features.n_channels",
     "must not stand beside features.frame, which sets n_channels. Remove one of them."),
    ('"model.stride" = ["2x2", "2"]', "model.stride", "stride of tiny_conv must be two integers"
     " joined by 'x', like '10x8', got '2'. Stride of the convolution, frames x channels."),
    ('"data.silence_percentage" = [10, 101]', "data.silence_percentage",
     "silence_percentage: must lie in 0 .. 100, got 101."),
]  # fmt: skip

NOT_SEARCHABLE = [
    "data.keywords",
    "data.validation_percentage",
    "data.split_salt",
    "sweep.seed",
    "budget.ram_bytes",
    "learning_rate",
]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(*BAD_TABLES, *BAD_SWEEPS, *BAD_MODELS, *BAD_OBJECTIVES, *BAD_RULES),
        *(*BAD_STARTS, *BAD_REFERENCES),
    ],
    ids=lambda text: text[-40:],
)
def test_bad_file_is_refused_with_place_rule_value_and_way_out(text: str, message: str) -> None:
    """One line says where, what must hold, what was found and what to do."""
    assert message == refusal(text)[: len(message)]


@pytest.mark.parametrize(("table", "message"), [*BAD_DATA, *BAD_REST])
def test_bad_value_is_refused_with_place_rule_value_and_way_out(table: str, message: str) -> None:
    """One line says where, what must hold, what was found and what to do."""
    if table == SWEEP:
        text = table
    elif not table.startswith("[data]"):
        text = MODEL + table
    else:
        keywords = "" if "keywords" in table else '\nkeywords = ["up"]'
        text = f'{SWEEP}{table}{keywords}\n[model]\narchitecture = "tiny_conv"'
    assert message == refusal(text)[: len(message)]


@pytest.mark.parametrize(
    ("lines", "name", "message"),
    [
        *((lines, f"train.{key}", message) for lines, key, message in BAD_SPACES),
        *BAD_DIMENSIONS,
    ],
)
def test_bad_dimension_is_refused_with_its_name_and_the_rule(
    lines: str, name: str, message: str
) -> None:
    """One line says which dimension, what must hold and what was found."""
    expected = f'[space."{name}"]: {message}'
    assert expected == refusal(MODEL + "[space]\n" + lines)[: len(expected)]


def test_value_of_the_file_is_not_told_as_one_of_the_space() -> None:
    """A wrong value beside a dimension is refused where it stands."""
    text = f'{MODEL}[train]\nmomentum = 2.0\n[space]\n"train.batch_size" = [10, 20]'
    assert refusal(text).startswith("[train] momentum: must be less than 1, got 2.0.")


@pytest.mark.parametrize("name", NOT_SEARCHABLE)
def test_what_would_change_the_measurement_is_not_searched(name: str) -> None:
    """Of the data only the shares of silence and other words may vary."""
    expected = (
        f'[space."{name}"]: must name a key of features, augment, model, train, recognizer, or'
        f" data.silence_percentage or data.unknown_percentage, got {name!r}."
        " Other data would change what is measured."
    )
    assert expected == refusal(f'{MODEL}[space]\n"{name}" = [1, 2]')


@pytest.mark.parametrize("objective", ["latency_ms", "min flash_bytes", "max energy_uj"])
def test_number_that_needs_a_board_may_decide_where_there_is_one(objective: str) -> None:
    """Without one no trial would report it."""
    text = MODEL.replace("[data]", f'objectives = ["{objective}"]\n[data]')
    assert str(parsed(text + BOARD).objectives[0]).endswith(objective.split()[-1])


@pytest.mark.parametrize("objective", ["macs", "model_bytes", "arena_bytes", "instructions"])
def test_number_that_a_model_has_by_itself_needs_no_board(objective: str) -> None:
    """Its bytes and what it computes."""
    text = MODEL.replace("[data]", f'objectives = ["balanced_accuracy", "{objective}"]\n[data]')
    assert [one.key for one in parsed(text).objectives] == ["balanced_accuracy", objective]


def test_confirmation_goes_with_balanced_accuracy_first() -> None:
    """Other objectives may follow."""
    lines = 'confirm_folds = 5\nobjectives = ["balanced_accuracy", "macs"]\n[data]'
    sweep = parsed(MODEL.replace("[data]", lines)).sweep
    assert (sweep.confirm_folds, sweep.confirm_trials) == (5, 3)
    assert parsed(MODEL.replace("[data]", "confirm_folds = 5\n[data]")).sweep.confirm_folds == 5


@pytest.mark.parametrize(
    ("lines", "scheduler"),
    [
        ("", "asha"),
        ('objectives = ["balanced_accuracy", "macs"]', "none"),
        ('objectives = ["balanced_accuracy", "macs"]\nscheduler = "median"', "median"),
        ('scheduler = "none"', "none"),
    ],
)
def test_small_models_that_lag_are_not_stopped_unless_it_is_said(
    lines: str, scheduler: str
) -> None:
    """With several objectives they may win."""
    assert parsed(MODEL.replace("[data]", f"{lines}\n[data]")).scheduler == scheduler


def test_points_to_start_from_are_kept_in_order() -> None:
    """Each names some dimensions; none is fine, as is a point with nothing."""
    text = MODEL + SPACE + '[[start]]\n"model.filters" = 8\n[[start]]\n"train.momentum" = 0\n'
    assert parsed(text).start == ({"model.filters": 8}, {"train.momentum": 0})
    assert parsed(MODEL + SPACE + "[[start]]").start == ({},)
    assert parsed(MODEL + SPACE).start == ()


def test_references_are_relative_to_the_sweep_file() -> None:
    """They are read when the sweep begins: the file need not be there to be checked."""
    other = '[[reference]]\nname = "b c"\nsweep = "../other/b.toml"\n'
    found = parsed(MODEL + REFERENCE + other).references
    assert [(one.name, one.sweep) for one in found] == [
        ("a", "/sweeps/a.toml"),
        ("b c", "/other/b.toml"),
    ]


def test_folders_to_learn_from_are_kept_as_written() -> None:
    """They are opened when the sweep begins."""
    text = MODEL.replace("[data]", 'warm_start = ["../runs/a", "b"]\n[data]')
    assert parsed(text).sweep.warm_start == ("../runs/a", "b")
    assert parsed(MODEL).sweep.warm_start == ()


def test_shares_of_silence_and_other_words_are_searched() -> None:
    """The two exceptions among the keys of the data."""
    space = '[space]\n"data.silence_percentage" = [10, 20]\n"data.unknown_percentage" = [50, 100]'
    assert parsed(MODEL + space).space == {
        "data.silence_percentage": Choice((10, 20)),
        "data.unknown_percentage": Choice((50, 100)),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[space]\n"train.steps" = [100, 200]',
            "[train] learning_rate: must have one entry a phase of steps, got steps=100,",
        ),
        (
            '[features]\nwindow_stride_ms = 40\n[space]\n"train.momentum" = [0.1, 0.2]',
            "[features]: window_stride_ms <= window_size_ms must hold, got window_stride_ms=40,",
        ),
        (
            "[budget]\ninference_interval_ms = 10.0\n"
            '[space]\n"features.window_stride_ms" = [20, 30]',
            "[features] window_stride_ms <= [budget] inference_interval_ms must hold, got",
        ),
        (
            '[space]\n"model.filters" = { low = 8, high = 64, step = 2.5 }',
            "[model] filters: must be an integer, got",
        ),
        (
            '[space]\n"features.window_size_ms" = [10, 20]\n"features.window_stride_ms" = [30, 40]',
            "[features]: window_stride_ms <= window_size_ms must hold",
        ),
    ],
)
def test_space_without_a_valid_point_is_refused(text: str, problem: str) -> None:
    """Values that are legal each, but never together, would give nothing but infeasible rows."""
    expected = f"[space]: some point must be a valid configuration, got none in {N_TRIED_POINTS}: "
    assert expected + problem == refusal(MODEL + text)[: len(expected + problem)]


IN_ORDER: tuple[tuple[dict[str, Any], str], ...] = (
    ({"features.window_stride_ms": 120}, "[features]: window_stride_ms <= window_size_ms"),
    ({"features.window_stride_ms": 50}, "[features] window_stride_ms <= [budget]"),
    ({"features.window_size_ms": 110}, "[features]: window_size_ms <= clip_duration_ms"),
    ({"features.lower_band_limit_hz": 7500.0}, "[features]: lower_band_limit_hz < upper"),
    ({"features.sample_rate_hz": 11025}, "[features]: upper_band_limit_hz < sample_rate_hz"),
    (
        {"features.sample_rate_hz": 16100, "features.upper_band_limit_hz": 7000.0},
        "[features]: sample_rate_hz must be a multiple",
    ),
)
"""Points that break one rule each, in the order of the rules."""


@pytest.mark.parametrize("first", range(len(IN_ORDER) - 1))
def test_of_two_broken_rules_the_first_is_told(first: int) -> None:
    """`trials.jsonl` keeps what is told of an infeasible point, byte for byte."""
    sweep = parse_sweep(
        f"{MODEL}[features]\nclip_duration_ms = 100\nwindow_size_ms = 50\n"
        '[budget]\nboard = "arduino_nano_33_ble"\n'
        "inference_interval_ms = 40\n[space]\n"
        '"features.window_stride_ms" = [20, 120, 50]\n"features.window_size_ms" = [50, 110]\n'
        '"features.lower_band_limit_hz" = [125.0, 7500.0]\n'
        '"features.upper_band_limit_hz" = [7500.0, 7000.0]\n'
        '"features.sample_rate_hz" = [16000, 11025, 16100]\n',
        FILE,
        VOCABULARY,
    )
    (sooner, rule), (later, _) = IN_ORDER[first : first + 2]
    for point in (sooner, later | sooner):
        with pytest.raises(ConfigError, match=re.escape(f"{FILE} {rule}")):
            resolve(sweep, point)


def test_space_with_some_invalid_points_is_accepted() -> None:
    """Of the four points here one breaks the rule on strides: it becomes an infeasible row."""
    space = '"features.window_size_ms" = [20, 40]\n"features.window_stride_ms" = [10, 30]'
    sweep = parsed(f"{MODEL}[space]\n{space}")
    good = {"features.window_size_ms": 40, "features.window_stride_ms": 30}
    assert resolve(sweep, good).features.window_stride_ms == 30
    with pytest.raises(ConfigError, match=r"x\.toml \[features\]: window_stride_ms <= window_size"):
        resolve(sweep, good | {"features.window_size_ms": 20})


def test_dimensions_are_read_as_written() -> None:
    """A list is a choice, a table a range; integers stay integers."""
    space = parsed(
        MODEL + '[space]\n"model.filters" = { low = 4, high = 32, step = 4 }\n'
        '"train.learning_rate" = { low = 1e-3, high = 0.1, log = true }\n'
        '"features.frame" = ["30/20x40", "40/40x20"]\n"features.enable_pcan" = [true, false]'
    ).space
    assert space == {
        "model.filters": Range(4, 32, 4),
        "train.learning_rate": Range(0.001, 0.1, log=True),
        "features.frame": Choice(("30/20x40", "40/40x20")),
        "features.enable_pcan": Choice((True, False)),
    }


def test_point_overrides_the_file() -> None:
    """A dimension wins over the value of the same name in the file; presets expand."""
    sweep = parsed(
        MODEL + 'filters = 4\n[features]\nframe = "30/20x40"\n[space]\n"model.filters" = [8, 16]\n'
        '"features.frame" = ["40/20x20"]'
    )
    config = resolve(sweep, {"model.filters": 16, "features.frame": "40/20x20"})
    assert sweep.default.model.params["filters"] == 4
    assert config.model.params["filters"] == 16
    assert config.features.shape == (49, 20)


def test_point_gives_what_the_file_with_its_values_gives() -> None:
    """Sections that it leaves as they are come from the file, whatever it changes beside them."""
    base = {
        "sweep": 'name = "x"\nseed = 3\ncpus_per_trial = 2',
        "data": 'keywords = ["up", "down"]\nunknown_percentage = 40.0',
        "features": "n_channels = 20",
        "augment": "gain_db = 3.0",
        "model": 'architecture = "tiny_conv"\ndropout = 0.2',
        "train": "steps = 9\nlearning_rate = 0.1",
        "budget": 'board = "arduino_nano_33_ble"\nmodel_bytes = 9000',
    }
    values: dict[str, Any] = {
        "data.silence_percentage": 5.0,
        "features.window_size_ms": 40,
        "augment.n_variants": 2,
        "model.filters": 16,
        "train.batch_size": 7,
    }
    space = "".join(f'"{name}" = [{value}]\n' for name, value in values.items())
    sweep = parsed("".join(f"[{k}]\n{v}\n" for k, v in base.items()) + f"[space]\n{space}")
    for n in range(len(values) + 1):
        point = dict(list(values.items())[:n])
        written = dict(base)
        for name, value in point.items():
            section, key = name.split(".")
            written[section] += f"\n{key} = {value}"
        whole = parsed("".join(f"[{k}]\n{v}\n" for k, v in written.items())).default
        assert resolve(sweep, point) == whole


def test_what_a_point_leaves_as_it_is_is_not_read_again() -> None:
    """Only the section that it changes is: a sampler resolves hundreds for each candidate."""
    sweep = make_sweep('"train.learning_rate" = [0.1, 0.2]')
    config, default = resolve(sweep, {"train.learning_rate": 0.2}), sweep.default
    assert config.train is not default.train
    others = ("data", "features", "augment", "model", "budget")
    assert all(getattr(config, name) is getattr(default, name) for name in others)


def test_parameters_of_another_architecture_are_dropped() -> None:
    """Each architecture of the space gets the parameters that it has, from file, space, default."""
    sweep = parsed(TWO_MODELS + '"model.n_blocks" = [1, 2]\n[model]\nfilters = 12\nstride = "4x4"')
    tiny = resolve(sweep, {"model.architecture": "tiny_conv", "model.n_blocks": 2}).model.params
    ds_cnn = resolve(sweep, {"model.architecture": "ds_cnn", "model.n_blocks": 2}).model.params
    assert tiny == {"filters": 12, "kernel": "10x8", "stride": "4x4", "dropout": 0.5}
    assert ds_cnn["n_blocks"] == 2
    assert ds_cnn["filters"] == 12
    assert set(ds_cnn) == set(ARCHITECTURES["ds_cnn"].model_fields)


def test_relative_paths_start_at_the_sweep_file(tmp_path: Path) -> None:
    """A sweep file means the same wherever sprd is run."""
    text = MODEL.replace("keywords", 'source = "../a"\nextra = ["b", "/c"]\nkeywords')
    sweep = parse_sweep(text, tmp_path / "in" / "x.toml", VOCABULARY)
    assert sweep.default.data.source == str(tmp_path / "a")
    assert sweep.default.data.extra == (str(tmp_path / "in" / "b"), "/c")


@pytest.mark.parametrize("source", ["synthetic", "speech_commands", "speech_commands_v0.01"])
def test_named_sources_are_no_paths(source: str) -> None:
    """They stay as written."""
    text = MODEL.replace("keywords", f'source = "{source}"\nkeywords')
    assert parsed(text).default.data.source == source


class TestUnreadableFile:
    """Files that cannot be read as text are refused with their path."""

    def test_file_that_is_missing(self, tmp_path: Path) -> None:
        """A path that leads nowhere."""
        self.check(tmp_path / "gone.toml", "must be a readable sweep file: No such file or dir")

    def test_folder(self, tmp_path: Path) -> None:
        """A folder in place of a file."""
        self.check(tmp_path, "must be a readable sweep file: Is a directory.")

    def test_file_that_is_not_utf_8(self, tmp_path: Path) -> None:
        """Latin-1, say."""
        path = tmp_path / "x.toml"
        path.write_bytes(b'[sweep]\nname = "\xe4"\n')
        self.check(path, "must be a readable sweep file: not UTF-8 text. Give the path of a TOML")

    def test_file_that_is_huge(self, tmp_path: Path) -> None:
        """A data file given by mistake is not read at all."""
        path = tmp_path / "x.toml"
        path.touch()
        os.truncate(path, MAX_FILE_BYTES + 1)
        self.check(path, "must be a sweep file, at most 1,000,000 bytes.")

    @pytest.mark.parametrize("name", ["with space", "quote \" and '", "[brackets]", "ünïcode"])
    def test_path_with_odd_characters(self, tmp_path: Path, name: str) -> None:
        """The path is shown as it is."""
        self.check(tmp_path / name, "must be a readable sweep file: No such file or dir")

    def check(self, path: Path, message: str) -> None:
        with pytest.raises(ConfigError) as caught:
            load_sweep(path, VOCABULARY)
        assert f"{path}: {message}" == str(caught.value)[: len(f"{path}: {message}")]


def test_text_is_kept_as_read(tmp_path: Path) -> None:
    """The bundle holds the very text of the file."""
    path = tmp_path / "x.toml"
    path.write_text("# comment\n" + SEED_RECIPE, encoding="utf-8")
    assert load_sweep(path, VOCABULARY).text == "# comment\n" + SEED_RECIPE


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_config_survives_json(architecture: str) -> None:
    """A worker gets what the driver checked."""
    config = parsed(DATA + f'[model]\narchitecture = "{architecture}"').default
    assert Config.model_validate_json(config.model_dump_json()) == config


@given(
    st.sampled_from(sorted(ARCHITECTURES)).flatmap(
        lambda a: st.tuples(st.just(a), legal_params(a))
    ),
    st.floats(1e-9, 10) | st.integers(1, 10),
    st.sampled_from(["[5, 7]", "5"]),
)
@settings(max_examples=50)
def test_any_config_survives_json_unchanged(
    model: tuple[Any, ...], rate: float, steps: str
) -> None:
    """Numbers keep their bits and types on the way to a worker."""
    architecture, params = model
    rates = f"[{rate!r}, {rate!r}]" if steps[0] == "[" else repr(rate)
    lines = "\n".join(f"{name} = {toml_text(value)}" for name, value in params.items())
    config = parsed(
        f"{DATA}[train]\nsteps = {steps}\nlearning_rate = {rates}\n"
        f'[model]\narchitecture = "{architecture}"\n{lines}'
    ).default
    back = Config.model_validate_json(config.model_dump_json())
    assert back == config
    assert {k: type(v) for k, v in back.model.params.items()} == {
        k: type(v) for k, v in config.model.params.items()
    }


KEYS = [
    *(f"{table}.{key}" for table, section in SECTIONS.items() for key in section.model_fields),
    *("features.frame", "model.architecture", "model.filters", "model.kernel", "model.x"),
    *('space."model.filters"', 'space."features.frame"', 'space."train.learning_rate"'),
    *('space."model.architecture"', 'space."augment.gain_db"', "space", "x"),
    *("start", "reference", "sweep.objectives", "sweep.warm_start"),
]


@given(st.dictionaries(st.sampled_from(KEYS), toml_values(), max_size=4))
@settings(max_examples=300)
def test_no_value_of_any_key_fails_otherwise_than_by_a_config_error(values: dict[str, Any]) -> None:
    """Whatever a file holds: it is read, or refused in one line that starts with its name."""
    given_keys = {"sweep.name": "x", "data.keywords": ["up"], "model.architecture": "tiny_conv"}
    text = "\n".join(f"{key} = {toml_text(v)}" for key, v in {**given_keys, **values}.items())
    try:
        sweep = parsed(text)
    except ConfigError as error:
        assert re.fullmatch(rf"{FILE}[: ].*[.?]", str(error)), str(error)
    else:
        assert Config.model_validate_json(sweep.default.model_dump_json()) == sweep.default


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_no_text_fails_otherwise_than_by_a_config_error(text: str) -> None:
    """What is no TOML is refused."""
    with pytest.raises(ConfigError, match=re.escape(f"{FILE}")):
        parsed(text)


@given(st.dictionaries(st.sampled_from(["low", "high", "x"]), toml_values()))
def test_written_toml_is_read_back(table: dict[str, Any]) -> None:
    """The fuzz above feeds what it means to."""
    read = tomllib.loads(f"a = {toml_text(table)}")["a"]
    assert repr(read) == repr(table)


@pytest.mark.parametrize(
    "line",
    [
        '"storage" = "abfs://c/x"',
        'storage = """abfs://c/x"""',
        'storage = "/nfs/ho\\"me/alice/x"',
        "storage = '/a\"b'",
    ],
)
def test_storage_is_written_so_that_it_can_be_left_out(line: str) -> None:
    """The copy in a bundle has none."""
    with pytest.raises(ConfigError, match="must be written in a line of its own"):
        make_sweep(sweep=line)


@pytest.mark.parametrize(
    ("storage", "is_refused"),
    [
        ("s3://user:secret@bucket/runs", True),
        ("s3://key@bucket", True),
        ("s3://bucket/runs?endpoint_override=127.0.0.1:5000&scheme=http", False),
        ("s3://bucket/a@b", False),
        ("s3://AKIA:ab/secret@host/x", True),
        ("s3://bucket/x?scheme=http&secret_key=secret", True),
        ("abfs://c/x?client_secret=secret", True),
        ("abfss://container@account.dfs.core.windows.net/runs", False),
        ("abfss://name:secret@account.dfs.core.windows.net/runs", True),
        ("/shared/a@b://c", False),
    ],
)
def test_storage_holds_no_secret(storage: str, is_refused: bool) -> None:
    """The file is copied into every bundle; the message does not repeat it either."""
    if not is_refused:
        expected = storage if "://" in storage else str(Path(storage).resolve())
        assert make_sweep(sweep=f'storage = "{storage}"').sweep.storage == expected
        return
    with pytest.raises(ConfigError, match="must hold no user, password or key") as caught:
        make_sweep(sweep=f'storage = "{storage}"')
    assert "secret" not in str(caught.value)


def test_huge_value_is_told_in_a_short_line() -> None:
    """Where and what to do stay: the middle of the value goes."""
    with pytest.raises(ConfigError) as caught:
        make_sweep(sweep=f'storage = ["{"x" * 10_000}"]')
    assert len(str(caught.value)) < 1500
    assert "[sweep] storage: must be" in str(caught.value) and "Folder or URI" in str(caught.value)
