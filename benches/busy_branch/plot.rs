//! The figures as a picture that is read in light and in dark.

use crate::{Figure, RATES, Row, world::Method};
use std::fmt::Write as _;

/// One of the two diagrams: where it stands, and what it shows.
struct Panel {
    left: f64,
    title: &'static str,
    figure: fn(&Row) -> Figure,
}

const PANELS: [Panel; 2] = [
    Panel { left: 56.0, title: "builds that were pinned, in %", figure: |row| row.pinned },
    Panel { left: 446.0, title: "pins that are wrong, in %", figure: |row| row.wrong },
];
const WIDTH: f64 = 310.0;
const HEIGHT: f64 = 230.0;
const TOP: f64 = 54.0;

/// How a method is drawn: told apart by its dashes and marks, not by color alone.
fn look(method: Method) -> (&'static str, &'static str, f64) {
    match method {
        Method::Exact => ("exact", "6 3", 3.0),
        Method::PinsOnly => ("pins", "2 3", 3.0),
        Method::Inputs => ("inputs", "none", 4.0),
        Method::Rebase => ("rebase", "9 3 2 3", 4.0),
    }
}

const STYLE: &str = "
  .ground { fill: #ffffff } text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .grid { stroke: #d1d9e0; stroke-width: 1 } .line { fill: none; stroke-width: 2 } .spread { stroke-width: 1.5 }
  .exact { stroke: #0969da; fill: #0969da } .pins { stroke: #8250df; fill: #8250df }
  .inputs { stroke: #1a7f37; fill: #1a7f37 } .rebase { stroke: #cf222e; fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #3d444d }
    .exact { stroke: #58a6ff; fill: #58a6ff } .pins { stroke: #bc8cff; fill: #bc8cff }
    .inputs { stroke: #3fb950; fill: #3fb950 } .rebase { stroke: #ff7b72; fill: #ff7b72 }
  }
  .line { fill: none }
";

/// Both diagrams, as SVG.
pub(crate) fn drawn(rows: &[Row]) -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 780 380\" role=\"img\" aria-labelledby=\"title\">\n\
         <title id=\"title\">Share of builds pinned, and share of pins that are wrong, over merges per build time</title>\n",
    );
    writeln!(svg, "<style>{STYLE}</style>\n<rect class=\"ground\" width=\"780\" height=\"380\" rx=\"8\"/>")
        .ok();
    for panel in &PANELS {
        draw(&mut svg, panel, rows);
    }
    for (place, method) in Method::ALL.into_iter().enumerate() {
        let (class, dashes, _) = look(method);
        let x = [56.0, 176.0, 316.0, 446.0][place];
        writeln!(
            svg,
            "<path class=\"line {class}\" stroke-dasharray=\"{dashes}\" d=\"M{x} 358h34\"/><text x=\"{}\" y=\"362\">{method}</text>",
            x + 42.0
        )
        .ok();
    }
    svg + "</svg>\n"
}

/// A rate doubles from mark to mark.
fn across(panel: &Panel, rate: f64) -> f64 {
    let (first, last) = (RATES[0].log2(), RATES[RATES.len() - 1].log2());
    panel.left + WIDTH * (rate.log2() - first) / (last - first)
}

fn down(share: f64) -> f64 {
    TOP + HEIGHT * (1.0 - share.clamp(0.0, 1.0))
}

fn draw(svg: &mut String, panel: &Panel, rows: &[Row]) {
    let Panel { left, title, figure } = panel;
    writeln!(svg, "<text x=\"{left}\" y=\"30\">{title}</text>").ok();
    for percent in [0, 25, 50, 75, 100] {
        let y = down(f64::from(percent) / 100.0);
        writeln!(svg, "<path class=\"grid\" d=\"M{left} {y:.1}h{WIDTH}\"/>").ok();
        let (x, y) = (left - 8.0, y + 4.0);
        writeln!(svg, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{percent}</text>").ok();
    }
    for rate in RATES {
        let label = if rate < 1.0 { format!("1/{}", 1.0 / rate) } else { rate.to_string() };
        let (x, y) = (across(panel, rate), TOP + HEIGHT + 20.0);
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>").ok();
    }
    let (x, y) = (left + WIDTH / 2.0, TOP + HEIGHT + 42.0);
    writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">merges per build time</text>").ok();
    for method in Method::ALL {
        let (class, dashes, size) = look(method);
        let mut line = String::new();
        // Where nothing is pinned, no pin is wrong or right.
        for row in rows.iter().filter(|row| row.method == method && figure(row).mean.is_finite()) {
            let (x, Figure { mean, within }) = (across(panel, row.rate), figure(row));
            let (y, high, low) = (down(mean), down(mean + within), down(mean - within));
            write!(line, "{}{x:.1} {y:.1}", if line.is_empty() { "M" } else { "L" }).ok();
            writeln!(svg, "<path class=\"spread {class}\" d=\"M{x:.1} {high:.1}V{low:.1}\"/>").ok();
            writeln!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{size}\"/>").ok();
        }
        writeln!(svg, "<path class=\"line {class}\" stroke-dasharray=\"{dashes}\" d=\"{line}\"/>").ok();
    }
}
