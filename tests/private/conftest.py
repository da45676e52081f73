from tests.ui.conftest import charts_of_streamlit as charts_of_streamlit
from tests.ui.conftest import queue as queue
