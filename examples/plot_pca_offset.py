"""
What does an offset do to a spectrum?
=====================================

Time stamps, map coordinates in metres and absolute frequencies share a property: their mean is
large compared with their spread. Principal components do not depend on the mean, so the answer
should not change. It does if the covariance is computed as
:math:`X^T X - n\\,\\bar x \\bar x^T`: both terms grow with the square of the offset, and their
difference keeps only the digits that rounding has left.

The data here are the handwritten digits that come with scikit-learn. Pixels are small integers,
so adding an integer offset is exact in floating point: every data set below has *exactly* the
same principal components, and every difference is an error of the algorithm.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn.decomposition
from sklearn.datasets import load_digits

from skstruct.decomposition import PCA

X = load_digits().data
n_components = 20

# %%
# The truth: the singular values of the centred pixels, without any offset.
truth = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:n_components] ** 2 / (len(X) - 1)

# %%
# Three ways to fit the same components. For data as tall as this scikit-learn's default
# ``svd_solver="auto"`` takes its covariance route; its ``"full"`` centres a copy of the data
# and takes the SVD of that. None of the three warns.
estimators = {
    'scikit-learn, "auto"': sklearn.decomposition.PCA(n_components),
    'scikit-learn, "full"': sklearn.decomposition.PCA(n_components, svd_solver="full"),
    "skstruct": PCA(n_components),
}
styles = {
    'scikit-learn, "auto"': {"color": "C3", "marker": "s"},
    'scikit-learn, "full"': {"color": "C0", "marker": "^"},
    "skstruct": {"color": "C2", "marker": "o"},
}
ratios = 10.0 ** np.arange(3, 8)  # offset in units of the spread
offsets = np.round(ratios * X.std())

errors = {name: [] for name in estimators}
for offset in offsets:
    for name, estimator in estimators.items():
        found = estimator.fit(X + offset).explained_variance_
        errors[name].append(np.max(np.abs(found / truth - 1)))

for name, values in errors.items():
    print(f"{name:22}", "  ".join(f"{value:.0e}" for value in values))

# %%
# On the left the error of the worst of the 20 variances against the offset; on the right the
# whole spectrum at the largest offset.
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for name, values in errors.items():
    left.loglog(ratios, values, label=name, **styles[name])
left.set(
    xlabel="offset / spread of the data",
    ylabel="largest relative error of a variance",
    title="Error against offset",
    ylim=(1e-16, 3),
)
left.legend(loc="upper left")

order = np.arange(1, n_components + 1)
right.semilogy(order, truth, color="black", linewidth=6, alpha=0.2, label="truth")
for name in ('scikit-learn, "auto"', "skstruct"):
    right.semilogy(
        order, estimators[name].explained_variance_, linewidth=1, label=name, **styles[name]
    )
right.set(
    xlabel="component",
    ylabel="explained variance",
    title=rf"Spectrum at an offset of $10^{np.log10(ratios[-1]):.0f}$ spreads",
    xticks=[1, 5, 10, 15, 20],
)
right.legend()
plt.show()

# %%
# skstruct runs a covariance route as well, because it is the cheapest for 1797 x 64 data. The
# difference is that blocks of rows are centred *before* they are multiplied, in a buffer that
# stays in the cache, so nothing large is ever subtracted from anything large. What ran, and the
# residual measured on the data afterwards, is recorded:
print(estimators["skstruct"].plan_)
