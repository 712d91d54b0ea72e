//! What work cost, as clients see it.

use protocol::provenance_query::spend::{Amount, Spend};
use serde::Serialize;
use utoipa::ToSchema;

/// What work cost. The parts overlap: work can be rejected and tainted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Spend)]
pub(crate) struct SpendView {
    /// All of it.
    total: AmountView,
    /// Work that QA or a person rejected.
    rejected: AmountView,
    /// Work that was found wrong later.
    tainted: AmountView,
    /// Work that is built on something found wrong.
    suspect: AmountView,
    /// Work that was rejected or found wrong.
    wasted: AmountView,
}

/// Tokens and money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Amount)]
struct AmountView {
    /// Records.
    records: u64,
    /// Those of them whose cost is not known.
    unpriced_records: u64,
    /// Tokens read, as far as told.
    tokens_input: u64,
    /// Tokens written, as far as told.
    tokens_output: u64,
    /// Cost of the priced records, in millionths of the currency unit; `null` where there are no priced ones.
    cost_micro_units: Option<u64>,
}

impl From<Spend> for SpendView {
    fn from(spend: Spend) -> Self {
        Self {
            total: spend.total.into(),
            rejected: spend.rejected.into(),
            tainted: spend.tainted.into(),
            suspect: spend.suspect.into(),
            wasted: spend.wasted.into(),
        }
    }
}

impl From<Amount> for AmountView {
    fn from(amount: Amount) -> Self {
        Self {
            records: amount.records,
            unpriced_records: amount.unpriced_records,
            tokens_input: amount.tokens_input,
            tokens_output: amount.tokens_output,
            cost_micro_units: amount.cost_micro_units,
        }
    }
}
