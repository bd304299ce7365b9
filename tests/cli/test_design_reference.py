"""Every reference value through the command line, as a stranger would ask for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carwright.cli import main

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run ``carwright design … --json`` in this process and read its answer."""

    def call(*arguments: object) -> dict[str, Any]:
        with pytest.raises(SystemExit) as end:
            main(["design", *map(str, arguments), "--json"])
        printed = capsys.readouterr()
        assert not end.value.code, printed.err
        found: dict[str, Any] = json.loads(printed.out)
        return found

    return call


@pytest.fixture(scope="module")
def values() -> Callable[[str], Any]:
    default = Path(__file__).parents[3] / "shared"
    folder = Path(os.environ.get("CARWRIGHT_SHARED", default)) / "data" / "trial-reference"
    if not folder.is_dir():
        reason = f"no reference data at {folder}; set CARWRIGHT_SHARED"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return lambda name: json.loads((folder / f"{name}.json").read_text())


def text(numbers: Any) -> str:
    if numbers and isinstance(numbers[0], list):
        return ";".join(map(text, numbers))
    return ",".join(map(repr, numbers))


def patients(levels: list[int], toxic: list[int], days: list[float] | None = None) -> str:
    """Outcome string of single patients."""
    words = []
    for number, (level, one) in enumerate(zip(levels, toxic, strict=True)):
        seen = "T" if one else "N"
        words.append(f"{level}{seen}" + (f"({days[number]})" if days is not None else ""))
    return " ".join(words)


def by_node(found: dict[str, Any]) -> list[Any]:
    return list(found.values())


def test_boin_boundaries(ask: Ask, values: Callable[[str], Any]) -> None:
    cases = values("boin")["boin"]
    assert cases
    for case in cases:
        found = ask(
            *("table", "--design", "boin", "--most", max(case["n"]), "--set", f"target={case['target']}"),
            *("--set", f"p_safe={case['p_saf']}", "--set", f"p_toxic={case['p_tox']}"),
            *("--set", f"elimination_cutoff={case['cutoff_eli']}", "--set", "extra_safe=true", "--set", "offset=0.05"),
        )
        assert found["bounds"]["lambda_e"] == pytest.approx(case["lambda_e"], abs=1e-9)
        assert found["bounds"]["lambda_d"] == pytest.approx(case["lambda_d"], abs=1e-9)
        rows = {row["n"]: row for row in found["rows"]}
        for mine, theirs in {
            "escalate_if_at_most": "escalate_if_le",
            "deescalate_if_at_least": "deescalate_if_ge",
            "eliminate_if_at_least": "eliminate_if_ge",
            "stop_at_lowest_if_at_least": "extrasafe_stop_lowest_if_ge",
        }.items():
            assert [rows[n][mine] for n in case["n"]] == case[theirs], (case["call"], mine)


def test_boin_selection(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("boin")["select_mtd"]:
        for name, option in (("MTD", "false"), ("MTD_boundMTD", "true")):
            found = ask(
                *("next", "--design", "boin", "--patients", text(case["npts"]), "--dlts", text(case["ntox"])),
                *("--set", f"target={case['target']}", "--set", f"bound_mtd={option}"),
            )
            expected = None if case[name] == 99 else str(case[name])
            assert found["recommended_if_stopped"] == expected
        estimates = found["estimates"]
        low, high = (by_node(estimates[f"isotonic_{end}"]) for end in ("low", "high"))
        for column, (rate, above) in enumerate(zip(case["phat"], case["p_overdose"], strict=True)):
            if rate == "----":
                assert by_node(estimates["isotonic_toxicity"])[column] is None
                continue
            assert f"{by_node(estimates['isotonic_toxicity'])[column]:.2f}" == rate
            assert f"{by_node(estimates['isotonic_above_target'])[column]:.2f}" == above
            assert f"({low[column]:.2f},{high[column]:.2f})" == case["CI"][column]
        found = ask(
            *("next", "--design", "keyboard", "--patients", text(case["npts"]), "--dlts", text(case["ntox"])),
            *("--set", f"target={case['target']}"),
        )
        assert found["recommended_if_stopped"] == (None if case["keyboard_MTD"] == 99 else str(case["keyboard_MTD"]))


def test_keyboard_boundaries(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("keyboard_mtpi")["keyboard"]:
        found = ask(
            *("table", "--design", "keyboard", "--most", max(case["n"]), "--set", f"target={case['target']}"),
            *("--set", f"margin_below={case['marginL']}", "--set", f"margin_above={case['marginR']}"),
        )
        rows = {row["n"]: row for row in found["rows"]}
        escalate = [-1 if rows[n]["escalate_if_at_most"] is None else rows[n]["escalate_if_at_most"] for n in case["n"]]
        assert escalate == case["escalate_if_le"]
        assert [rows[n]["deescalate_if_at_least"] for n in case["n"]] == case["deescalate_if_ge"]
        assert [rows[n]["eliminate_if_at_least"] for n in case["n"]] == case["eliminate_if_ge"]


def test_decision_tables_of_intervals(ask: Ask, values: Callable[[str], Any]) -> None:
    reference = values("keyboard_mtpi")
    for case in [*reference["mtpi"], reference["tpi"]]:
        options = {"target": case["target"], "elimination_cutoff": case["exclusion_certainty"]}
        if "epsilon1" in case:
            options |= {"epsilon_below": case["epsilon1"], "epsilon_above": case["epsilon2"]}
        else:
            options |= {"k1": case["k1"], "k2": case["k2"], "prior": case["alpha"]}
        sets = [part for key, value in options.items() for part in ("--set", f"{key}={value}")]
        found = ask("table", "--design", case["design"].split(" ")[0].lower(), "--most", 12, *sets)
        assert {str(row["n"]): row["decisions"] for row in found["rows"]} == case["decision_by_n_then_y"]


def test_i3_plus_3(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("other_designs")["i3plus3"]["tables"]:
        low, high = case["EI"]
        found = ask(
            *("table", "--design", "i3+3", "--set", f"target={case['phi']}", "--set", "elimination_cutoff=1"),
            *("--set", f"epsilon_below={case['phi'] - low!r}", "--set", f"epsilon_above={high - case['phi']!r}"),
        )
        rows = {str(row["n"]): "".join(row["decisions"]).replace("S", "R") for row in found["rows"]}
        assert rows == case["table"]


def test_skeletons(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("dfcrm")["getprior"]:
        found = ask(
            *("skeleton", "--halfwidth", case["halfwidth"], "--target", case["target"], "--prior-level", case["nu"]),
            *("--levels", case["nlevel"], "--model", case["model"], "--intercept", case["intcpt"]),
        )
        assert found["skeleton"] == pytest.approx(case["skeleton"], abs=1e-9)
    for case in values("dfcrm")["crmsens"]:
        found = ask(
            *("skeleton", "--skeleton", text(case["prior"]), "--target", case["target"]),
            *("--model", case["model"], "--intercept", case["intcpt"]),
        )
        np.testing.assert_allclose(found["home_sets"], case["Hset"], atol=1e-5)
        for mine, theirs in zip(found["indifference_intervals"], case["iint"], strict=True):
            assert mine == [None if end is None else pytest.approx(end, abs=1e-5) for end in theirs]
    for case in values("dfcrm")["cohere"]:
        found = ask(
            *("skeleton", "--skeleton", text(case["prior"]), "--target", case["target"], "--plan", text(case["x0"])),
        )
        assert found["coherent"] == (case["message"] == "Coherent")


def test_sample_size(ask: Ask, values: Callable[[str], Any]) -> None:
    result = values("dfcrm")["getn"]["result"]
    patients_, correct, target, levels, odds_ratio, share, efficiency, exact, benchmark = result
    found = ask(
        *("sample-size", "--correct", correct, "--target", target, "--levels", levels, "--odds-ratio", odds_ratio),
    )
    assert found["patients"] == patients_
    assert found["benchmark_share"] == pytest.approx(share, abs=1e-9)
    assert found["efficiency"] == pytest.approx(efficiency, abs=1e-9)
    assert found["exact"] == pytest.approx(exact, abs=1e-6)
    assert found["benchmark"] == pytest.approx(benchmark, abs=1e-6)


def crm_options(case: dict[str, Any]) -> list[str]:
    options = {
        "skeleton": case["prior"],
        "target": case["target"],
        "model": case.get("model", "empiric"),
        "intercept": case.get("intcpt", 3),
        "method": case.get("method", "bayes"),
        "prior_variance": case.get("prior_var", case.get("scale", 1.34**0.5) ** 2),
        "skip_up": "true",
        "coherent": "false",
    }
    return [part for key, value in options.items() for part in ("--set", f"{key}={value}")]


def assert_crm(found: dict[str, Any], case: dict[str, Any]) -> None:
    estimates, parameters = found["estimates"], found["parameters"]
    assert parameters["beta"] == pytest.approx(case["estimate"], abs=1e-4)
    assert by_node(estimates["curve_at_estimate"]) == pytest.approx(case["ptox"], abs=1e-4)
    assert found["next"] == str(case["mtd"])
    if case.get("method") == "mle":
        return
    assert parameters["variance"] == pytest.approx(case["post_var"], abs=1e-4)
    assert by_node(estimates["interval_low"]) == pytest.approx(case["ptoxL"], abs=1e-4)
    assert by_node(estimates["interval_high"]) == pytest.approx(case["ptoxU"], abs=1e-4)
    assert parameters["beta"] == pytest.approx(case["exact_estimate"], abs=1e-8)
    assert parameters["variance"] == pytest.approx(case["exact_post_var"], abs=1e-8)
    assert by_node(estimates["curve_at_estimate"]) == pytest.approx(case["exact_ptox_plugin"], abs=1e-8)
    assert by_node(estimates["mean_probability"]) == pytest.approx(case["exact_posterior_mean_ptox"], abs=1e-8)


def test_crm_fits(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("dfcrm")["crm"]:
        seen = patients(case["level"], case["tox"])
        assert_crm(ask("next", "--design", "crm", "--outcomes", seen, *crm_options(case)), case)


def test_tite_crm_fits(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("dfcrm")["titecrm"]:
        arguments: list[object] = ["next", "--design", "tite-crm", *crm_options(case)]
        if "weights" in case:
            words = [
                f"{level}T" if toxic else f"{level}N({weight})"
                for level, toxic, weight in zip(case["level"], case["tox"], case["weights"], strict=True)
            ]
            found = ask(*arguments, "--outcomes", " ".join(words))
        else:
            days = case.get("followup") or [gone - came for came, gone in zip(case["entry"], case["exit"], strict=True)]
            seen = patients(case["level"], case["tox"], days)
            window = ["--window", case["obswin"], "--weights", case.get("scheme", "linear")]
            found = ask(*arguments, "--outcomes", seen, *window)
        assert_crm(found, case)


def test_the_crm_trial_of_cheung(ask: Ask, values: Callable[[str], Any]) -> None:
    book = values("crm_cheung_book")
    trial = book["cheung_table_3_2"]
    options = crm_options({**trial, "model": "logistic"})
    assert ask("next", "--design", "crm", *options, "--set", f"start={trial['start']}")["next"] == str(trial["start"])
    for seen in range(1, len(trial["steps"]) + 1):
        steps = trial["steps"][:seen]
        words = patients([step["dose"] for step in steps], [step["tox"] for step in steps])
        found = ask("next", "--design", "crm", "--outcomes", words, *options)
        assert found["parameters"]["beta"] == pytest.approx(steps[-1]["beta_hat"], abs=1e-4)
        assert round(found["parameters"]["beta"], 2) == pytest.approx(trial["published_beta_hat"][seen - 1], abs=0.0101)
        assert found["next"] == str(steps[-1]["next_dose"])
    path = book["mle_path"]
    options = crm_options({**path, "model": "logistic", "method": "mle"})
    for seen in range(2, len(path["doses"]) + 1):
        words = patients(path["doses"][:seen], path["tox"][:seen])
        found = ask("next", "--design", "crm", "--outcomes", words, *options)
        assert found["parameters"]["beta"] == pytest.approx(path["beta_hat_after_patient_2_to_17"][seen - 2], abs=1e-4)
        assert found["next"] == str(path["next_dose"][seen - 2])


EXACT = {
    "3+3 (no": ["--design", "3+3"],
    "3+3 (allow": ["--design", "3+3", "--set", "deescalate=true"],
    "BOIN t=.3, 4 cohorts of 3, next": ["--design", "boin", "--set", "recommend=next"],
    "BOIN t=.3, 4 cohorts of 3, iso": ["--design", "boin"],
    "mTPI-2": ["--design", "mtpi-2", "--set", "recommend=next"],
    "CRM": [
        *("--design", "crm", "--set", "skeleton=[0.05, 0.12, 0.25, 0.4]", "--set", "target=0.25"),
        *("--set", "coherent=false", "--set", "recommend=next", "--set", "exceedance=normal"),
    ],
}


def test_exact_operating_characteristics(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("exact_oc")["results"]:
        options = next(options for start, options in EXACT.items() if case["design"].startswith(start))
        rules = [] if case["design"].startswith("3+3") else ["--rule", "stop_at n=12"]
        if "stop_when_too_toxic" in case["design"]:
            rules = ["--rule", "stop_when_toxic above=0.35 confidence=0.8", *rules]
        for command in ("simulate", "paths"):
            exact = ["--exact"] if command == "simulate" else []
            found = ask(command, *options, *rules, "--truth", text(case["true_p"]), *exact)
            assert found["exact"] is True
            assert list(found["recommended"]) == ["none", "1", "2", "3", "4"]
            assert by_node(found["recommended"]) == pytest.approx(case["prob_recommend"], abs=1e-9)
            assert found["expected_patients"] == pytest.approx(case["expected_n"], abs=1e-7)
            assert found["expected_dlts"] == pytest.approx(case["expected_tox"], abs=1e-7)
            assert by_node(found["patients"]) == pytest.approx(case["expected_n_at_dose"], abs=1e-8)
            assert by_node(found["dlts"]) == pytest.approx(case["expected_tox_at_dose"], abs=1e-8)
            assert found["deviation_patients"] == pytest.approx(case["sd_n"] or 0.0, abs=1e-7)
            sizes = {size: share for size, share in case["pmf_n"].items() if share > 1e-12}
            assert found["sizes"] == pytest.approx(sizes, abs=1e-9)
            if command == "paths":
                assert found["n_paths"] == len(found["paths"]) == case["n_terminal_paths"]
                assert sum(path["probability"] for path in found["paths"]) == pytest.approx(1.0, abs=1e-12)


def test_blrm(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("blrm")["cases"]:
        options = {
            "doses": case["doses"],
            "reference_dose": case["dref"],
            "prior_means": case["prior_mu"],
            "prior_deviations": case["prior_sd"],
            "prior_correlation": case["prior_rho"],
        }
        sets = [part for key, value in options.items() for part in ("--set", f"{key}={value}")]
        found = ask(
            *("next", "--design", "blrm", "--patients", text(case["n"]), "--dlts", text(case["y"]), *sets),
            *("--limits", text(case["interval_bounds"][1:-1])),
        )
        assert by_node(found["estimates"]["mean_probability"]) == pytest.approx(case["mean"], abs=1e-6)
        assert by_node(found["estimates"]["deviation"]) == pytest.approx(case["post_sd"], abs=1e-6)
        np.testing.assert_allclose(by_node(found["intervals"]["probabilities"]), case["interval_probs"], atol=1e-5)
        for name in ("log_alpha", "log_beta"):
            assert found["parameters"][name] == pytest.approx(case[f"E_{name}"], abs=1e-6)
            assert found["parameters"][f"{name}_deviation"] == pytest.approx(case[f"SD_{name}"], abs=1e-6)


def test_efftox(ask: Ask, values: Callable[[str], Any]) -> None:
    for case in values("efftox")["cases"]:
        order = [0, 1, 2, 3, 4, 5]
        means, deviations = ([case["prior_mean_sd"][place][column] for place in order] for column in (0, 1))
        options = {
            "doses": case["doses"],
            "prior_means": means,
            "prior_deviations": deviations,
            "least_efficacy": case["eff_cut"],
            "most_toxicity": case["tox_cut"],
            "contour": [case["eff0"], case["tox1"], case["eff_star"], case["tox_star"]],
        }
        sets = [part for key, value in options.items() for part in ("--set", f"{key}={value}")]
        letters = {(0, 0): "N", (1, 0): "E", (0, 1): "T", (1, 1): "B"}
        words = [f"{dose}{letters[eff, tox]}" for dose, eff, tox in case["patients_dose_eff_tox"]]
        found = ask("next", "--design", "efftox", "--outcomes", " ".join(words), *sets)
        estimates = found["estimates"]
        # The tolerance stated, or five of the reference's own standard errors: importance sampling with an effective
        # size of 2.7e6 finds the reference 1.2e-4 off in the last case, and this program 5e-6.
        for mine, theirs, tolerance, error in (
            ("mean_efficacy", "prob_eff", 1e-4, "se_prob_eff"),
            ("mean_toxicity", "prob_tox", 1e-4, "se_prob_tox"),
            ("efficacy_acceptable", "prob_acc_eff", 1e-3, "se_prob_eff"),
            ("toxicity_acceptable", "prob_acc_tox", 1e-3, "se_prob_tox"),
            ("utility", "utility_at_posterior_mean", 1e-4, "se_utility"),
        ):
            allowed = np.maximum(tolerance, 5 * np.array(case[error]))
            assert (np.abs(np.subtract(by_node(estimates[mine]), case[theirs])) < allowed).all(), (case["name"], mine)
        assert found["parameters"]["contour_power"] == pytest.approx(case["p"], abs=1e-8)


SIMON = {
    "first_responses": "r1",
    "first": "n1",
    "responses": "r",
    "patients": "n",
    "expected_patients": "EN_p0",
    "stops_early": "PET_p0",
    "type_1_error": "type1",
    "power": "power",
}


def test_two_stage_designs(ask: Ask, values: Callable[[str], Any]) -> None:
    reference = values("other_designs")
    for case in reference["simon"]:
        found = ask(
            *("two-stage", "--uninteresting", case["pu"], "--interesting", case["pa"]),
            *("--type-1-error", case["ep1"], "--type-2-error", case["ep2"], "--largest", 60),
        )
        for name in ("optimal", "minimax"):
            mine, theirs = found[name], case[name]
            for one, other in SIMON.items():
                assert mine[one] == pytest.approx(theirs[other], abs=1e-7)
    result = reference["simon_oc"]["result"]
    found = ask("two-stage", "--uninteresting", 0.1, "--interesting", 0.3, "--stages", "1/10,5/29")["given"]
    assert found["type_1_error"] == pytest.approx(result["P(reject H0 | p0)"], abs=1e-9)
    assert found["power"] == pytest.approx(result["P(reject H0 | p1)"], abs=1e-9)
    assert found["stops_early"] == pytest.approx(result["PET(p0)"], abs=1e-9)
    assert found["expected_patients"] == pytest.approx(result["EN(p0)"], abs=1e-7)
    boundary = reference["toxbdry"]
    found = ask("toxicity-boundary", "--acceptable", 0.2, "--looks", text(boundary["looks"]))
    assert found["low"] == boundary["lo_bdry"]
    assert found["high"] == boundary["hi_bdry"]


def test_wages_tait(ask: Ask, values: Callable[[str], Any]) -> None:
    reference = values("other_designs")["wages_tait"]
    for case in reference["fits"]:
        found = ask(
            *("next", "--design", "wages-tait", "--outcomes", case["outcomes"]),
            *("--set", "toxicity_skeleton=[0.08, 0.15, 0.22, 0.29]"),
            *("--set", f"efficacy_skeletons={reference['eff_skeletons']}"),
            *("--set", "most_toxicity=0.5", "--set", "least_efficacy=0.5", "--set", "skip_up=true"),
        )
        estimates = found["estimates"]
        assert by_node(estimates["toxicity_at_estimate"]) == pytest.approx(case["mean_prob_tox"], abs=1e-4)
        assert by_node(estimates["efficacy_at_estimate"]) == pytest.approx(case["mean_prob_eff"], abs=1e-4)
        assert found["parameters"]["efficacy_model"] == case["eff_model_index"]
        assert found["continue"] is case["continue"]
        if case["is_randomising"] and case["continue"]:
            assert by_node(estimates["random_allocation"]) == pytest.approx(case["prob_administer"], abs=1e-4)
        if case["recommended_if_not_randomising"] is not None:
            assert found["next"] == str(case["recommended_if_not_randomising"])


def test_boin12(ask: Ask, values: Callable[[str], Any]) -> None:
    reference = values("other_designs")
    rows = {
        (row["n"], row["dlts"], row["responses"]): row["rank"]
        for row in ask("table", "--design", "boin12", "--most", 6, "--set", "utilities=[100, 40, 60, 0]")["rows"]
    }
    for n, toxic, active, _, rank, _ in reference["boin12_rds"]["rows"]:
        assert rows[int(n), int(toxic), int(active)] == (None if rank == "E" else float(rank))
    for case in reference["boin12_path"]["fits"]:
        found = ask("next", "--design", "boin12", "--doses", 5, "--outcomes", case["outcomes"])
        assert found["next"] == str(case["recommended"])
        desirability = [100 * value for value in by_node(found["estimates"]["desirability"])]
        assert desirability == pytest.approx(case["utility"], abs=1e-6)


def test_boin_combinations(ask: Ask, values: Callable[[str], Any]) -> None:
    reference = values("other_designs")
    case = reference["boin_comb"]
    counts = ("--patients", text(case["n"]), "--dlts", text(case["y"]), "--design", "boin-combination")
    found = ask("next", *counts)
    assert found["recommended_if_stopped"] == ".".join(map(str, case["MTD"]))
    estimates = np.reshape(by_node(found["estimates"]["isotonic_toxicity"]), np.shape(case["n"]))
    np.testing.assert_allclose(np.round(estimates, 2), case["p_est"], atol=1e-9)
    assert found["contour"] == {str(row): f"{row}.{column}" for row, column in case["MTD_contour"]}
    case = reference["boin_next_comb"]
    counts = ("--patients", text(case["n"]), "--dlts", text(case["y"]), "--last", "2.2")
    assert ask("next", "--design", "boin-combination", *counts)["next"] == ".".join(map(str, case["next_dc"]))


def test_partial_order_crm(ask: Ask, values: Callable[[str], Any]) -> None:
    case = values("other_designs")["pocrm"]
    found = ask(
        *("next", "--design", "pocrm", "--outcomes", patients(case["combos"], case["y"])),
        *("--set", f"orders={case['orders']}", "--set", f"skeleton={case['skeleton']}", "--set", "target=0.2"),
    )
    assert found["next"] == str(case["dose_rec"])
    assert by_node(found["estimates"]["curve_at_estimate"]) == pytest.approx(case["ptox_est"], abs=6e-4)
    assert found["parameters"]["order"] == case["order_est"]
    assert found["parameters"]["a"] == pytest.approx(case["a_est"], abs=6e-3)
    weights = [found["parameters"][f"order_{number}_probability"] for number in range(1, 9)]
    assert weights == pytest.approx(case["ord_prob"], abs=6e-4)
