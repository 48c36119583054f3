"""What the page is framed in: template, pictures, tables as text, and data that cannot become markup."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import MissingExtraError, NotEnoughDataError
from clientcare.report.canvas import require_matplotlib


def table_of(caption: str, frame: pd.DataFrame) -> dict[str, Any]:
    """A table as the template prints it: texts, and which columns are numbers."""
    return {
        "caption": caption,
        "columns": [str(name).replace("_", " ") for name in frame.columns],
        "numbers": [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes],
        "rows": [[cell_text(value) for value in row] for row in frame.itertuples(index=False)],
    }


def cell_text(value: Any) -> str:
    """A value as it is read."""
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return "" if np.isnan(number) else f"{number:.3f}" if abs(number) < 10.0 else f"{number:,.0f}"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None or value is pd.NaT else str(value)


def plots(draw: Callable[[], Any], alt: str) -> list[dict[str, str]]:
    """A plot as a picture inside the page; none where there is too little to draw."""
    plt = require_matplotlib()
    with plt.rc_context({"svg.hashsalt": "clientcare", "svg.fonttype": "path"}):
        try:
            figure = draw().figure_
        except NotEnoughDataError:
            return []
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
        plt.close(figure)
    return [{"source": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(), "alt": alt}]


def island(data: Any) -> str:
    """JSON, packed: a quarter of its size, of letters that can neither close an element nor be read as markup."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def read_parts() -> dict[str, str]:
    """The template, the style and the script."""
    folder = files("clientcare.report") / "page_parts"
    return {
        name: (folder / name).read_text(encoding="utf-8") for name in ("page.html", "page.css", "page.js")
    }


def hash_of(text: str) -> str:
    """What the page's policy names its style and script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def template_of(source: str) -> Any:
    """The template, with every value escaped.

    Raises
    ------
    MissingExtraError
    """
    try:
        import jinja2
    except ImportError as cause:
        raise MissingExtraError.of("jinja2", "report", "The HTML page") from cause
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)


def safe(text: str) -> Any:
    """Our own style, script and escaped JSON: the three texts that are not to be escaped again."""
    from markupsafe import Markup

    return Markup(text)


def version_of() -> str:
    """The installed version."""
    from importlib.metadata import version

    return version("clientcare")
