"""Install the browser packages: ``python -m api.web.packages``.

npm fetches the exact versions of package-lock.json into a folder of its own; the files that pages use are
copied into ``vendor/`` beside this module, with a manifest that maps the outside address a library would
have asked (as folium writes it) to the local file, its SHA-256 and its licence. After this step no page
needs a network. Nothing third-party is committed.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parent
VENDOR = WEB / "vendor"
MANIFEST = "manifest.json"

LEAFLET = "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """One file taken from a browser package.

    Parameters
    ----------
    package, path
        The npm package and the file's path in it.
    url
        Address at which a Python library links this file; None where only our own pages use it.
    """

    package: str
    path: str
    url: str | None = None


FILES = (
    PackageFile("leaflet", "dist/leaflet.js", f"{LEAFLET}/leaflet.js"),
    PackageFile("leaflet", "dist/leaflet.css", f"{LEAFLET}/leaflet.css"),
    PackageFile("leaflet", "dist/images/layers.png"),
    PackageFile("leaflet", "dist/images/layers-2x.png"),
    PackageFile("leaflet", "dist/images/marker-icon.png"),
    PackageFile("leaflet", "dist/images/marker-icon-2x.png"),
    PackageFile("leaflet", "dist/images/marker-shadow.png"),
    PackageFile("leaflet", "LICENSE"),
    PackageFile("swagger-ui-dist", "swagger-ui-bundle.js"),
    PackageFile("swagger-ui-dist", "swagger-ui.css"),
    PackageFile("swagger-ui-dist", "LICENSE"),
    PackageFile("swagger-ui-dist", "NOTICE"),
)


class PackagesError(RuntimeError):
    """The browser packages could not be installed; the message says what to do."""


def install(target: Path = VENDOR) -> int:
    """Fetch the pinned packages and put their files and the manifest into ``target``.

    Returns
    -------
    int
        Number of files copied.

    Raises
    ------
    PackagesError
        npm is missing, or it could not fetch the packages.
    """
    with tempfile.TemporaryDirectory(prefix="wangge-npm-") as work:
        modules = _fetch(Path(work))
        staged = target.with_name(target.name + ".new")
        shutil.rmtree(staged, ignore_errors=True)
        entries = [_copy(modules, file, staged) for file in FILES]
    (staged / MANIFEST).write_text(json.dumps({"files": entries}, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    staged.rename(target)
    return len(entries)


def current(target: Path = VENDOR) -> bool:
    """Whether ``target`` holds every file at the versions of package.json."""
    manifest = target / MANIFEST
    if not manifest.is_file():
        return False
    entries = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    have = {(entry["package"], entry["version"], entry["source"], entry["url"]) for entry in entries}
    pinned = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    want = {(file.package, pinned[file.package], file.path, file.url) for file in FILES}
    return have == want and all((target / entry["path"]).is_file() for entry in entries)


def _fetch(work: Path) -> Path:
    """Run npm in ``work`` and return its modules folder. Install scripts of packages are never run."""
    npm = shutil.which("npm")
    if npm is None:
        raise PackagesError("npm is not installed; on Debian: apt-get install npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(WEB / name, work / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)  # noqa: S603 - constant
    if done.returncode:
        raise PackagesError(
            f"npm could not fetch the browser packages; check the network or npm's registry setting:\n{done.stderr}"
        )
    return work / "node_modules"


def _copy(modules: Path, file: PackageFile, target: Path) -> dict[str, str | None]:
    about = json.loads((modules / file.package / "package.json").read_text(encoding="utf-8"))
    local = Path(file.package) / file.path
    content = (modules / local).read_bytes()
    (target / local).parent.mkdir(parents=True, exist_ok=True)
    (target / local).write_bytes(content)
    return {
        "url": file.url,
        "path": local.as_posix(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "package": file.package,
        "source": file.path,
        "version": about["version"],
        "licence": about["license"],
    }


def main() -> int:
    """Install unless nothing changed; say what was done."""
    if current():
        sys.stderr.write("browser packages: up to date\n")
        return 0
    try:
        count = install()
    except PackagesError as failure:
        sys.stderr.write(f"{failure}\n")
        return 3
    sys.stderr.write(f"browser packages: {count} files installed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
