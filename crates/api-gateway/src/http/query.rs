//! Query strings: read with the same care as bodies, every bad parameter named.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use protocol::Timestamp;
use protocol::vocabulary::Tier;
use uuid::Uuid;

use super::body::{parse_time, parse_uuid};
use super::findings::Findings;
use super::problem::ApiError;
use super::words::ConfiguredWords;

/// A query that an endpoint takes.
pub(crate) trait ReadQuery: Sized {
    /// `None` only after something was noted as wrong.
    fn read(parameters: &mut Parameters) -> Option<Self>;
}

/// The query of an endpoint that takes no parameters: whatever is given is not known.
#[derive(Debug)]
pub(crate) struct NoParameters;

impl ReadQuery for NoParameters {
    fn read(_: &mut Parameters) -> Option<Self> {
        Some(Self)
    }
}

/// Extractor of a query.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// The parameters of one request, taken out one by one; what is left at the end was not known.
#[derive(Debug)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    findings: Findings,
    words: ConfiguredWords,
}

impl Parameters {
    /// Every value of a parameter that may be repeated or hold a comma list.
    pub(crate) fn repeated<T: FromStr<Err: Display>>(&mut self, name: &str) -> Vec<T> {
        let given = self.take(name);
        let words = given.iter().flat_map(|value| value.split(',')).map(str::trim);
        words
            .filter_map(|word| match word.parse() {
                Ok(value) => Some(value),
                Err(error) => self.refuse(name, &format!("{error}")),
            })
            .collect()
    }

    /// A parameter that is an identifier or a word of its type.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let value = self.single(name)?;
        value.parse().or_else(|error| self.refuse(name, &format!("{error}")).ok_or(())).ok()
    }

    /// A text with that many characters.
    pub(crate) fn text(&mut self, name: &str, chars: RangeInclusive<usize>) -> Option<String> {
        let value = self.single(name)?;
        if chars.contains(&value.chars().count()) {
            return Some(value);
        }
        self.refuse(name, &format!("must have {} to {} characters", chars.start(), chars.end()))
    }

    /// One of `words`, in a vocabulary that is open on the wire but closed to clients.
    pub(crate) fn word<T: for<'w> From<&'w str>>(&mut self, name: &str, words: &[&str]) -> Option<T> {
        let value = self.single(name)?;
        if words.contains(&value.as_str()) {
            return Some(T::from(value.as_str()));
        }
        self.refuse(name, &format!("must be one of {}", words.join(", ")))
    }

    /// A tier that this installation has.
    pub(crate) fn tier(&mut self, name: &str) -> Option<Tier> {
        let words = self.words.clone();
        self.word(name, &words.tiers())
    }

    /// A whole number in that range.
    pub(crate) fn integer(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.single(name)?;
        match value.parse() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => self.refuse(name, &format!("must be an integer from {} to {}", range.start(), range.end())),
        }
    }

    /// A UUID in its hyphenated form.
    pub(crate) fn uuid<T: From<Uuid>>(&mut self, name: &str) -> Option<T> {
        let value = self.single(name)?;
        parse_uuid(&value).map(T::from).or_else(|| self.refuse(name, "must be a UUID"))
    }

    /// A point in time from 1970 to 9999. A `+` of an offset that was not percent-encoded arrives as a blank.
    pub(crate) fn time(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.single(name)?;
        parse_time(&value)
            .or_else(|| parse_time(&value.replace(' ', "+")))
            .or_else(|| self.refuse(name, "must be a time as RFC 3339 has it, from 1970 to 9999"))
    }

    /// Notes that a parameter is wrong.
    pub(crate) fn refuse<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.findings.add(name, message);
        None
    }

    fn single(&mut self, name: &str) -> Option<String> {
        let mut given = self.take(name);
        match given.len() {
            0 | 1 => given.pop(),
            _ => self.refuse(name, "must not be repeated"),
        }
    }

    fn take(&mut self, name: &str) -> Vec<String> {
        let (taken, left) = std::mem::take(&mut self.pairs).into_iter().partition(|(key, _)| key == name);
        self.pairs = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }
}

/// Reads a query string as `T`.
///
/// # Errors
/// 1002 with every bad parameter.
pub(crate) fn read_query<T: ReadQuery>(query: &str, words: ConfiguredWords) -> Result<T, ApiError> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query)
        .map(web::Query::into_inner)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    let mut findings = Findings::default();
    for (name, value) in &pairs {
        // PostgreSQL keeps no NUL character in text, so none gets past the edge.
        if value.contains('\0') {
            findings.add(name, "must not contain the NUL character");
        }
    }
    let mut parameters = Parameters { pairs, findings, words };
    let read = T::read(&mut parameters);
    let Parameters { pairs, mut findings, .. } = parameters;
    for (name, _) in pairs {
        findings.add(super::findings::member_path("", &name), "is not a known parameter");
    }
    findings.conclude(read)
}

impl<T: ReadQuery> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let words = request.app_data::<ConfiguredWords>().cloned().unwrap_or_default();
        std::future::ready(read_query(request.query_string(), words).map(Self))
    }
}
