"""What other businesses teach of terms: how many leave, and how far each sign goes; few buyers need not tell it anew."""

from __future__ import annotations

USUAL_HORIZON_DAYS = 90.0
"""Levels of early leaving are of so many days; others in proportion."""
LEVEL = {
    "runs": (-3.97, 1.00),
    "ends": (-1.43, 0.59),
}
"""Log-odds of leaving, and how far businesses are apart in them: before an end, and at one."""
EFFECTS = {
    "voice": (0.04, 0.07),
    "voice_in_term": (-0.17, -0.01),
    "voice_lately": (-0.13, -0.11),
    "fall_90d": (-0.04, -0.14),
    "fall_30d": (-0.31, -0.36),
    "silence": (0.23, 0.17),
    "last_rating": (-0.05, -0.06),
    "mean_rating": (-0.11, -0.15),
    "missed": (0.21, 0.30),
    "first_term": (0.02, 0.11),
    "tenure": (-0.11, -0.24),
    "term_share": (-0.03, 0.09),
    "standing": (0.02, -0.06),
    "below": (-0.07, -0.06),
}
"""What one more of each sign adds to the log-odds before an end, and at one."""
