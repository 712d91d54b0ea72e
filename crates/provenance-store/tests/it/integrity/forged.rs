//! A seal of marks is no link of a record, and nothing stands in for a link; places to go on from are not made up.

use protocol::ProvenanceId;
use protocol::provenance_query::integrity::{FindingKind, VerifyPlace};
use provenance_store::queries::Unanswered;
use serde_json::json;
use uuid::Uuid;

use super::marked::marked_project;
use super::tampering::{restore, tamper};
use super::{UNOWNED, ask, project, verify_all};
use crate::events::{event, output_data};
use crate::fixture::Store;

#[tokio::test]
async fn a_seal_stands_for_no_record_whatever_number_it_bears() {
    let store = Store::create("provenance_seals").await;
    marked_project(&store).await;
    let (mut moved, mut ids) = (String::new(), Vec::new());
    for _ in 0..2 {
        let task = Uuid::now_v7();
        let mut data = output_data(task, 1, "other", &[]);
        data["project_id"] = json!("elsewhere");
        store.apply([event("task.output.created", 20, data)]).await;
        moved = ProvenanceId::of_attempt(task.into(), 1).to_string();
        ids.push(moved.clone());
    }
    let seals = "SELECT concat_ws(' ', record_seq, position) FROM record_revisions
        WHERE project_id = 'shop' AND cause = 'marked' ORDER BY position";
    let seals = store.lines(seals).await;
    let at_seal = |number: &str| {
        let seal = seals.iter().find_map(|seal| seal.strip_prefix(&format!("{number} ")));
        seal.unwrap_or_else(|| panic!("a seal with the number {number}: {seals:?}")).to_owned()
    };
    let whose = "SELECT seq::text FROM provenance_records WHERE provenance_id = ";
    assert_eq!(store.lines(&format!("{whose}'{moved}'")).await, ["6"]);
    let (altered, added) = (FindingKind::Altered, FindingKind::Added);
    let forged = Uuid::from_u128(7);
    let cases = [
        ("shop", altered, format!("UPDATE provenance_records SET model_used = 'x', chain_position = {} WHERE seq = 4",
            at_seal("4"))),
        ("shop", altered, format!("UPDATE provenance_records SET verdict = 'failed', verification = '{{}}',
            chain_position = {} WHERE seq = 4", at_seal("4"))),
        ("shop", added, format!("DELETE FROM provenance_records WHERE seq = 6;
            INSERT INTO provenance_records (seq, provenance_id, task_id, attempt, report_kind, reported_at, reported_by,
                project_id, inputs_read_at, content_digest, chain_position) OVERRIDING SYSTEM VALUE
            VALUES (6, '{forged}', '{forged}', 1, 'output', now(), '{forged}', 'shop', now(), sha256('x'), {})",
            at_seal("6"))),
        ("elsewhere", altered, format!("UPDATE provenance_records SET project_id = 'shop', model_used = 'x',
            chain_position = {} WHERE seq = 6", at_seal("6"))),
        ("shop", added, format!("UPDATE provenance_records SET project_id = 'shop', model_used = 'x',
            chain_position = {} WHERE seq = 6", at_seal("6"))),
        // A later link, about another record.
        ("shop", altered, "UPDATE provenance_records SET model_used = 'x', chain_position = 4 WHERE seq = 1".to_owned()),
    ];
    for (project_id, expected, tampering) in cases {
        tamper(&store, &tampering).await;
        for limit in [100, 1] {
            let found = verify_all(&store, project_id, limit).await.findings;
            let is_found = |(kind, about): &(FindingKind, Option<_>)| *kind == expected && about.is_some();
            assert!(found.iter().any(is_found), "{tampering}: {found:?}");
        }
        restore(&store).await;
    }
    for project_id in ["shop", "elsewhere"] {
        assert_eq!(verify_all(&store, project_id, 100).await.findings, []);
    }
}

#[tokio::test]
async fn a_place_that_no_portion_ended_at_is_refused() {
    let store = Store::create("provenance_places").await;
    project(&store, 2).await;
    let chain = |position, hash: &str| VerifyPlace::Chain { position, hash: hash.to_owned() };
    let zero = "0".repeat(64);
    let refused = [
        ("shop", chain(1, "zz")),
        ("shop", chain(1, &zero)),
        ("shop", chain(0, &zero)),
        ("shop", chain(-5, &zero)),
        ("shop", chain(i64::MAX, &zero)),
        ("shop", VerifyPlace::Records { sequence: -1 }),
        ("shop", VerifyPlace::Records { sequence: i64::MAX }),
        ("shop", VerifyPlace::Files { position: -1 }),
        ("shop", VerifyPlace::Loose { artifact_id: "a".to_owned() }),
        (UNOWNED, VerifyPlace::Files { position: 0 }),
    ];
    for (project_id, place) in refused {
        let answer = ask(&store, project_id, 10, Some(place.clone()), None).await;
        assert!(matches!(answer, Err(Unanswered::NotFound(_))), "{place:?}: {answer:?}");
    }
    let first = ask(&store, "shop", 1, None, None).await.unwrap();
    let elsewhere = ask(&store, "other", 1, first.next.clone(), None).await;
    assert!(matches!(elsewhere, Err(Unanswered::NotFound(_))), "a place of another project's chain");
    assert!(ask(&store, "shop", 1, first.next, None).await.is_ok());
}
