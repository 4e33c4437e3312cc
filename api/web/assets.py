"""The files pages load: our own under ``static/``, the browser packages under ``vendor/``."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from api.web.packages import MANIFEST, VENDOR

STATIC = Path(__file__).parent / "static"

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


class AssetsError(RuntimeError):
    """A file the pages need is missing or was altered; the message says what to do."""


@dataclass(frozen=True)
class Asset:
    """One file as it is sent.

    Parameters
    ----------
    path
        Below ``/assets/``: ``static/…`` or ``vendor/…``.
    content
        The bytes.
    """

    path: str
    content: bytes

    @property
    def media_type(self) -> str:
        """The value of its Content-Type."""
        return MEDIA_TYPES.get(Path(self.path).suffix, "text/plain; charset=utf-8")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def gzipped(self) -> bytes | None:
        """The content compressed; None where that saves nothing."""
        if self.media_type.startswith("image/png"):
            return None
        return gzip.compress(self.content, compresslevel=6, mtime=0)

    @property
    def href(self) -> str:
        """The address pages write: it changes with the content, so that browsers may keep the file for good."""
        return f"/assets/{self.path}?v={self.digest[:12]}"


@dataclass(frozen=True)
class Assets:
    """All files pages may load.

    Parameters
    ----------
    files
        By path.
    outside
        For each address at which a library would load a file from another machine: the path of our copy.
    """

    files: Mapping[str, Asset]
    outside: Mapping[str, str]

    def __getitem__(self, path: str) -> Asset:
        return self.files[path]

    def get(self, path: str) -> Asset | None:
        """Return the file at ``path``, or None."""
        return self.files.get(path)

    def local(self, url: str) -> Asset:
        """Our copy of the file at an outside address.

        Raises
        ------
        AssetsError
            No browser package holds it: a page that needs it would need the internet.
        """
        if url not in self.outside:
            raise AssetsError(f"no local copy of {url}: add it to FILES in api/web/packages.py")
        return self.files[self.outside[url]]


@cache
def installed() -> Assets:
    """Return the files of this installation, read once.

    Raises
    ------
    AssetsError
        As in :func:`read`.
    """
    return read()


def read(vendor: Path = VENDOR) -> Assets:
    """Read every file and check the browser packages against their manifest.

    Raises
    ------
    AssetsError
        The browser packages were not installed, are incomplete, or a file differs from its SHA-256.
    """
    manifest = vendor / MANIFEST
    if not manifest.is_file():
        raise AssetsError("the browser packages are not installed; run: python -m api.web.packages")
    files = {}
    for file in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        name = f"static/{file.relative_to(STATIC).as_posix()}"
        files[name] = Asset(name, file.read_bytes())
    outside = {}
    for entry in json.loads(manifest.read_text(encoding="utf-8"))["files"]:
        name = f"vendor/{entry['path']}"
        files[name] = _checked(vendor / entry["path"], name, entry["sha256"])
        if entry["url"]:
            outside[entry["url"]] = name
    return Assets(files, outside)


def _checked(file: Path, name: str, sha256: str) -> Asset:
    if not file.is_file():
        raise AssetsError(f"{name} is missing; run: python -m api.web.packages")
    asset = Asset(name, file.read_bytes())
    if asset.digest != sha256:
        raise AssetsError(f"{name} was altered since it was installed; run: python -m api.web.packages")
    return asset
