"""Courses of the blood models by libroadrunner, so that our own solver plays no part."""

from itertools import pairwise

import numpy as np
import roadrunner

from carwright.models import load_model

LYMPHODEPLETION = [(day, drug, amount) for day in (-5, -4, -3) for drug, amount in
                   (("cyclophosphamide", 500.0), ("fludarabine", 30.0))]  # fmt: skip


def course(model, read, doses=(), start=-7, days=60, per_day=2, relative=1e-9, absolute=1e-6, **parameters):
    """Time and read-outs as arrays by name; ``doses`` are (day, state, amount)."""
    runner = roadrunner.RoadRunner(load_model(model).sbml)
    runner.integrator.relative_tolerance = relative
    runner.integrator.absolute_tolerance = absolute
    runner.integrator.maximum_num_steps = 50000
    for name, value in parameters.items():
        runner[name] = value
    runner.reset()
    stops = sorted({start, days, *(dose[0] for dose in doses)})
    pieces = []
    for begin, end in pairwise(stops):
        for day, state, amount in doses:
            if day == begin:
                runner[state] += amount
        points = max(2, round(per_day * (end - begin)) + 1)
        part = np.array(runner.simulate(begin, end, points, ["time", *read]))
        pieces.append(part if end == days else part[:-1])
    table = np.vstack(pieces)
    return {"time": table[:, 0]} | {name: table[:, i + 1] for i, name in enumerate(read)}
