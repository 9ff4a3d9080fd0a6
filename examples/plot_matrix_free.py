"""
Can a photograph be brought into focus?
=======================================

A lens out of focus spreads every point of a scene over a disk. The picture is linear in the
scene, so finding the scene is a least squares problem with a coefficient for each of its pixels.
Its matrix would have 60 000 rows and 68 000 columns. It is never needed: what it does to a vector
is a convolution, which takes a few milliseconds.

The photograph is one that comes with scikit-learn; the blur and the noise are ours, so the scene is
known.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.fft import irfft2, rfft2
from scipy.sparse.linalg import LinearOperator
from sklearn.datasets import load_sample_image
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.image import grid_to_graph

from skstruct.linear_model import IterativeLeastSquares

photograph = load_sample_image("china.jpg").mean(axis=2) / 255
scene = photograph[:426, :640].reshape(213, 2, 320, 2).mean(axis=(1, 3))
height, width = scene.shape

radius = 8
down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1]
disk = (down**2 + right**2 <= 5.5**2).astype(float)
disk /= disk.sum()

# %%
# The operator
# ------------
# A :class:`scipy.sparse.linalg.LinearOperator` needs the product with the matrix and the product
# with its transpose, for blocks of columns if it can. The picture ends where it would need the
# scene beyond its edge. Its transpose puts zeros there and convolves with the disk turned round.
spectrum = rfft2(disk, (height, width))[..., None]


def blur(scenes):
    """Return the pictures of scenes, one a column of shape (height * width,)."""
    images = scenes.reshape(height, width, -1)
    around = irfft2(rfft2(images, axes=(0, 1)) * spectrum, (height, width), axes=(0, 1))
    return around[2 * radius :, 2 * radius :].reshape(-1, images.shape[2])


def transposed_blur(pictures):
    """Return the transpose of the same times pictures, one a column."""
    images = np.zeros((height, width, pictures.shape[-1] if pictures.ndim > 1 else 1))
    seen = (height - 2 * radius, width - 2 * radius, -1)
    images[2 * radius :, 2 * radius :] = pictures.reshape(seen)
    around = irfft2(rfft2(images, axes=(0, 1)) * spectrum.conj(), (height, width), axes=(0, 1))
    return around.reshape(height * width, -1)


shape = (height - 2 * radius) * (width - 2 * radius), height * width
lens = LinearOperator(
    shape,
    matvec=blur,
    rmatvec=transposed_blur,
    matmat=blur,
    rmatmat=transposed_blur,
    dtype=np.float64,
)
print(f"{shape[0]} x {shape[1]}")

# %%
# A transpose that is none is the commonest mistake, and no solver can tell by its result: it
# solves another problem. One pair of random vectors can.
rng = np.random.default_rng(0)
u, v = rng.standard_normal(shape[0]), rng.standard_normal(shape[1])
print(np.isclose(u @ (lens @ v), (lens.T @ u) @ v))

# %%
# What is seen, with noise of 0.3 % of full white:
picture = lens @ scene.ravel() + 0.003 * rng.standard_normal(shape[0])


def error(found):
    """Return the root mean square error of a scene, without the margin that is hardly seen."""
    inner = (slice(radius, -radius),) * 2
    return np.sqrt(np.square(found.reshape(height, width) - scene)[inner].mean())


# %%
# Few iterations
# --------------
# Without a penalty the noise wins in the end: the blur hardly lets fine detail pass, so least
# squares explains the noise by enormous detail. But an iteration finds the coarse features first.
# ``early_stopping`` holds out a tenth of the pixels and returns the coefficients that predict them
# best. Here it goes on for long after, to show what would come.
#
# A uniform scene looks the same out of focus, so the intercept is a part of the scene.
stopped = IterativeLeastSquares(
    alpha=0, preconditioner="none", early_stopping=True, n_iter_no_change=400, random_state=0
).fit(lens, picture)
print(f"stopped after {stopped.n_iter_[0]} of {len(stopped.validation_errors_)} iterations")
print(stopped.certificate_)

found = {"early stopping": stopped.coef_ + stopped.intercept_}

# %%
# On paper we can look at what nobody else can, the error of the scene. It has its minimum at a
# similar number of iterations. Fits that are cut short by ``max_iter`` warn that they are not
# converged, as they should; here that is meant.
counts = [1, 2, 5, 10, 20, 40, 80, 160, 400]
errors = []
for count in counts:
    short = IterativeLeastSquares(alpha=0, solver="lsmr", preconditioner="none", max_iter=count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        short.fit(lens, picture)
    errors.append(error(short.coef_ + short.intercept_))
found["400 iterations"] = short.coef_ + short.intercept_

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
held_out = np.sqrt(stopped.validation_errors_[:, 0])
ax.loglog(np.arange(1, len(held_out) + 1), held_out, color="C0", label="held-out pixels")
ax.loglog(counts, errors, "s-", color="C3", label="scene (not known in practice)")
ax.axvline(stopped.n_iter_[0], color="0.5", linestyle="--", label="stopped")
ax.set(xlabel="iterations", ylabel="root mean square error", title="Few iterations regularise")
ax.legend()
ax.grid(alpha=0.3, which="both")
plt.show()

# %%
# A penalty instead
# -----------------
# A penalty says what is expected of the scene: small deviations from its mean, or neighbours that
# are alike. The penalty is chosen by pixels that are held out, for which a weight of zero does,
# from a path: ``alphas`` fits all of them for little more than the smallest costs. A gradient of
# 1e-4 is enough for pictures with noise.
held_out = np.random.default_rng(1).random(shape[0]) < 0.1
alphas = np.logspace(-5, -1, 9)
penalties = {"ridge": None, "neighbours alike": ("laplacian", grid_to_graph(height, width))}
for name, penalty in penalties.items():
    path = IterativeLeastSquares(alphas[0], alphas=alphas, penalty=penalty, tol=1e-4)
    path.fit(lens, picture, sample_weight=np.where(held_out, 0.0, 1.0))
    fitted = lens @ path.coef_path_.T + path.intercept_path_
    i = np.square(fitted - picture[:, None])[held_out].mean(axis=0).argmin()
    found[name] = path.coef_path_[i] + path.intercept_path_[i]
    print(f"{name}: alpha = {alphas[i]:.0e}")
print(path.plan_)

# %%
# The scene as it is, as it was seen, and as it was found:
out_of_focus = np.pad(picture.reshape(height - 2 * radius, width - 2 * radius), radius)
names = ["400 iterations", "early stopping", "ridge", "neighbours alike"]
shown = {"scene": scene, "seen": out_of_focus} | {name: found[name] for name in names}

fig, axes = plt.subplots(2, 3, figsize=(10.5, 5), layout="constrained")
for ax, (name, image) in zip(axes.flat, shown.items(), strict=True):
    image = image.reshape(height, width)
    title = name if name == "scene" else f"{name}, error {error(image):.3f}"
    ax.imshow(image[radius:-radius, radius:-radius], cmap="gray", vmin=0, vmax=1)
    ax.set(title=title, xticks=[], yticks=[])
    print(title)
plt.show()
