"""From SBML to generated kernels, trajectories, functionals and outcome codes. Knows no biology."""
