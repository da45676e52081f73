"""The examples in docstrings are run with the tests: a wrong one is a failure of `make test`."""

import pytest


def test_the_examples_of_the_package_are_run(pytestconfig: pytest.Config) -> None:
    assert "llm_explorer" in pytestconfig.getini("testpaths")
    assert pytestconfig.getoption("doctestmodules")
