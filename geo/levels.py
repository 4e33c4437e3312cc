"""The four levels of areas, top down."""

#: Levels of areas, each lying in exactly one parent of a level above.
LEVELS = ("district", "subdistrict", "community", "grid")

#: Layer that holds the areas of a level.
LAYER_OF = {
    "district": "districts",
    "subdistrict": "subdistricts",
    "community": "communities",
    "grid": "grids",
}

#: Level of the areas a layer holds.
LEVEL_OF = {layer: level for level, layer in LAYER_OF.items()}

#: Digits that each level adds to its parent's code (6 county + 3 street + 3 community + 3 grid).
CODE_WIDTHS = (6, 3, 3, 3)
