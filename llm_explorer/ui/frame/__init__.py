"""What stands around every page: links, sidebar, the row of the run, import and export, share."""
