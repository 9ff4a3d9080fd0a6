"""Square linear systems A X = B: their facts, the question, and what the solvers share.

It lies below the engine. What users call is in ``skstruct/linalg/_solve.py`` and
``_factorize.py``, the algorithms are in ``skstruct/linalg/solvers/system_*.py``.
"""

from skstruct.linalg.matrices._factor import Factor
from skstruct.linalg.systems._answer import SystemAnswer, answered
from skstruct.linalg.systems._problem import LinearSystem, Reordering
from skstruct.linalg.systems._structure import MatrixStructure

__all__ = ["Factor", "LinearSystem", "MatrixStructure", "Reordering", "SystemAnswer", "answered"]
