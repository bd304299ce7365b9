"""The strategies of the tumour board's figure can be told apart."""

from pathlib import Path

import yaml

from carwright.report.figures.tumour_board import _strategies
from carwright.report.run import Run
from carwright.study import load_study


def test_every_strategy_of_the_shipped_choice_has_its_own_sign_and_colour():
    study = load_study("aml-target-choice")
    arms = [{"name": name, "label": label} for name, label, _ in study.arms()]
    summary = {"arms": arms, "comparators": {arm["name"]: {} for arm in arms[1:]}}
    strategies = _strategies(Run(Path(), summary, yaml.safe_load(study.to_yaml())))
    assert len(strategies) == len(arms) > 8
    assert len({(strategy.colour, strategy.symbol) for strategy in strategies}) == len(arms)
    ways = {strategy.way: strategy.symbol for strategy in strategies}
    assert len(set(ways.values())) == len(ways)
