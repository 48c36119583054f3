"""Features: what was known of each buyer at a date, as numbers that cannot see the future."""

from clientcare.features import (  # each family enters its features in the catalogue, in this order
    breadth,  # noqa: F401
    contact,  # noqa: F401
    contact_check_ins,  # noqa: F401
    contact_purpose,  # noqa: F401
    contact_ratings,  # noqa: F401
    contact_referrals,  # noqa: F401
    contract,  # noqa: F401
    dependence,  # noqa: F401
    own_gaps,  # noqa: F401
    peers,  # noqa: F401
    persons,  # noqa: F401
    rhythm,  # noqa: F401
    season,  # noqa: F401
    spend,  # noqa: F401
    timing,  # noqa: F401
    voice,  # noqa: F401
    windows,  # noqa: F401
)
from clientcare.features.catalogue import DEFAULT_WINDOWS, FAMILIES, Feature, feature_catalogue
from clientcare.features.custom import (
    features_that_leak,
    forget_feature,
    register_aggregation,
    register_feature,
    register_prediction,
)
from clientcare.features.norms import PeerNorms
from clientcare.features.snapshot import Snapshot
from clientcare.features.stream import FeatureFiles, write_feature_table
from clientcare.features.table import feature_table, peer_norms

__all__ = [
    "DEFAULT_WINDOWS",
    "FAMILIES",
    "Feature",
    "FeatureFiles",
    "PeerNorms",
    "Snapshot",
    "feature_catalogue",
    "feature_table",
    "features_that_leak",
    "forget_feature",
    "peer_norms",
    "register_aggregation",
    "register_feature",
    "register_prediction",
    "write_feature_table",
]
