"""Streams depend on seed, purpose and index alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from carwright.population import uniforms


@given(
    st.integers(0, 2**64 - 1),
    st.text(max_size=20),
    st.integers(0, 10**9),
    st.integers(1, 30),
    st.integers(1, 9),
)
def test_a_number_does_not_depend_on_its_neighbours(seed, purpose, first, count, width):
    block = uniforms(seed, purpose, first, count, width)
    one = uniforms(seed, purpose, first + count - 1, 1, width)
    assert (block[-1] == one[0]).all()
    assert ((block > 0) & (block < 1)).all()


def test_numbers_are_uniform_and_purposes_independent():
    a = uniforms(1, "a", 0, 20000)[:, 0]
    b = uniforms(1, "b", 0, 20000)[:, 0]
    assert stats.kstest(a, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 0.03
    assert not (uniforms(2, "a", 0, 5) == uniforms(1, "a", 0, 5)).any()


def test_negative_arguments_are_refused():
    with pytest.raises(ValueError, match="got -1"):
        uniforms(-1, "a", 0, 1)
