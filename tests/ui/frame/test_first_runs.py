"""What is done once for all reruns."""

import resource

from streamlit import config

from tests.ui.app_visit import Visit


def test_python_collects_when_it_is_due_and_streamlit_not_after_each_run() -> None:
    assert config.get_option("runner.postScriptGC") is False


def test_a_server_may_open_as_many_files_as_the_system_allows() -> None:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, usual[1]))
        Visit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == usual[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
