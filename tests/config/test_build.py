"""The builds of a board file: which there are, which is the default, each rule they may break."""

import pytest

from sprd.config.board import Board, parse_board
from sprd.config.build import CMAKE_O2, Build, cmake_o2
from sprd.device.board import BOARDS, load_board
from sprd.errors import BoardError

BOARDS_OF_OLD = (
    *("arduino_nano_33_ble", "ek_ra6m4", "esp32_s3", "nrf5340dk", "nucleo_l4r5zi"),
    *("raspberry_pi_pico", "sparkfun_edge", "stm32f446re", "stm32f746"),
)
"""Those that came with the package before boards had builds."""
OWN = """
[builds.own]
compiler = "arm-none-eabi-gcc 13.2"
flags = ["-Os", "-fno-inline", "-mfpu=fpv4-sp-d16"]
float_abi = "hard"
kernels = "cmsis-nn"
kernels_date = ""
tflm = "any"
cost = ""
"""


def without_builds() -> str:
    """A board file as it was before boards had builds."""
    text = BOARDS["stm32f746"].read_text()
    start = text.index("[builds.")
    return text[:start] + text[text.index("[flash_memory]") :]


def with_own(own: str = OWN, top: str = 'kernels = "cmsis-nn"') -> str:
    """A board file with one build in a table, and something in the place of its kernels."""
    return without_builds().replace('kernels = "cmsis-nn"', top) + own


def parsed(text: str) -> Board:
    """The board of a file."""
    return parse_board(text, "mine.toml", "mine.toml")


def test_kernels_at_the_top_are_the_one_build_of_a_file_of_old() -> None:
    """A user's own file of before means what it meant."""
    board = parsed(without_builds())
    assert board.builds == {CMAKE_O2: cmake_o2("cortex-m7", "cmsis-nn")}
    assert (board.build.name, board.build.flags, board.kernels) == (CMAKE_O2, ("-O2",), "cmsis-nn")


def test_build_is_read_whole() -> None:
    """Each key of its table is in it, and it goes through JSON."""
    board = parsed(with_own())
    assert board.default_build == CMAKE_O2
    own = board.builds["own"]
    assert own == Build(
        name="own",
        compiler="arm-none-eabi-gcc 13.2",
        flags=("-Os", "-fno-inline", "-mfpu=fpv4-sp-d16"),
        float_abi="hard",
        kernels="cmsis-nn",
        kernels_date="",
        tflm="any",
        cost="",
    )
    assert board.with_build("own").as_json()["builds"] == {"own": own.as_json()}


def test_default_is_what_the_file_says_else_the_first_build_or_the_only_one() -> None:
    """A file may leave it out where there is no choice, or where it is the build of old."""
    named = 'kernels = "cmsis-nn"\ndefault_build = "own"'
    assert parsed(with_own(top=named)).build.name == "own"
    assert parsed(with_own(top="")).build.name == "own"
    assert parsed(with_own()).build.name == CMAKE_O2


@pytest.mark.parametrize("name", BOARDS_OF_OLD)
def test_shipped_boards_have_the_build_of_old(name: str) -> None:
    """Sweep files of before name none: their numbers are of this one."""
    board = load_board(name, CMAKE_O2)
    assert board.build == cmake_o2(board.core, board.kernels)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("-Os", "-O9", r"\[builds.own\] \[flags\]: must be flags of code"),
        ("-Os", "-fplugin=evil.so", "must be flags of code"),
        ("-Os", "-wrapper", "must be flags of code"),
        ('["-Os", "-fno-inline", "-mfpu=fpv4-sp-d16"]', "[]", "must be a list of compiler flags"),
        ('["-Os", "-fno-inline", "-mfpu=fpv4-sp-d16"]', '"-Os"', "must be a list of compiler"),
        ('["-Os", "-fno-inline", "-mfpu=fpv4-sp-d16"]', "[2]", "must be flags of code"),
        ('float_abi = "hard"', 'float_abi = "firm"', r"\[float_abi\]: must be one of"),
        ('float_abi = "hard"', "float_abi = 3", r"\[float_abi\]: must be a text"),
        ('float_abi = "hard"', "", "must have the key 'float_abi'"),
        ('kernels = "cmsis-nn"', 'kernels = "esp-nn"', "kernels that run on 'cortex-m7'"),
        ('kernels = "cmsis-nn"', 'kernels = "cmsis"', "Did you mean 'cmsis-nn'"),
        ('kernels_date = ""', 'kernels_date = "2023"', "year and month such as '2023-12'"),
        ('tflm = "any"', 'tflm = "2023-13"', "year and month such as '2023-12', or 'any'"),
        ('tflm = "any"', 'tflm = ""', "year and month"),
        ('cost = ""', 'cost = "../cores"', "name of cost tables"),
        ('cost = ""', 'costs = ""', "unknown key 'costs'. Did you mean 'cost'"),
        ("arm-none-eabi-gcc 13.2", " ", r"\[compiler\]: must be a text that says something"),
        ("[builds.own]", '[builds."my own"]', "up to 40 letters, digits"),
        ("[builds.own]", "[builds.cmake-O2]", "differ in their names, got 'cmake-O2' twice"),
        ("[builds.own]", "[builds.CMAKE-o2]", "upper and lower case, got 'cmake-O2' and 'CMAKE-o"),
        ("[builds.own]", "[builds]\nown = 3\n[builds.more]", r"\[builds\] \[own\]: must be a tab"),
        ("[builds.own]", "[build.own]", "unknown key 'build'. Did you mean 'builds'"),
    ],
)
def test_build_that_breaks_a_rule_is_refused(old: str, new: str, rule: str) -> None:
    """Each rule is told in one line with the file and what was found."""
    assert old in OWN
    with pytest.raises(BoardError, match=rule) as caught:
        parsed(with_own(OWN.replace(old, new, 1)))
    assert str(caught.value).startswith("mine.toml")
    assert "\n" not in str(caught.value)


def test_two_builds_of_one_name_are_refused() -> None:
    """Whoever declares a table twice reads which, and in which line."""
    with pytest.raises(BoardError, match=r"^mine.toml: two builds must differ.*'own' twice \(at l"):
        parsed(with_own(OWN + OWN))


@pytest.mark.parametrize(
    ("top", "own", "rule"),
    [
        ("", "", "must have the key 'kernels' or tables such as .* got none"),
        ("", "[builds]", "got an empty"),
        ("", OWN + OWN.replace("own", "more"), "must have the key 'default_build'.* own, more"),
        ('default_build = "onw"', OWN, r"\[default_build\]: must be a build .* mean 'own'"),
        ("default_build = 3", OWN, r"\[default_build\]: must be a text"),
        ("builds = 3", "", r"\[builds\]: must be a table"),
    ],
)
def test_file_without_a_build_to_choose_is_refused(top: str, own: str, rule: str) -> None:
    """There is always one that holds where none is named."""
    with pytest.raises(BoardError, match=rule):
        parsed(with_own(own, top))


def test_flags_are_no_way_to_run_what_a_bundle_names() -> None:
    """A board goes along with a bundle: its flags name no file, program or folder."""
    for flag in ("-B/tmp", "-specs=x", "-I.", "-include", "@file", "-o", "-fplugin=x", "-xc"):
        with pytest.raises(BoardError, match="flags of code"):
            parsed(with_own(OWN.replace("-Os", flag)))
