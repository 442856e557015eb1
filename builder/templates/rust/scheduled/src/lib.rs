//! Sums up the numbers that the schedule hands in.

use std::collections::BTreeMap;

use hks_sdk::{Context, Rich};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Input {
    regions: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct Report {
    total: u64,
    largest: Option<String>,
}

#[hks_sdk::handler]
fn handler(input: Input, ctx: Context) -> Result<Report, hks_sdk::DisplayError> {
    println!("{} regions, due at {}", input.regions.len(), ctx.scheduled_at.as_deref().unwrap_or("any time"));
    let rows: String = input.regions.iter().map(|(region, count)| format!("| {region} | {count} |\n")).collect();
    hks_sdk::display(Rich::new().markdown(format!("| region | count |\n|---|---|\n{rows}")))?;
    let largest = input.regions.iter().max_by_key(|(_, count)| **count).map(|(region, _)| region.clone());
    Ok(Report { total: input.regions.values().sum(), largest })
}
