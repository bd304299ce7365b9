"""Relations that the equations must obey, solved with libroadrunner so that our own solver plays no part."""

import numpy as np
import pytest

from carwright.models import load_model

roadrunner = pytest.importorskip("roadrunner")

READ = (
    *(
        "tumour_cells",
        "antigen_positive_cells",
        "antigen_low_cells",
        "psa",
        "car_cells_per_ul",
        "tumour_site_cells",
    ),
    *(
        "il6",
        "ifn_gamma",
        "crp",
        "ferritin",
        "il15",
        "lymphocytes_per_ul",
        "neutrophils_per_ul",
        "temperature",
    ),
    *("arterial_pressure", "inhibitory_index", "site_inhibition", "effector_cells"),
)
# libroadrunner says so of every interval that ends before time 0, though it does reach the end.
pytestmark = pytest.mark.filterwarnings("ignore:Simulation requested end time point")


def course(cells=0.0, cyclophosphamide=0, days=120, **parameters):
    runner = roadrunner.RoadRunner(load_model("mcrpc").sbml)
    runner.integrator.relative_tolerance = 1e-9
    runner.integrator.absolute_tolerance = 1e-8
    for name, value in parameters.items():
        runner[name] = value
    runner.reset()
    pieces = []
    for start, end in ((-7, -5), (-5, -4), (-4, -3), (-3, 0), (0, days)):
        if cyclophosphamide and start in (-5, -4, -3):
            runner["cyclophosphamide"] += cyclophosphamide
            runner["fludarabine"] += 30
        if start == 0:
            runner["infused_cells"] += cells
        pieces.append(np.array(runner.simulate(start, end, 4 * (end - start) + 1, ["time", *READ]))[(start > -7) :])
    table = np.vstack(pieces)
    return {"time": table[:, 0]} | {name: table[:, i + 1] for i, name in enumerate(READ)}


def test_without_cells_the_tumour_follows_its_own_growth_law_and_psa_doubles_with_it():
    doubling, burden, capacity = 50.0, 1e9, 1e13
    got = course(tumour_doubling_time=doubling, tumour_burden=burden, tumour_capacity=capacity, days=100)
    rate = np.log(2) / doubling / (1 - burden / capacity)
    elapsed = got["time"] + 7
    logistic = capacity / (1 + (capacity / burden - 1) * np.exp(-rate * elapsed))
    np.testing.assert_allclose(got["tumour_cells"], logistic, rtol=1e-6)
    np.testing.assert_allclose(got["psa"] / got["psa"][0], np.exp(np.log(2) / doubling * elapsed), rtol=1e-3)


def test_without_cells_nothing_inflames():
    got = course()
    for name in ("il6", "ifn_gamma", "crp", "ferritin", "lymphocytes_per_ul", "neutrophils_per_ul", "il15"):
        np.testing.assert_allclose(got[name], got[name][0], rtol=1e-6, err_msg=name)
    assert got["temperature"].max() < 37.5
    assert got["car_cells_per_ul"].max() == 0


def test_an_antigen_negative_tumour_is_not_killed_and_does_not_feed_the_cells():
    got = course(4e8, antigen_low_fraction=0.9999, antigen_loss_rate=0, bystander_killing=0, tumour_burden=1e8)
    alone = course(0.0, antigen_low_fraction=0.9999, antigen_loss_rate=0, bystander_killing=0, tumour_burden=1e8)
    np.testing.assert_allclose(got["antigen_low_cells"], alone["antigen_low_cells"], rtol=2e-3)
    assert got["il6"].max() < 1.01 * got["il6"][0]


def test_without_tumour_the_cells_contract():
    got = course(4e8, tumour_burden=1e-3, antigen_positive_extinction=0)
    late = got["time"] > 20
    assert np.all(np.diff(got["effector_cells"][late]) < 0)
    assert got["tumour_site_cells"].max() < 4e8
    assert got["il6"].max() < 1.01 * got["il6"][0]


def test_lymphodepletion_reaches_the_depth_it_was_fitted_to():
    got = course(cyclophosphamide=500)
    day0 = np.searchsorted(got["time"], 0.0)
    # Kimmel 2021, table 1: 3.0e9 of 2.5e11 lymphocytes are left on day 0 after 500/30 mg/m2 x 3.
    assert got["lymphocytes_per_ul"][day0] / got["lymphocytes_per_ul"][0] == pytest.approx(3.0e9 / 2.5e11, rel=0.02)
    assert got["il15"][day0] > 5 * got["il15"][0]
    assert got["neutrophils_per_ul"].min() < 500
    milder = course(cyclophosphamide=300)
    assert milder["lymphocytes_per_ul"][day0] > got["lymphocytes_per_ul"][day0]


@pytest.mark.parametrize("cyclophosphamide", [0, 300])
def test_the_armour_helps_against_tgf_beta_and_does_nothing_without_it(cyclophosphamide):
    bare = course(2e8, cyclophosphamide)
    armoured = course(2e8, cyclophosphamide, tgf_beta_resistance=0.9)
    after = bare["time"] > 0
    assert armoured["tumour_site_cells"].max() > bare["tumour_site_cells"].max()
    assert armoured["psa"].min() <= bare["psa"].min()
    assert np.all(armoured["tumour_cells"][after] <= bare["tumour_cells"][after] * (1 + 1e-6))
    quiet = {"tgf_beta_maximum": 0.0, "tgf_beta_background": 0.0}
    with_armour = course(2e8, cyclophosphamide, tgf_beta_resistance=0.9, **quiet)
    without = course(2e8, cyclophosphamide, **quiet)
    np.testing.assert_allclose(with_armour["tumour_cells"], without["tumour_cells"], rtol=1e-6)


def test_inhibitory_molecules_rise_after_transfer():
    got = course(4e8, 300, tgf_beta_resistance=0.9)
    day28 = np.searchsorted(got["time"], 28.0)
    assert got["inhibitory_index"][day28] > 1.5 * got["inhibitory_index"][0]
