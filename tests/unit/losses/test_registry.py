import pytest

from styler.config import LOSSES
from styler.errors import ConfigError
from styler.losses import STYLE_LOSSES


def test_every_loss_of_the_config_is_registered_and_no_other():
    assert tuple(STYLE_LOSSES) == LOSSES


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_made_without_arguments(name):
    assert hasattr(STYLE_LOSSES[name](), "statistics")


def test_an_unknown_loss_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="Did you mean 'gram'"):
        STYLE_LOSSES["gramm"]
