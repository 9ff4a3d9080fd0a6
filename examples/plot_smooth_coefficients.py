"""
Are neighbouring coefficients alike?
====================================

If features are neighbours in space, in time or in a spectrum, their coefficients often lie on a
smooth curve or surface. Ridge regression knows nothing of that. It treats the coefficients as if
their order did not matter. A penalty on the differences of neighbours knows it.

Here a photograph has been blurred along its rows, with noise added. Which weights did the blur give
to the pixels around? The photograph is real; the blur and the noise are ours, so the true weights
are known.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_sample_image
from sklearn.feature_extraction.image import grid_to_graph
from sklearn.model_selection import train_test_split

from skstruct.linear_model import TikhonovCV

photograph = load_sample_image("china.jpg").mean(axis=2) / 255
lags = np.arange(-20, 21)
weights = np.exp(-(lags**2) / 50) + 0.5 * np.exp(-((lags - 9) ** 2) / 18)
weights /= weights.sum()


def pixels(n, rng):
    """Return the neighbourhoods of n random pixels and their blurred values, with noise."""
    rows = rng.integers(0, photograph.shape[0], n)
    columns = rng.integers(20, photograph.shape[1] - 20, n)
    around = photograph[rows[:, None], columns[:, None] + lags]
    return around, around @ weights + 0.02 * rng.standard_normal(n)


rng = np.random.default_rng(0)
X, y = pixels(300, rng)
X_new, _ = pixels(10_000, rng)

# %%
# Both models choose the size of their penalty from the 300 pixels alone.
ridge = TikhonovCV("auto", criterion="reml").fit(X, y)
smooth = TikhonovCV("auto", criterion="reml", penalty="difference").fit(X, y)
for name, model in {"ridge": ridge, "second differences": smooth}.items():
    error = np.linalg.norm(model.coef_ - weights) / np.linalg.norm(weights)
    fitted = np.sqrt(np.square(model.predict(X_new) - X_new @ weights).mean())
    print(
        f"{name:18}: {model.edf_:4.1f} degrees of freedom, error of the weights {error:.0%}, "
        f"of the blurred pixels {fitted:.4f}"
    )

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.plot(lags, weights, color="0.6", linewidth=6, label="true weights")
ax.plot(lags, ridge.coef_, "o-", color="C3", markersize=3, linewidth=1, label="ridge")
ax.plot(lags, smooth.coef_, color="C0", linewidth=2, label="second differences")
ax.set(xlabel="position (pixels)", ylabel="weight", title="What the blur did")
ax.legend()
ax.grid(alpha=0.3)
plt.show()

# %%
# Neighbouring pixels of a photograph are nearly equal, so the data say little of how a weight is
# divided among them. Ridge regression divides it as the noise has it. Both predict well, as errors
# of neighbouring weights cancel; only one can be read.
#
# On a grid
# ---------
#
# In two dimensions the neighbours are those of a grid. The penalty is the sum of the squared
# differences of adjacent weights, the Laplacian of the grid. The blur is now that of a camera that
# moved obliquely, over 13 x 13 pixels.
grid = grid_to_graph(13, 13)
down, right = np.mgrid[-6:7, -6:7]
motion = np.exp(-((down + right) ** 2) / 40 - (down - right) ** 2 / 8)
motion /= motion.sum()
rows = rng.integers(6, photograph.shape[0] - 6, 1000)
columns = rng.integers(6, photograph.shape[1] - 6, 1000)
patches = photograph[rows[:, None, None] + down, columns[:, None, None] + right].reshape(1000, -1)
blurred = patches @ motion.ravel() + 0.02 * rng.standard_normal(1000)
models = {
    "ridge": TikhonovCV("auto", criterion="reml").fit(patches, blurred),
    "Laplacian": TikhonovCV("auto", criterion="reml", penalty=("laplacian", grid)).fit(
        patches, blurred
    ),
}

fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
pictures = {"true weights": motion}
for name, model in models.items():
    error = np.linalg.norm(model.coef_ - motion.ravel()) / np.linalg.norm(motion)
    pictures[f"{name}, error {error:.0%}"] = model.coef_.reshape(13, 13)
bound = max(np.abs(picture).max() for picture in pictures.values())
for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
    drawn = ax.imshow(picture, cmap="RdBu_r", vmin=-bound, vmax=bound)
    ax.set(title=title, xticks=[], yticks=[])
fig.colorbar(drawn, ax=axes, label="weight", shrink=0.9)
plt.show()

# %%
# A penalty is an assumption
# --------------------------
#
# It helps as far as it is true. The 8 x 8 images of digits are pixels on a grid, too, but so coarse
# that what tells a 3 from another digit changes from one pixel to the next. Twenty times 100 images
# to learn from, and the others to predict:
images, digits = load_digits(return_X_y=True)
is_three = np.where(digits == 3, 1.0, 0.0)
scores = {"ridge": [], "Laplacian": []}
for seed in range(20):
    few, rest, y_few, y_rest = train_test_split(
        images, is_three, train_size=100, stratify=digits, random_state=seed
    )
    for name, penalty in {"ridge": None, "Laplacian": ("laplacian", grid_to_graph(8, 8))}.items():
        model = TikhonovCV("auto", penalty=penalty).fit(few, y_few)
        scores[name].append(model.score(rest, y_rest))
for name, values in scores.items():
    print(f"{name:9}: R2 {np.mean(values):.3f} on average")
