"""What commands say: progress and reports on stderr, so that stdout carries data only."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import (
    Progress as RichProgress,
)

from geo.faults import Fault
from layers.progress import Progress

console = Console(stderr=True, highlight=False)

#: Faults printed in full; the rest is counted, and stands in the rejects file.
PRINTED_FAULTS = 20


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Yield a progress callback that draws one line a step; without a terminal it prints each step once."""
    if not console.is_terminal:
        yield _plain_progress()
        return
    with RichProgress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(escape(step), total=total or None)
            bars.update(tasks[step], completed=done, total=total or None)

        yield tell


def print_faults(faults: Iterable[Fault]) -> None:
    """Print faults, the first :data:`PRINTED_FAULTS` in full."""
    found = list(faults)
    for fault in found[:PRINTED_FAULTS]:
        zh, en = fault.title
        console.print(f"  [red]✗[/red] {escape(f'{zh} · {en} — {fault}')}", soft_wrap=True)
    if len(found) > PRINTED_FAULTS:
        console.print(f"  … and {len(found) - PRINTED_FAULTS} more")


def _plain_progress() -> Progress:
    seen: set[tuple[str, bool]] = set()

    def tell(step: str, done: int, total: int) -> None:
        whole = bool(total) and done == total
        if (step, whole) not in seen and (whole or (step, True) not in seen):
            seen.add((step, whole))
            console.print(f"{step} {done}/{total}" if total else step, markup=False)

    return tell
