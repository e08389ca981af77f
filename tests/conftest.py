"""How generated examples are drawn: the same ones in every run, unless new ones are asked for.

`HYPOTHESIS_PROFILE=wide make test` draws other examples each time. By default a failure belongs to
the change that it shows up with, not to chance.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Failed assertions of the contract suite are to show their values as those of a test file do.
pytest.register_assert_rewrite("contract_reading", "contract_systems", "contract_writing")

settings.register_profile("steady", derandomize=True, database=None)
settings.register_profile("wide", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
