"""The lessons' pages, a folder each."""
