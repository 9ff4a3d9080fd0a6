"""
How many components do I need for a given accuracy?
===================================================

A truncated singular value decomposition replaces a matrix by one of rank k. The rank is seldom what
is known beforehand; the error that can be tolerated is. With ``n_components="auto"``
:class:`~skstruct.decomposition.RandomizedSVD` finds the smallest k for which

.. math:: \\|X - X V_k V_k^T\\|_F \\le \\mathrm{tol}\\, \\|X\\|_F .

How large that k is depends on the data. Here are a photograph, one row of pixels a sample, and the
words of the modules of Python's standard library, a sparse TF-IDF matrix.
"""

import sysconfig
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy import sparse
from sklearn.datasets import load_sample_image
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from skstruct.decomposition import RandomizedSVD

photo = load_sample_image("china.jpg")
pixels = photo.reshape(len(photo), -1) / 255.0

paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
vectorizer = TfidfVectorizer(min_df=2, sublinear_tf=True, token_pattern="[A-Za-z_]{3,}")
words = vectorizer.fit_transform(path.read_text("utf-8", errors="replace") for path in paths)

datasets = {"photograph": pixels, "text": words}
for name, X in datasets.items():
    print(f"{name}: {X.shape[0]} x {X.shape[1]}, {'sparse' if sparse.issparse(X) else 'dense'}")

# %%
# Ask for an accuracy
# -------------------
# For each tolerance the table shows the number of components found and three errors relative to
# :math:`\|X\|_F`: the estimate that comes with the fit, ``error_estimate_``; the true error, for
# which the approximation is subtracted from the matrix; and the true error of scikit-learn's
# ``TruncatedSVD`` with as many components and its default algorithm, a sketch with five power
# iterations.
tolerances = [0.6, 0.4, 0.3, 0.2, 0.1, 0.05]


def size(X):
    return sparse.linalg.norm(X) if sparse.issparse(X) else np.linalg.norm(X)


def true_error(X, svd):
    """Return ||X - X V V'||_F / ||X||_F."""
    approximation = (X @ svd.components_.T) @ svd.components_
    return np.linalg.norm(np.asarray(X - approximation)) / size(X)


columns = "tol", "components", "estimate", "true error", "TruncatedSVD"
found = {}
for name, X in datasets.items():
    print(f"\n{name}\n" + "  ".join(f"{title:>12}" for title in columns))
    found[name] = []
    for tol in tolerances:
        svd = RandomizedSVD(n_components="auto", tol=tol, random_state=0).fit(X)
        k = svd.n_components_
        sketch = TruncatedSVD(k, random_state=0).fit(X)
        errors = svd.error_estimate_ / size(X), true_error(X, svd), true_error(X, sketch)
        found[name].append((k, *errors))
        print(f"{tol:12}  {k:12}  " + "  ".join(f"{error:12.6f}" for error in errors))

# %%
# The error against the number of components
# ------------------------------------------
# The curve is the smallest error that any matrix of rank k can have, from all singular values. Each
# dot is one fit; it lies on the curve, on or below the tolerance that was asked for (dotted). The
# photograph is close to a matrix of low rank: one component leaves an error of 30 %, 61 leave 10 %.
# Text is not: every module has words of its own, and an error of 10 % takes nearly as many
# components as there are modules.
#
# On the right, how far the true error of each fit is above the smallest possible one, and how far
# the estimate is from the true error. A sketch with as many components has an error up to one per
# cent above the smallest: with a tolerance to keep, it would need a few components more.
styles = {
    "smallest possible error": {"linewidth": 1},
    "RandomizedSVD": {"marker": "o", "linewidth": 1},
    "its error_estimate_": {"marker": "x", "linewidth": 1, "linestyle": ":"},
    "TruncatedSVD": {"marker": "s", "linewidth": 1, "markerfacecolor": "white"},
}
colors = {"photograph": "C0", "text": "C1"}

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for name, X in datasets.items():
    dense = X.toarray() if sparse.issparse(X) else X
    energies = np.linalg.svd(dense, compute_uv=False) ** 2
    best = np.sqrt(1 - np.cumsum(energies)[:-1] / energies.sum())
    ranks = np.array([row[0] for row in found[name]])
    estimates, errors, sketched = np.array([row[1:] for row in found[name]]).T
    smallest = best[ranks - 1]
    color = colors[name]
    left.semilogy(np.arange(1, len(energies)), best, color=color, linewidth=1)
    left.semilogy(ranks, errors, "o", color=color)
    for label, ratio in {
        "TruncatedSVD": sketched / smallest,
        "RandomizedSVD": errors / smallest,
        "its error_estimate_": estimates / errors,
    }.items():
        difference = np.maximum(np.abs(ratio - 1), 1e-16)  # zero has no place on the axis
        right.semilogy(ranks, difference, color=color, **styles[label])
for tol in tolerances:
    left.axhline(tol, color="grey", linewidth=0.6, linestyle=":")
left.set(xlabel="components", ylabel="relative error", xlim=(-5, 250), ylim=(0.03, 1))
left.set_yticks(tolerances, [f"{tol:g}" for tol in tolerances])
left.minorticks_off()
left.set_title("Error of the approximation", fontsize=11)
right.set(xlabel="components", ylabel="relative difference", ylim=(1e-17, 1))
right.set_title("Error above the smallest, estimate from the error", fontsize=11)
handles = [Patch(color=color, label=name) for name, color in colors.items()]
handles += [Line2D([], [], color="black", label=label, **style) for label, style in styles.items()]
fig.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False)
plt.show()

# %%
# What ran
# --------
# The photograph has 427 rows. An eigenproblem of that order gives every singular value, and the
# number of components follows from their squares.
print(RandomizedSVD(n_components="auto", tol=0.1).fit(pixels).plan_)
