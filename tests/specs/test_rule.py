from pathlib import Path

import pytest

from specs.problems import ConfigError
from specs.rule import load_rules, rule_of

SHIPPED = Path(__file__).parents[2] / "config" / "rules.yaml"


def test_the_shipped_rules_load_and_go_through_their_stored_form():
    rules = load_rules(SHIPPED)
    assert [rule.kind for rule in rules][:3] == ["detector", "departure", "blindness"]
    assert all(set(rule.title) >= {"en", "ja", "ko", "zh"} for rule in rules)
    assert [rule_of(rule.model_dump(mode="json")) for rule in rules] == list(rules)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: departure", "kind: depature", "kind"),
        ("least: 48", "leest: 48", "leest"),
        ("below_share: 0.5", "below_share: 0.9", "below_share"),
        ("readings: 2", "readings: 1", "readings"),
        ("id: blindness", "id: departure-two-readings", "two rules"),
        ("- air_kerma_rate", "- air_kerma", "air_kerma"),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path, old, new, said):
    path = tmp_path / "rules.yaml"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_rules(path)
    assert said in str(error.value)
    assert str(error.value).startswith("rules.yaml:")
