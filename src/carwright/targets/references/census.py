"""Slices of CELLxGENE Census: cells of some tissue, fetched once and kept as a file of cells."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from carwright.errors import CarwrightError, Problem
from carwright.targets.references.cache import cached, folder, keep

VERSION = "2025-11-08"
"""Long-term release of the census that is asked for; the same version always gives the same cells."""


def fetch_census(
    obs_filter: str,
    *,
    genes: Sequence[str] = (),
    version: str = VERSION,
    organism: str = "Homo sapiens",
    again: bool = False,
) -> Path:
    """Fetch cells of the census, or take them from the cache.

    Parameters
    ----------
    obs_filter
        Which cells, such as ``"tissue_general == 'bone marrow' and disease == 'normal'"``. Cells that the census holds
        twice are left out.
    genes
        Symbols to keep; all by default.
    version
        Release of the census.
    organism
        As the census names it.
    again
        Fetch them even though they are in the cache.

    Returns
    -------
    pathlib.Path
        An ``.h5ad`` file with raw counts; its name follows from what was asked, and it appears only when it is whole.

    Raises
    ------
    CarwrightError
        If the package ``cellxgene_census`` is missing, or the census cannot be reached.
    """
    asked = "\n".join([version, organism, obs_filter, *sorted(genes)])
    path = folder() / f"census-{hashlib.sha256(asked.encode()).hexdigest()[:16]}.h5ad"
    if not again and cached(path.name) is not None:
        return path
    census = _package()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    wanted = f"({obs_filter}) and is_primary_data == True"
    var_filter = f"feature_name in {list(genes)!r}" if genes else None
    try:
        with census.open_soma(census_version=version) as opened:
            cells = census.get_anndata(
                opened, organism, X_name="raw", obs_value_filter=wanted, var_value_filter=var_filter
            )
        cells.write_h5ad(part)
    except Exception as error:  # noqa: BLE001  # the census reports a lost connection in many ways
        part.unlink(missing_ok=True)
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        problem = Problem(
            "TARGETS046", "the census could not be read", version, reason, fix="check the filter, try again"
        )
        raise CarwrightError(problem) from None
    keep(part, path, f"CELLxGENE census {version}: {obs_filter}")
    return path


def _package() -> Any:
    try:
        import cellxgene_census
    except ImportError:
        problem = Problem(
            "TARGETS047", "slices of the census need the package cellxgene-census", fix="pip install cellxgene-census"
        )
        raise CarwrightError(problem) from None
    return cellxgene_census
