//! `dats provenance import` of a folder of record files, through the gateway.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use stand_ins::process;
use tokio::process::Command;

use super::Scenario;
use crate::Role;
use crate::bench::figures::{Findings, Quantity, Target};
use crate::bench::scale::Scale;
use crate::bench::scenarios::provenance_read::RECORDS;
use crate::bench::stage::{PROJECT, Stage, number};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "provenance-import",
    operation: "dats provenance import of 100,000 JSON files",
    targets: &[
        (Quantity::Seconds, Target::Under(60.0)),
        (Quantity::GatewayMemory, Target::Under(150.0)),
        (Quantity::ProvenanceMemory, Target::Under(200.0)),
    ],
    run,
    by_default: true,
};

fn run(scale: Scale) -> BoxFuture<'static, Findings> {
    async move {
        let stage = Stage::start(&[Role::Gateway, Role::Provenance]).await;
        let folder = std::env::temp_dir().join(format!("dats-bench-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).expect("a folder for files");
        write_files(&folder, scale.files);
        let begun = Instant::now();
        let imported = Command::new(process::program("dats").expect("the command is built"))
            .args(["provenance", "import"])
            .arg(&folder)
            .env("DATS_API_URL", stage.stack.client().url())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await;
        let seconds = begun.elapsed().as_secs_f64();
        // What stays is in the temporary folder.
        let _ = std::fs::remove_dir_all(&folder);
        assert!(imported.expect("dats runs").success(), "every file is taken");
        let database = stage.stack.provenance_database().client().await;
        assert_eq!(number(&database, RECORDS).await, scale.files as i64, "every file is a record");
        let rate = scale.files as f64 / seconds;
        [(Quantity::Seconds, seconds), (Quantity::Rate, rate)].into_iter().chain(stage.memory()).collect()
    }
    .boxed()
}

/// Each record used what two before it made.
fn write_files(folder: &Path, files: usize) {
    let id =
        |number: usize| uuid::Uuid::from_u128(0xbe7c_0000_0000_4000_8000_0000_0000_0000 + number as u128);
    for number in 0..files {
        let before = |back: usize| number.checked_sub(back).map(|before| format!("artifact-{before}"));
        let inputs: Vec<_> = [before(1), before(7)].into_iter().flatten().collect();
        let listed: Vec<_> =
            inputs.iter().map(|id| json!({ "artifact_id": id, "relationship": "consumed" })).collect();
        let minute =
            format!("2026-01-{:02}T{:02}:{:02}", 1 + number / 86_400, number / 3_600 % 24, number / 60 % 60);
        let time = format!("{minute}:{:02}.000000", number % 60);
        let record = json!({
            "id": id(number), "task_id": id(number + files), "project_id": PROJECT,
            "outputs": [{ "artifact_id": format!("artifact-{number}"), "type": "code", "location": "src/a.py",
                "checksum": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "size_bytes": 90 }],
            "inputs": listed, "inputs_consumed": inputs,
            "execution": { "model": "bench", "worker_id": "worker-1", "prompt_template": { "name": "code", "version": "1" },
                "parameters": { "temperature": 0.2 } },
            "model_used": "bench", "worker_id": "worker-1", "prompt_template": { "name": "code", "version": "1" },
            "verification": { "status": "passed", "qa_profile": "consensus", "verified_at": time, "verified_by": "qa", "details": {} },
            "confidence": 0.9, "verification_status": "passed", "verification_details": null,
            "taint": { "is_tainted": false, "tainted_at": null, "tainted_reason": "", "tainted_by": "", "is_suspect": false,
                "suspect_since": null, "suspect_source": "" },
            "created_at": time, "started_at": time, "completed_at": time,
            "metrics": { "tokens_input": 900, "tokens_output": 120, "execution_time_ms": 5 },
            "tokens_input": 900, "tokens_output": 120, "execution_time_ms": 5,
        });
        let text = serde_json::to_vec_pretty(&record).expect("a record as JSON");
        std::fs::write(folder.join(format!("{}.json", id(number))), text).expect("write a file");
    }
}
