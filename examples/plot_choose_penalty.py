"""
Which criterion chooses the penalty?
====================================

``TikhonovCV`` compares all penalties after one factorisation, and it can compare them by several
criteria. This example looks at four of them on the diabetes data with squares and products of its
ten features: leave-one-out, generalised cross-validation, its robust variant, and restricted
maximum likelihood. Half of the patients are kept back to see what each choice is worth.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skstruct.linear_model import TikhonovCV

CRITERIA = ["loo", "gcv", "rgcv", "reml"]
STYLES = dict(zip(CRITERIA, ["-", "--", "-", "-."], strict=True))
COLORS = dict(zip(CRITERIA, ["C0", "C1", "C3", "C2"], strict=True))


def halves(seed):
    """Return features and targets of two halves of the patients."""
    X, y = load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=seed)
    expand = make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler())
    return expand.fit_transform(X), expand.transform(X_test), y, y_test


X, X_test, y, y_test = halves(0)
alphas = np.geomspace(1, 1e5, 101)
models = {name: TikhonovCV(alphas, criterion=name).fit(X, y) for name in CRITERIA}
print(f"{X.shape[0]} patients, {X.shape[1]} features")
for name, model in models.items():
    print(
        f"{name:4}: alpha {model.alpha_:6.1f}, {model.edf_:4.1f} degrees of freedom, "
        f"R2 on the other half {model.score(X_test, y_test):.3f}"
    )

# %%
# ``criterion_path_`` holds what each criterion says of each penalty (larger is better), and
# ``coef_path_`` the coefficients. The criteria have different units. The first panel shows each
# relative to its smallest and its largest value in the range.
path = models["loo"].coef_path_
intercepts = y.mean() - X.mean(axis=0) @ path.T
errors = np.sqrt(np.square(X_test @ path.T + intercepts - y_test[:, None]).mean(axis=0))

fig, axes = plt.subplots(3, 1, figsize=(8, 9), sharex=True, layout="constrained")
for name, model in models.items():
    values = -model.criterion_path_
    relative = (values - values.min()) / np.ptp(values)
    axes[0].semilogx(alphas, relative, STYLES[name], color=COLORS[name], label=name)
    axes[0].plot(model.alpha_, 0, "o", color=COLORS[name], clip_on=False)
axes[0].set(ylabel="criterion, from 0 to 1", ylim=(0, 0.5), title="What the criteria say")
axes[0].legend(loc="upper center", ncols=4)
axes[1].semilogx(alphas, errors, color="0.3")
axes[1].set(ylabel="root mean squared error", title="Error on the other half of the patients")
axes[2].semilogx(alphas, path, color="0.5", linewidth=0.7)
axes[2].set(ylabel="coefficients", xlabel="alpha", title="The 65 coefficients")
for ax in axes:
    ax.grid(alpha=0.3)
    for name, model in models.items():
        ax.axvline(model.alpha_, linestyle=STYLES[name], color=COLORS[name], linewidth=1)
plt.show()

# %%
# Three of the four agree, within a range in which the error hardly changes. ``rgcv`` chooses a
# larger penalty. One split says little, so here are fifty.
scores = {name: [] for name in CRITERIA}
chosen = {name: [] for name in CRITERIA}
for seed in range(50):
    X, X_test, y, y_test = halves(seed)
    for name in CRITERIA:
        model = TikhonovCV("auto", criterion=name).fit(X, y)
        scores[name].append(model.score(X_test, y_test))
        chosen[name].append(model.alpha_)
for name in CRITERIA:
    low, high = np.quantile(chosen[name], [0.1, 0.9])
    print(
        f"{name:4}: R2 {np.mean(scores[name]):.3f} on average, "
        f"at worst {np.min(scores[name]):.3f}, alpha mostly between {low:.0f} and {high:.0f}"
    )

# %%
# For predictions of new patients ``loo``, ``gcv`` and ``reml`` are equally good here, and ``reml``
# varies least. ``rgcv`` smooths too much: it is made for ill-posed problems, where ``gcv`` now and
# then chooses almost no penalty at all (see the user guide).
