"""How long `wangge demo` takes from an installed environment to serving, cold and warm, and what it weighs.

Cold: no data folder, no compiled kernels, so the run holds initdb, migrations, the city, its import, assignment,
compilation and coverage. Warm: the same folder again. Look-ups are timed on the warm server over one kept
connection, beside an endpoint that does nothing; every reply is checked against the first.

Run: .venv/bin/python bench/demo.py
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import IO

import httpx2 as httpx

PORT = 8790
URL = f"http://127.0.0.1:{PORT}"
LOOK_UPS = 500


def start(folder: Path) -> tuple[subprocess.Popen[str], float]:
    """Start the demo; return it and the seconds until it served."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [Path(sys.executable).parent / "wangge", "demo", "--port", str(PORT)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"WANGGE_DATA_DIR": str(folder / "data"), "NUMBA_CACHE_DIR": str(folder / "kernels")},
    )
    stream: IO[str] = process.stderr  # type: ignore[assignment]  # it is a pipe
    for line in stream:
        if "serving at" in line:
            return process, time.perf_counter() - began
    raise SystemExit("wangge demo ended before it served")


def peak_mb(pid: int) -> float:
    """Return the largest resident size a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else float("nan")


def look_ups() -> None:
    """Time GET /api/locate beside GET /healthz, in turn."""
    place = f"{URL}/api/locate?lon=105.42&lat=32.02&datum=wgs84"
    took: dict[str, list[float]] = {place: [], f"{URL}/healthz": []}
    with httpx.Client() as client:
        first = client.get(place).raise_for_status().content
        for _ in range(LOOK_UPS):
            for url, times in took.items():
                began = time.perf_counter()
                reply = client.get(url)
                times.append(time.perf_counter() - began)
                assert url != place or reply.content == first
    for url, times in took.items():
        name = url.removeprefix(URL).partition("?")[0]
        p99 = sorted(times)[int(LOOK_UPS * 0.99)]
        print(f"{name:14} median {median(times) * 1000:6.2f} ms   p99 {p99 * 1000:6.2f} ms")


def main() -> None:
    """Run cold, run warm, look up."""
    folder = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    folder.chmod(0o755)
    try:
        for run in ("cold", "warm"):
            process, seconds = start(folder)
            print(f"{run}: serving after {seconds:5.1f} s, peak memory {peak_mb(process.pid):5.0f} MB")
            if run == "warm":
                look_ups()
                print(f"peak memory after look-ups {peak_mb(process.pid):5.0f} MB")
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
