"""What a planner chose: the same settings on the coverage page, its map, its data and the command line."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import BeforeValidator


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings of a coverage map.

    ``facility_type`` is a key of the catalogue, empty for the one suggested first.
    """

    facility_type: Annotated[str, Query(description="key of the facility type")] = ""
    # A query holds text; BeforeValidator makes it a number before it is compared.
    minutes: Annotated[Literal[5, 10, 15], BeforeValidator(int), Query(description="walking time")] = 15
    level: Annotated[
        Literal["district", "subdistrict", "community", "grid"], Query(description="areas that are coloured")
    ] = "community"
    profile: Annotated[Literal["adult", "elderly", "gb50180"], Query(description="who walks")] = "adult"
    weight: Annotated[
        Literal["people", "households", "count", "land"], Query(description="what is summed")
    ] = "people"

    def as_query(self) -> dict[str, object]:
        """Return the settings by their names in an address."""
        return asdict(self)


ChosenDep = Annotated[Chosen, Depends()]
