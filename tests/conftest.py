"""What every test may use: the reference data beside the project, and a cache of its own."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

SHARED_VARIABLE = "SPRD_TEST_SHARED"

# A machine that does something else beside the tests is no failure.
settings.register_profile("sprd", deadline=None)
settings.load_profile("sprd")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where SPRD_NO_SKIPS is set, as in CI, a test that skips fails: it would prove nothing."""
    report = yield
    if report.skipped and os.environ.get("SPRD_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but SPRD_NO_SKIPS is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference models and recordings; tests that need it are skipped without."""
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get(SHARED_VARIABLE, beside))
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing: set {SHARED_VARIABLE} to the folder of reference data")
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or fills the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPRD_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def toolchain() -> None:
    """The Arm compiler and QEMU; tests that need them are skipped without."""
    from sprd.device.emulation.toolchain import check_toolchain
    from sprd.errors import EmulationError

    try:
        check_toolchain()
    except EmulationError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def one_thread() -> None:
    """TensorFlow as a worker starts it: one thread, deterministic. Only before its first op."""
    from sprd.model.start import load_tensorflow, set_threads

    load_tensorflow()
    set_threads(1)
