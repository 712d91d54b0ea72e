//! The picture of a trace: a row for each span, a bar for its time, a colour for its service.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Collected;

const ROW: u64 = 24;
const TOP: u64 = 84;
const LEFT: u64 = 400;
const WIDTH: u64 = 620;
const MARGIN: u64 = 16;
/// Room for the duration behind a bar that ends where the picture does.
const BEHIND: u64 = 80;
/// Most pixels by which a name is moved in below its parent's.
const DEEPEST_INDENT: u64 = 96;
const INDENT: u64 = 12;
const INK: &str = "#1f2933";
const FAINT: &str = "#52606d";

/// Draws a trace as SVG. `spans` are in the order of their beginnings.
#[must_use]
pub fn picture(title: &str, spans: &[Collected]) -> String {
    let begin = spans.iter().map(|span| span.time.0).min().unwrap_or_default();
    let end = spans.iter().map(|span| span.time.1).max().unwrap_or_default();
    let scale = Scale { begin, whole: (end - begin).max(1) };
    let (width, height) = (LEFT + WIDTH + BEHIND, TOP + ROW * spans.len() as u64 + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"26\" font-size=\"15\" fill=\"{INK}\">{title}</text>\n",
        title = escaped(title)
    );
    legend(&mut svg, spans);
    axis(&mut svg, scale, height);
    let depths = depths(spans);
    for (place, span) in (0..).zip(spans) {
        row(&mut svg, TOP + ROW * place, span, depths.get(&span.span_id).copied().unwrap_or_default(), scale);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Which time is where.
#[derive(Debug, Clone, Copy)]
struct Scale {
    begin: u64,
    whole: u64,
}

impl Scale {
    fn x(self, time: u64) -> u64 {
        LEFT + (time - self.begin) * WIDTH / self.whole
    }
}

// Writing to a text cannot fail.

fn legend(svg: &mut String, spans: &[Collected]) {
    let services: BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
    for (place, service) in (0..).zip(services) {
        let x = MARGIN + place * 150;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"40\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\"/><text x=\"{}\" y=\"51\" \
             fill=\"{INK}\">{}</text>",
            color_of(service),
            x + 18,
            escaped(service)
        );
    }
}

/// Lines at four parts of the time, with what they stand for.
fn axis(svg: &mut String, scale: Scale, height: u64) {
    for quarter in 0..=4 {
        let time = scale.whole * quarter / 4;
        let x = scale.x(scale.begin + time);
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\" stroke=\"#e4e7eb\"/><text x=\"{x}\" y=\"{}\" \
             fill=\"{FAINT}\" font-size=\"11\" text-anchor=\"middle\">{}</text>",
            TOP - 10,
            height - MARGIN,
            TOP - 16,
            milliseconds(time)
        );
    }
}

fn row(svg: &mut String, top: u64, span: &Collected, depth: u64, scale: Scale) {
    let (from, to) = (scale.x(span.time.0), scale.x(span.time.1));
    let width = to.saturating_sub(from).max(2);
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" fill=\"{INK}\">{}</text><rect class=\"span\" x=\"{from}\" y=\"{top}\" \
         width=\"{width}\" height=\"14\" rx=\"2\" fill=\"{}\"><title>{}, {}</title></rect><text x=\"{}\" y=\"{}\" \
         fill=\"{FAINT}\" font-size=\"11\">{}</text>",
        MARGIN + (depth * INDENT).min(DEEPEST_INDENT),
        top + 12,
        escaped(&span.name),
        color_of(&span.service),
        escaped(&span.service),
        escaped(&span.kind),
        from + width + 6,
        top + 11,
        milliseconds(span.time.1.saturating_sub(span.time.0))
    );
}

/// How many spans each span is below.
fn depths(spans: &[Collected]) -> BTreeMap<Vec<u8>, u64> {
    let parents: BTreeMap<&[u8], &[u8]> =
        spans.iter().map(|span| (span.span_id.as_slice(), span.parent_id.as_slice())).collect();
    let depth = |span: &Collected| {
        let mut depth = 0;
        let mut at = span.span_id.as_slice();
        while let Some(parent) = parents.get(at).filter(|parent| parents.contains_key(*parent)) {
            at = parent;
            depth += 1;
            // A trace has no circles; a broken one must not hang the test.
            if depth > spans.len() as u64 {
                break;
            }
        }
        depth
    };
    spans.iter().map(|span| (span.span_id.clone(), depth(span))).collect()
}

fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.1} ms", nanoseconds as f64 / 1e6)
}

fn color_of(service: &str) -> &'static str {
    match service {
        "api-gateway" => "#2563eb",
        "routing-engine" => "#b45309",
        "provenance-store" => "#047857",
        _ => "#6b7280",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
