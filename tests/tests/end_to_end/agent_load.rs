//! Many agents at once: everything that they say is taken in, and all of them are listed.

use std::time::Duration;

use end_to_end::{Plan, Role};
use stand_ins::agent::load::{LoadSettings, run};

#[tokio::test]
async fn everything_that_many_agents_say_is_taken_in_and_all_of_them_are_listed() {
    let slots = "DATS_TASK_MANAGEMENT__MAX_CONCURRENT_PER_PROJECT";
    let stack = Plan::new().setting(Role::Gateway, slots, "200").start().await;
    let settings = LoadSettings {
        rabbitmq_url: stack.outsider().0.url().to_owned(),
        gateway_url: stack.client().url().to_owned(),
        heartbeats: 600,
        agents: 300,
        results: 100,
        rate: 1_000,
        listings: 2,
        patience: Duration::from_secs(120),
    };
    let report = run(&settings).await.unwrap();
    println!("{report}");
    assert_eq!(report.heartbeats.unwrap().messages, 600);
    assert_eq!(report.results.unwrap().messages, 100);
    // One more has the last word.
    assert_eq!(report.listing.unwrap().agents, 301);
    assert_eq!(stack.outsider().depth("reply_queue.dead").await, 0);
}
