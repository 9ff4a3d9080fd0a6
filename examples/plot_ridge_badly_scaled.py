"""
Has my sparse ridge converged?
==============================

Sparse data often mixes word weights below one with a few raw counts in the thousands or
millions. Ridge regression on sparse data is solved by iteration, and the number of iterations
depends on the scales of the columns. When the iteration stops too early, the model still
predicts something, only worse than it could.

This example predicts how many branches (``if``, ``for``, ``try``, ...) a function of Python's
standard library has, from the TF-IDF weights of its words and four plain numbers: its length in
characters and in lines, its position in the file, and the size of the file.
"""

import ast
import sysconfig
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

from skstruct.linear_model import Tikhonov

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
NOT_WANTED = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3"}
BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.IfExp, ast.BoolOp, ast.comprehension)

sources, numbers, branches = [], [], []
for path in sorted([*LIBRARY.glob("*.py"), *LIBRARY.glob("[a-z]*/*.py")]):
    if not NOT_WANTED.isdisjoint(path.relative_to(LIBRARY).parts):
        continue
    text = path.read_text("utf-8", errors="replace")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            sources.append(source)
            n_lines = node.end_lineno - node.lineno + 1
            numbers.append([len(source), n_lines, node.lineno, len(text)])
            branches.append(sum(isinstance(child, BRANCHES) for child in ast.walk(node)))

words = TfidfVectorizer(min_df=5, token_pattern="[A-Za-z_]{3,}").fit_transform(sources)
X = sparse.hstack([words, sparse.csr_array(np.array(numbers, dtype=float))]).tocsr()
y = np.array(branches, dtype=float)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

column_norms = np.sqrt(np.asarray(X.multiply(X).sum(axis=0))).ravel()
print(f"{X.shape[0]} functions, {X.shape[1]} columns")
print(f"column norms from {column_norms.min():.1e} to {column_norms.max():.1e}")

# %%
# How far an answer is from the minimum can be measured without trusting either library: the
# gradient of the penalised sum of squares is zero there. It is taken in units of the column
# norms, so that no column counts for more than another, and relative to its size at the start.
alpha = 1.0
mean = np.asarray(X_train.mean(axis=0)).ravel()
square_sums = np.asarray(X_train.multiply(X_train).sum(axis=0)).ravel()
scale = np.sqrt(square_sums - len(y_train) * mean**2 + alpha)


def relative_gradient(coef, intercept):
    """Gradient at coef, over that at zero coefficients, both in units of the column norms."""
    residual = X_train @ coef + intercept - y_train
    gradient = X_train.T @ residual - mean * residual.sum() + alpha * coef
    at_zero = X_train.T @ (y_train - y_train.mean())
    return np.linalg.norm(gradient / scale) / np.linalg.norm(at_zero / scale)


# %%
# Scikit-learn with its default tolerance and with ever smaller ones; every warning is caught.
tolerances = 10.0 ** -np.arange(4, 13, 2)
gradients, scores = [], []
for tol in tolerances:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ridge = Ridge(alpha=alpha, tol=tol).fit(X_train, y_train)
    gradients.append(relative_gradient(ridge.coef_, ridge.intercept_))
    scores.append(ridge.score(X_test, y_test))
    warned = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    print(
        f"Ridge(tol={tol:.0e}): gradient {gradients[-1]:.0e}, R2 {scores[-1]:.3f}, "
        f"{'warned' if warned else 'no warning'}"
    )

# %%
# Tikhonov, as it comes:
model = Tikhonov(alpha=alpha).fit(X_train, y_train)
gradient = relative_gradient(model.coef_, model.intercept_)
score = model.score(X_test, y_test)
print(f"Tikhonov(): gradient {gradient:.0e}, R2 {score:.3f}")
print(model.plan_)

# %%
# It runs conjugate gradients as well, on columns scaled to unit norm, and stops on the gradient
# of the original problem rather than on a residual whose size the largest column dictates.
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.loglog(tolerances, gradients, marker="s", color="C3", label="scikit-learn Ridge")
left.axhline(gradient, color="C2", label="Tikhonov, default tol")
left.set(ylabel="gradient at the answer (relative)", title="How far from the minimum?")
right.semilogx(tolerances, scores, marker="s", color="C3", label="scikit-learn Ridge")
right.axhline(score, color="C2", label="Tikhonov, default tol")
right.set(ylabel="$R^2$ on functions not seen", title="What does it cost?")
for ax in (left, right):
    ax.invert_xaxis()
    ax.set_xlabel("tol of scikit-learn's Ridge (default 1e-4)")
    ax.grid(alpha=0.3)
left.legend()
right.legend(loc="center right")
plt.show()

# %%
# Scaling the columns beforehand would help scikit-learn as well, but it changes the model: the
# penalty then acts on the coefficients of the scaled columns. Here scaling is a device of the
# solver, and the penalty is the one that was asked for.
