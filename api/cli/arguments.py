"""Layers and files that commands are given, checked before any work is done."""

from pathlib import Path
from typing import Annotated

import typer

from layers.catalogue import SPECS
from layers.files import formats


def _known(layer: str) -> str:
    if layer not in SPECS:
        raise typer.BadParameter(f"There is no layer {layer!r}; there are: {', '.join(SPECS)}.")
    return layer


def _importable(layer: str) -> str:
    return layer if layer == INCIDENTS else _known(layer)


#: Imported like a layer, but kept apart: it has no revisions.
INCIDENTS = "incidents"
#: Argument of the command that imports.
Importable = Annotated[str, typer.Argument(help=" | ".join((*SPECS, INCIDENTS)), callback=_importable)]
#: Argument of every command that works on a layer.
LayerName = Annotated[str, typer.Argument(help=" | ".join(SPECS), callback=_known)]


def in_a_folder(file: Path | None) -> Path | None:
    """Callback of a file to be written: its folder must be there, which the work before would not tell.

    Raises
    ------
    typer.BadParameter
        If the folder does not exist.
    """
    if file is not None and not file.parent.is_dir():
        raise typer.BadParameter(f"There is no folder {str(file.parent)!r}.")
    return file


def layer_file(file: Path | None) -> Path | None:
    """Callback of a file for features: beside its folder, its ending must say a known format.

    Raises
    ------
    typer.BadParameter
        If either is wrong.
    """
    if file is not None and file.suffix.lower() not in formats.WRITABLE:
        raise typer.BadParameter(f"{file.name}: use one of {', '.join(formats.WRITABLE)}.")
    return in_a_folder(file)
