"""
How do I fit PCA on a file larger than memory?
==============================================

There are three answers. *One fit* reads the file a few times in chunks; it needs nothing but the
memory of the chunks and a Gram matrix. *partial_fit* is given the rows batch by batch, once each.
And there is scikit-learn's ``IncrementalPCA``, which also takes batches, but keeps only as many
components between two of them as are wanted. This example compares what they find.

The file here holds 8 x 8 colour patches of the two photographs that come with scikit-learn. It is
small enough for an example; nothing below depends on its size.
"""

import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_sample_image
from sklearn.decomposition import IncrementalPCA

from skstruct.decomposition import PCA

PATCH, STEP = 8, 3


def patches(name):
    """Return the colour patches of a photograph, one a row."""
    photo = load_sample_image(name) / 255.0
    windows = sliding_window_view(photo, (PATCH, PATCH), axis=(0, 1))[::STEP, ::STEP]
    return windows.reshape(-1, 3 * PATCH * PATCH)


folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "patches.dat"
with path.open("wb") as file:
    n_rows = 0
    for name in ("china.jpg", "flower.jpg"):
        block = patches(name)
        block.tofile(file)
        n_rows += len(block)
shape = n_rows, block.shape[1]
del block
X = np.memmap(path, np.float64, "r", shape=shape)
print(f"{shape[0]} x {shape[1]}, {X.nbytes / 1e6:.0f} MB")

# %%
# Three ways
# ----------
# A memory-mapped file of 1 GiB or more would be read in chunks by ``PCA().fit(X)`` as it stands.
# A smaller one counts as an array like any other, as the system keeps it in memory anyway. A list
# of blocks of rows is read block by block whatever its size, so that is used here: slices of a
# memory-mapped file are not read before they are needed. Batches of 4096 rows are 6 MB.
blocks = [X[start : start + 4096] for start in range(0, n_rows, 4096)]
n_components = 20


def one_fit(blocks):
    return PCA(n_components).fit(blocks)


def partial_fits(blocks):
    pca = PCA(n_components)
    for block in blocks:
        pca.partial_fit(block)
    return pca


def incremental(blocks):
    pca = IncrementalPCA(n_components)
    for block in blocks:
        pca.partial_fit(block)
    return pca


fitted = {}
for name, fit in {
    "PCA.fit": one_fit,
    "PCA.partial_fit": partial_fits,
    "IncrementalPCA": incremental,
}.items():
    tracemalloc.start()
    fitted[name] = fit(blocks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{name:16} allocated at most {peak / 1e6:3.0f} MB")

# %%
# What ran in the first, and the evidence: the residual was measured in a second pass over the file.
print(fitted["PCA.fit"].plan_)

# %%
# With ``partial_fit`` the rows are gone when it is over. What was kept of them is their Gram matrix
# about their mean, and the certificate is about that.
print(fitted["PCA.partial_fit"].plan_)

# %%
# Do they agree?
# --------------
# The reference is the SVD of all rows in memory, which a larger file would not allow. The first two
# agree with it to rounding. What ``IncrementalPCA`` drops after each batch cannot be had back: its
# first variances are right to several digits, and the last ones are off by tens of per cents. In a
# plot of the variances, on the left, that is hard to see.
reference = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:n_components] ** 2 / (n_rows - 1)
order = np.arange(1, n_components + 1)
markers = {"PCA.fit": "o", "PCA.partial_fit": "x", "IncrementalPCA": "s"}

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.semilogy(order, reference, color="black", linewidth=6, alpha=0.2, label="SVD of all rows")
for name, pca in fitted.items():
    error = np.abs(pca.explained_variance_ / reference - 1)
    left.semilogy(order, pca.explained_variance_, markers[name], label=name, mfc="none")
    right.semilogy(order, error + 1e-17, markers[name] + "-", label=name, mfc="none", linewidth=1)
    print(f"{name:16} largest relative error of a variance: {error.max():.0e}")
left.set(xlabel="component", ylabel="explained variance", xticks=[1, 5, 10, 15, 20])
left.legend()
right.set(
    xlabel="component",
    ylabel="relative error of the variance",
    xticks=[1, 5, 10, 15, 20],
    ylim=(1e-17, 10),
)
right.legend(loc="center right")
fig.suptitle("Explained variance of the patches, and how far it is from the SVD of all rows")
plt.show()

# %%
# Components can be compared by the angles between the spaces they span. A sine near 1 says that
# some direction among the 20 found is not one of the 20 leading ones at all.
exact = fitted["PCA.fit"].components_
for name in ("PCA.partial_fit", "IncrementalPCA"):
    others = fitted[name].components_
    outside = np.linalg.norm(others - (others @ exact.T) @ exact, 2)
    print(f"{name:16} sine of the largest angle: {outside:.0e}")

# %%
# Scores that do not fit either
# -----------------------------
# `transform` writes into an array that is given to it, for example another memory-mapped file;
# `iter_transform` hands out the scores of consecutive rows and keeps nothing.
pca = fitted["PCA.fit"]
target = Path(folder.name) / "scores.dat"
scores = np.memmap(target, np.float64, "w+", shape=(n_rows, n_components))
pca.transform(blocks, out=scores)

total = np.zeros(n_components)
for part in pca.iter_transform(blocks):
    total += np.square(part).sum(axis=0)
print(np.allclose(total, np.square(scores).sum(axis=0)))

# %%
del X, blocks, scores
folder.cleanup()
