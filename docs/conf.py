"""The documentation as a site: `make docs`. Pages are Markdown; those of the reference are made from the code."""

from __future__ import annotations

from importlib.metadata import version as installed
from pathlib import Path

from docs.make_reference import write_reference

project = "evolve"
author = "the authors of evolve-ipd"
copyright = author
release = version = installed("evolve-ipd")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
nitpicky = False
default_role = "code"
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "undoc-members": False}
autodoc_class_signature = "separated"
autosummary_generate = False
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 88

html_theme = "pydata_sphinx_theme"
html_title = "evolve"
html_static_path: list[str] = []
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
html_show_sourcelink = False

write_reference(Path(__file__).parent / "reference" / "made")
