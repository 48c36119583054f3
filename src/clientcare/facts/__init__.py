"""Facts: one meaning of every fact, over event tables."""
