"""Shows the values of a failed assertion of the suite as those of a test file."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("contract_reading", "contract_systems", "contract_writing")
