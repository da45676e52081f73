"""Figures from plain data: no streamlit, no torch, one colour per component on every page."""
