//! Watching tasks from outside: two gateways, changes through one, watchers at the other.

use std::time::Duration;

use end_to_end::client::TASK_TIME;
use end_to_end::measure::usage;
use end_to_end::watcher::{EventStream, StreamedEvent, Watcher};
use end_to_end::{Client, Plan, Role, Stack};
use futures_util::future::join_all;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use test_support::{Proxy, wait_for};
use uuid::Uuid;

/// Submits a task in a trace; its id.
async fn submit(client: &Client, trace: Uuid, body: &Value) -> String {
    let request = client
        .request(reqwest::Method::POST, "/api/v1/tasks")
        .header("traceparent", format!("00-{}-00f067aa0ba902b7-01", trace.simple()))
        .json(body);
    let answer = client.send(request).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json["task_id"].as_str().unwrap().to_owned()
}

/// What the watcher is told until the task has ended: its states in order.
async fn until_ended(watcher: &mut Watcher, task_id: &str) -> Vec<Value> {
    let mut updates = Vec::new();
    loop {
        let update = watcher.next().await;
        assert_eq!(update["type"], "task_update", "{update}");
        let is_end = update["phase"] == "done" && update["task_id"] == task_id;
        updates.push(update);
        if is_end {
            return updates;
        }
    }
}

fn numbers(updates: &[Value]) -> Vec<u64> {
    updates.iter().map(|update| update["sequence"].as_u64().unwrap()).collect()
}

/// A task that an outsider works on, up to the first event of progress.
async fn executing(stack: &Stack, trace: Uuid) -> (String, Value) {
    let task_id = submit(&stack.client(), trace, &json!({ "description": "Write a function" })).await;
    let queue = ["task.ready.tiny", "task.ready.small", "task.ready.large", "task.ready.frontier"];
    let tier = stack.client().in_phase(&task_id, "ready").await["tier"].as_str().unwrap().to_owned();
    let queue = queue.into_iter().find(|queue| queue.ends_with(&tier)).unwrap();
    let ready = stack.outsider().begin_work(queue, "w-1").await;
    stack.client().in_phase(&task_id, "executing").await;
    (task_id, ready)
}

/// Waits until a gateway has so many subscribers.
async fn subscribers_become(client: &Client, expected: u32) {
    wait_for(&format!("{expected} subscribers"), TASK_TIME, || async {
        let metrics = client.probe("/metrics").await.text;
        let number = metrics.lines().find_map(|line| line.strip_prefix("dats_live_subscribers "));
        (number == Some(expected.to_string().as_str())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_watcher_at_one_gateway_is_told_of_every_change_through_the_other_and_of_its_own_trace_alone() {
    let stack = Plan::new().with_second_gateway().start().await;
    let _stand_ins = stack.stand_ins();
    let (one, two) = (stack.client(), stack.client_of(Role::SecondGateway));
    let (mine, other) = (Uuid::new_v4(), Uuid::new_v4());
    let mut watchers = [
        Watcher::open(&two, &format!("/ws/{mine}")).await,
        Watcher::open(&one, &format!("/api/v1/ws/{mine}")).await,
    ];
    for watcher in &mut watchers {
        let snapshot = watcher.next().await;
        assert_eq!(snapshot, json!({ "type": "snapshot", "trace_id": mine, "tasks": [] }));
    }
    let not_mine = submit(&one, other, &json!({ "description": "Write another function" })).await;
    let task_id = submit(&one, mine, &json!({ "description": "Write a function" })).await;
    let mut told = Vec::new();
    for watcher in &mut watchers {
        let updates = until_ended(watcher, &task_id).await;
        assert!(updates.iter().all(|update| update["trace_id"] == mine.to_string()), "{updates:#?}");
        let sequences = numbers(&updates);
        assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{sequences:?}");
        let phases: Vec<&Value> = updates.iter().map(|update| &update["phase"]).collect();
        assert!(
            phases.contains(&&json!("executing")) && phases.contains(&&json!("validating")),
            "{phases:?}"
        );
        let last = updates.last().unwrap();
        assert_eq!((&last["status"], &last["progress"]["percent"]), (&json!("completed"), &json!(100.0)));
        told.push(updates);
    }
    assert_eq!(told[0], told[1]);
    one.ended(&not_mine).await;

    // Who comes later sees in the snapshot what the others were told.
    let mut late = Watcher::open(&two, &format!("/ws/{mine}")).await;
    let mut expected = told[0].last().unwrap().clone();
    expected.as_object_mut().unwrap().remove("type");
    assert_eq!(late.next().await["tasks"], json!([expected]));
    let next = submit(&two, mine, &json!({ "description": "Write one more function" })).await;
    assert_eq!(late.next().await["task_id"], next);
}

#[tokio::test]
async fn the_stream_of_a_task_can_be_resumed_and_ends_with_the_task() {
    let stack = Plan::new().with_second_gateway().start().await;
    let two = stack.client_of(Role::SecondGateway);
    let outsider = stack.outsider();
    let (task_id, _) = executing(&stack, Uuid::new_v4()).await;

    let mut stream = EventStream::open(&two, &task_id, None).await;
    let StreamedEvent { id, data } = stream.next().await.unwrap();
    assert_eq!((&data["type"], &data["phase"]), (&json!("status_update"), &json!("executing")));
    assert_eq!(data["progress"], json!({ "completed": 0, "total": 0, "percent": 0.0 }));
    drop(stream);
    let mut stream = EventStream::open(&two, &task_id, Some(&id)).await;
    let progress = json!({ "task_id": task_id, "worker_id": "w-1", "percent": 40, "message": "on it" });
    outsider.tell("task.events", "task.progress", &progress).await;
    let event = stream.next().await.unwrap();
    assert_eq!(event.data["progress"]["percent"], 40.0, "what was told before is not told again");
    assert!(event.id.parse::<u64>().unwrap() > id.parse().unwrap());

    let output = json!({ "task_id": task_id, "artifact_id": "a-1", "output": { "content": "fn f() {}" } });
    outsider.tell("task.events", "task.output.created", &output).await;
    assert_eq!(stream.next().await.unwrap().data["phase"], "validating");
    let review = json!({ "review_id": "r-1", "task_id": task_id, "reason": "unsure" });
    outsider.tell("qa.events", "review.requested", &review).await;
    assert_eq!(stream.next().await.unwrap().data["phase"], "in_review");
    let asked = stream.next().await.unwrap().data;
    assert_eq!((&asked["type"], &asked["review_id"]), (&json!("review_needed"), &json!("r-1")));
    let answer = json!({ "review_id": "r-1", "task_id": task_id, "decision": "approved" });
    outsider.tell("qa.events", "review.completed", &answer).await;
    let rest = stream.rest().await;
    assert_eq!((rest.len(), &rest[0].data["type"]), (1, &json!("task_complete")), "{rest:?}");

    // Back after the end: told once more what was missed, or sent away for good.
    let again = EventStream::open(&two, &task_id, Some(&event.id)).await.rest().await;
    assert_eq!(again, rest);
    let request = two.request(reqwest::Method::GET, &format!("/api/v1/tasks/{task_id}/stream"));
    let done = two.send(request.header("Last-Event-ID", &rest[0].id)).await;
    assert_eq!(done.status, 204);
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused_as_a_problem() {
    let stack = Plan::gateway_only().start().await;
    let client = stack.client();
    let trace = Uuid::new_v4();
    for (path, status, code) in [
        ("/ws/no-uuid".to_owned(), 400, 1006),
        ("/api/v1/ws/1".to_owned(), 400, 1006),
        (format!("/ws/{trace}"), 400, 1002),
        (format!("/api/v1/tasks/{trace}/stream"), 404, 2001),
        ("/api/v1/tasks/no-uuid/stream".to_owned(), 400, 1006),
    ] {
        let answer = client.probe(&path).await;
        assert_eq!((answer.status, &answer.json["error_code"]), (status, &json!(code)), "{}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let from = |origin: &'static str| {
        HeaderMap::from_iter([("origin".parse().unwrap(), HeaderValue::from_static(origin))])
    };
    let path = format!("/ws/{trace}");
    assert_eq!(Watcher::try_open(&client, &path, from("https://elsewhere.example")).await.err(), Some(403));
    let host: &'static str = client.url().to_owned().leak();
    assert!(Watcher::try_open(&client, &path, from(host)).await.is_ok());
    let head = client.request(reqwest::Method::HEAD, &format!("/api/v1/tasks/{trace}/stream"));
    assert_eq!(client.send(head).await.status, 404);
}

#[tokio::test]
async fn a_slow_reader_is_cut_off_with_1013_and_a_quick_one_misses_nothing() {
    let stack = Plan::new().start().await;
    let client = stack.client();
    let trace = Uuid::new_v4();
    let (task_id, _) = executing(&stack, trace).await;
    let path = format!("/ws/{trace}");
    let (slow, mut quick) = (Watcher::open(&client, &path).await, Watcher::open(&client, &path).await);
    let begin = quick.next().await["tasks"][0]["sequence"].as_u64().unwrap();

    // More than any buffer between here and there holds.
    let (outsider, text) = (stack.outsider(), "x".repeat(50_000));
    let flooding = async {
        for number in 0..1_000_u32 {
            let message = format!("{number} {text}");
            let percent = f64::from(number) / 20.0;
            let progress = json!({ "task_id": task_id, "percent": percent, "message": message });
            outsider.tell("task.events", "task.progress", &progress).await;
        }
    };
    let reading = async {
        for number in 1..=1_000 {
            assert_eq!(quick.next().await["sequence"], begin + number);
        }
    };
    tokio::join!(flooding, reading);
    let (messages, code) = slow.read_to_close().await;
    assert_eq!(code, 1013);
    assert!(messages < 1_000, "{messages}");
}

#[tokio::test]
async fn a_gateway_that_stops_says_goodbye_with_1001() {
    let mut stack = Plan::gateway_only().start().await;
    let client = stack.client();
    let mut watcher = Watcher::open(&client, &format!("/ws/{}", Uuid::new_v4())).await;
    watcher.next().await;
    let task_id = client.submit_text("stopping", "Write a function").await;
    let mut stream = EventStream::open(&client, &task_id, None).await;
    stream.next().await.unwrap();
    let (exit, (_, code), rest) =
        tokio::join!(stack.terminate(Role::Gateway), watcher.read_to_close(), stream.rest());
    assert_eq!((exit, code, rest), (Some(0), 1001, Vec::new()));
}

#[tokio::test]
async fn after_the_broker_was_away_watchers_are_told_what_they_missed() {
    let stack = Plan::gateway_only().with_second_gateway().behind_proxies().start().await;
    let (one, two) = (stack.client(), stack.client_of(Role::SecondGateway));
    let trace = Uuid::new_v4();
    let task_id = submit(&one, trace, &json!({ "description": "Write a function" })).await;
    let mut watcher = Watcher::open(&two, &format!("/ws/{trace}")).await;
    assert_eq!(watcher.next().await["tasks"][0]["status"], "pending");
    let proxy = stack.broker_proxy.as_ref().unwrap();
    proxy.cut();
    one.post(&format!("/tasks/{task_id}/cancel"), &json!({})).await;
    let update = watcher.next().await;
    assert_eq!((&update["task_id"], &update["status"]), (&json!(task_id), &json!("cancelled")));
    // A newcomer is served although there is no broker.
    let mut newcomer = Watcher::open(&two, &format!("/ws/{trace}")).await;
    assert_eq!(newcomer.next().await["tasks"][0]["status"], "cancelled");
    proxy.restore();
    let next = submit(&one, trace, &json!({ "description": "Write another function" })).await;
    for watcher in [&mut watcher, &mut newcomer] {
        assert_eq!(watcher.next().await["task_id"], next);
    }
}

#[tokio::test]
async fn two_thousand_idle_subscribers_cost_less_than_100_mib_and_leave_nothing_behind() {
    const SUBSCRIBERS: usize = 2_000;
    let stack = Plan::gateway_only().start().await;
    let client = stack.client();
    let pid = stack.pid(Role::Gateway);
    // What the process needs for any request at all is there before it is measured.
    let mut first = Watcher::open(&client, &format!("/ws/{}", Uuid::new_v4())).await;
    first.next().await;
    let before = usage(pid).resident_mib;
    let mut watchers = Vec::with_capacity(SUBSCRIBERS);
    while watchers.len() < SUBSCRIBERS {
        let open = (0..100).map(|_| async {
            let trace = Uuid::new_v4();
            let mut watcher = Watcher::open(&client, &format!("/ws/{trace}")).await;
            assert_eq!(watcher.next().await["trace_id"], trace.to_string());
            (trace, watcher)
        });
        watchers.extend(join_all(open).await);
    }
    let mib = usage(pid).resident_mib - before;
    println!("{SUBSCRIBERS} idle subscribers cost {mib:.1} MiB");
    assert!(mib < 100.0, "{mib} MiB");

    let (trace, watcher) = &mut watchers[SUBSCRIBERS / 2];
    let task_id = submit(&client, *trace, &json!({ "description": "Write a function" })).await;
    assert_eq!(watcher.next().await["task_id"], task_id);

    drop(watchers);
    subscribers_become(&client, 1).await;
}

#[tokio::test]
async fn a_peer_that_vanishes_without_a_word_is_forgotten() {
    let stack = Plan::gateway_only().setting(Role::Gateway, "DATS_LIVE__PING_SECONDS", "1").start().await;
    let client = stack.client();
    let proxy = Proxy::in_front_of(client.url()).await;
    let beyond = Client::new(proxy.url(client.url()));
    let path = format!("/ws/{}", Uuid::new_v4());
    let (mut near, mut far) = (Watcher::open(&client, &path).await, Watcher::open(&beyond, &path).await);
    near.next().await;
    far.next().await;
    subscribers_become(&client, 2).await;
    proxy.freeze();
    // Reading answers pings.
    tokio::select! {
        () = subscribers_become(&client, 1) => {}
        message = near.next() => panic!("{message}"),
    }
    assert!(near.try_next(Duration::from_secs(3)).await.is_none(), "the other one is still served");
    subscribers_become(&client, 1).await;
}
