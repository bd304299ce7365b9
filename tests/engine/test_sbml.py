"""What is read from SBML, and what is refused."""

import pytest
from engine_models import MIXED, PATIENT, TOYS, sbml

from carwright.engine import Functional, Trigger, compile_kernel, read_sbml
from carwright.engine.evaluate import evaluate
from carwright.errors import CarwrightError


def codes(action):
    with pytest.raises(CarwrightError) as caught:
        action()
    return caught.value.problems


def test_parts_of_a_model():
    system = read_sbml(sbml(MIXED))
    assert set(system.states) == {"A", "D", "M", "R1", "R2", "R3", "X", "Y"}
    assert {"V1", "V2", "k1", "n", "B", "q", "mu"} <= set(system.parameters)
    assert set(system.observables) == {"k2", "k3"}  # a rule, and a constant computed from another
    assert not {"k2", "k3"} & set(system.parameters)
    values = dict(zip(system.parameters, system.defaults, strict=True))
    assert float(evaluate([system.observables["k3"]], values)[0]) == 0.8
    initial = dict(zip(system.states, system.initial_values(system.defaults[None])[0], strict=True))
    assert initial["D"] == 5.0
    assert initial["A"] == 10.0
    flags = dict(zip(system.states, system.non_negative, strict=True))
    assert flags["A"]
    assert not flags["X"]


def test_digest_depends_on_content_alone():
    assert read_sbml(sbml(PATIENT)).digest == read_sbml(sbml(PATIENT)).digest
    assert read_sbml(sbml(TOYS)).digest != read_sbml(sbml(TOYS.replace("r = 1.2", "r = 1.3"))).digest
    assert read_sbml(sbml(TOYS)).digest != read_sbml(sbml(TOYS.replace("k*A", "k*A*A"))).digest


def test_a_changing_volume_dilutes():
    text = "compartment V = 2; species A in V; k = 0.3; A = 5; V' = 0.5*V; J: A -> ; k*A*V"
    system = read_sbml(sbml(text))
    assert set(system.states) == {"V", "amount(A)"}
    values = {**dict(zip(system.parameters, system.defaults, strict=True)), "amount(A)": 10.0, "V": 2.0}
    rates = dict(zip(system.states, evaluate(system.rates, values), strict=True))
    assert float(rates["amount(A)"]) == pytest.approx(-0.3 * 10)
    assert float(evaluate([system.observables["A"]], values)[0]) == 5.0
    initial = dict(zip(system.states, system.initial_values(system.defaults[None])[0], strict=True))
    assert initial["amount(A)"] == 10.0


def test_everything_unsupported_is_named_at_once():
    text = """
      substanceOnly species A, B; A = 1; B = 1; k = 1; J: A -> ; k*delay(A, 1); K: A -> ; k*B
      x := delay(B, 2)
    """
    found = codes(lambda: read_sbml(sbml(text)))
    assert sum("delay" in p.what for p in found) == 2
    level2 = """<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4"><model id="m">
      <listOfCompartments><compartment id="c" size="1"/></listOfCompartments>
      <listOfSpecies><species id="A" compartment="c" initialAmount="1"/></listOfSpecies>
      <listOfReactions><reaction id="J" fast="true"><listOfReactants><speciesReference species="A"/></listOfReactants>
      <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><ci> A </ci></math></kineticLaw></reaction>
      </listOfReactions></model></sbml>"""
    assert any("fast reactions" in p.what for p in codes(lambda: read_sbml(level2)))


def test_circles_are_refused_by_name():
    text = sbml("substanceOnly species A; A = 1; p := 2*A; q := p + 1; J: A -> ; q")
    circle = text.replace("<ci> A </ci>", "<ci> q </ci>", 1)
    problems = codes(lambda: read_sbml(circle))
    assert any("p" in p.found or "circ" in p.what.lower() or "loop" in p.what.lower() for p in problems)


@pytest.mark.parametrize(
    "text", ["", "not xml", "<sbml/>", "<sbml xmlns='http://www.sbml.org/sbml/level3/version1/core'"]
)
def test_documents_that_are_no_models(text):
    assert codes(lambda: read_sbml(text))


def test_truncated_documents_end_in_clear_errors():
    text = sbml(TOYS)
    for cut in range(50, len(text), 997):
        assert codes(lambda cut=cut: read_sbml(text[:cut]))


def test_a_request_with_many_mistakes_lists_them_all():
    system = read_sbml(sbml(TOYS))
    problems = codes(
        lambda: compile_kernel(
            system,
            ["A", "hafl"],
            [Functional("maximun", "A"), Functional("days_above", "A"), Functional("maximum", "A", 3.0, 2.0),
             Functional("days_below", "C", threshold="limt")],
            [Trigger("t", "A >", {"A": "1"}), Trigger("u", "Z - 1", {"half": "1"}, every_days=0.0, at_most=0)],
        )
    )  # fmt: skip
    text = "\n".join(map(str, problems))
    for part in (
        "hafl", "did you mean 'half'", "maximun", "needs a threshold", "window is empty", "limt", "cannot be read",
        "found:   Z", "every_days", "at_most", "only a state",
    ):  # fmt: skip
        assert part in text
