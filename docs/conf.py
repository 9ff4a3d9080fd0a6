"""Configuration of the documentation. Build it with ``sphinx-build -W docs docs/_build/html``."""

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

project = "skstruct"
author = "The skstruct developers"
project_copyright = "2026, The skstruct developers"
version = release = installed_version("skstruct")

sys.path.append(str(Path(__file__).parent / "_ext"))
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_ext", "_templates", "test_*.py", "sg_execution_times.rst"]
templates_path = ["_templates"]

# Other projects' inventories are fetched only where there is a network, so that the site builds
# (with warnings as errors) without one.
if os.environ.get("READTHEDOCS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

autosummary_generate = True
autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "none"  # numpydoc sections name the types

numpydoc_show_class_members = False  # the template of autosummary lists them
numpydoc_validation_checks = {
    "all",
    "ES01",  # an extended summary is written where there is something to add
    "SA01",  # "See Also" is kept for real alternatives
    "SA04",  # whose names say what they are
    "EX01",  # examples belong to the class or to the user guide
    "GL01",  # summaries stand on the line of the opening quotes
    "GL08",  # dunder methods and overrides carry no docstring of their own
    "RT03",  # a named type may say all there is to say
}
# The regular expressions are matched with the full name of an object.
numpydoc_validation_exclude = {
    r"\.set_\w+_request$",  # written by scikit-learn
    # The engine documents dataclasses by their attributes, and short functions in one line.
    r"^skstruct\.linalg\.",
    r"^skstruct\.\w+_(config|context)$",  # keywords, documented one by one
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "show_memory": False,
    "min_reported_time": 1e9,
    "download_all_examples": False,
    "plot_gallery": "True",
}

suppress_warnings = ["myst.header"]  # the changelog's headings begin at the second level

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"skstruct {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_sidebars = {"index": [], "getting_started": [], "api": [], "changelog": []}
html_theme_options = {
    "icon_links": [],
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
