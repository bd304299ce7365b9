"""Relations that the equations of the blood models must obey, solved with libroadrunner."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carwright.engine import Dosing, compile_kernel, read_sbml
from carwright.models import load_model

pytest.importorskip("roadrunner")
spec = importlib.util.spec_from_file_location("roadrunner_course", Path(__file__).with_name("roadrunner_course.py"))
support = importlib.util.module_from_spec(spec)
spec.loader.exec_module(support)
course, LYMPHODEPLETION = support.course, support.LYMPHODEPLETION

# libroadrunner says so of every interval that ends before time 0, though it does reach the end.
pytestmark = pytest.mark.filterwarnings("ignore:Simulation requested end time point")

BLOOD = ("neutrophils_per_ul", "monocytes_per_ul", "platelets_per_ul", "progenitor_fraction", "stem_cell_fraction")
CD33 = {
    "recognition_blasts": 0.84,
    "recognition_leukaemic_stem_cells": 0.84,
    "recognition_stem_cells": 0.44,
    "recognition_progenitors": 0.77,
    "recognition_neutrophils": 0.72,
    "recognition_monocytes": 0.91,
}
CLL1 = CD33 | {
    "recognition_stem_cells": 0.006,
    "recognition_progenitors": 0.21,
    "recognition_neutrophils": 0.79,
    "recognition_monocytes": 0.90,
}


def logistic(elapsed, doubling, burden, capacity):
    rate = np.log(2) / doubling / (1 - burden / capacity)
    return capacity / (1 + (capacity / burden - 1) * np.exp(-rate * elapsed))


@pytest.mark.parametrize("model", ["aml", "b-all", "lbcl"])
def test_without_cells_the_disease_follows_its_own_growth_law(model):
    burden, capacity, doubling = 2e11, 2e12, 20.0
    got = course(model, ["tumour_cells"], relative=1e-11, absolute=1e-9, tumour_burden=burden, tumour_capacity=capacity,
                 tumour_doubling_time=doubling)  # fmt: skip
    want = logistic(got["time"] + 7, doubling, burden, capacity)
    np.testing.assert_allclose(got["tumour_cells"], want, rtol=1e-5)


def test_leukaemic_stem_cells_keep_their_share():
    got = course("aml", ["leukaemic_stem_cells", "leukaemic_cells"])
    share = got["leukaemic_stem_cells"] / got["leukaemic_cells"]
    np.testing.assert_allclose(share, share[0], rtol=1e-7)


@pytest.mark.parametrize("model", ["aml", "b-all", "lbcl"])
def test_without_disease_and_cells_the_marrow_stays_as_it_is(model):
    got = course(model, BLOOD, days=120, tumour_burden=1.0, tumour_doubling_time=1000.0)
    for name in BLOOD:
        np.testing.assert_allclose(got[name], got[name][0], rtol=1e-6, err_msg=name)


def test_counts_are_low_before_treatment_and_rise_when_leukaemia_goes():
    sick = course("aml", BLOOD, days=0, tumour_burden=6e11)
    well = course("aml", BLOOD, days=0, tumour_burden=1e9)
    assert sick["neutrophils_per_ul"][0] < 0.5 * well["neutrophils_per_ul"][0]
    got = course("aml", ["neutrophils_per_ul", "blast_fraction"], [(0, "infused_cells", 2e8)], days=150, **{
        **CD33, "recognition_stem_cells": 0, "recognition_progenitors": 0, "recognition_neutrophils": 0,
        "recognition_monocytes": 0, "antigen_low_fraction": 1e-6})  # fmt: skip
    assert got["blast_fraction"].min() < 0.01
    assert got["neutrophils_per_ul"][-1] > 1.2 * got["neutrophils_per_ul"][0]


def test_cells_that_see_nothing_change_nothing():
    unseen = dict.fromkeys(CD33, 0.0)
    doses = [*LYMPHODEPLETION, (0, "infused_cells", 2e8)]
    names = [*BLOOD, "leukaemic_cells", "il6"]
    got, alone = (course("aml", names, given_, **unseen) for given_ in (doses, LYMPHODEPLETION))
    for name in names:
        np.testing.assert_allclose(got[name], alone[name], rtol=2e-3, err_msg=name)


def solved(model, read, doses, days, **parameters):
    """Courses by our own solver; libroadrunner does not get past a graft into a marrow that is empty."""
    source = load_model(model)
    system = read_sbml(source.sbml)
    values = {row.name: row.value for row in source.table.parameters} | parameters
    times = np.arange(0.0, days + 0.5, 1.0)
    amounts = np.array([[amount for *_, amount in doses]])
    dosing = Dosing(np.array([float(day) for day, *_ in doses]), tuple(state for _, state, _ in doses), amounts)
    row = np.array([[values[name] for name in system.parameters]])
    solution = compile_kernel(system, read).solve(row, dosing, start=-7.0, end=float(days), times=times)
    assert not solution.outcome.any()
    return {"time": times} | {name: solution.courses[0, :, i] for i, name in enumerate(read)}


def test_an_antigen_null_graft_is_untouched_and_a_native_one_is_killed():
    read = ("graft_edited_stem_cells", "graft_native_stem_cells", "neutrophils_per_ul", "graft_chimerism")
    doses = [*LYMPHODEPLETION, (0, "infused_cells", 2e8), (14, "graft_stem_cells", 7.6e6)]
    edited, native = (solved("aml", read, doses, 90, edited_fraction=share, **CD33) for share in (1.0, 0.0))
    after = edited["time"] > 16
    assert np.all(np.diff(edited["graft_edited_stem_cells"][after]) >= 0)
    assert native["graft_native_stem_cells"][-1] < edited["graft_edited_stem_cells"][-1]
    assert edited["neutrophils_per_ul"][-1] > native["neutrophils_per_ul"][-1]
    assert edited["graft_chimerism"][-1] > native["graft_chimerism"][-1]
    # The edit is what protects: without CAR-T cells a graft does as well with its antigens as without them.
    rest = [*LYMPHODEPLETION, (14, "graft_stem_cells", 7.6e6)]
    one, other = (solved("aml", read, rest, 90, edited_fraction=share, **CD33) for share in (0.0, 1.0))
    np.testing.assert_allclose(one["neutrophils_per_ul"], other["neutrophils_per_ul"], rtol=1e-4)


def test_a_graft_after_conditioning_brings_neutrophils_back_near_day_10():
    """The first graft without CD33: 7.6e6 CD34-positive cells/kg, above 500/uL on day 10, platelets on day 22."""
    doses = [(-6, "conditioning", 1.0), (0, "graft_stem_cells", 7.6e6)]
    got = solved("aml", ("neutrophils_per_ul",), doses, 60, tumour_burden=1e6, edited_fraction=0.88)
    back = got["time"][(got["time"] > 3) & (got["neutrophils_per_ul"] >= 500)][0]
    assert 7 <= back <= 14


def test_immunosuppression_saves_a_graft_that_the_car_recognises():
    doses = [*LYMPHODEPLETION, (0, "infused_cells", 2e8), (22, "conditioning", 1.0), (28, "graft_stem_cells", 5e6)]
    read = ("graft_native_stem_cells", "neutrophils_per_ul", "leukaemic_cells")
    bare = solved("aml", read, doses, 90, **CD33)
    saved = solved("aml", read, [*doses, (28, "immunosuppression", 1.0)], 90, **CD33)
    assert saved["graft_native_stem_cells"][-1] > 10 * bare["graft_native_stem_cells"][-1]
    assert saved["neutrophils_per_ul"][-1] > 1000 > 500 > bare["neutrophils_per_ul"][-1]
    # The price: what stops the cells at the marrow stops them at the leukaemia.
    assert saved["leukaemic_cells"][-1] > bare["leukaemic_cells"][-1]


def test_conditioning_alone_kills_leukaemia_by_its_closed_form():
    """Growth is far from its capacity, so that each cell's log falls by the integral of the drug."""
    read, killing, elimination = ("leukaemic_cells",), 2.5, 0.7
    burden = {"tumour_burden": 1e6, "conditioning_leukaemia_killing": killing, "conditioning_elimination": elimination}
    alone, killed = (solved("aml", read, [(0, "conditioning", dose)], 40, **burden) for dose in (0.0, 1.0))
    fall = np.log(alone["leukaemic_cells"][-1] / killed["leukaemic_cells"][-1])
    assert fall == pytest.approx(killing / elimination, rel=0.02)


def test_a_graft_brings_progenitors_that_mature_before_its_stem_cells_do():
    doses = [(-6, "conditioning", 1.0), (0, "graft_stem_cells", 7.6e6)]
    got = solved("aml", ("progenitor_fraction", "stem_cell_fraction"), doses, 60, tumour_burden=1e6)
    early = got["time"] == 4
    assert got["progenitor_fraction"][early] > 2 * got["stem_cell_fraction"][early]


def test_stem_cells_are_lost_to_cd33_and_spared_by_cll1():
    doses = [*LYMPHODEPLETION, (0, "infused_cells", 2e8)]
    lost, spared = (course("aml", BLOOD, doses, days=60, **target) for target in (CD33, CLL1))
    assert spared["stem_cell_fraction"].min() > 0.9
    assert lost["stem_cell_fraction"].min() < 0.3
    for got in (lost, spared):
        assert got["neutrophils_per_ul"].min() < 500


@pytest.mark.parametrize(
    ("state", "share"),
    # The antibody needs the patient's own cells, which are few, to do the killing.
    [("suicide_switch", 0.1), ("depletion_antibody", 0.7), ("conditioning", 0.1)],
)
def test_what_ends_the_cells_ends_them(state, share):
    doses = [*LYMPHODEPLETION, (0, "infused_cells", 2e8)]
    read = ["car_cells_per_ul", "neutrophils_per_ul"]
    left = course("aml", read, doses, days=24, **CD33)["car_cells_per_ul"][-1]
    got = course("aml", read, [*doses, (12, state, 1.0)], days=24, **CD33)["car_cells_per_ul"][-1]
    assert got < share * left


def test_an_adapter_car_is_blind_without_its_module_and_stops_when_it_is_stopped():
    read = ("leukaemic_cells", "car_sensing")
    cells = [*LYMPHODEPLETION, (0, "infused_cells", 2e8)]
    module = [(day, "adapter", 1.0) for day in range(10)]
    blind = solved("aml", read, cells, 30, adapter_dependence=1.0, **CD33)
    on = solved("aml", read, [*cells, *module], 30, adapter_dependence=1.0, **CD33)
    assert blind["car_sensing"].max() == 0
    assert on["leukaemic_cells"][-1] < 0.5 * blind["leukaemic_cells"][-1]
    assert on["car_sensing"][on["time"] > 14].max() < 0.05


def test_transient_cars_are_lost_and_stable_ones_are_not():
    doses = [*LYMPHODEPLETION, (0, "infused_cells", 2e8)]
    stable, transient = (
        course("aml", ["car_expression", "car_cells_per_ul"], doses, days=28, car_transience=share, **CD33)
        for share in (0.0, 1.0)
    )
    np.testing.assert_allclose(stable["car_expression"], 1.0, rtol=1e-9)
    late = transient["time"] > 14
    assert transient["car_expression"][late].max() < 0.2
    assert transient["car_cells_per_ul"].max() < stable["car_cells_per_ul"].max()


@settings(max_examples=8, deadline=None)
@given(st.floats(0.05, 2.0), st.floats(0.05, 1.0), st.floats(1e6, 1e9))
def test_cells_that_only_move_are_conserved(homing, egress, cells):
    """Without division, death, exhaustion and differentiation the number of CAR-T cells stays."""
    still = dict.fromkeys(
        ("infused_loss_rate", "memory_death", "memory_renewal", "effector_death", "exhausted_death",
         "blood_proliferation", "site_proliferation", "memory_activation_rate", "few_cells"), 0.0)  # fmt: skip
    still["few_cells"] = 1.0
    pools = ["infused_cells", "memory_cells", "effector_cells", "site_effector_cells", "site_exhausted_cells"]
    got = course("b-all", pools, [(0, "infused_cells", cells)], start=-1, days=20, homing_rate=homing,
                 egress_rate=egress, exhaustion_rate=0.2, recognition_tumour_cells=0.9, **still)  # fmt: skip
    total = np.sum([got[name] for name in pools], axis=0)[got["time"] > 0]
    np.testing.assert_allclose(total, cells, rtol=1e-7)


@pytest.mark.parametrize("staying", [0.0, 0.25, 0.5])
def test_an_activated_memory_cell_divides_once(staying):
    """Two daughters in all, of which the table says how many stay memory cells; none is made of nothing else."""
    still = dict.fromkeys(
        ("infused_loss_rate", "memory_death", "memory_renewal", "effector_death", "exhausted_death", "exhaustion_rate",
         "blood_proliferation", "site_proliferation", "memory_formation_rate"), 0.0)  # fmt: skip
    pools = ["infused_cells", "memory_cells", "effector_cells", "site_effector_cells"]
    got = course("b-all", pools, [(0, "infused_cells", 1e7)], start=-1, days=30, product_memory_fraction=1.0,
                 memory_self_renewal=staying, tumour_burden=1e11, maximal_killing=0.0, **still)  # fmt: skip
    after = got["time"] > 0
    born = np.sum([got[name] for name in pools], axis=0)[after] - 1e7
    memory = got["memory_cells"][after] + got["infused_cells"][after]
    # Each division adds one cell, and takes 1 - 2 * staying from the memory cells.
    np.testing.assert_allclose(memory, 1e7 - (1 - 2 * staying) * born, rtol=1e-6)
    assert born[-1] > 5e6


@settings(max_examples=6, deadline=None)
@given(st.floats(1e5, 1e8), st.floats(0.0, 1.0))
def test_a_graft_settles_by_its_edited_share_and_loses_nothing_on_the_way(cells, share):
    per_cell = 1e-9
    got = course("aml", ["graft_stem_cells", "graft_native_stem_cells", "graft_edited_stem_cells"],
                 [(0, "graft_stem_cells", cells)], start=-1, days=12, edited_fraction=share, stem_regeneration=0.0,
                 stem_cells_per_graft_cell=per_cell)  # fmt: skip
    after = got["time"] > 0
    settled = (got["graft_native_stem_cells"] + got["graft_edited_stem_cells"])[after]
    np.testing.assert_allclose(settled + per_cell * got["graft_stem_cells"][after], per_cell * cells, rtol=1e-7)
    np.testing.assert_allclose(got["graft_edited_stem_cells"][after], share * settled, rtol=1e-7, atol=1e-14)


def test_gcsf_shortens_neutropenia():
    daily = [(day, "gcsf", 5.0) for day in range(1, 15)]
    plain, helped = (
        course("lbcl", ["neutrophils_per_ul"], [*LYMPHODEPLETION, *extra], days=40, per_day=8) for extra in ([], daily)
    )
    assert (helped["neutrophils_per_ul"] < 1000).sum() < (plain["neutrophils_per_ul"] < 1000).sum()


def test_b_cells_vanish_under_cd19_and_come_back_without_the_cells():
    doses = [*LYMPHODEPLETION, (0, "infused_cells", 1e8)]
    seen = {"recognition_tumour_cells": 0.95, "recognition_b_cells": 0.97, "antigen_low_fraction": 1e-15}
    got = course("lbcl", ["b_cells"], doses, days=90, **seen)
    assert got["b_cells"][-1] < 0.01 * got["b_cells"][0]
    switched = [*doses, (90, "suicide_switch", 3.0)]
    gone = solved("lbcl", ("b_cells",), switched, 360, suicide_switch_killing=20.0, **seen)
    assert gone["b_cells"][-1] > 0.2 * gone["b_cells"][0]


@pytest.mark.parametrize(
    "armour",
    ["tgf_beta_resistance", "pd_l1_resistance", "tim_3_resistance", "metabolic_resistance", "suppressor_resistance"],
)
def test_every_term_of_the_niche_is_answered_by_its_armour(armour):
    doses = [*LYMPHODEPLETION, (0, "infused_cells", 2e8)]
    read = ["site_function_proliferation", "car_cells_per_ul"]
    bare, armoured = (course("aml", read, doses, days=8, **CD33, **{armour: size}) for size in (0.0, 1.0))
    assert armoured["site_function_proliferation"][-1] > bare["site_function_proliferation"][-1] - 1e-3
    assert armoured["car_cells_per_ul"][-1] > bare["car_cells_per_ul"][-1]
