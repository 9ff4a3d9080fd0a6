"""Costs add up, and become seconds at a machine's rates."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from skstruct.linalg import Cost, Machine
from skstruct.linalg._machine import REFERENCE

COST_FIELDS = [field.name for field in fields(Cost)]

# Powers of two: all sums and quotients below are exact.
MACHINE = Machine(blas3=2.0, sparse=4.0, sparse_product=8.0, bandwidth=16.0, pass_overhead=32.0)


def test_costs_add_field_by_field():
    # over all fields that there are, so that a new one cannot be forgotten in __add__
    first = Cost(**{name: 2.0**i for i, name in enumerate(COST_FIELDS)})
    second = Cost(**{name: 2.0 ** (i + 20) for i, name in enumerate(COST_FIELDS)})
    total = first + second
    for i, name in enumerate(COST_FIELDS):
        assert getattr(total, name) == 2.0**i + 2.0 ** (i + 20), name
    assert first + Cost() == first


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("blas3", 32.0),
        ("lapack", 32.0),  # stated in the currency of blas3
        ("sparse", 16.0),
        ("sparse_product", 8.0),
        ("traffic", 4.0),
        ("passes", 2048.0),
        ("memory", 0.0),  # a limit, not time
    ],
)
def test_each_part_of_a_cost_has_its_rate(name, seconds):
    assert MACHINE.seconds(Cost(**{name: 64.0})) == seconds


def test_seconds_of_a_sum_are_the_sum_of_seconds():
    first, second = Cost(blas3=64.0, traffic=32.0, passes=2.0), Cost(lapack=8.0, sparse=16.0)
    assert MACHINE.seconds(first + second) == MACHINE.seconds(first) + MACHINE.seconds(second)
    assert MACHINE.seconds(Cost()) == 0.0


@pytest.mark.parametrize("rate", ["blas3", "sparse", "sparse_product", "bandwidth"])
def test_a_faster_machine_predicts_less_time(rate):
    cost = Cost(**dict.fromkeys(COST_FIELDS, 1e9))
    faster = replace(REFERENCE, **{rate: 2 * getattr(REFERENCE, rate)})
    assert faster.seconds(cost) < REFERENCE.seconds(cost)


def test_costs_and_machines_are_values():
    assert Cost(blas3=1.0) == Cost(blas3=1.0)
    assert hash(MACHINE) == hash(replace(MACHINE))
    for value, name in ((Cost(), "blas3"), (MACHINE, "sparse")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, 1.0)
