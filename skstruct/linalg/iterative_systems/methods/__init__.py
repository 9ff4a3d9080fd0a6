"""Methods of iteration for A x = b.

Each is a class whose objects serve one run: they may remember its earlier legs. They have

``name``
    what users call it;
``obstacle(facts, preconditioner) -> str | None``
    None, or the reason why it cannot be used;
``work(facts) -> Cost``
    what an iteration takes besides products with A and M^-1;
``products``
    how many of both it takes;
``leg(operator, apply, residual, goal, watch) -> Leg``
    iterates from x = 0 towards A x = `residual`, of shape (n, 1), until the norm of the residual
    of the recurrence is as small as `goal`, or `watch` says to stop.

The caller measures the true residual after each leg and begins another one there. All but conjugate
gradients are scipy's. Right-hand sides are iterated one after the other: a product with a sparse
matrix takes 2.5 ms for one column and 20 for 8, side by side they gain nothing.
"""

from skstruct.linalg.iterative_systems.methods._bicgstab import BiCGSTAB
from skstruct.linalg.iterative_systems.methods._cg import ConjugateGradients
from skstruct.linalg.iterative_systems.methods._gmres import GMRES, LGMRES
from skstruct.linalg.iterative_systems.methods._leg import Leg, Method, NotDefinite, Watch
from skstruct.linalg.iterative_systems.methods._minres import MINRES

BY_NAME: dict[str, type[Method]] = {
    method.name: method for method in (ConjugateGradients, MINRES, BiCGSTAB, GMRES, LGMRES)
}

__all__ = ["BY_NAME", "Leg", "Method", "NotDefinite", "Watch"]
