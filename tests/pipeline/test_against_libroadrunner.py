"""The exported SBML file, solved by libroadrunner, agrees with our solver on random patients, events apart."""

import numpy as np
import pytest

from carwright.engine import Dosing, compile_kernel, read_sbml
from carwright.models import load_model
from carwright.population import draw

roadrunner = pytest.importorskip("roadrunner")
pytestmark = pytest.mark.filterwarnings("ignore:Simulation requested end time point")

PATIENTS = 200
TIMES = np.array([3.0, 7.0, 14.0, 28.0, 60.0, 120.0, 180.0])
DAYS = (-5.0, -4.0, -3.0)


def test_200_random_patients_agree_to_1e_5():
    model = load_model("mcrpc")
    system = read_sbml(model.sbml)
    names = [row.name for row in (*model.table.states, *model.table.read_outs)]
    patients = draw(model.table, PATIENTS, seed=11, patients_per_population=1, medians={"tgf_beta_resistance": 0.9})
    cells = 2e8 * np.exp(np.linspace(-2, 1, PATIENTS))

    kernel = compile_kernel(system, observables=names)
    scale = {state.name: state.scale for state in model.table.states}
    amounts = np.column_stack([np.tile([300.0, 30.0] * 3, (PATIENTS, 1)), cells])
    ours = kernel.solve(
        np.column_stack([patients.values[name] for name in system.parameters]),
        Dosing(
            times=np.array([day for day in DAYS for _ in range(2)] + [0.0]),
            targets=("cyclophosphamide", "fludarabine") * 3 + ("infused_cells",),
            amounts=amounts,
        ),
        start=-7.0,
        end=TIMES[-1],
        times=TIMES,
        relative_tolerance=1e-8,
        absolute_tolerance=1e-11 * np.array([scale[name] for name in system.states]),
    )
    assert (ours.outcome == 0).all()

    runner = roadrunner.RoadRunner(model.sbml)
    runner.integrator.relative_tolerance = 1e-9
    runner.integrator.absolute_tolerance = 1e-10
    worst = 0.0
    for i in range(PATIENTS):
        theirs = _solve(
            runner, {row.name: patients.values[row.name][i] for row in model.table.parameters}, cells[i], names
        )
        # Relative to the value, or to a thousandth of its typical size where it is about zero.
        floor = np.array([1e-3 * scale.get(name, np.abs(theirs[:, j]).max()) for j, name in enumerate(names)])
        error = np.abs(ours.courses[i] - theirs) / (np.abs(theirs) + floor + 1e-12)
        assert error.max() < 1e-5, (i, names[int(error.max(axis=0).argmax())], error.max())
        worst = max(worst, float(error.max()))
    assert worst > 0.0


def _solve(runner, parameters, cells, names):
    runner.resetToOrigin()
    for name, value in parameters.items():
        runner[name] = value
    runner.reset()
    for name, value in parameters.items():
        runner[name] = value
    runner.reset()
    previous, rows = -7.0, []
    for day in (*DAYS, 0.0):
        runner.simulate(previous, day, 2)
        previous = day
        if day < 0:
            runner["cyclophosphamide"] += 300.0
            runner["fludarabine"] += 30.0
    runner["infused_cells"] += cells
    for time in TIMES:
        rows.append(np.array(runner.simulate(previous, time, 2, ["time", *names]))[-1, 1:])
        previous = time
    return np.array(rows)
