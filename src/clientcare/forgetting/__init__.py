"""Forget one buyer: take them out of everything that was written to a folder, and say what could not be reached."""

from clientcare.forgetting.folder import Forgotten, forget_buyer

__all__ = ["Forgotten", "forget_buyer"]
