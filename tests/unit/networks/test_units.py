import numpy as np
import pytest

from styler.errors import NetworkError
from styler.networks import preprocess as p
from styler.networks.units import affine


def test_matrix_and_offset_give_what_the_preprocessing_gives():
    matrix, offset = affine(p.caffe)
    colors = np.random.default_rng(0).random((7, 3))
    np.testing.assert_allclose(colors @ matrix + offset, np.asarray(p.caffe(colors)), rtol=1e-5)


@pytest.mark.parametrize("preprocess", [lambda x: x**2, lambda x: x[..., :1]])
def test_units_that_are_no_affine_map_are_refused(preprocess):
    with pytest.raises(NetworkError, match="--palette-weight 0 and --grain-weight 0"):
        affine(preprocess)
