"""The scene of rejudging serves here too."""

from tests.api.rejudging.conftest import scene

__all__ = ["scene"]
