"""
Where each numbered sentence of the semantics is tested: a table, and the check that every test in it is there.

The sentences that a verdict shows have cases of their own in `engine/backends/cases`, named by their number; the others are held by the
tests named here.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CASES = "cases"  # a case in engine/backends/cases begins with the sentence's number
SENTENCES: dict[str, tuple[str, ...]] = {
    "1.1": (
        "engine/policy_language/test_documents::test_a_schema_has_a_version_and_an_example_that_holds",
        "service/api/test_api::test_the_schemas_come_from_models_and_vocabulary",
    ),
    "1.2": (
        CASES,
        "engine/backends/test_public_recipient::test_nothing_is_permitted_to_the_public_that_is_refused_to_some_recipient",
        "service/api/test_public_recipient::test_nothing_is_asked_of_the_public",
        "engine/exchange_input/test_exchange::test_a_value_of_each_type_is_read_as_what_it_is",
        "engine/exchange_input/test_exchange::test_any_fact_may_be_unknown_and_none_may_be_null",
    ),
    "1.3": ("engine/exchange_input/test_exchange::test_a_document_is_presented_or_there_is_none_or_it_is_unknown",),
    "1.4": (
        "engine/exchange_input/test_exchange::test_the_day_is_a_day",
        "engine/test_decision::test_a_hypothetical_decision_never_proceeds",
        "service/api/test_api::test_the_day_is_the_exchange_s_or_today_in_the_zone",
    ),
    "1.5": (
        "engine/exchange_input/test_coherence::",
        "engine/questions/test_next_questions::test_nothing_is_tried_that_cannot_be_true",
        "engine/questions/test_remedies::test_the_search_finds_what_trying_everything_finds",
        "service/register/test_named_exchanges::test_what_is_sent_cannot_contradict_what_the_register_fills_in",
        "service/authzen/test_exchanges::test_only_the_item_that_cannot_be_true_is_refused",
    ),
    "1.6": (
        CASES,
        "engine/values/test_id_spellings::test_the_value_that_is_meant_is_proposed_first_and_not_accepted",
        "engine/questions/test_places::",
        "service/api/test_places::test_another_spelling_of_quebec_is_refused_and_quebec_proposed",
    ),
    "1.7": ("engine/exchange_input/test_coherence::test_a_set_that_is_never_empty_names_what_to_send",),
    "1.8": (
        CASES,
        "engine/deciding/test_disputed_facts::test_the_stricter_counts",
        "engine/deciding/test_disputed_facts::test_a_dispute_is_no_question",
        "service/register/test_named_exchanges::test_a_listing_cannot_be_stated_away",
        "service/register/test_named_exchanges::test_an_id_alone_is_looked_up",
        "service/register/test_named_exchanges::test_who_may_not_read_the_register_sees_the_outcome_only",
        "service/authzen/test_workplace::test_what_is_sent_cannot_take_back_what_is_stored",
    ),
    **{f"2.{n}": (CASES,) for n in range(1, 12)},
    **{f"3.{n}": (CASES,) for n in range(1, 9)},
    **{f"4.{n}": (CASES,) for n in (1, 2, 3, 4, 7)},
    "4.5": (
        "engine/test_settling_questions::test_what_is_asked_settles_it",
        "engine/test_settling_questions::test_what_cannot_move_the_outcome_is_not_asked",
        "engine/test_settling_questions::test_a_shorter_list_is_asked_before_a_longer_one",
        "engine/test_settling_questions::test_what_decides_whether_a_law_applies_is_asked_first",
    ),
    "4.6": (
        CASES,
        "engine/test_decision::test_beneath_is_what_remains_without_reviews",
        "engine/deciding/test_sign_off_scope::test_no_signature_takes_the_place_of_an_authority_s_order",
    ),
    "4.8": (
        "engine/test_decision::test_the_decision_leads_with_whether_to_proceed",
        "engine/test_decision::test_only_the_two_permitted_outcomes_proceed",
    ),
    "4.9": ("engine/questions/test_remedies::",),
    "4.13": (
        "engine/questions/test_ways::",
        "engine/questions/test_every_requirement::test_the_first_way_that_is_listed_meets_its_requirement",
    ),
    "4.10": ("engine/backends/test_long_agreement::test_the_engines_agree_and_are_safe",),
    "5.1": ("engine/backends/test_agreement::test_a_planted_fault_is_found",),
    "5.2": ("engine/backends/test_cases::test_each_back_end_gives_the_meaning",),
    "5.3": ("engine/backends/test_network::test_only_small_integers_reach_the_engine",),
    "5.4": (
        "engine/test_decision::test_engines_that_disagree_never_permit",
        "engine/test_decision::test_an_engine_that_answers_nonsense_is_an_engine_that_fails",
    ),
    "5.5": (
        "engine/test_digests::test_the_meaning_stays_where_only_the_writing_changes",
        "engine/test_digests::test_nothing_hangs_on_the_hash_seed",
    ),
    "6": ("engine/policy_language/test_language::test_a_definition_that_a_test_looks_at_is_used",),
    "7.1": (
        "engine/policy_language/test_language::test_a_bad_file_has_its_errors_on_the_guilty_lines",
        "engine/authoring/test_layout::",
    ),
    "7.2": ("engine/policy_language/test_language::test_every_feature_has_good_and_bad_files",),
    "7.3": ("engine/policy_language/test_language::test_a_good_file_loads_without_findings",),
    "7.4": ("engine/policy_language/test_language::test_more_facts_than_a_caller_can_answer_are_a_warning",),
}


def functions(name: str) -> set[str]:
    """The test functions of a test file, by name without `.py`."""
    tree = ast.parse((TESTS / f"{name}.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_has_its_tests(sentence: str) -> None:
    """Every test named for a sentence exists; `file::` names a file that is about the sentence as a whole."""
    for named in SENTENCES[sentence]:
        if named == CASES:
            assert any(
                re.search(rf"case: {re.escape(sentence)} ", file.read_text())
                for file in (TESTS / "engine/backends/cases").glob("*.yaml")
            )
            continue
        file, _, function = named.partition("::")
        known = functions(file)
        assert function in known if function else any(each.startswith("test_") for each in known), named
