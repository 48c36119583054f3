"""Rows that stream in arrow form, as partitioning asks for them: read once, and never whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from clientcare.history.door.intake import plain_batches


@dataclass(frozen=True)
class StreamScan:
    """A reader of batches of one table."""

    table: str
    reader: pa.RecordBatchReader

    @property
    def names(self) -> list[str]:
        """The column names, as given."""
        return list(self.reader.schema.names)

    @property
    def n_rows(self) -> int | None:
        """Number of rows; None, for only reading tells."""
        return None

    def fingerprint(self) -> str | None:
        """None, for only reading tells: what the rows add up to is worked out when they are split."""
        return None

    def register(self, connection: Any, name: str, spool: Path) -> None:
        """Make the rows visible to a DuckDB connection under a name, batch by batch."""
        schema = plain_batches(pa.Table.from_batches([], schema=self.reader.schema)).schema
        connection.register(name, pa.RecordBatchReader.from_batches(schema, self._batches(schema)))

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in self.reader:
            yield from plain_batches(pa.Table.from_batches([batch])).cast(schema).to_batches()
