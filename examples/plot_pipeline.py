"""
Does it fit into a pipeline?
============================

Everything that expects a scikit-learn estimator accepts one from here: pipelines, searches,
data frames and named outputs. This example tunes a principal component regression on the
diabetes data.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skstruct.decomposition import PCA
from skstruct.linear_model import Tikhonov

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
X_train.head()

# %%
# The imports of PCA and Tikhonov are the only lines that differ from a pipeline of
# scikit-learn's own PCA and Ridge.
pipeline = Pipeline(
    [("scale", StandardScaler()), ("pca", PCA()), ("ridge", Tikhonov())]
).set_output(transform="pandas")
grid = {
    "pca__n_components": [1, 2, 3, 5, 10],
    "ridge__alpha": np.logspace(-2, 4, 13),
}
search = GridSearchCV(pipeline, grid, cv=5).fit(X_train, y_train)
print("best:", search.best_params_)
print(f"R2 on data not seen: {search.score(X_test, y_test):.3f}")

# %%
# Every fitted step keeps its record, inside the search as well.
best = search.best_estimator_
print(best["pca"].plan_)
print()
print(best["ridge"].plan_)

# %%
# Transformed data carries names.
best[:-1].transform(X_test).head()

# %%
fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
results = search.cv_results_
number = np.array(results["param_pca__n_components"], dtype=int)
alpha = np.array(results["param_ridge__alpha"], dtype=float)
for i, k in enumerate(grid["pca__n_components"]):
    chosen = number == k
    color = plt.colormaps["viridis"](i / 5)
    ax.semilogx(alpha[chosen], results["mean_test_score"][chosen], color=color, marker=".", label=k)
ax.plot(
    search.best_params_["ridge__alpha"],
    search.best_score_,
    marker="*",
    markersize=14,
    color="C3",
    linestyle="none",
    label="chosen",
)
ax.set(xlabel=r"penalty $\alpha$", ylabel="$R^2$, mean of 5 folds")
ax.set_title("Principal component ridge regression of the diabetes data")
ax.legend(title="components", loc="lower left")
ax.grid(alpha=0.3)
plt.show()
