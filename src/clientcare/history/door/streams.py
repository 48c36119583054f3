"""What streams in arrow form: readers of batches, scans of lakes, cursors; known apart from tables in memory."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa

from clientcare.exceptions import SourceError


def arrow_stream(source: Any) -> pa.RecordBatchReader | None:
    """A source that streams as a reader of batches; None where it is a table in memory, or none at all.

    Readers, datasets and scanners of arrow, and whatever hands over an arrow stream by the C interface
    (``__arrow_c_stream__``): cursors, scans of Delta or Iceberg tables, lazy relations of engines.

    Raises
    ------
    SourceError
        Where the stream has been read already.

    Examples
    --------
    >>> batch = pa.record_batch({"buyer_id": [1]})
    >>> arrow_stream(pa.RecordBatchReader.from_batches(batch.schema, [batch])).schema.names
    ['buyer_id']
    >>> arrow_stream(pa.table(batch)) is None
    True
    """
    if isinstance(source, pa.RecordBatchReader):
        return source
    if isinstance(source, (pa.Table, pd.DataFrame)) or _is_in_memory(source):
        return None
    if type(source).__module__.startswith("pyarrow") and hasattr(source, "scanner"):
        source = source.scanner()
    if type(source).__module__.startswith("pyarrow") and hasattr(source, "to_reader"):
        return source.to_reader()
    if not hasattr(source, "__arrow_c_stream__"):
        return None
    trouble = ""
    try:
        return pa.RecordBatchReader.from_stream(source)
    except Exception as cause:  # whatever the producer raises may quote cells: only its name is handed on
        trouble = type(cause).__name__
    raise SourceError(
        f"a {type(source).__name__} does not hand over its rows ({trouble}). "
        "A stream can be read once: make it anew, or give a table."
    )


def _is_in_memory(source: Any) -> bool:
    try:
        return isinstance(nw.from_native(source), nw.DataFrame)
    except TypeError:
        return False
