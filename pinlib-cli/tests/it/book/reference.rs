//! The pages of the book that are made: `SNAPSHOTS=overwrite cargo test -p pinlib-cli --test it book::reference` makes them.

use super::{
    super::scene::{Result, Scene},
    root,
};
use serde_json::Value;
use std::{fmt::Write as _, fs};

/// Holds a page against what it should be, or writes it.
fn is(path: &str, made: &str) -> Result {
    let file = root().join(path);
    if std::env::var_os("SNAPSHOTS").is_some_and(|wish| wish == "overwrite") {
        fs::write(&file, made)?;
    }
    let there = fs::read_to_string(&file)?;
    snapbox::Assert::new().try_eq(Some(&path), there.into(), snapbox::Data::from(made.to_owned()).raw())?;
    Ok(())
}

#[test]
fn the_reference_of_the_command_line_is_its_help() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let mut page = "# Command line\n\nWhat `--help` says of each command. [Exit codes](exit-codes.md) and [what `--json` \
                    prints](receipt.md) have\npages of their own.\n"
        .to_owned();
    helps(&scene, &[], &mut page)?;
    is("docs/reference/cli.md", &page)
}

/// The help of a command, then that of each command below it.
fn helps(scene: &Scene, command: &[&str], page: &mut String) -> Result {
    let help = scene.run(&[command, &["--help"]].concat())?.out;
    let name = [&["pinlib"], command].concat().join(" ");
    assert!(help.lines().all(|line| line.chars().count() <= 100), "too wide: {help}");
    let oid = help.split(|c: char| !c.is_ascii_hexdigit()).find(|word| word.len() >= 40);
    assert_eq!(oid, None, "{name} --help is another in each build");
    let text: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
    write!(page, "\n## {name}\n\n```text\n{}\n```\n", text.join("\n"))?;
    let below =
        text.iter().skip_while(|line| **line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<_> = below
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(!names.is_empty() || help.contains("\nExample"), "{name} --help has no example");
    names.iter().try_for_each(|name| helps(scene, &[command, &[name]].concat(), page))
}

#[test]
fn the_reference_of_the_configuration_is_its_schema() -> Result {
    let page = "# pinlib.yaml\n\nMade from its schema, [pinlib.schema.json](pinlib.schema.json), which an editor can use:\n\
                `# yaml-language-server: $schema=…/pinlib.schema.json`. pinlib reads the file that `--config` or `PINLIB_CONFIG`\n\
                names, else the nearest `pinlib.yaml` upwards. A key that it does not know is an error, with its place. A key with ? may be left\n\
                out.\n";
    is("docs/reference/config.md", &reference(page, "pinlib.schema.json")?)
}

#[test]
fn the_reference_of_the_receipt_is_its_schema() -> Result {
    let page = "# What --json prints\n\nMade from its schema, [receipt.schema.json](receipt.schema.json). One object, on one line, \
                also when the command fails.\nA field is added, never renamed or removed, while `version` stands at 1; oids and \
                digests are whole. A key with ? may be null.\n\nEach command adds its own fields to those of the first table: \
                [`pin`, `plan`, `rollback`, `promote`](#pin), [`check`](#check),\n[`resolve`](#resolve), [`doctor`](#doctor), \
                [`init`](#init), [`log`](#log), [`audit`](#audit); `schema` has `schema`, and\n`completions` and `man` have \
                `file`.\n";
    is("docs/reference/receipt.md", &reference(page, "receipt.schema.json")?)
}

fn reference(head: &str, schema: &str) -> Result<String> {
    let schema: Value = serde_json::from_slice(&fs::read(root().join("docs/reference").join(schema))?)?;
    let mut page = head.to_owned();
    object(&mut page, "The whole", &schema)?;
    for (name, schema) in schema["$defs"].as_object().into_iter().flatten() {
        object(&mut page, name, schema)?;
    }
    Ok(page)
}

/// A section: what it is, and a table of its keys or of its values.
fn object(page: &mut String, name: &str, schema: &Value) -> Result {
    write!(page, "\n## {name}\n")?;
    if let Some(text) = schema["description"].as_str() {
        write!(page, "\n{}\n", text.replace('\n', " "))?;
    }
    let required =
        |key: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == key));
    if let Some(keys) = schema["properties"].as_object() {
        page.push_str("\n| key | type | |\n|---|---|---|\n");
        for (key, value) in keys {
            let mark = if required(key) { "" } else { "?" };
            writeln!(page, "| `{key}`{mark} | {} | {} |", kind(value), said(value))?;
        }
    } else if let Some(values) = schema["oneOf"].as_array() {
        page.push_str("\n| value | |\n|---|---|\n");
        for value in values {
            for name in value["enum"].as_array().into_iter().flatten().chain(value.get("const")) {
                writeln!(page, "| `{}` | {} |", name.as_str().unwrap_or_default(), said(value))?;
            }
        }
    } else {
        writeln!(page, "\nType: {}.", kind(schema))?;
    }
    Ok(())
}

fn said(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

/// The type in a word or two, with a link where it has a section.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let any: Vec<_> =
        schema["anyOf"].as_array().into_iter().flatten().map(kind).filter(|kind| kind != "null").collect();
    if !any.is_empty() {
        return any.join(" or ");
    }
    let names: Vec<_> = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect()
        }
        _ => vec!["anything"],
    };
    match names[..] {
        ["array"] => format!("list of {}", kind(&schema["items"])),
        ["object"] if schema["additionalProperties"].is_object() => {
            format!("map to {}", kind(&schema["additionalProperties"]))
        }
        _ => names.join(" or "),
    }
}
