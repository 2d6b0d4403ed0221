"""The demo, as it is shown, with few warm calls."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT, binary

DEMO_SECONDS = 600


@pytest.mark.skipif("HEARTH_TEST_DEMO" not in os.environ, reason="it downloads and compiles: HEARTH_TEST_DEMO=1")
@pytest.mark.timeout(900)
def test_the_demo_makes_thumbnails_in_three_languages_and_shows_three_failures():
    done = subprocess.run(
        [sys.executable, "-u", str(ROOT / "examples/demo/demo.py"), binary(), "2"],
        capture_output=True, text=True, timeout=DEMO_SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for picture in ("thumbnail.jpg", "thumbnail-node.jpg", "thumbnail-rust.jpg"):
        assert f"{picture}: " in done.stdout
    assert "done: the server has ended" in done.stdout
