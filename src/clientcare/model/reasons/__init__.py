"""Reasons: themes, their phrases, and the explanation of each buyer's risk."""
