"""
Which routine does a photograph deserve?
========================================

A photograph is a matrix in several ways. Its rows of pixels make a short and wide matrix; its
small patches make a very tall and narrow one. Principal components compress the first and
describe the texture of the second. The best algorithm differs between the two, and ``plan_``
says which one ran and why.
"""

import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_sample_image

from skstruct.decomposition import PCA

photo = load_sample_image("flower.jpg") / 255.0
height, width, _ = photo.shape

# %%
# Wide: one sample per row of the image
# -------------------------------------
# 427 rows with 640 pixels of three colours. The matrix has far fewer rows than columns, so the
# eigenproblem of :math:`X X^T` is small and gives the same components as an SVD of the matrix.
wide = photo.reshape(height, -1)
pca = PCA(n_components=80).fit(wide)
print(pca.plan_)

# %%
# Reconstructions from the first k components need k scores per row and k components.
scores = pca.transform(wide)
fig, axes = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
for ax, k in zip(axes.flat, (5, 20, 80, None), strict=True):
    if k is None:
        image, title = photo, "original"
    else:
        image = (scores[:, :k] @ pca.components_[:k] + pca.mean_).reshape(photo.shape)
        share = pca.explained_variance_ratio_[:k].sum()
        title = f"{k} components, {share:.1%} of the variance"
    ax.imshow(np.clip(image, 0, 1))
    ax.set_title(title, fontsize=11)
    ax.set_axis_off()
plt.show()

# %%
# If the share of the variance is what you know, ask for it. Any solver accepts a fraction.
print(PCA(n_components=0.95).fit(wide).n_components_, "components hold 95 % of the variance")

# %%
# Tall: one sample per 8 x 8 patch
# --------------------------------
# The grey image has a patch at almost every pixel: a matrix of a quarter of a million rows and
# 64 columns. Now :math:`X^T X` is the small one. The 265 860 x 265 860 matrix of the route used
# above is rejected, and the plan states the memory it would need.
patches = sliding_window_view(photo.mean(axis=2), (8, 8)).reshape(-1, 64)
patch_pca = PCA(n_components=16).fit(patches)
print(patch_pca.plan_)

# %%
# The components of patches resemble the basis of a cosine transform, ordered by frequency: the
# first is the brightness of the patch, the next two are its gradients, then come its curvatures.
fig = plt.figure(figsize=(10, 4.2), layout="constrained")
tiles_fig, spectrum_fig = fig.subfigures(1, 2, width_ratios=(1, 1.3))
limit = np.abs(patch_pca.components_).max()
for i, ax in enumerate(tiles_fig.subplots(4, 4).flat):
    component = patch_pca.components_[i].reshape(8, 8)
    ax.imshow(component, cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.set_axis_off()
tiles_fig.suptitle("The 16 leading components of 8 x 8 patches", fontsize=11)
ax = spectrum_fig.subplots()
ax.semilogy(np.arange(1, 17), patch_pca.explained_variance_ratio_, marker="o")
ax.set(xlabel="component", ylabel="share of the variance", xticks=[1, 4, 8, 12, 16])
ax.set_title("Spectrum", fontsize=11)
ax.grid(alpha=0.3)
plt.show()
