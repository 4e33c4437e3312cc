"""The private PostGIS server that ``wangge demo`` and ``--embedded`` run.

It listens on a socket in a folder that only its account may enter, never on the network. PostgreSQL refuses
to run as root, so root hands the server to the ``postgres`` account that Debian's package made.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

#: Longest path of a Unix socket that Linux accepts, less the name PostgreSQL adds (``/.s.PGSQL.5432``).
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")
_ACCOUNT = "postgres"
#: A killed server's children take a moment to let go of its shared memory.
_START_ATTEMPTS = 4
# Seconds in which a connection that was just closed, or a process that was told to end, is gone from the server.
_LEAVING_S = 5.0
_SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "120",
    "max_wal_size": "2GB",
    "jit": "off",
}


class EmbeddedUnavailable(RuntimeError):  # noqa: N818 - the words of the user's report
    """The private PostGIS cannot run here; the message says what to install or mend."""


def data_folder() -> Path:
    """Return where the server keeps its data by default: a system folder for root, else the user's own.

    A clone under ``/root`` would be unreadable to the account that root hands the server to.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/wangge")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "wangge"


class EmbeddedServer:
    """A PostgreSQL cluster in ``folder``; ``settings`` are added to its configuration.

    A server that still runs from an earlier process is adopted; one that was killed recovers at its start.
    """

    def __init__(self, folder: Path, *, settings: dict[str, str] | None = None) -> None:
        self.folder = folder
        self._settings = _SETTINGS | (settings or {})
        self._binaries = find_binaries()
        # The major version is in the path: a newer server must not be started on an older one's files.
        self._data = folder / f"postgresql-{self._binaries.parent.name}"
        self._sockets = self._socket_folder()

    def url(self, database: str = "wangge") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{_ACCOUNT}@/{database}?host={quote(str(self._sockets), safe='')}"

    def start(self) -> bool:
        """Start or adopt the server; return whether this call started it.

        Raises
        ------
        EmbeddedUnavailable
            If it does not come up; the end of its log is in the message.
        """
        if not (self._data / "PG_VERSION").exists():
            self._create()
        if self._adopt():
            return False
        self._own(self._sockets)
        options = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        for attempt in range(_START_ATTEMPTS):
            time.sleep(attempt)
            done = self._run(
                "pg_ctl", "start", "-w", "-t", "120", "-s",
                "-D", str(self._data), "-l", str(self._data / "server.log"),
                "-o", f"{options} -c unix_socket_directories={self._sockets}",
                check=False,
            )  # fmt: skip
            if done.returncode == 0:
                return True
        raise EmbeddedUnavailable(f"The private PostGIS does not start:\n{self._log_tail()}")

    def stop(self) -> None:
        """Stop the server, ending what its clients do; nothing that was committed is lost."""
        self._run("pg_ctl", "stop", "-D", str(self._data), "-m", "fast", "-w", "-s", check=False)

    def stop_if_idle(self) -> bool:
        """Stop the server unless others are connected to it; return whether it was stopped.

        Whoever adopted it keeps it: the last one to leave stops it.
        """
        deadline = time.monotonic() + _LEAVING_S
        while self._others():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        self.stop()
        return True

    def _others(self) -> int:
        """How many are connected."""
        return int(
            self._sql(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )

    def create_database(self, name: str = "wangge") -> None:
        """Create a database unless it is there."""
        if name not in self._sql("SELECT datname FROM pg_database").split():
            self._sql(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")

    def _adopt(self) -> bool:
        """Wait until a running server answers; return False when there is none, or it dies meanwhile."""
        for _ in range(300):
            self._forget_dead_server()
            if self._run("pg_ctl", "status", "-D", str(self._data), check=False).returncode != 0:
                return False
            if self._run("pg_isready", "-h", str(self._sockets), check=False).returncode == 0:
                return True
            time.sleep(0.2)
        raise EmbeddedUnavailable(f"The private PostGIS runs but does not answer:\n{self._log_tail()}")

    def _forget_dead_server(self) -> None:
        """Remove the lock file of a server that was killed but not yet reaped.

        Where process 1 reaps nobody, as in many containers, such a process counts as alive for ever, and
        neither ``pg_ctl`` nor the server itself would start.
        """
        lock = self._data / "postmaster.pid"
        if lock.exists() and _is_zombie(int(lock.read_text().split()[0])):
            lock.unlink()

    def _sql(self, statement: str) -> str:
        return self._run(
            "psql", "-X", "-q", "-t", "-A", "-h", str(self._sockets), "-U", _ACCOUNT, "-d", "postgres",
            "-v", "ON_ERROR_STOP=1", "-c", statement,
        ).stdout  # fmt: skip

    def _create(self) -> None:
        self._own(self.folder)
        # A folder without PG_VERSION is what an interrupted initdb leaves behind.
        shutil.rmtree(self._data, ignore_errors=True)
        self._own(self._data)
        self._run(
            "initdb", "-D", str(self._data), "-U", _ACCOUNT, "-E", "UTF8", "--locale=C.UTF-8",
            "--auth-local=trust", "--auth-host=reject",
        )  # fmt: skip

    def _socket_folder(self) -> Path:
        wanted = self.folder / "run"
        if len(str(wanted)) <= _LONGEST_SOCKET_FOLDER:
            return wanted
        return Path(tempfile.gettempdir()) / f"wangge-{sha256(str(self.folder).encode()).hexdigest()[:12]}"

    def _own(self, folder: Path) -> None:
        """Make a folder that only the server's account may enter: the socket in it asks for no password."""
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            account = pwd.getpwnam(_ACCOUNT)
            os.chown(folder, account.pw_uid, account.pw_gid)
        elif folder.stat().st_uid != os.geteuid():
            raise EmbeddedUnavailable(
                f"{folder} belongs to another account; set WANGGE_DATA_DIR to your own."
            )
        folder.chmod(0o700)

    def _log_tail(self) -> str:
        log = self._data / "server.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else "(no log)"

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        as_root = os.geteuid() == 0
        done = subprocess.run(  # noqa: S603 - fixed programs, our own arguments
            [str(self._binaries / program), *arguments],
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            # Ctrl-C reaches the whole process group; the server must outlive it until we stop it in order.
            start_new_session=True,
            env=_environment(),
            user=_ACCOUNT if as_root else None,
            group=_ACCOUNT if as_root else None,
            extra_groups=[] if as_root else None,
        )
        if check and done.returncode != 0:
            raise EmbeddedUnavailable(f"{program} failed:\n{done.stdout.strip()}")
        return done


def find_binaries() -> Path:
    """Return the folder of the newest PostgreSQL server programs that have PostGIS beside them.

    Raises
    ------
    EmbeddedUnavailable
        If there are none, with what to install; or if root has no account to hand the server to.
    """
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(_ACCOUNT)
        except KeyError:
            raise EmbeddedUnavailable(_INSTALL) from None
    candidates: Sequence[Path] = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True
    )
    for folder in candidates:
        control = Path("/usr/share/postgresql") / folder.parent.name / "extension/postgis.control"
        if (folder / "initdb").exists() and control.exists():
            return folder
    raise EmbeddedUnavailable(_INSTALL)


def _is_zombie(pid: int) -> bool:
    try:
        # The state follows the program's name, which stands in brackets and may itself hold brackets.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


_INSTALL = "PostgreSQL with PostGIS is not installed. On Debian 12: apt-get install postgresql-15-postgis-3"


def _environment() -> dict[str, str]:
    # PG* variables of the caller would point the tools at another server.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
