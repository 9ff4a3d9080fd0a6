"""
Which preconditioner does text need?
====================================

Tens of thousands of words, each in a few documents: no Gram matrix of that size is formed, and
ridge regression is solved by iteration. How long that takes depends on the weights of the words
and on the preconditioner. This example asks how deeply code is nested, judged by its words alone:
the documents are pieces of Python's standard library, 40 lines each, and the target is their mean
indentation, which the words do not contain."""

import sysconfig
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

from skstruct.linear_model import IterativeLeastSquares

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
LINES = 40

pieces, depths, numbers = [], [], []
for path in sorted(LIBRARY.rglob("*.py")):
    if not {"site-packages", "dist-packages"}.isdisjoint(path.relative_to(LIBRARY).parts):
        continue
    text = path.read_text("utf-8", errors="replace").expandtabs()
    lines = [line for line in text.splitlines() if line.strip()]
    for start in range(0, len(lines) - LINES + 1, LINES):
        piece = lines[start : start + LINES]
        pieces.append("\n".join(piece))
        depths.append(np.mean([len(line) - len(line.lstrip()) for line in piece]) / 4)
        numbers.append([sum(len(line.strip()) for line in piece), start, len(text)])

vectorizer = CountVectorizer(min_df=2, dtype=np.float64, token_pattern="[A-Za-z_]{2,}")
counts = vectorizer.fit_transform(pieces)
tfidf = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
y = np.array(depths)
train, test = train_test_split(np.arange(len(y)), random_state=0)
print(f"{counts.shape[0]} pieces, {counts.shape[1]} words, {counts.nnz / len(y):.0f} in a piece")

# %%
# What to do with them
# --------------------
# A Gram matrix of the words would be large, and though they are rare, not sparse enough: all words
# that occur in a piece meet there. So the plan iterates. ``alphas`` asks for a whole path of
# penalties; the iteration for each of them begins at the best combination of the solutions that
# are known already. The pieces that are held out choose among them.
matrices = {
    "TF-IDF": tfidf,
    "counts": counts,
    "TF-IDF and three numbers": sparse.hstack([tfidf, np.array(numbers, float)]).tocsr(),
}
paths, best = {}, {}
for name, X in matrices.items():
    alphas = np.logspace(1, 4, 7) if name == "counts" else np.logspace(-1, 2, 7)
    paths[name] = path = IterativeLeastSquares(alpha=alphas[-1], alphas=alphas)
    path.fit(X[train], y[train])
    fitted = X[test] @ path.coef_path_.T + path.intercept_path_
    errors = np.square(fitted - y[test, None]).mean(axis=0)
    best[name] = alphas[errors.argmin()]
    print(f"{name}: R2 {1 - errors.min() / y[test].var():.3f} with alpha = {best[name]:.3g}")
print(paths["counts"].plan_)

# %%
# Three preconditioners
# ---------------------
# ``convergence_`` has the gradient after every iteration, in units of the column norms and relative
# to that at the start.
#
# TF-IDF scales every piece to unit length, and the columns with it: the plain iteration
# (``'none'``) is as good as any. Counts of ``self`` and of a word that occurs twice differ by
# orders of magnitude, and so do words and three plain numbers beside them: the characters of the
# piece, its line and the size of the file. There columns have to be scaled to unit norm
# (``'jacobi'``). Words that occur in nearly the same pieces are another matter. The data hardly
# determines their differences, whatever the scale, and blocks of such words (``'block'``) take
# care of them. ``'auto'`` begins with ``'jacobi'`` and looks every 25 iterations whether blocks
# are worth their making.
#
# The same gradient, computed here without either library's help, tells where scikit-learn's
# ``Ridge`` stops with its default ``tol``.


def relative_gradient(X, y, alpha, coef, intercept):
    """Gradient at coef, over that at zero coefficients, both in units of the column norms."""
    mean = np.asarray(X.mean(axis=0)).ravel()
    squares = np.asarray(X.multiply(X).sum(axis=0)).ravel() - len(y) * mean**2
    scale = np.sqrt(squares + alpha)
    residual = X @ coef + intercept - y
    gradient = X.T @ residual - mean * residual.sum() + alpha * coef
    at_zero = X.T @ (y - y.mean())
    return np.linalg.norm(gradient / scale) / np.linalg.norm(at_zero / scale)


colors = {"none": "C3", "jacobi": "C1", "block": "C0"}
fig, axes = plt.subplots(1, 3, figsize=(11, 4.4), layout="constrained", sharey=True)
for ax, (name, X) in zip(axes, matrices.items(), strict=True):
    alpha = best[name]
    print(f"{name}, alpha = {alpha:.3g}")
    for preconditioner, color in colors.items():
        begin = time.perf_counter()
        model = IterativeLeastSquares(alpha, solver="cg", preconditioner=preconditioner)
        model.fit(X[train], y[train])
        seconds = time.perf_counter() - begin
        print(
            f"  {preconditioner:6} {model.n_iter_[0]:4} iterations, {seconds:.1f} s, "
            f"gradient {model.gradient_norm_[0]:.0e}, R2 {model.score(X[test], y[test]):.4f}"
        )
        iterations = np.arange(1, len(model.convergence_) + 1)
        ax.semilogy(iterations, model.convergence_[:, 0], color=color, label=preconditioner)
    begin = time.perf_counter()
    ridge = Ridge(alpha).fit(X[train], y[train])
    seconds = time.perf_counter() - begin
    reached = relative_gradient(X[train], y[train], alpha, ridge.coef_, ridge.intercept_)
    print(
        f"  Ridge  {'':15}{seconds:.1f} s, gradient {reached:.0e}, "
        f"R2 {ridge.score(X[test], y[test]):.4f}"
    )
    ax.axhline(reached, color="0.3", linestyle="--", label="scikit-learn's Ridge, default tol")
    ax.axhline(1e-6, color="0.3", linestyle=":", label="asked for (tol)")
    ax.set(title=f"{name}\nalpha = {alpha:.3g}", xlabel="iterations")
    ax.grid(alpha=0.3)
axes[0].set_ylabel("gradient (relative)")
handles = axes[0].get_legend_handles_labels()
fig.legend(*handles, loc="outside lower center", ncols=5, frameon=False)
plt.show()

# %%
# All of them predict equally well here, also ``Ridge``, whose gradient is larger by two or three
# orders of magnitude than the one asked for: with penalties as good for prediction as these it does
# no harm. :ref:`sphx_glr_auto_examples_plot_ridge_badly_scaled.py` shows data where it does.

# %%
# Which words tell?
# -----------------
# Words of code deep inside, and words of the left margin.
model = IterativeLeastSquares(best["TF-IDF"]).fit(tfidf[train], y[train])
order = np.argsort(model.coef_)
words = vectorizer.get_feature_names_out()
print("deep:   ", ", ".join(words[order[::-1][:14]]))
print("shallow:", ", ".join(words[order[:14]]))
