//! Answers about the graph and lists of records, from a small world with everything that makes graphs hard.

mod causes;

use protocol::ProjectId;
use protocol::ProvenanceId;
use protocol::TaskId;
use protocol::provenance_query::ExportFormat;
use protocol::provenance_query::graph::{ImpactQuery, LineageQuery, ReachedPage, ReachedPlace, ReachedQuery};
use protocol::provenance_query::records::{ListRecordsQuery, RecordFilter, RecordPlace};
use provenance_store::graph::Direction;
use provenance_store::interchange::document::export_artifact;
use provenance_store::queries::{
    GraphLimits, Sight, Unanswered, analyze_impact, find_root_cause, get_lineage, list_reached, list_records,
};
use serde_json::json;
use uuid::Uuid;

use crate::events::{at, event, output_data, status, validated};
use crate::fixture::Store;

const FAR: GraphLimits = GraphLimits { nodes: 1_000, depth: 1_000 };

/// A task of the world by a number of its own.
fn task(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

fn record_of(number: u128) -> ProvenanceId {
    ProvenanceId::of_attempt(TaskId(task(number)), 1)
}

/// A diamond over `raw`, a circle, an artifact that was made from itself, and one that was made twice:
/// `raw -> a -> (b, c) -> d -> e`, `x -> y -> x`, `self -> self`, `a -> twice`, `b -> twice -> last`.
async fn world(hint: &str) -> Store {
    let store = Store::create(hint).await;
    let works: [(u128, &str, &[&str]); 11] = [
        (1, "a", &["raw"]),
        (2, "b", &["a"]),
        (3, "c", &["a"]),
        (4, "d", &["b", "c"]),
        (5, "e", &["d", "raw"]),
        (6, "x", &["y"]),
        (7, "y", &["x"]),
        (8, "self", &["self"]),
        (9, "twice", &["a"]),
        (10, "twice", &["b"]),
        (11, "last", &["twice"]),
    ];
    for (number, artifact, inputs) in works {
        let second = i64::try_from(number).unwrap() * 10;
        let told = event("task.output.created", second, output_data(task(number), 1, artifact, inputs));
        store.apply([told]).await;
    }
    store
}

async fn page(
    store: &Store,
    id: &str,
    direction: Direction,
    limit: u32,
    after: Option<ReachedPlace>,
) -> ReachedPage {
    let query = ReachedQuery { id: id.to_owned(), transitive: true, max_depth: None, limit, after };
    list_reached(&mut *store.connection().await, query, direction, FAR, &Sight::Everything).await.unwrap()
}

/// `artifact@depth` of everything reached.
async fn reached(store: &Store, id: &str, direction: Direction) -> Vec<String> {
    let page = page(store, id, direction, 200, None).await;
    assert_eq!((page.total, page.truncated, page.next), (page.artifacts.len() as u64, false, None));
    page.artifacts.iter().map(|found| format!("{}@{}", found.artifact_id, found.depth)).collect()
}

#[tokio::test]
async fn dependents_and_dependencies_are_listed_once_at_their_least_depth() {
    let store = world("provenance_reached").await;
    let (down, up) = (Direction::Dependents, Direction::Dependencies);
    assert_eq!(
        reached(&store, "raw", down).await,
        ["a@1", "e@1", "b@2", "c@2", "twice@2", "d@3", "last@4"],
        "the nearest version of what was made twice"
    );
    assert_eq!(reached(&store, "d", up).await, ["b@1", "c@1", "a@2", "raw@3"]);
    assert_eq!(reached(&store, "x", down).await, ["y@1", "x@2"]);
    assert_eq!(reached(&store, "self", up).await, ["self@1"]);
    assert_eq!(reached(&store, "raw", up).await, Vec::<String>::new());
    assert_eq!(reached(&store, "last", up).await, ["twice@1", "b@2", "a@3", "raw@4"], "the newest version");
    assert_eq!(reached(&store, &record_of(9).to_string(), up).await, ["a@1", "raw@2"], "the older one");
    assert_eq!(reached(&store, &task(2).to_string(), down).await, ["d@1", "twice@1", "e@2", "last@2"]);

    let all = page(&store, "raw", down, 200, None).await;
    assert_eq!(all.artifact_id, "raw");
    let twice = all.artifacts.iter().find(|found| found.artifact_id.as_str() == "twice").unwrap();
    assert_eq!((twice.provenance_id, twice.versions), (Some(record_of(9)), 2));
    let upstream = page(&store, "a", up, 200, None).await;
    assert_eq!(upstream.artifacts[0].provenance_id, None, "nobody made it");
    assert_eq!(upstream.artifacts[0].relationship.as_str(), "consumed");
}

#[tokio::test]
async fn pages_put_together_are_the_whole_list() {
    let store = world("provenance_reached_pages").await;
    for limit in 1..4 {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = page(&store, "raw", Direction::Dependents, limit, after).await;
            assert_eq!(page.total, 7);
            listed.extend(page.artifacts.iter().map(|found| found.artifact_id.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, ["a", "e", "b", "c", "twice", "d", "last"]);
    }
}

#[tokio::test]
async fn limits_cut_an_answer_and_say_so() {
    let store = world("provenance_reached_limits").await;
    let ask = async |transitive, max_depth, limits| {
        let query = ReachedQuery { id: "a".to_owned(), transitive, max_depth, limit: 200, after: None };
        let mut conn = store.connection().await;
        let page =
            list_reached(&mut conn, query, Direction::Dependents, limits, &Sight::Everything).await.unwrap();
        let names: Vec<_> = page.artifacts.iter().map(|found| found.artifact_id.to_string()).collect();
        (names.join(" "), page.total, page.truncated)
    };
    assert_eq!(ask(false, None, FAR).await, ("b c twice".to_owned(), 3, false), "nothing was left out");
    assert_eq!(ask(true, Some(1), FAR).await, ("b c twice".to_owned(), 3, true));
    assert_eq!(ask(true, Some(9), FAR).await.1, 6);
    assert_eq!(ask(true, None, GraphLimits { nodes: 2, depth: 9 }).await.1, 2);
    assert!(ask(true, None, GraphLimits { nodes: 2, depth: 9 }).await.2);
    assert!(ask(true, None, GraphLimits { nodes: 99, depth: 2 }).await.2);
    assert!(!ask(true, None, GraphLimits { nodes: 99, depth: 3 }).await.2);
}

#[tokio::test]
async fn an_impact_counts_what_is_affected_and_names_projects_and_tasks() {
    let store = world("provenance_impact").await;
    for number in [1, 4, 8] {
        store.apply([status(task(number), 1, 1, "running", "executing", 1)]).await;
    }
    let impact = async |id: &str| {
        let query = ImpactQuery { id: id.to_owned(), max_depth: None };
        let (mut one, mut other) = (store.connection().await, store.connection().await);
        let all = &Sight::Everything;
        let alone = analyze_impact(&mut one, None, query.clone(), FAR, all).await.unwrap();
        let with_two = analyze_impact(&mut one, Some(&mut other), query, FAR, all).await.unwrap();
        assert_eq!(alone, with_two);
        alone
    };
    let a = impact("a").await;
    assert_eq!(a.direct_dependents, ["b", "c", "twice"]);
    assert_eq!(a.transitive_dependents, ["b", "c", "twice", "d", "e", "last"]);
    assert_eq!((a.total_affected, a.max_depth, a.truncated), (6, 3, false));
    assert_eq!(a.projects.iter().map(|project| project.as_str()).collect::<Vec<_>>(), ["shop"]);
    let tasks: Vec<_> = [2, 3, 4, 5, 9, 10, 11].map(|number| TaskId(task(number))).into();
    assert_eq!(a.tasks, tasks);
    let circle = impact("x").await;
    assert_eq!(
        (circle.transitive_dependents, circle.total_affected),
        (vec!["y".to_owned(), "x".to_owned()], 2)
    );
    let own = impact("self").await;
    assert_eq!((own.direct_dependents, own.total_affected, own.max_depth), (vec!["self".to_owned()], 1, 1));
    let nothing = impact("e").await;
    assert_eq!((nothing.total_affected, nothing.max_depth), (0, 0));
}

#[tokio::test]
async fn a_lineage_shows_both_directions_and_keeps_versions_apart() {
    let store = world("provenance_lineage").await;
    let lineage = async |id: &str, limit| {
        let query = LineageQuery { id: id.to_owned(), max_depth: None, limit };
        get_lineage(&mut *store.connection().await, query, FAR, &Sight::Everything).await.unwrap()
    };
    let b = lineage("b", 100).await;
    let nodes: Vec<_> = b.nodes.iter().map(|node| node.artifact_id.as_str()).collect();
    assert_eq!(nodes, ["b", "a", "raw", "d", "twice", "e", "last"]);
    assert_eq!(b.nodes[0].provenance_id, Some(record_of(2)));
    assert_eq!(
        (b.nodes[2].provenance_id, b.nodes[2].task_id, &b.nodes[2].artifact_type),
        (None, None, &None)
    );
    assert_eq!(b.nodes[4].provenance_id, Some(record_of(10)), "made from it, unlike the other version");
    let mut edges: Vec<_> = b.edges.iter().map(|edge| format!("{}->{}", edge.from, edge.to)).collect();
    edges.sort();
    assert_eq!(edges, ["a->b", "b->d", "b->twice", "d->e", "raw->a", "twice->last"]);
    assert!(!b.truncated);
    let circle = lineage("x", 100).await;
    assert_eq!((circle.nodes.len(), circle.edges.len()), (2, 2));
    assert_eq!(circle.edges[0].relationship.as_str(), "consumed");
    assert!(lineage("b", 1).await.truncated);
    let own = lineage("self", 100).await;
    assert_eq!((own.nodes.len(), own.edges.len()), (1, 1));
}

#[tokio::test]
async fn who_may_see_some_projects_sees_nothing_of_what_others_made() {
    let store = Store::create("provenance_sight").await;
    // spec -> mine -> (theirs -> back, last); secret -> theirs: only `theirs` is another project's.
    let works: [(u128, &str, &[&str], &str); 4] = [
        (1, "mine", &["spec"], "shop"),
        (2, "theirs", &["mine", "secret"], "other"),
        (3, "back", &["theirs"], "shop"),
        (4, "last", &["mine"], "shop"),
    ];
    for (number, artifact, inputs, project) in works {
        let mut data = output_data(task(number), 1, artifact, inputs);
        data["project_id"] = json!(project);
        store.apply([event("task.output.created", i64::try_from(number).unwrap(), data)]).await;
    }
    let mark = format!("UPDATE provenance_records SET is_tainted = true WHERE task_id = '{}'", task(2));
    store.database.client().await.batch_execute(&mark).await.unwrap();
    let mut conn = store.connection().await;
    let sight = Sight::Within(vec![ProjectId::new("shop").unwrap()]);
    let query = |id: &str| ReachedQuery {
        id: id.to_owned(),
        transitive: true,
        max_depth: None,
        limit: 1,
        after: None,
    };
    let page = list_reached(&mut conn, query("mine"), Direction::Dependents, FAR, &sight).await.unwrap();
    assert_eq!((page.total, page.artifacts[0].artifact_id.as_str()), (2, "last"));
    let page =
        list_reached(&mut conn, query("mine"), Direction::Dependents, FAR, &Sight::Everything).await.unwrap();
    assert_eq!(page.total, 3);
    let page = list_reached(&mut conn, query("back"), Direction::Dependencies, FAR, &sight).await.unwrap();
    assert_eq!(page.total, 2, "mine and what it was made from; not theirs, nor what only they used");

    let asked = ImpactQuery { id: "mine".to_owned(), max_depth: None };
    let mut second = store.connection().await;
    let impact = analyze_impact(&mut conn, Some(&mut second), asked, FAR, &sight).await.unwrap();
    assert_eq!(impact.transitive_dependents, ["last", "back"]);
    assert_eq!(impact.projects, [ProjectId::new("shop").unwrap()]);
    assert_eq!(impact.tasks.len(), 2);

    let asked = LineageQuery { id: "back".to_owned(), max_depth: None, limit: 100 };
    let lineage = get_lineage(&mut conn, asked, FAR, &sight).await.unwrap();
    let nodes: Vec<_> = lineage.nodes.iter().map(|node| node.artifact_id.as_str()).collect();
    assert_eq!(nodes, ["back", "mine", "spec"]);
    assert_eq!(lineage.edges.len(), 1);

    let cause = find_root_cause(&mut conn, "back", FAR, &sight).await.unwrap();
    assert_eq!((cause.path, cause.depth), (vec!["back".to_owned()], 0));
    let document =
        export_artifact(&mut conn, "back", ExportFormat::Json, at(2_000).to_utc(), &sight).await.unwrap();
    assert_eq!(document["lineage"].as_array().unwrap().len(), 2);
    assert!(!document.to_string().contains(&task(2).to_string()), "{document}");
}

#[tokio::test]
async fn what_is_not_there_has_no_answers() {
    let store = Store::create("provenance_no_answers").await;
    let mut conn = store.connection().await;
    let query = ImpactQuery { id: "nothing".to_owned(), max_depth: None };
    assert!(matches!(
        analyze_impact(&mut conn, None, query, FAR, &Sight::Everything).await,
        Err(Unanswered::NotFound(_))
    ));
    assert!(matches!(
        find_root_cause(&mut conn, "nothing", FAR, &Sight::Everything).await,
        Err(Unanswered::NotFound(_))
    ));
}

#[tokio::test]
async fn records_are_listed_newest_first_by_every_filter() {
    let store = world("provenance_list").await;
    store.apply([status(task(1), 1, 1, "running", "executing", 1), validated(task(2), 1, 99)]).await;
    let client = store.database.client().await;
    client
        .batch_execute(&format!(
            "UPDATE provenance_records SET is_tainted = true WHERE task_id = '{}';
             UPDATE provenance_records SET is_suspect = true, model_used = 'other' WHERE task_id = '{}'",
            task(3),
            task(4)
        ))
        .await
        .unwrap();
    let list = async |filter: RecordFilter, limit, after: Option<RecordPlace>| {
        let query = ListRecordsQuery { filter, limit, after };
        let page = list_records(&mut *store.connection().await, query).await.unwrap();
        let tasks: Vec<u128> = page
            .records
            .iter()
            .map(|record| record.task_id.as_uuid().as_u128() - task(0).as_u128())
            .collect();
        (tasks, page.next, page.records)
    };
    let all = list(RecordFilter::default(), 200, None).await;
    assert_eq!((all.0, all.1), ((1..=11).rev().collect(), None));
    let middle = all.2[5].created_at;
    let filters = [
        (json!({"project_id": "shop"}), vec![1]),
        (json!({"projects": ["shop", "other"]}), vec![1]),
        (json!({"projects": []}), vec![]),
        (json!({"task_id": task(5)}), vec![5]),
        (json!({"status": "passed"}), vec![2]),
        (json!({"status": "tainted"}), vec![3]),
        (json!({"status": "suspect"}), vec![4]),
        (json!({"status": "pending", "created_before": middle}), vec![5, 1]),
        (json!({"tainted": true}), vec![3]),
        (json!({"suspect": true}), vec![4]),
        (json!({"suspect": false, "tainted": false}), vec![11, 10, 9, 8, 7, 6, 5, 2, 1]),
        (json!({"model_used": "other"}), vec![4]),
        (json!({"created_after": middle}), vec![11, 10, 9, 8, 7]),
        (json!({"created_before": middle}), vec![5, 4, 3, 2, 1]),
        (json!({"created_before": middle, "status": "pending", "model_used": "model-1"}), vec![5, 1]),
    ];
    for (filter, expected) in filters {
        let found = list(serde_json::from_value(filter.clone()).unwrap(), 200, None).await.0;
        assert_eq!(found, expected, "{filter}");
    }
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let (tasks, next, _) = list(RecordFilter::default(), 4, after).await;
        pages.push(tasks);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec![11, 10, 9, 8], vec![7, 6, 5, 4], vec![3, 2, 1]]);

    // One suspicion turns out right, one taint was none.
    client
        .batch_execute(
            "UPDATE provenance_records SET is_tainted = NOT is_tainted, is_suspect = false
             WHERE is_tainted OR is_suspect",
        )
        .await
        .unwrap();
    for (status, expected) in [("tainted", vec![4]), ("suspect", vec![]), ("passed", vec![2])] {
        let found = list(serde_json::from_value(json!({"status": status})).unwrap(), 200, None).await.0;
        assert_eq!(found, expected, "{status}");
    }
}
