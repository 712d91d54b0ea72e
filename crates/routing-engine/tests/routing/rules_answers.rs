//! What the shipped rules say about descriptions as people write them, as one table to read and judge.

use std::fmt::Write as _;

use routing_engine::analysis::rules::{DEFAULT_RULES, Rules};
use routing_engine::decision::Assessment;

use crate::support::settings;

const DESCRIPTIONS: [&str; 32] = [
    // code-general
    "Write a Python function that parses ISO 8601 durations and returns seconds.",
    "Fix the race condition in the connection pool that makes requests hang under load.",
    "Refactor the order module: split the 2000 line class into smaller ones without changing behaviour.",
    "Add pagination to the REST API endpoint /orders.",
    "Rename the variable tmp to total in invoice.py.",
    "Add unit tests for the currency conversion library, including rounding.",
    "Implement OAuth2 login with refresh tokens for the backend.",
    "Build a distributed, fault tolerant job scheduler in Rust with exactly once semantics.",
    "Create a small CLI in Go that prints hello world.",
    "The nightly backup script crashes when the disk is full, please repair it.",
    // code-vision
    "Detect license plates in a video stream with OpenCV and draw bounding boxes.",
    "Train an image segmentation model that marks cracks on photos of bridges.",
    "Fix wrong colours after camera calibration.",
    // code-embedded
    "Write firmware for an STM32 that reads a temperature sensor over I2C and sends it over UART.",
    "Add a watchdog to the ESP32 bootloader.",
    // code-mobile
    "Create an Android app in Kotlin that shows the departures of the nearest station.",
    "Push notifications do not arrive on iOS when the app is in the background; find and fix the bug.",
    // documentation
    "Fix a typo in the README.",
    "Write a getting started guide for the payments API with examples in curl and Python.",
    "Summarise the changes since 2.1 as release notes for users.",
    "Document the retry behaviour of the message consumer.",
    // ui-design
    "Design wireframes for a checkout page with three steps.",
    "Improve the accessibility of our forms: contrast, focus order and labels as WCAG 2.2 asks.",
    "Make the settings dialog responsive and add a dark mode.",
    // architecture
    "Propose an architecture for a multi-tenant event platform that handles 100k messages per second.",
    "Write an architecture decision record on moving from the monolith to microservices.",
    // analysis
    "Analyse the web server logs of last week and find out why latency doubled on Tuesday.",
    "Compare the options for a managed PostgreSQL by cost and limits and report on them.",
    "Make a threat model of the file upload.",
    // by content of QA
    "Write a press release about the new office.",
    "Check the infusion pump software for compliance with IEC 62304.",
    // nothing to go by
    "Lorem ipsum dolor sit amet.",
];

fn describe(assessment: &Assessment) -> String {
    format!(
        "{} | {} | {} | {}",
        assessment.domain,
        assessment.tiers[0].tier,
        assessment.mode,
        assessment.qa_profile.as_ref().map_or("(consensus)", |profile| profile.as_str()),
    )
}

#[test]
fn descriptions_as_people_write_them_are_understood() {
    let rules = Rules::read(DEFAULT_RULES, &settings().routing.tier_table().unwrap()).unwrap();
    let mut table = String::from("domain | tier | mode | qa profile\n");
    for description in DESCRIPTIONS {
        let assessment = rules.assess(description, None);
        write!(table, "\n{description}\n    => {}\n", describe(&assessment)).unwrap();
        for reason in &assessment.reasons {
            writeln!(table, "       {reason}").unwrap();
        }
    }
    insta::assert_snapshot!("answers", table);
}

#[test]
fn long_descriptions_go_to_abler_tiers() {
    let tiers = settings().routing.tier_table().unwrap();
    let rules = Rules::read(DEFAULT_RULES, &tiers).unwrap();
    let rank_of = |length: usize| {
        let description = format!("Implement this. {}", "The total is the sum. ".repeat(length));
        tiers.rank(&rules.assess(&description, None).tiers[0].tier).unwrap()
    };
    let ranks: Vec<_> = [0, 40, 120, 400, 1200].map(rank_of).to_vec();
    assert!(ranks.is_sorted(), "{ranks:?}");
    assert!(ranks[0] < ranks[4], "{ranks:?}");
}

#[test]
fn the_same_description_is_always_understood_the_same_way() {
    let tiers = settings().routing.tier_table().unwrap();
    for description in DESCRIPTIONS {
        let answers: Vec<_> =
            (0..3).map(|_| Rules::read(DEFAULT_RULES, &tiers).unwrap().assess(description, None)).collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{description}");
    }
}
