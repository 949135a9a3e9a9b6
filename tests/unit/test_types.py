from __future__ import annotations

from styler.types import Evaluation, Size


def test_a_size_is_rows_before_columns():
    size = Size(3, 4)
    assert (size.height, size.width) == size == (3, 4)
    assert Size(width=4, height=3) == size


def test_an_evaluation_unpacks_as_value_then_gradient():
    value, gradient = Evaluation(value=1.0, gradient="slope")
    assert (value, gradient) == (1.0, "slope")
