//! Whether records are still what was written: asked from the command and over REST, before and after tampering.

use end_to_end::{Client, Outsider, Plan, Role};
use serde_json::json;
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::dats::Dats;

/// A record of a project that only the provenance-store knows.
async fn record(client: &Client, outsider: &Outsider<'_>, artifact: &str) {
    let task_id = Uuid::now_v7().to_string();
    let output = json!({
        "task_id": task_id, "attempt": 1, "artifact_id": artifact, "project_id": "quarry", "output": { "content": "x" },
    });
    outsider.tell("task.events", "task.output.created", &output).await;
    client.record_when(&task_id, "pending").await;
}

/// Places to go on from as whoever forges them writes them, check sum included: in the chain the positions 1, the highest
/// there is and -5 with a hash of zeros, and 1 with the hash `zz`; in the records the highest place.
const FORGED: [&str; 5] = [
    "127b227374616765223a22636861696e222c22706f736974696f6e223a312c2268617368223a2230303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030227dbf506bef",
    "127b227374616765223a22636861696e222c22706f736974696f6e223a393232333337323033363835343737353830372c2268617368223a2230303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030227d5f906670",
    "127b227374616765223a22636861696e222c22706f736974696f6e223a2d352c2268617368223a2230303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030227d04a612b7",
    "127b227374616765223a22636861696e222c22706f736974696f6e223a312c2268617368223a227a7a227d9c28a80c",
    "127b227374616765223a227265636f726473222c2273657175656e6365223a393232333337323033363835343737353830377d5223539f",
];

#[tokio::test]
async fn what_is_not_as_it_was_written_is_told_and_a_noted_end_is_compared() {
    let stack = Plan::new().start().await;
    let (dats, client, outsider) = (Dats::of(&stack), stack.client(), stack.outsider());
    for artifact in ["a", "b"] {
        record(&client, &outsider, artifact).await;
    }
    let verify = ["provenance", "verify", "-p", "quarry"];
    let head = dats.run(&[&verify[..], &["--json"]].concat()).await.json()["head"].clone();
    let noted = format!("{}:{}", head["length"], head["hash"].as_str().unwrap());
    assert!(dats.tells(&verify).await.contains(&format!("ends at {noted}")));
    record(&client, &outsider, "c").await;
    let compared = dats.tells(&[&verify[..], &["--expect", &noted]].concat()).await;
    assert!(compared.contains("The end that was noted lies in its chain"), "{compared}");
    let other = dats.run(&[&verify[..], &["--expect", &format!("2:{}", "ab".repeat(32))]].concat()).await;
    assert!(
        other.exit == 1 && other.out.contains("another than that of which the end was noted"),
        "{other:?}"
    );
    assert_eq!(dats.run(&[&verify[..], &["--expect", "2:ab"]].concat()).await.exit, 2);
    let unowned = dats.tells(&["provenance", "verify", "--unowned"]).await;
    assert!(unowned.contains("what belongs to no project is intact"), "{unowned}");
    assert_eq!(dats.run(&[&verify[..], &["--unowned"]].concat()).await.exit, 2);

    see_that_bad_questions_are_refused(&client).await;

    let (database, connection) =
        tokio_postgres::connect(stack.database_url(Role::Provenance), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    database.batch_execute("DELETE FROM record_revisions; DELETE FROM record_chains").await.unwrap();
    let unlinked = dats.run(&verify).await;
    assert!(unlinked.exit == 1 && unlinked.out.contains("3 findings"), "{unlinked:?}");
    let rest = "DELETE FROM artifacts; DELETE FROM provenance_records";
    database.batch_execute(rest).await.unwrap();
    let emptied = dats.run(&verify).await;
    assert!(emptied.exit == 1 && emptied.out.contains("0 records, and 3 were counted"), "{emptied:?}");
    drop(database);
    connection.await.unwrap().unwrap();
}

async fn see_that_bad_questions_are_refused(client: &Client) {
    let path = "/projects/quarry/provenance/verify";
    let hash = "ab".repeat(32);
    for (query, fields) in [
        ("expect_length=2".to_owned(), vec!["expect_hash"]),
        (format!("expect_hash={hash}"), vec!["expect_length"]),
        (format!("expect_length=0&expect_hash={hash}"), vec!["expect_length"]),
        (format!("expect_length=-1&expect_hash={hash}0"), vec!["expect_hash", "expect_length"]),
        ("cursor=zz&limit=0".to_owned(), vec!["cursor", "limit"]),
    ] {
        let answer = client.get(&format!("{path}?{query}")).await;
        let mut found = answer.bad_fields();
        found.sort_unstable();
        assert_eq!((answer.status, found), (400, fields), "{query}: {}", answer.text);
    }
    for cursor in FORGED {
        for path in [path, "/unowned/provenance/verify"] {
            let answer = client.get(&format!("{path}?cursor={cursor}")).await;
            assert_eq!(
                (answer.status, answer.bad_fields()),
                (400, vec!["cursor"]),
                "{cursor}: {}",
                answer.text
            );
        }
    }
}
