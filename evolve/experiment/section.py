"""What all sections of an experiment's file have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from genomes.texts import shown

Probability = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """Values that are checked when they are made, and do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number goes: Python takes them for 1 and 0."""
        if isinstance(value, bool) and info.field_name is not None:
            default = cls.model_fields[info.field_name].default
            if default is None or type(default) in (int, float):
                raise ValueError(f"expected a number, got {str(value).lower()}")
        return value


def one_of(known: Collection[str]) -> Callable[[str], str]:
    """A check that a text is one of those known when it is asked."""

    def check(value: str) -> str:
        if value not in known:
            *first, last = [repr(name) for name in known]
            raise ValueError(f"expected {', '.join(first)} or {last}, got {shown(value)}")
        return value

    return check
