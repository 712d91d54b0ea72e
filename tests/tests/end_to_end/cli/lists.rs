//! Lists that are longer than a page of the gateway.

use std::collections::HashSet;

use end_to_end::Plan;
use serde_json::json;

use super::dats::Dats;

#[tokio::test]
async fn a_list_of_more_than_a_page_is_put_together() {
    let stack = Plan::gateway_only().start().await;
    let (dats, client) = (Dats::of(&stack), stack.client());
    let mut submitted = HashSet::new();
    for number in 0..203 {
        submitted.insert(client.submit(&json!({ "description": format!("task {number}") })).await);
    }
    for (arguments, count, goes_on) in
        [(vec!["--all"], 203, false), (vec!["-n", "201"], 201, true), (vec!["-n", "300"], 203, false)]
    {
        let list = dats.run(&[&["list", "--json"], arguments.as_slice()].concat()).await.json();
        let tasks = list["tasks"].as_array().unwrap();
        let listed: HashSet<_> =
            tasks.iter().map(|task| task["task_id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((tasks.len(), listed.len()), (count, count), "{arguments:?}");
        assert!(listed.is_subset(&submitted));
        assert_eq!(
            (&list["total"], list["next_cursor"].is_string()),
            (&json!(203), goes_on),
            "{arguments:?}"
        );
    }
}
