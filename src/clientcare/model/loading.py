"""A model from its file."""

from __future__ import annotations

from os import PathLike

from clientcare.model.relationship import RelationshipModel
from clientcare.model.store.file import read_with_version
from clientcare.model.store.tables import require_same_card
from clientcare.model.store.valid.whole import check_name
from clientcare.model.store.versions import SCHEMA_VERSION, brought_forward


def load_model(path: str | PathLike[str]) -> RelationshipModel:
    """A model from its file; loading runs nothing that the file holds.

    Parameters
    ----------
    path : path
        What :meth:`RelationshipModel.save` wrote.

    Returns
    -------
    RelationshipModel
        Fitted; it scores and explains as the one that was saved, to the last bit.

    Raises
    ------
    ModelFileError
        Where the file is damaged, hostile, or of a newer version.

    Examples
    --------
    >>> import tempfile
    >>> from clientcare.datasets import load_retailer
    >>> histories = load_retailer()
    >>> model = RelationshipModel(effort="quick", random_state=0).fit(histories)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.clientcare")
    ...     same = load_model(f"{folder}/model.clientcare")
    >>> same.model_id_ == model.model_id_
    True
    >>> bool((same.score(histories)["churn_risk"] == model.score(histories)["churn_risk"]).all())
    True
    """
    version, state, card = read_with_version(path)
    check_name(state)
    model = RelationshipModel.from_checked_state(brought_forward(state, version))
    if version == SCHEMA_VERSION:
        require_same_card(model.card(), card)
    return model
