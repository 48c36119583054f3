"""How the documentation is built: ``sphinx-build -W -b html docs docs/_build``."""

import contextlib
import io
import os
import warnings
from pathlib import Path

import clientcare
from clientcare.cli import main
from clientcare.cli.program import VERBS

project = "clientcare"
copyright = "2026, the clientcare developers"
release = version = clientcare.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
html_extra_path = ["llms.txt"]
exclude_patterns = ["_build", "gallery_scripts", "**/README.txt", "generated/verbs.md", "generated/catalogue.md"]
html_theme = "pydata_sphinx_theme"
html_title = "clientcare"
html_theme_options = {"navigation_with_keys": False, "show_toc_level": 2}
html_static_path: list[str] = []
PAGES_OF_THEIR_OWN = ("get-started", "command-line", "comparison", "benchmarks", "contributing")
html_sidebars = {page: [] for page in PAGES_OF_THEIR_OWN}  # no section to navigate: the width is for the tables

autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "inherited-members": False}
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache", "myst.xref_missing", "ref.term", "ref.ref"]  # scikit-learn's refer to its glossary

sphinx_gallery_conf = {
    "examples_dirs": ["gallery_scripts"],
    "gallery_dirs": ["auto_gallery"],
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "min_reported_time": 1e9,
}
warnings.filterwarnings("ignore", category=UserWarning, message="FigureCanvasAgg is non-interactive")


def help_of(verb: str) -> str:
    """What ``clientcare VERB --help`` prints."""
    printed = io.StringIO()
    os.environ["COLUMNS"] = "110"
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([verb, "--help"])
    return f"### clientcare {verb}\n\n```text\n{printed.getvalue()}```\n"


def catalogue() -> str:
    """Every feature as a table, a family at a time."""
    features = clientcare.feature_catalogue()
    parts = []
    for family, rows in features.groupby("family", sort=False):
        parts.append(f"## {family}\n\n| feature | unit | what it says | NaN means |\n|---|---|---|---|")
        for row in rows.to_dict("records"):
            cells = (f"`{row['name']}`", row["unit"], row["summary"], row["nan_meaning"])
            parts.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
        parts.append("")
    return "\n".join(parts)


def setup(app: object) -> None:
    """Write what the package says of itself, so that no page has to be kept in step by hand."""
    folder = Path(__file__).parent / "generated"
    folder.mkdir(exist_ok=True)
    (folder / "verbs.md").write_text("\n".join(help_of(verb) for verb in VERBS), encoding="utf-8")
    (folder / "catalogue.md").write_text(catalogue(), encoding="utf-8")
