"""Features: what was known of each buyer at a date, as numbers that cannot see the future."""

from clientcare.features.catalogue import DEFAULT_WINDOWS, FAMILIES, Feature, feature_catalogue
from clientcare.features.peers import PeerNorms
from clientcare.features.table import feature_table, peer_norms

__all__ = [
    "DEFAULT_WINDOWS",
    "FAMILIES",
    "Feature",
    "PeerNorms",
    "feature_catalogue",
    "feature_table",
    "peer_norms",
]
