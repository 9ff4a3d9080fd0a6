"""
Can text stay sparse?
=====================

TF-IDF turns documents into a matrix with thousands of columns, almost all of whose entries are
zero. PCA subtracts the mean, and a centred sparse matrix is dense; ridge with an intercept
centres as well. Both estimators here apply the centring to the *results* of products with the
sparse matrix, so that it is never densified.

The documents are the modules of Python's own standard library.
"""

import sysconfig
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_predict

from skstruct.decomposition import PCA
from skstruct.linear_model import Tikhonov

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
NOT_WANTED = {"site-packages", "dist-packages", "test", "tests", "idle_test", "pydoc_data"}

paths = [
    path
    for path in sorted([*LIBRARY.glob("*.py"), *LIBRARY.glob("[a-z]*/*.py")])
    if NOT_WANTED.isdisjoint(path.relative_to(LIBRARY).parts)
]
packages = np.array(
    [path.parent.name if path.parent != LIBRARY else "(top level)" for path in paths]
)
vectorizer = TfidfVectorizer(min_df=2, sublinear_tf=True, token_pattern="[A-Za-z_]{3,}")
X = vectorizer.fit_transform(path.read_text("utf-8", errors="replace") for path in paths)
print(f"{X.shape[0]} modules, {X.shape[1]} words, {X.nnz / np.prod(X.shape):.1%} stored")

# %%
# Principal components
# --------------------
# The covariance matrix of the words would be dense and large. The plan compares every route
# with the cost of products with the sparse matrix, and a block Krylov iteration wins: it reads
# the matrix a few times, for several vectors at once, and stops on the residual.
pca = PCA(n_components=20, random_state=0).fit(X)
print(pca.plan_)

# %%
# The leading components separate packages that have a vocabulary of their own: first the tables of
# ``encodings``, then graphical interfaces (idlelib, tkinter) and event loops (asyncio).
scores = pca.transform(X)
shown = ["asyncio", "encodings", "email", "distutils", "tkinter", "idlelib", "lib2to3"]
shown = [name for name in shown if np.count_nonzero(packages == name) >= 5]

fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
labels = [
    f"component {i + 1} ({share:.1%} of the variance)"
    for i, share in enumerate(pca.explained_variance_ratio_)
]
for ax, (i, j) in zip(axes, [(0, 1), (2, 4)], strict=True):
    others = ~np.isin(packages, shown)
    ax.scatter(scores[others, i], scores[others, j], s=8, color="lightgrey", label="other modules")
    for name in shown:
        member = packages == name
        ax.scatter(scores[member, i], scores[member, j], s=16, label=name)
    ax.set(xlabel=labels[i], ylabel=labels[j])
fig.suptitle("Modules of the standard library by their words")
handles = axes[0].get_legend_handles_labels()
fig.legend(*handles, loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %%
# What the components mean is in their largest loadings.
words = vectorizer.get_feature_names_out()
for i, component in enumerate(pca.components_[:6]):
    top = words[np.argsort(component)[::-1][:8]]
    print(f"component {i + 1}: {', '.join(top)}")

# %%
# Ridge regression with many targets
# ----------------------------------
# Which package does a module come from? One target per package, one where a module belongs to
# it and zero elsewhere, makes ridge regression a classifier. All targets share one
# factorisation.
counts = Counter(packages)
targets = sorted(name for name, count in counts.items() if count >= 12)
member = np.isin(packages, targets)
Y = (packages[member, None] == targets).astype(float)
model = Tikhonov(alpha=0.1).fit(X[member], Y)
print(model.plan_)

# %%
# On modules it has not seen:
predicted = cross_val_predict(model, X[member], Y, cv=5)
accuracy = np.mean(predicted.argmax(axis=1) == Y.argmax(axis=1))
print(f"{Y.shape[1]} packages, {member.sum()} modules, {accuracy:.0%} recognised")

# %%
# The words with the largest coefficients say how.
for name, coef in zip(targets, model.coef_, strict=True):
    print(f"{name:16} {', '.join(words[np.argsort(coef)[::-1][:6]])}")
