"""What is due: one file an action, and one list of them. The list is the order in which a buyer's actions come."""

from collections.abc import Mapping

from clientcare.care.actions import (
    anniversary,
    answer_message,
    ask_for_referral,
    break_silence,
    check_in,
    follow_up_first_purchase,
    meet_the_champion,
    reach_out,
    renewal_talk,
    review_service,
    solve_complaint,
)
from clientcare.care.actions.action import Action

ACTIONS: Mapping[str, Action] = {
    file.ACTION.name: file.ACTION
    for file in (
        break_silence,
        solve_complaint,
        meet_the_champion,
        answer_message,
        renewal_talk,
        reach_out,
        review_service,
        check_in,
        follow_up_first_purchase,
        ask_for_referral,
        anniversary,
    )
}
"""The actions a plan can hold, by name."""
