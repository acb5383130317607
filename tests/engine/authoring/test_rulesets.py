"""
What durable-rules is given can be read, and is what it was given.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from engine.backends.durable import network
from service.cli.main import app

COMMAND = CliRunner()


@pytest.fixture(scope="module")
def bundle() -> engine.Bundle:
    return engine.load(engine.bundled_policies())


def test_every_rule_and_every_policy_s_reach_is_derived_somewhere(bundle: engine.Bundle) -> None:
    """The list is whole: what holds, where a policy applies, what each lift does."""
    derived = {name for ruleset in engine.rulesets(bundle) for rule in ruleset["rules"] for name in rule["derives"]}
    rules = bundle.rules.rules
    assert {rule.key for rule in rules} <= derived
    assert {f"{rule.provision.policy}#applies" for rule in rules} <= derived
    assert {f"{victim} is beaten" for rule in rules if not rule.doubtful for victim in rule.exempts} <= derived
    assert {f"{name} is met" for rule in rules if not rule.doubtful for name in rule.satisfies} <= derived


def test_each_test_of_a_rule_says_what_it_asks(bundle: engine.Bundle) -> None:
    """A lawyer reads facts and values beside the codes; a number among cuts is the number again."""
    rulesets = engine.rulesets(bundle)
    words = {test["means"] for ruleset in rulesets for rule in ruleset["rules"] for test in rule["where"]}
    assert "at least 10,000 people concerned by exports this year: sensitive personal data" in words
    assert "cn.order-16#applies" in words
    for ruleset in rulesets:
        for rule in ruleset["rules"]:
            literals = ruleset["definition"][rule["rule"]]["all"][0]["m"]["$and"][1:]
            assert len(literals) == len(rule["where"])
            assert all(
                test["test"].split()[0] in json.dumps(literal) for literal, test in zip(literals, rule["where"], strict=True)
            )


def test_rules_of_policies_are_asked_only_where_one_may_apply(bundle: engine.Bundle) -> None:
    """A ruleset that derives rules names the policies it waits for."""
    policy = {rule.key: rule.provision.policy for rule in bundle.rules.rules}
    for ruleset in engine.rulesets(bundle):
        names = {policy[name] for rule in ruleset["rules"] for name in rule["derives"] if name in policy}
        assert names <= set(ruleset["asked_where"])


def test_the_command_prints_the_very_json_that_durable_rules_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --json nothing is added and nothing left out."""
    given: dict[str, Any] = {}
    make = network.Ruleset.__init__

    def watched(self: network.Ruleset, *args: Any) -> None:
        make(self, *args)
        given[self.name] = json.loads(self.definition)

    monkeypatch.setattr(network.Ruleset, "__init__", watched)
    result = COMMAND.invoke(app, ["compile", "--to", "durable", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == given != {}


def test_the_command_prints_rules_in_words() -> None:
    """Each ruleset with its policies, each rule with what it derives, each test with what it asks."""
    result = COMMAND.invoke(app, ["compile"])
    assert result.exit_code == 0
    derived = [line.split(" derives ")[1].split(", ") for line in result.stdout.splitlines() if " derives " in line]
    assert any("cn.pipl/art-38" in names for names in derived)
    assert "f0 " in result.stdout
    assert "asked where one of these may apply: cn." in result.stdout


def test_there_is_nothing_else_to_compile_to() -> None:
    """An unknown target is used wrongly, and the message names the one there is."""
    result = COMMAND.invoke(app, ["compile", "--to", "prolog"])
    assert result.exit_code == 2
    assert "use durable" in result.stderr
