"""The product as its users start it: `wangge demo` in a process of its own, on its own data folder."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.watching import browser, chromium, closed_home, home, hostile_city, watch

#: Fixtures of every module here: one browser for all, since a process can hold no second.
__all__ = ["browser", "chromium", "closed_home", "home", "hostile_city", "watch"]

WANGGE = Path(sys.executable).parent / "wangge"
#: Longest wait for `wangge demo` to serve; it is far quicker, unless the machine is busy.
PATIENCE_S = 240


class Demo:
    """A running `wangge demo`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.said: list[str] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")},
            "WANGGE_DATA_DIR": str(data),
            "COLUMNS": "200",
        }

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.process = subprocess.Popen(
            [WANGGE, "demo", "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        serving = threading.Event()
        threading.Thread(target=self._listen, args=(serving,), daemon=True).start()
        if not serving.wait(PATIENCE_S):
            self.process.kill()
            pytest.fail("wangge demo did not come up:\n" + "".join(self.said))

    def stop(self) -> int:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill the server and its PostGIS, with no chance to tidy up."""
        self.process.kill()
        self.process.wait(60)
        for lock in self.data.glob("*/postmaster.pid"):
            os.kill(int(lock.read_text().split()[0]), signal.SIGKILL)

    def password(self) -> str:
        """The password it said for its accounts."""
        return re.search(r"password (\S+)", "".join(self.said))[1]

    def _listen(self, serving: threading.Event) -> None:
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line)
                if "serving at" in line:
                    serving.set()


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """One demo for all tests of this folder."""
    folder = Path(tempfile.mkdtemp(prefix="wangge-demo-"))
    folder.chmod(0o755)
    demo = Demo(folder / "data")
    demo.start()
    yield demo
    demo.stop()
    # The demo leaves nothing running.
    deadline = time.monotonic() + 30
    while list(demo.data.glob("*/postmaster.pid")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not list(demo.data.glob("*/postmaster.pid"))
    shutil.rmtree(folder, ignore_errors=True)
