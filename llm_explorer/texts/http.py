"""What the server answers where it takes no request."""

from typing import Final

CLOSED: Final = "There is nothing here."
LONG_ADDRESS: Final = (
    "This address has {there:,} characters behind its question mark, and {most:,} are read; shorten it."
)
NO_UPLOADS: Final = "This shared server takes no files; open Import and paste the config."
BUSY: Final = (
    "{there} files are on their way to this server, and it takes {most} at a time; try again, or paste the config."
)
SLOW: Final = "The file took longer than {most} s; try again, or paste the config."
