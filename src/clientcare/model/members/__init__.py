"""The members of the model: each a small classifier over a feature table, one file each."""
