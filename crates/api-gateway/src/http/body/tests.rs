//! Bodies: every kind of bad one is refused with the right code and every bad field named; nothing panics.

use proptest::prelude::*;
use protocol::TaskId;
use protocol::vocabulary::{Priority, Tier};
use serde_json::{Value, json};

use super::json::MAX_DEPTH;
use super::{Fields, ReadBody, read_body};
use crate::http::words::ConfiguredWords;

/// One field of each kind.
#[derive(Debug, PartialEq)]
struct Sample {
    text: String,
    word: Option<Priority>,
    open_word: Option<Tier>,
    number: Option<u32>,
    flag: Option<bool>,
    ids: Option<Vec<TaskId>>,
    free: Option<serde_json::Map<String, Value>>,
    nested: Option<u32>,
}

impl ReadBody for Sample {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let text = fields.required("text", |node| node.text(1..=5));
        let sample = Self {
            text: String::new(),
            word: fields.optional("word", |node| node.parsed()),
            open_word: fields.optional("open_word", |node| node.tier()),
            number: fields.optional("number", |node| node.integer(1..=10)),
            flag: fields.optional("flag", |node| node.flag()),
            ids: fields.optional("ids", |node| node.list(|item| item.uuid())),
            free: fields.optional("free", |node| node.open_object(|_| ())),
            nested: fields.optional("nested", |node| {
                node.object(|fields| fields.required("inner", |node| node.integer(0..=3)))
            }),
        };
        text.map(|text| Self { text, ..sample })
    }
}

fn read(body: &str) -> Result<Sample, (u16, Vec<String>)> {
    read_body(body.as_bytes(), &ConfiguredWords::default())
        .map_err(|error| (error.code().number(), error.fields()))
}

/// The fields that are refused when `members` are added to a good body.
fn refused(members: Value) -> Vec<String> {
    let mut body = json!({ "text": "ok" });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    match read(&body.to_string()) {
        Ok(sample) => panic!("taken: {sample:?}"),
        Err((code, fields)) => {
            assert_eq!(code, 1002, "{body}");
            fields
        }
    }
}

#[test]
fn a_good_body_is_read() {
    let id = "0190f3a1-0000-7000-8000-000000000001";
    let body = json!({
        "text": "é€😀", "word": "high", "open_word": "tiny", "number": 3.0, "flag": true, "ids": [id],
        "free": { "a": [1, null] }, "nested": { "inner": 0 }
    });
    let sample = read(&body.to_string()).unwrap();
    assert_eq!((sample.text.as_str(), sample.word, sample.number), ("é€😀", Some(Priority::High), Some(3)));
    assert_eq!((sample.open_word, sample.flag, sample.nested), (Some(Tier::Tiny), Some(true), Some(0)));
    assert_eq!(sample.ids, Some(vec![id.parse().unwrap()]));
    assert_eq!(sample.free.unwrap()["a"], json!([1, null]));
}

#[test]
fn an_optional_field_may_be_null() {
    let sample = read(r#"{"text":"x","word":null,"number":null,"free":null,"nested":null}"#).unwrap();
    assert_eq!((sample.word, sample.number, sample.free, sample.nested), (None, None, None, None));
}

#[test]
fn every_wrong_kind_of_value_names_its_field() {
    for (members, field) in [
        (json!({ "text": 1 }), "text"),
        (json!({ "text": "" }), "text"),
        (json!({ "text": "   " }), "text"),
        (json!({ "text": "sixsix" }), "text"),
        (json!({ "text": "a\u{0}" }), "text"),
        (json!({ "text": null }), "text"),
        (json!({ "word": "urgent" }), "word"),
        (json!({ "word": ["high"] }), "word"),
        (json!({ "open_word": "medium" }), "open_word"),
        (json!({ "number": 0 }), "number"),
        (json!({ "number": 11 }), "number"),
        (json!({ "number": -1 }), "number"),
        (json!({ "number": 1.5 }), "number"),
        (json!({ "number": 1e300 }), "number"),
        (json!({ "number": u64::MAX }), "number"),
        (json!({ "number": "3" }), "number"),
        (json!({ "flag": "true" }), "flag"),
        (json!({ "flag": 1 }), "flag"),
        (json!({ "ids": {} }), "ids"),
        (json!({ "ids": ["x"] }), "ids[0]"),
        (json!({ "ids": ["0190f3a1000070008000000000000001"] }), "ids[0]"),
        (json!({ "free": [] }), "free"),
        (json!({ "free": { "a": ["b", "c\u{0}"] } }), "free.a[1]"),
        (json!({ "free": { "a": { "b\u{0}": 1 } } }), "free.a"),
        (json!({ "nested": {} }), "nested.inner"),
        (json!({ "nested": { "inner": 4 } }), "nested.inner"),
        (json!({ "nested": { "inner": 1, "more": 2 } }), "nested.more"),
        (json!({ "extra": 1 }), "extra"),
    ] {
        assert_eq!(refused(members.clone()), [field], "{members}");
    }
}

#[test]
fn a_tier_that_settings_add_is_taken() {
    let words = ConfiguredWords::new(vec![Tier::Tiny, Tier::Other("huge".to_owned())]);
    let sample: Sample = read_body(br#"{"text":"x","open_word":"huge"}"#, &words).unwrap();
    assert_eq!(sample.open_word, Some(Tier::Other("huge".to_owned())));
    assert!(read_body::<Sample>(br#"{"text":"x","open_word":"small"}"#, &words).is_err());
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let fields = refused(json!({
        "text": 1, "word": "x", "ids": ["x", "y"], "nested": { "inner": 9, "odd": 1 }, "odd": 1
    }));
    assert_eq!(fields, ["text", "word", "ids[0]", "ids[1]", "nested.inner", "nested.odd", "odd"]);
}

#[test]
fn what_is_not_json_is_told_apart_from_json_that_is_not_taken() {
    let deep = |levels: usize| format!(r#"{{"free":{}{}}}"#, r#"{"a":"#.repeat(levels), "}".repeat(levels));
    for (body, code) in [
        ("", 1003),
        ("{", 1003),
        ("{'text':'x'}", 1003),
        (r#"{"text":"x"} x"#, 1003),
        (r#"{"text":NaN}"#, 1003),
        ("\u{feff}{}", 1003),
        (deep(3).as_str(), 1003),
        ("[".repeat(100_000).as_str(), 1003),
        ("[]", 1002),
        ("null", 1002),
        ("\"text\"", 1002),
        (r#"{"text":"x","number":1e999}"#, 1002),
        (r#"{"text":"\ud800"}"#, 1002),
        (format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).as_str(), 1002),
    ] {
        let (found, _) = read(body).unwrap_err();
        assert_eq!(found, code, "{}", &body.chars().take(60).collect::<String>());
    }
    let words = ConfiguredWords::default();
    assert_eq!(read_body::<Sample>(b"{\"text\":\"\xff\"}", &words).unwrap_err().code().number(), 1003);
}

#[test]
fn nesting_is_taken_up_to_its_limit() {
    // The body itself and `free` are the first levels.
    let nested = |levels: usize| {
        let inside = format!("{}1{}", "[".repeat(levels - 2), "]".repeat(levels - 2));
        format!(r#"{{"text":"x","free":{{"a":{inside}}}}}"#)
    };
    assert!(read(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(read(&nested(MAX_DEPTH + 1)), Err((1002, vec!["body".to_owned()])));
}

#[test]
fn of_two_members_with_one_name_the_last_counts() {
    assert_eq!(read(r#"{"text":"a","text":"b"}"#).unwrap().text, "b");
}

#[test]
fn the_list_of_findings_is_bounded() {
    let members: serde_json::Map<_, _> =
        (0..5000).map(|index| (format!("{}{index}", "x".repeat(500)), json!(1))).collect();
    let fields = refused(Value::Object(members));
    assert_eq!(fields.len(), 101);
    assert!(fields.iter().all(|field| field.len() <= 100));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let names = prop_oneof![
        prop::sample::select(vec!["text", "word", "number", "flag", "ids", "free", "nested", "inner"])
            .prop_map(ToOwned::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_either_a_value_or_names_a_bad_field(body in any_json()) {
        if let Err((code, fields)) = read(&body.to_string()) {
            prop_assert_eq!(code, 1002);
            prop_assert!(!fields.is_empty());
        }
    }

    #[test]
    fn any_bytes_are_either_a_value_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = read_body::<Sample>(&body, &ConfiguredWords::default()) {
            prop_assert!([1002, 1003].contains(&error.code().number()));
        }
    }
}
