import pytest

from skstruct.linalg.batches import _interleaved


@pytest.fixture(autouse=True)
def _few_slices_are_interleaved(monkeypatch):
    # so that tests need not compute as many as it takes to gain
    monkeypatch.setattr(_interleaved, "MIN_SLICES", 500)
