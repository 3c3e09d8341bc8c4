"""Results as tables: in a notebook, and as a pandas DataFrame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from html import escape
from typing import Any

MOST_ROWS_SHOWN = 60
"""Rows of a table in a notebook; of a longer one the first and the last are shown."""


class Table(ABC):
    """A result that has rows. What a notebook shows is what `frame` holds."""

    @abstractmethod
    def columns(self) -> dict[str, Sequence[Any]]:
        """The columns by their heads, all of one length."""

    def frame(self) -> Any:
        """The table as a `pandas.DataFrame`; ValueError where pandas is not installed."""
        try:
            from pandas import DataFrame
        except ImportError:
            raise ValueError(
                "frame: expected pandas to be installed: pip install 'evolve-ipd[frames]'"
            ) from None
        return DataFrame(self.columns())

    def _repr_html_(self) -> str:
        columns = self.columns()
        rows = list(zip(*columns.values(), strict=True))
        if len(rows) > MOST_ROWS_SHOWN:
            half = MOST_ROWS_SHOWN // 2
            rows = [*rows[:half], ("…",) * len(columns), *rows[-half:]]
        head = "".join(f"<th>{escape(name)}</th>" for name in columns)
        body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else escape(str(value))
