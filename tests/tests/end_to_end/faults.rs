//! The short form of `make test-faults`: a fixed seed, every service, the broker and the database killed under load.

use end_to_end::faults::run::{Order, run};

#[tokio::test]
async fn whatever_fails_nothing_is_lost_and_nothing_done_twice() {
    let order = Order { seed: 20_261_121, time: None, tasks: 250 };
    let outcome = run(order).await;
    println!("{outcome:?}");
    assert!(outcome.promised > 0, "no task was taken");
    assert_eq!(outcome.violations, Vec::<String>::new(), "{order:?}");
}
