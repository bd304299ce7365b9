"""From an AnnData or MuData file or object to an `Atlas`: what must be there is checked, all of it at once.

Counts are read in slices of rows, so that a backed file never lies in memory as a whole; the matrix is never made
dense.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from carwright.errors import CarwrightError, Problem, Problems
from carwright.targets.intake.atlas import TUMOUR, Atlas
from carwright.targets.intake.genes import Genes, align, duplicates, merge_matrix
from carwright.targets.safety.classes import class_table

Advance = Callable[[int], None]

SLICE = 20_000
"""Cells read at a time."""
MALIGNANT_NAMES = frozenset(
    {
        "malignant",
        "malignant cell",
        "malignant cells",
        "tumor",
        "tumour",
        "blast",
        "blasts",
        "aml blast",
        "leukemic",
        "leukaemic",
    }
)
PROTEIN_KEYS = ("protein", "prot", "protein_expression", "ADT", "AB")
SURFACE_SUFFIXES = ("-AB", "_AB", "-ADT", "_ADT", "_TotalSeqB", "_TotalSeqC", "_TotalSeqA")


@dataclass(frozen=True)
class Columns:
    """Where a file keeps what is needed; the defaults are CELLxGENE's names, then ours."""

    cell_type: str = "cell_type"
    donor: str | None = None
    malignant: str | None = None
    assay: str = "assay"
    layer: str | None = None

    DONORS = ("donor_id", "patient", "donor", "sample")
    TUMOUR_FLAGS = ("malignant", "is_malignant", "compartment")


def need_anndata() -> Any:
    """Import anndata, or say how to get it."""
    try:
        import anndata
    except ImportError:
        problem = Problem(
            "TARGETS001", "reading cells needs the package anndata", fix="pip install 'carwright[targets]'"
        )
        raise CarwrightError(problem) from None
    return anndata


def open_file(path: Path) -> Any:
    """Open a ``.h5ad`` file, backed on disk; a ``.h5mu`` file or a ``.zarr`` folder is read.

    Raises
    ------
    CarwrightError
        If it is missing, cut off, or not what its name says.
    """
    anndata = need_anndata()
    if not path.exists():
        raise CarwrightError(Problem("TARGETS002", "there is no such file", str(path), fix="check the path"))
    if path.is_dir() != (path.suffix == ".zarr") or path.suffix not in (".h5ad", ".h5mu", ".zarr"):
        kind = "a folder" if path.is_dir() else path.suffix or "no ending"
        allowed = ".h5ad, .h5mu, or a .zarr folder"
        raise CarwrightError(Problem("TARGETS002", "this is no file of cells", str(path), kind, allowed))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is said by `read_cells`, once
            if path.suffix == ".h5mu":
                import mudata

                return mudata.read_h5mu(path)
            return anndata.read_zarr(path) if path.suffix == ".zarr" else anndata.read_h5ad(path, backed="r")
    except ImportError:
        problem = Problem(
            "TARGETS001", "reading .h5mu needs the package mudata", fix="pip install 'carwright[targets]'"
        )
        raise CarwrightError(problem) from None
    except Exception as error:  # noqa: BLE001  # HDF5 reports a cut or foreign file in many ways
        raise CarwrightError(_unreadable(path, error)) from None


def _unreadable(path: Path, error: Exception) -> Problem:
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return Problem(
        "TARGETS003",
        "the file cannot be read",
        str(path),
        text[:160],
        "a whole HDF5 file as anndata writes it",
        "was the download cut off? compare its size or checksum with the source's and fetch it again",
    )


def read_cells(
    data: Any, *, columns: Columns | None = None, name: str = "the data", advance: Advance | None = None
) -> Atlas:
    """Turn an AnnData or MuData object into an `Atlas`.

    Parameters
    ----------
    data
        ``AnnData``, also backed, or ``MuData`` with ``rna`` and a protein modality.
    columns
        Where it keeps cell types, donors, the tumour flag and counts.
    name
        How messages call it.
    advance
        Called with the number of cells as they are read.

    Raises
    ------
    CarwrightError
        With every problem found: missing columns, values that are no counts, genes of another species.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Variable names are not unique")  # a notice says so
        return _read(data, columns or Columns(), name, advance)


def _read(data: Any, columns: Columns, name: str, advance: Advance | None) -> Atlas:
    rna, protein, proteins = _modalities(data)
    problems, notices = Problems(), list[str]()
    matrix, genes_table = _matrix(rna, columns.layer, name, problems)
    obs = rna.obs if columns.cell_type in rna.obs or not hasattr(data, "mod") else data.obs
    cell_type = _text(obs, columns.cell_type, name, problems, "the cell type of each cell", "--cell-type")
    donor_key = columns.donor or next((key for key in Columns.DONORS if key in obs), None)
    donor = _donors(obs, donor_key, columns.donor, name, problems, notices, len(obs))
    malignant = _malignant(obs, columns.malignant, cell_type, name, problems)
    genes = _genes(genes_table, problems, notices)
    problems.raise_if_any()
    assert genes is not None  # noqa: S101 - problems were raised otherwise
    counts, depth = _counts(matrix, genes, name, advance)
    table = class_table()
    of_type = {str(kind): table.of(str(kind)).name for kind in np.unique(cell_type)}
    cell_class = np.array(
        [TUMOUR if sick else of_type[str(kind)] for kind, sick in zip(cell_type, malignant, strict=True)]
    )
    unknown = sorted(
        {kind for kind, of in of_type.items() if table.of(kind).tier.name == "unclassified"}
        & set(cell_type[~malignant])
    )
    if unknown:
        notices.append(
            f"cell types of no known class, judged with the limit of serious tissue: {', '.join(unknown[:12])}"
        )
    assay = obs[columns.assay].astype(str).to_numpy() if columns.assay in obs else np.full(len(obs), "")
    return Atlas(
        genes,
        counts,
        depth,
        malignant,
        donor,
        cell_type,
        cell_class,
        assay.astype(str),
        tuple(notices),
        protein,
        proteins,
    )


def _modalities(data: Any) -> tuple[Any, npt.NDArray[np.float32] | None, tuple[str, ...]]:
    """RNA, and protein values with their names if there are any."""
    if hasattr(data, "mod"):
        keys = {key.lower(): key for key in data.mod}
        rna = data.mod[rna_key(data)]
        found = next((keys[key.lower()] for key in PROTEIN_KEYS if key.lower() in keys), None)
        if found is None:
            return rna, None, ()
        side = data.mod[found]
        values = np.full((rna.n_obs, side.n_vars), np.nan, np.float32)
        where = rna.obs_names.get_indexer(side.obs_names)
        dense = side.X.toarray() if sparse.issparse(side.X) else np.asarray(side.X)
        values[where[where >= 0]] = dense[where >= 0]
        return rna, values, tuple(map(_surface_name, side.var_names))
    for key in PROTEIN_KEYS:
        if key in data.obsm:
            table = data.obsm[key]
            names = getattr(table, "columns", None)
            if names is None:
                names = data.uns.get(f"{key}_names", [str(i) for i in range(table.shape[1])])
            return data, np.asarray(table, np.float32), tuple(map(_surface_name, names))
    return data, None, ()


def rna_key(data: Any) -> str:
    """Modality of a MuData object that holds RNA."""
    keys = {key.lower(): str(key) for key in data.mod}
    return keys.get("rna", keys.get("gex", str(next(iter(data.mod)))))


def _surface_name(name: object) -> str:
    text = str(name)
    for suffix in SURFACE_SUFFIXES:
        text = text.removesuffix(suffix)
    return text


def _matrix(rna: Any, layer: str | None, name: str, problems: Problems) -> tuple[Any, Any]:
    """The counts and the table of genes that goes with them: a layer, or X, or raw."""
    if layer is not None:
        if layer not in rna.layers:
            problems.add(
                "TARGETS004", "there is no such layer", where=name, found=layer, allowed=", ".join(rna.layers) or "none"
            )
            return rna.X, rna.var
        return rna.layers[layer], rna.var
    tried = []
    candidates = [("layers['counts']", rna.layers["counts"], rna.var)] if "counts" in rna.layers else []
    candidates.append(("X", rna.X, rna.var))
    if rna.raw is not None:
        candidates.append(("raw.X", rna.raw.X, rna.raw.var))
    for label, matrix, var in candidates:
        if matrix is None:
            continue
        why = _not_counts(matrix)
        if not why:
            return matrix, var
        tried.append(f"{label}: {why}")
    problems.add(
        "TARGETS005",
        "these are no counts, and positivity needs counts",
        where=name,
        found="; ".join(tried) or "no matrix",
        allowed="whole numbers of molecules, not below 0",
        fix="keep the raw counts in X, in layers['counts'] or in raw; scaling and log1p cannot be turned back",
    )
    return None, rna.var


def _not_counts(matrix: Any) -> str:
    """Why a matrix holds no counts; empty where it does, judged by its first rows."""
    part = matrix[: min(2000, matrix.shape[0])]
    values = part.data if sparse.issparse(part) else np.asarray(part).ravel()
    if not values.size:
        return ""
    if not np.isfinite(values).all():
        return "values that are no numbers"
    if values.min() < 0:
        return f"values below 0 (smallest {values.min():.3g}), as after scaling"
    if (values != np.round(values)).any():
        return f"values with fractions (largest {values.max():.3g}), as after normalisation or log1p"
    return ""


def _text(obs: Any, key: str, name: str, problems: Problems, meaning: str, option: str) -> npt.NDArray[np.str_]:
    if key not in obs:
        problems.add(
            "TARGETS006",
            f"there is no column {key!r}",
            where=f"{name}, obs",
            found=", ".join(map(str, list(obs.columns)[:12])) or "no columns",
            allowed=f"a column with {meaning}",
            fix=f"name it with {option}",
        )
        return np.full(len(obs), "")
    return np.asarray(obs[key].astype(str), dtype=str)


def _donors(
    obs: Any, key: str | None, given: str | None, name: str, problems: Problems, notices: list[str], cells: int
) -> npt.NDArray[np.str_]:
    if key is None or key not in obs:
        if given is not None:
            return _text(obs, given, name, problems, "the donor of each cell", "--donor")
        notices.append(
            "no column of donors was found (donor_id, patient, donor, sample): all cells count as one donor, and "
            "nothing can be called safe"
        )
        return np.full(cells, "one donor")
    donor = np.asarray(obs[key].astype(str), dtype=str)
    if len(np.unique(donor)) == 1:
        notices.append(f"all cells are of one donor ({donor[0]}): nothing can be called safe")
    return donor


def _malignant(
    obs: Any, key: str | None, cell_type: npt.NDArray[np.str_], name: str, problems: Problems
) -> npt.NDArray[np.bool_]:
    found = key or next((flag for flag in Columns.TUMOUR_FLAGS if flag in obs), None)
    if found is None:
        return np.isin(np.char.lower(cell_type), list(MALIGNANT_NAMES))
    if found not in obs:
        _text(obs, found, name, problems, "whether a cell is malignant", "--malignant")
        return np.zeros(len(obs), bool)
    values = obs[found]
    if values.dtype == bool:
        return np.asarray(values, dtype=bool)
    words = np.char.lower(values.astype(str).to_numpy().astype(str))
    yes, no = (
        np.isin(words, [*MALIGNANT_NAMES, "true", "yes", "1"]),
        np.isin(words, ["normal", "healthy", "false", "no", "0", "non-malignant", "nan", "microenvironment"]),
    )
    if not (yes | no).all():
        problems.add(
            "TARGETS007",
            "it is not clear which cells are malignant",
            where=f"{name}, obs[{found!r}]",
            found=", ".join(np.unique(words[~(yes | no)])[:8]),
            allowed="true and false, or malignant and normal",
        )
    return yes


def genes_of(var: Any) -> Genes:
    """Genes of a table ``var``; raises as `align`."""
    symbols = var["feature_name"].astype(str).tolist() if "feature_name" in var else None
    ids = next((var[key].astype(str).tolist() for key in ("gene_ids", "ensembl_id", "gene_id") if key in var), None)
    return align([str(name) for name in var.index], symbols, ids)


def _genes(var: Any, problems: Problems, notices: list[str]) -> Genes | None:
    twice = duplicates([str(name) for name in var.index])
    if twice:
        notices.append(f"genes that stand more than once are added up ({len(twice)}): {', '.join(twice[:8])}")
    try:
        genes = genes_of(var)
    except CarwrightError as error:
        problems.extend(error)
        return None
    if genes.renamed:
        shown = ", ".join(f"{old} is {new}" for old, new in list(genes.renamed.items())[:8])
        notices.append(f"genes found under another name ({len(genes.renamed)}): {shown}")
    return genes


def _slices(matrix: Any) -> Iterator[tuple[int, Any]]:
    for start in range(0, matrix.shape[0], SLICE):
        part = matrix[start : start + SLICE]
        yield start, sparse.csr_matrix(part) if not sparse.issparse(part) else part.tocsr()


def _counts(
    matrix: Any, genes: Genes, name: str, advance: Advance | None
) -> tuple[sparse.csr_matrix, npt.NDArray[np.float64]]:
    place, _ = merge_matrix(genes, matrix.shape[1])
    parts, depth = [], []
    try:
        if sparse.issparse(matrix):
            matrix = matrix.tocsr()
        for _, part in _slices(matrix):
            why = _not_counts(part)
            if why:
                raise CarwrightError(
                    Problem("TARGETS005", "these are no counts, and positivity needs counts", name, why)
                )
            depth.append(np.asarray(part.sum(axis=1)).ravel())
            rows = sparse.csr_matrix(
                (part.data.astype(np.int32), place[part.indices], part.indptr), shape=(part.shape[0], len(genes.names))
            )
            rows.sum_duplicates()
            rows.eliminate_zeros()
            parts.append(rows)
            if advance is not None:
                advance(part.shape[0])
    except OSError as error:
        raise CarwrightError(_unreadable(Path(name), error)) from None
    return sparse.vstack(parts, format="csr"), np.concatenate(depth).astype(float)


def keep_genes(atlas: Atlas, places: Sequence[int]) -> Atlas:
    """The same cells with some of the genes."""
    from dataclasses import replace

    genes = Genes(
        tuple(atlas.genes.names[place] for place in places),
        tuple(atlas.genes.columns[place] for place in places),
        atlas.genes.renamed,
        atlas.genes.merged,
    )
    return replace(atlas, genes=genes, counts=atlas.counts[:, list(places)].tocsr())
