"""
What can be done with a matrix of known structure?
==================================================

A photograph that is out of focus is linear in the scene. Its matrix has an entry for each pair of
pixels, 5 000 million for a small picture. But the blur acts along the rows and along the columns in
the same way everywhere: it is the Kronecker product of two Toeplitz matrices, which are defined by
8 numbers each.

The photograph is one that comes with scikit-learn; the blur and the noise are ours, so the scene is
known.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from skstruct.linalg import Banded, Kronecker, Toeplitz
from skstruct.linear_model import IterativeLeastSquares, TikhonovCV

photograph = load_sample_image("flower.jpg").mean(axis=2) / 255
scene = photograph[:426, :640].reshape(213, 2, 320, 2).mean(axis=(1, 3))
height, width = scene.shape

# %%
# The blur
# --------
# Each matrix holds the weights of the neighbours in its first column. Beyond the edge of the
# picture there is black.
lags = np.arange(8)
weights = np.exp(-(lags**2) / (2 * 1.5**2))
weights /= weights[0] + 2 * weights[1:].sum()


def blur_along(n):
    return Toeplitz(np.r_[weights, np.zeros(n - len(weights))])


blur = Kronecker(blur_along(height), blur_along(width))
print(blur)

rng = np.random.default_rng(0)
picture = blur @ scene.ravel() + 0.005 * rng.standard_normal(scene.size)

# %%
# Solving is not enough
# ---------------------
# The system can be solved exactly, and quickly. But this blur hardly lets fine detail pass, so that
# undoing it makes the noise enormous: the condition number, which costs no more than the
# solution, tells as much beforehand.
begin = time.perf_counter()
answer = blur.certified_solve(picture)
seconds = time.perf_counter() - begin
print(f"{blur.shape[0]} unknowns in {seconds:.2f} s; {answer.certificate}")
print(f"rcond = {blur.rcond():.0e}")


def error(found):
    """Return the root mean square error of a scene."""
    return np.sqrt(np.square(np.reshape(found, scene.shape) - scene).mean())


print(f"error of the picture {error(picture):.3f}, of the solution {error(answer.x):.0e}")

# %%
# Algebra that keeps the structure
# --------------------------------
# Regularised least squares have the normal equations (B'B + c I) w = B'y. The product of two
# Kronecker products is one, and with c I added it is still solved in the bases of its factors,
# whose orders are 213 and 320.
normal = blur.T @ blur
found = {"picture": picture}
for c in (1e-4, 1e-3, 1e-2):
    found[f"c = {c:g}"] = normal.shift(c).solve(blur.T @ picture)
print(normal.shift(1e-3))

fig, axes = plt.subplots(2, 2, figsize=(9, 6.3), layout="constrained")
for ax, (name, image) in zip(axes.flat, found.items(), strict=True):
    title = f"{name}, error {error(image):.3f}"
    print(title)
    ax.imshow(np.reshape(image, scene.shape), cmap="gray", vmin=0, vmax=1)
    ax.set(title=title, xticks=[], yticks=[])
plt.show()

# %%
# In a model
# ----------
# Where a scratch covers pixels, these equations have weights in them, and no structure is left. A
# model that only multiplies by the blur does not mind: the same matrix is the data of
# :class:`~skstruct.linear_model.IterativeLeastSquares`, with a weight of zero for what is covered.
scratch = np.zeros(scene.shape, bool)
scratch[60:150, 150:156] = scratch[100:104, 60:260] = True
weights = np.where(scratch, 0.0, 1.0).ravel()
model = IterativeLeastSquares(0.01, fit_intercept=False, tol=1e-4)
model.fit(blur, np.where(scratch.ravel(), 1.0, picture), sample_weight=weights)
print(f"error {error(model.coef_):.3f} after {model.n_iter_[0]} iterations; {model.certificate_}")

fig, axes = plt.subplots(1, 2, figsize=(9, 3.3), layout="constrained")
shown = {"with a scratch": np.where(scratch, 1.0, picture.reshape(scene.shape))}
shown[f"found, error {error(model.coef_):.3f}"] = model.coef_.reshape(scene.shape)
for ax, (title, image) in zip(axes, shown.items(), strict=True):
    ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    ax.set(title=title, xticks=[], yticks=[])
plt.show()

# %%
# What is covered is drawn to zero, where nothing tells what it is.
#
# A penalty as a band
# -------------------
# One row of the scene, read with much noise, every third pixel not at all. Each pixel has a
# coefficient, neighbours are alike: first differences are a matrix with two diagonals.
row = scene[100]
seen = np.flatnonzero(np.arange(width) % 3)
noisy = row[seen] + 0.05 * rng.standard_normal(len(seen))
X = np.eye(width)[seen]
first = Banded.from_diagonals([-1.0, 1.0], offsets=[0, 1], shape=(width - 1, width))
curve = TikhonovCV("auto", criterion="reml", fit_intercept=False, penalty=first).fit(X, noisy)
print(f"alpha = {curve.alpha_:.2g}, {curve.edf_:.0f} degrees of freedom for {len(seen)} pixels")

fig, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
ax.plot(row, color="0.7", linewidth=4, label="row of the scene")
ax.plot(seen, noisy, ".", color="C3", label="pixels that were read")
ax.plot(curve.coef_, color="C0", label="first differences small")
ax.set(xlabel="pixel", ylabel="brightness", title="A row from two thirds of its pixels")
ax.legend()
ax.grid(alpha=0.3)
plt.show()
print(
    f"error of the pixels that were read {np.sqrt(np.mean((noisy - row[seen]) ** 2)):.3f}, of the "
    f"curve there {np.sqrt(np.mean((curve.coef_ - row)[seen] ** 2)):.3f}"
)
