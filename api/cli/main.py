"""The `wangge` command: every sub-command, and what happens when one fails."""

import signal
import sys

import typer
from pydantic import ValidationError
from typer.rich_utils import rich_format_error

from api import kernels, logs
from api.cli import (
    assign,
    borders,
    check,
    coverage,
    db,
    demo,
    doctor,
    export,
    gaps,
    import_,
    jobs,
    map_,
    revisions,
    scenario,
    serve,
    user,
    worker,
)
from api.cli.console import console, print_faults
from api.embedded import EmbeddedUnavailable
from api.web.assets import AssetsError
from geo.faults import DataError
from layers.errors import LayersError

#: Commands that compute nothing: they need not wait until the kernels are compiled.
_AT_ONCE = {"db", "doctor", "jobs", "user"}

DONE, WITH_REJECTS, WRONG_USE, FAILED = 0, 1, 2, 3
#: What typer makes of Ctrl-C.
_INTERRUPTED = 130

app = typer.Typer(
    name="wangge",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="网格治理的空间服务 · The geospatial service of a governance grid.\n\n"
    "Start with: wangge demo. Exit codes: 0 done, 1 done with rejects or defects, 2 wrong use, 3 failed. "
    "Progress goes to stderr, data to stdout.",
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("import")(import_.import_layer)
app.command("export")(export.export_layer)
app.command("check")(check.check_layer)
app.command("assign")(assign.assign_points)
app.command("borders")(borders.borders_table)
app.command("map")(map_.draw_map)
app.command("doctor")(doctor.doctor)
coverage.app.command("gaps")(gaps.find_gaps)
app.add_typer(coverage.app, name="coverage")
app.add_typer(scenario.app, name="scenario")
app.command("worker")(worker.worker)
app.add_typer(jobs.app, name="jobs")
app.add_typer(db.app, name="db")
app.add_typer(revisions.app, name="revisions")
app.add_typer(user.app, name="user")


@app.callback()
def before(context: typer.Context) -> None:
    """Compile what is not, before any command computes: several at a time must not."""
    if context.invoked_subcommand in _AT_ONCE or "--help" in sys.argv or kernels.are_compiled():
        return
    console.print("compiling 编译算法: once after an installation or an upgrade, about a minute")
    kernels.compile_all()


def run() -> None:
    """Run the command line; every expected failure is a report and an exit code, never a traceback."""
    # The default would end the process at once, and leave a private PostGIS behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))
    logs.configure()
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        rich_format_error(error)  # type: ignore[arg-type]  # the base of what it takes, and all that is raised
        code = WRONG_USE
    except (typer.Abort, KeyboardInterrupt):
        code = _INTERRUPTED
    except DataError as error:
        console.print(f"[bold red]refused[/bold red]: {len(error.faults)} fault(s)")
        print_faults(error.faults)
        code = FAILED
    except ValidationError as error:
        for item in error.errors():
            name = "WANGGE_" + "_".join(str(part) for part in item["loc"]).upper()
            console.print(f"{name}: {item['msg']}", markup=False)
        code = WRONG_USE
    except (LayersError, EmbeddedUnavailable, AssetsError, OSError) as error:
        # Not wrapped: it names commands to copy.
        console.print(f"failed: {error}", markup=False, soft_wrap=True)
        code = FAILED
    except Exception:  # noqa: BLE001 - shown whole; without this its exit code would say "with rejects"
        console.print_exception()
        code = FAILED
    if code == _INTERRUPTED:
        console.print("stopped")
        code = FAILED
    sys.exit(code if isinstance(code, int) else DONE)
