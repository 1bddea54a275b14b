"""How likely are two records one customer, where no key says so? Fellegi and Sunter's weights, learned from the records.

Source: Fellegi and Sunter, JASA 64 (1969), 1183-1210; Linacre et al., Splink, International Journal of Population Data Science
7 (2022).
"""

import logging
import warnings
from typing import Any

import pyarrow as pa

SEED = 1

LEAST_RECORDS = 100
"""Fewer records do not say how often chance agrees."""
SAMPLED_PAIRS = 2_000_000
LIKELY = 0.5
"""Pairs less likely than that are nobody's question."""
COMPARED = ("named", "birth_date", "city", "phone", "email")
BY_FREQUENCY = ("named", "city")
"""Agreeing in a rare value of these says more than in a frequent one; that is part of the weight."""
PAIRS = pa.schema(
    [
        ("left_id", pa.string()),
        ("right_id", pa.string()),
        ("probability", pa.float64()),
        *((f"{name}_weight", pa.float64()) for name in COMPARED),
    ]
)


def likely_pairs(keys: pa.Table, links: pa.Table) -> pa.Table:
    """One row per pair that no sure link joins and that is likely one customer, with what each comparison adds to the weight.

    `keys` are the rows of `keys_sql`, `links` those of `links_sql`. Weights are logarithms to the base 2 of how much oftener
    two records of one customer agree, or differ, so than two of others. Both names must be known; pairs that contradict each
    other in tax id, KPP, birth date or kind are left out.
    """
    taught = [key for key in ("phone", "email") if _is_shared(keys[key])]
    if keys.num_rows < LEAST_RECORDS or links.num_rows == 0 or not taught:
        return PAIRS.empty_table()
    import splink.comparison_library as compare  # noqa: PLC0415 - slow to import
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    logging.getLogger("splink").setLevel(logging.ERROR)
    database = DuckDBAPI()
    records = keys.select(["record_id", "kind", "tax_id", "kpp", "created_at", *COMPARED])
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        probability_two_random_records_match=min(0.1, 2.0 * links.num_rows / keys.num_rows**2),
        comparisons=[
            compare.JaroWinklerAtThresholds("named", [0.94, 0.88]).configure(term_frequency_adjustments=True),
            compare.ExactMatch("birth_date"),
            compare.ExactMatch("city").configure(term_frequency_adjustments=True),
            compare.ExactMatch("phone"),
            compare.LevenshteinAtThresholds("email", 2),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("named"),
            block_on("birth_date", "city"),
            block_on("birth_date", "substr(named, 1, 5)"),
            block_on("phone"),
            block_on("email"),
        ],
        retain_intermediate_calculation_columns=True,
        additional_columns_to_retain=["kind", "tax_id", "kpp"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linker = Linker(database.register(records), settings, log_level=logging.ERROR)
        linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=SEED)
        for key in taught:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(key))
        database.duckdb_con.register("sure_links", links)
        found: Any = linker.inference.predict(threshold_match_probability=LIKELY)
        table: pa.Table = database.duckdb_con.sql(_answer(found.physical_name)).to_arrow_table()
    return table.cast(PAIRS)


def _is_shared(key: pa.ChunkedArray) -> bool:
    """Whether any two records have it in common: only such teach how records of one customer differ elsewhere."""
    known = key.drop_null()
    return len(known.unique()) < len(known)


def _answer(table: str) -> str:
    told = {
        name: f"mw_{name}" + (f" + coalesce(mw_tf_adj_{name}, 0)" if name in BY_FREQUENCY else "") for name in COMPARED
    }
    weights = ", ".join(f"({weight})::double as {name}_weight" for name, weight in told.items())
    return f"""
        select least(record_id_l, record_id_r) as left_id, greatest(record_id_l, record_id_r) as right_id,
            match_probability::double as probability, {weights}
        from {table}
        anti join sure_links as sure
            on sure.left_id = least(record_id_l, record_id_r) and sure.right_id = greatest(record_id_l, record_id_r)
        where named_l is not null and named_r is not null
            and coalesce(birth_date_l = birth_date_r, true) and coalesce(tax_id_l = tax_id_r, true)
            and coalesce(kind_l = kind_r, true) and coalesce(kpp_l = kpp_r, true)
        order by probability desc, left_id, right_id
    """
