"""What an SBML file can say, feature by feature, against closed forms and libroadrunner."""

import numpy as np
import pytest
import roadrunner
from engine_models import sbml, sbml_with_submodels

from carwright.engine import Outcome, compile_kernel, read_sbml
from carwright.engine.formula import AVOGADRO, parse
from carwright.errors import CarwrightError

MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
TIME = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time"> t </csymbol>'


def course(text, names, end=10.0, points=11, **values):
    """(points, names) course of an SBML or Antimony text."""
    system = read_sbml(text if text.lstrip().startswith("<") else sbml(text))
    kernel = compile_kernel(system, names, path="interpreted")
    parameters = system.defaults[None].copy()
    for name, value in values.items():
        parameters[0, system.parameters.index(name)] = value
    solution = kernel.solve(
        parameters, end=end, times=np.linspace(0, end, points), relative_tolerance=1e-9,
        absolute_tolerance=np.full(len(system.states), 1e-12),
    )  # fmt: skip
    assert solution.outcome[0] == Outcome.OK, Outcome(int(solution.outcome[0]))
    return solution.courses[0]


def outcome(text):
    system = read_sbml(sbml(text))
    kernel = compile_kernel(system, system.states)
    return Outcome(int(kernel.solve(system.defaults[None], end=10.0, max_steps=20_000).outcome[0]))


def refusals(text):
    with pytest.raises(CarwrightError) as caught:
        read_sbml(text)
    return " ".join(p.what for p in caught.value.problems)


def level3(body, version=2):
    core = f"http://www.sbml.org/sbml/level3/version{version}/core"
    return f'<sbml xmlns="{core}" level="3" version="{version}"><model id="m">{body}</model></sbml>'


def parameter(name, value, constant="false"):
    return f'<parameter id="{name}" value="{value}" constant="{constant}"/>'


AGAINST_ROADRUNNER = {
    "trigger on a state": ("A = 10; A' = -0.7*A; at (A < 3): A = 9", ["A"]),
    "event with a delay, values from the trigger": (
        "x = 0; x' = 1; y = 0; at 2 after (x > 3), fromTrigger=true: y = x", ["x", "y"]),
    "event with a delay, values after it": (
        "x = 0; x' = 1; y = 0; at 2 after (x > 3), fromTrigger=false: y = x", ["x", "y"]),
    "event dropped when its trigger no longer holds": (
        ("x = 0; x' = cos(time); y = 0; at 2 after (x > 0.5), persistent=false: y = 1; z = 0;"
        "at 0.5 after (x > 0.5), persistent=false: z = z + 1"), ["y", "z"]),
    "priorities": (
        "x = 0; x' = 1; a = 1; at (x >= 2.5), priority=1: a = a + 3; at (x >= 2.5), priority=2: a = a*10", ["a"]),
    "trigger that is true at the start": ("p = 0; x = 0; x' = 1; at (x >= 0), t0=false: p = 5", ["p"]),
    "event that sets off another": (
        "x = 0; x' = 1; a = 0; b = 0; at (x > 4.2): a = 1; at (a > 0.5): b = x", ["a", "b"]),
    "event on a parameter of a reaction": (
        "species A; compartment V = 2; A in V; A = 5; k = 0.1; J: A -> ; k*A*V; at (time > 3.3): k = 1", ["A"]),
    "event on the size of a compartment": (
        "compartment V = 2; species A in V; A = 5; k = 0.1; J: A -> ; k*A*V; at (time > 3.3): V = 4", ["A", "V"]),
    "repeated doses by the clock": (
        "A = 0; A' = -A; n = 0; at (time >= n*2.5): A = A + 1, n = n + 1", ["A", "n"]),
    "growing compartment": ("compartment V = 1; V' = 0.3*V; species A in V; A = 2; J: A -> ; 0.2*A*V", ["A"]),
    "compartment by a rule": (
        "compartment V; V := 1 + 0.5*sin(time); species A in V, B in V; A = 2; B = 0; J: A -> B; 0.4*A*V", ["A", "B"]),
    "species by a rate rule": ("compartment V = 2; species A in V; A = 1; A' = 0.3 - 0.1*A", ["A"]),
    "boundary species": ("compartment V = 2; species $B in V, A in V; B = 3; A = 0; J: B -> A; 0.2*B*V", ["A", "B"]),
    "step by piecewise": ("A = 0; A' = piecewise(3, (time > 2.5) && (time < 2.6), 0) - 0.1*A", ["A"]),
    "floor of time": ("A = 0; A' = floor(time)", ["A"]),
    "initial assignment": ("A = 2*B^2; B = 3; A' = -0.1*A; C = A + time", ["A", "C"]),
    "uncommon functions": (
        "A = 1; A' = 0.1*(sec(0.1*time) + arctan(time) + sinh(0.1*time) + arcsinh(time) + coth(time + 1))", ["A"]),
}  # fmt: skip


@pytest.mark.parametrize("case", AGAINST_ROADRUNNER)
def test_agrees_with_libroadrunner(case):
    text, names = AGAINST_ROADRUNNER[case]
    model = sbml(text)
    other = roadrunner.RoadRunner(model)
    other.integrator.relative_tolerance, other.integrator.absolute_tolerance = 1e-11, 1e-13
    other.integrator.maximum_time_step = 0.01
    species = {*other.model.getFloatingSpeciesIds(), *other.model.getBoundarySpeciesIds()}
    # A grid that no event falls on: there the value is the one before or the one after, by convention.
    points, end = 41, 10.13
    expected = other.simulate(0, end, points, ["time", *(f"[{n}]" if n in species else n for n in names)])
    found = course(model, names, end, points)
    np.testing.assert_allclose(found, np.array(expected)[:, 1:], rtol=1e-6, atol=1e-6)


def test_events_happen_exactly_on_time():
    found = course("A = 0; at (time >= 5): A = 1; B = 0; at (time > 5): B = 1", ["A", "B"])
    assert found[:, 0].tolist() == [0] * 5 + [1] * 6
    assert found[:, 1].tolist() == [0] * 6 + [1] * 5


def test_narrow_windows_are_not_missed():
    found = course("A = 0; X = 0; X' = 1; at ((X > 4.2) && (X < 4.2000001)): A = A + 1", ["A"])
    assert found[-1, 0] == 1


def test_bouncing_ball():
    """A ball that loses a fifth of its speed: closed form of the heights between bounces."""
    found = course("h = 1; v = 0; h' = v; v' = -10; at (h <= 0): v = -0.8*v, h = 0", ["h"], 1.5, 31)
    times, first = np.linspace(0, 1.5, 31), np.sqrt(0.2)
    expected, start, speed = np.where(times <= first, 1 - 5 * times**2, np.nan), first, 10 * first
    for _ in range(6):
        speed *= 0.8
        flight = times - start
        inside = (flight > 0) & (flight <= speed / 5)
        expected = np.where(inside, speed * flight - 5 * flight**2, expected)
        start += speed / 5
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-6)


def test_an_amount_survives_a_change_of_the_volume():
    text = "compartment V = 2; species A in V; A = 5; at (time >= 4): V = 8"
    found = course(text, ["A", "amount(A)", "concentration(A)"])
    np.testing.assert_allclose(found[[0, -1]], [[5, 10, 5], [1.25, 10, 1.25]])


def test_amounts_and_concentrations_by_name():
    text = "compartment V = 4; species C in V; C = 3; substanceOnly species S in V; S = 8; J: C -> S; 0*C"
    names = ["amount(C)", "concentration(C)", "amount(S)", "concentration(S)", "V", "J"]
    assert course(text, names)[-1].tolist() == [12, 3, 8, 2, 4, 0]


def test_order_of_chance_is_refused_only_where_it_matters():
    start = "x = 0; x' = 1; a = 1; b = 1; "
    late = "fromTrigger=false"
    assert outcome(start + f"at (x >= 2), {late}: a = a + 1; at (x >= 2), {late}: a = a + 2") == Outcome.OK
    assert outcome(start + "at (x >= 2): a = a + 1; at (x >= 2): a = a + 2") == Outcome.EVENT_ORDER
    assert outcome(start + "at (x >= 2): a = 2; at (x >= 2): b = 3") == Outcome.OK
    assert outcome(start + "at (x >= 2): a = 2; at (x >= 2): a = 3") == Outcome.EVENT_ORDER
    assert outcome(start + f"at (x >= 2), {late}: a = a + 1; at (x >= 2), {late}: a = a*2") == Outcome.EVENT_ORDER
    same = f"at (x >= 2), priority=1, {late}: a = a + 1; at (x >= 2), priority=1, {late}: a = a*2"
    assert outcome(start + same) == Outcome.EVENT_ORDER


def test_events_without_end_are_an_outcome():
    flip = "p = 0; at (time > 1 && p < 0.5), priority=2: p = 1; at (time > 1 && p > 0.5), priority=1: p = 0"
    assert outcome("x = 0; x' = 1; " + flip) == Outcome.EVENT_STORM


def test_rate_of():
    rate = (
        f'<apply {MATH}><csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/rateOf"> r </csymbol>'
        "<ci> x </ci></apply>"
    )
    body = (
        f"<listOfParameters>{parameter('x', 1)}{parameter('r', 0)}</listOfParameters><listOfRules>"
        f'<rateRule variable="x"><math {MATH}><apply><times/><cn> -0.5 </cn><ci> x </ci></apply></math></rateRule>'
        f'<assignmentRule variable="r"><math {MATH}>{rate}</math></assignmentRule></listOfRules>'
    )
    found = course(level3(body), ["x", "r"])
    np.testing.assert_allclose(found[:, 1], -0.5 * np.exp(-0.5 * np.arange(11)), atol=1e-8)


def stoichiometry(rule):
    """A reaction at rate 1 whose product's stoichiometry, n, follows a rule."""
    species = (
        '<species id="S" compartment="c" initialAmount="0" hasOnlySubstanceUnits="true" boundaryCondition="false"'
        ' constant="false"/>'
    )
    product = '<speciesReference id="n" species="S" stoichiometry="2" constant="false"/>'
    return level3(
        '<listOfCompartments><compartment id="c" spatialDimensions="3" size="1" constant="true"/></listOfCompartments>'
        f"<listOfSpecies>{species}</listOfSpecies>{rule}"
        f'<listOfReactions><reaction id="J" reversible="false"><listOfProducts>{product}</listOfProducts>'
        f"<kineticLaw><math {MATH}><cn> 1 </cn></math></kineticLaw></reaction></listOfReactions>"
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("", lambda t: 2 * t),
        (f'<listOfRules><assignmentRule variable="n"><math {MATH}>{TIME}</math></assignmentRule></listOfRules>',
         lambda t: t**2 / 2),
        (f'<listOfRules><rateRule variable="n"><math {MATH}><cn> 3 </cn></math></rateRule></listOfRules>',
         lambda t: 2 * t + 1.5 * t**2),
        ((f'<listOfInitialAssignments><initialAssignment symbol="n"><math {MATH}><cn> 7 </cn></math>'
         "</initialAssignment></listOfInitialAssignments>"), lambda t: 7 * t),
    ],
)  # fmt: skip
def test_stoichiometry_that_changes(rule, expected):
    found = course(stoichiometry(rule), ["S", "n"])
    np.testing.assert_allclose(found[:, 0], expected(np.arange(11.0)), rtol=1e-8, atol=1e-8)


def algebraic(*formulas):
    minus = "<apply><minus/><ci> {} </ci>{}</apply>"
    rules = "".join(f"<algebraicRule><math {MATH}>{minus.format(a, b)}</math></algebraicRule>" for a, b in formulas)
    names = "".join(parameter(n, 1) for n in ("p", "q"))
    return level3(f"<listOfParameters>{names}</listOfParameters><listOfRules>{rules}</listOfRules>")


def test_algebraic_rules_are_solved_or_refused():
    found = course(algebraic(("p", TIME), ("q", "<apply><times/><cn> 2 </cn><ci> p </ci></apply>")), ["p", "q"])
    np.testing.assert_allclose(found, np.outer(np.arange(11), [1, 2]), atol=1e-12)
    assert "leave open" in refusals(algebraic(("p", "<ci> q </ci>")))
    square = "<apply><times/><ci> q </ci><ci> q </ci></apply>"
    assert "not linear" in refusals(algebraic(("p", "<cn> 4 </cn>"), ("p", square)))


def test_submodels_are_flattened():
    text = """
      model inner(k)
        species A; compartment V = 1; A in V; A = 8; k = 0.1; J: A -> ; k*A
      end
      model outer
        quick: inner(k1); slow: inner(k2); k1 = 1; k2 = 0.25
      end
    """
    found = course(sbml_with_submodels(text), ["quick__A", "slow__A"], 4.0, 5)
    times = np.arange(5)
    np.testing.assert_allclose(found, 8 * np.exp(-np.outer(times, [1, 0.25])), rtol=1e-7)


def test_what_is_refused_is_named():
    symbol = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay"> d </csymbol>'
    delayed = f"<apply {MATH}>{symbol}<ci> p </ci><cn> 1 </cn></apply>"
    body = (
        f"<listOfParameters>{parameter('p', 1)}{parameter('q', 1)}</listOfParameters><listOfRules>"
        f'<assignmentRule variable="q"><math {MATH}>{delayed}</math></assignmentRule></listOfRules>'
    )
    assert "delay differential equations" in refusals(level3(body))
    package = level3("").replace(
        "<sbml ", '<sbml xmlns:x="http://www.sbml.org/sbml/level3/version1/distrib/version1" x:required="true" '
    )
    assert "distrib" in refusals(package)
    external = level3("").replace(
        "<sbml ", '<sbml xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" comp:required="true" '
    ).replace("</sbml>", (
        '<comp:listOfExternalModelDefinitions><comp:externalModelDefinition comp:id="e" comp:source="other.xml"/>'
        "</comp:listOfExternalModelDefinitions></sbml>"
    ))  # fmt: skip
    assert "external model definitions" in refusals(external)


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("factorial(x)", 5.0, 120.0),
        ("factorial(x)", 2.5, np.nan),
        ("piecewise(1, x > 2)", 3.0, 1.0),
        ("piecewise(1, x > 2)", 1.0, np.nan),
        ("arccosh(x) + arctanh(1/x)", 2.0, np.arccosh(2) + np.arctanh(0.5)),
        ("arcsech(1/x) + arccoth(x) + arccsch(x)", 2.0, np.arccosh(2) + np.arctanh(0.5) + np.arcsinh(0.5)),
        ("arcsec(x) + arccsc(x) + arccot(x)", 2.0, np.arccos(0.5) + np.arcsin(0.5) + np.arctan(0.5)),
        ("rem(x, 3) + 10*quotient(x, 3)", 7.0, 21.0),
        ("rem(-x, 3)", 7.0, -1.0),
        ("max(1, x, 3) - min(x, 2)", 5.0, 3.0),
        ("implies(x > 1, x > 2)", 1.5, 0.0),
        ("xor(x > 1, x > 2, x > 0)", 1.5, 0.0),
        ("avogadro/x", 2.0, AVOGADRO / 2),
        ("log(2, x) + log10(x)", 8.0, 3 + np.log10(8)),
        ("root(3, x)", 27.0, 3.0),
    ],
)
def test_functions(text, x, value):
    """Through the compiled interpreter: a rule of a parameter that is 0 but for the formula."""
    from carwright.engine.evaluate import evaluate

    found = evaluate([parse(text)], {"x": x})[0]
    np.testing.assert_allclose(float(found), value, rtol=1e-12)


def test_whole_powers_of_negative_species_keep_their_sign():
    """An exponent that is a parameter may be whole: then a negative species is raised, not cut off at 0."""
    text = "substanceOnly species A, B; n = 2; A = -3; B = 0; J: -> B; A^n + 0*A"
    np.testing.assert_allclose(course(text, ["B"])[:, 0], 9 * np.arange(11), rtol=1e-9)
    np.testing.assert_allclose(course(text, ["B"], n=3)[:, 0], -27 * np.arange(11), rtol=1e-9)
