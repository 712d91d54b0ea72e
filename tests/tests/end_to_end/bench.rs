//! The load generator, as a program: that it runs, and tells every figure beside its floor. How fast things are is no
//! matter of a test.

use std::process::Command;

use serde_json::Value;

#[test]
fn the_bench_measures_and_tells_ratios() {
    let folder = std::env::temp_dir().join(format!("dats-bench-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    let (json, markdown) = (folder.join("report.json"), folder.join("report.md"));
    let output = Command::new(env!("CARGO_BIN_EXE_dats-bench"))
        .args(["--smoke", "--only", "submit,status,end-to-end,layers,agents"])
        .arg("--json")
        .arg(&json)
        .arg("--markdown")
        .arg(&markdown)
        .output()
        .unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{told}");
    let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let figures = report["figures"].as_array().unwrap();
    for scenario in ["submit", "status", "end-to-end"] {
        let rate = figures.iter().find(|row| row["scenario"] == scenario && row["quantity"] == "rate");
        let rate = rate.unwrap_or_else(|| panic!("no rate of {scenario}: {report:#}"));
        assert!(rate["median"].as_f64().is_some(), "{rate:#}");
    }
    // Without pgbench, as beside servers of somebody else, there are no floors to compare with.
    if !told.contains("no floor from pgbench") {
        assert!(said.contains("ratio "), "{said}");
        let submit = figures.iter().find(|row| row["scenario"] == "submit" && row["quantity"] == "rate");
        assert!(submit.unwrap()["ratio"].as_f64().is_some_and(|ratio| ratio > 0.0), "{report:#}");
    }
    let page = std::fs::read_to_string(&markdown).unwrap();
    assert!(page.contains("| POST /tasks, durable, 64 connections | rate |"), "{page}");
    std::fs::remove_dir_all(&folder).unwrap();
}
