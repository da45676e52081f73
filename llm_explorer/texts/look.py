"""Words of what an address takes off the screen, of larger type and of sharing a link."""

from typing import Final

PARTS: Final = {
    "sidebar": "Sidebar",
    "run": "Run settings",
    "links": "Page links",
    "buttons": "Pin, Undo, Share",
    "answers": "Answers",
    "build": "Build and time",
    "receipt": "Receipt",
}
ANSWERS_HIDDEN: Final = "What this page answers is hidden: work it out first. The link says `hide=answers`."

SHARE_TITLE: Final = "Share this page"
SHARE_HELP: Final = "The link of this page with this config, as a QR code for the projector."
LARGER: Final = "Larger type"
LARGER_HELP: Final = "Adds `type=large` to the link: everything is a quarter larger, for the back row."
LEAVE_OUT: Final = "Leave off the screen"
LEAVE_OUT_HELP: Final = "Adds `hide=...` to the link: whoever opens it does not see these parts, on any page."
OPEN: Final = "Open it in a new tab"
ALT: Final = "QR code of the link beside it"
TOO_LONG: Final = "This link is too long for a QR code ({letters:,} characters): unpin a config, or pass it on as text."
ONLY_HERE: Final = (
    "This address works on this machine only. For a class, open the app by the address that others see: Streamlit "
    "prints it at the start as *Network URL*."
)
