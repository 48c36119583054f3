"""Training: past snapshots, what came after, and how much each member counts."""
