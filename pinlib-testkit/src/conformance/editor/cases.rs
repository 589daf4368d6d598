//! The cases. Each name is the guarantee.

use super::{
    EditorWorld, Outcome, check, disjoint, edit, every_edit, file, names_the_file, pin, recognised, sites,
    spliced, text,
};
use crate::memory::MemoryForge;
use pinlib::{Digest, EditErrorKind, FileAt, ParseError, PinError, PinOptions, Target};
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

pub fn sites_are_in_order_apart_and_inside(world: &dyn EditorWorld) -> Outcome {
    let file = file(world, world.sample().text)?;
    let sites = sites(world, &file)?;
    check(!sites.is_empty(), "a file without sites is an error", "an empty list")?;
    let spans = || format!("{:?}", sites.iter().map(|site| &site.span).collect::<Vec<_>>());
    check(disjoint(&file, &sites), "I4: spans are in order, apart and inside the file", spans())?;
    let names: BTreeSet<_> = sites.iter().map(|site| &site.locator).collect();
    check(names.len() == sites.len(), "I4: one locator names one site", format!("{sites:?}"))
}

pub fn a_span_is_one_scalar_at_its_line(world: &dyn EditorWorld) -> Outcome {
    let file = file(world, world.sample().text)?;
    for site in sites(world, &file)? {
        let bytes = file.bytes.get(site.span.clone()).unwrap_or_default();
        let one = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(char::is_whitespace));
        let found = String::from_utf8_lossy(bytes);
        check(one, "I4: a span is one scalar, and takes in nothing beside it", &found)?;
        if !site.span.is_empty() {
            let before = String::from_utf8_lossy(&file.bytes[..site.span.start]);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let found = format!("{}:{} for {line}:{column}", site.line, site.column);
            check((site.line, site.column) == (line, column), "a site tells its line and column", found)?;
        }
    }
    Ok(())
}

pub fn the_same_bytes_have_the_same_sites(world: &dyn EditorWorld) -> Outcome {
    let file = file(world, world.sample().text)?;
    let (one, two) = (sites(world, &file)?, sites(world, &file)?);
    check(one == two, "I4: an editor is a pure function of the file", format!("{two:?}"))?;
    let text = |digest| one.iter().map(|site| world.editor().pinned(&file, site, digest)).collect::<Vec<_>>();
    check(text(world.digest()) == text(world.digest()), "I4: the same edit, each time", "another")
}

pub fn an_edit_changes_its_span_alone(world: &dyn EditorWorld) -> Outcome {
    every_edit(world, world.sample().text).map(drop)
}

pub fn an_edit_twice_is_an_edit_once(world: &dyn EditorWorld) -> Outcome {
    for once in every_edit(world, world.sample().text)? {
        let all = sites(world, &once)?;
        let held: Vec<_> =
            all.iter().filter(|site| site.image.digest() == Some(world.digest())).cloned().collect();
        let twice = edit(world, &once, &all, &held, world.digest())?;
        let found = String::from_utf8_lossy(&twice.bytes);
        check(twice.bytes == once.bytes, "I4: an edit that changes nothing is byte-identical", found)?;
    }
    Ok(())
}

pub fn a_later_digest_leaves_nothing_of_the_first(world: &dyn EditorWorld) -> Outcome {
    let before = file(world, world.sample().text)?;
    let all = sites(world, &before)?;
    let right = edit(world, &before, &all, &all, world.digest())?;
    let first = edit(world, &before, &all, &all, Digest::of(b"first"))?;
    let later = sites(world, &first)?;
    let later = edit(world, &first, &later, &later, world.digest())?;
    let found = String::from_utf8_lossy(&later.bytes);
    check(later.bytes == right.bytes, "I4: a pin over a pin is as the pin alone", found)
}

pub fn the_core_commits_what_the_editor_wrote(world: &dyn EditorWorld) -> Outcome {
    let before = file(world, world.sample().text)?;
    let all = sites(world, &before)?;
    for image in all.iter().map(|site| site.image.bare()).collect::<BTreeSet<_>>() {
        let of_it: Vec<_> = all.iter().filter(|site| site.image.same_image(&image)).cloned().collect();
        let (right, _) = spliced(&*world.editor(), &before, &of_it, world.digest())?;
        let now = core(world, &before, image)?.map_err(text)?;
        let found = String::from_utf8_lossy(&now);
        check(now == right.bytes, "I4: the commit is the file with its sites rewritten", found)?;
    }
    Ok(())
}

/// What the core makes of the file, when it pins an image there.
fn core(
    world: &dyn EditorWorld,
    before: &FileAt,
    image: pinlib::Reference,
) -> Result<Result<Vec<u8>, PinError>, String> {
    let (forge, branch) =
        (Arc::new(MemoryForge::default()), "main".parse().map_err(|e: ParseError| text(e))?);
    let words = String::from_utf8(before.bytes.clone()).map_err(text)?;
    let source = forge.push(&branch, &[(before.path.clone(), &words)], "source");
    let target = Target::new(before.path.clone(), world.editor());
    let end = pin(&forge, source, target, image, world.digest(), PinOptions::default());
    Ok(end.map(|receipt| forge.files(receipt.commit).remove(&before.path).unwrap_or_default()))
}

pub fn its_own_edit_is_recognised(world: &dyn EditorWorld) -> Outcome {
    let before = file(world, world.sample().text)?;
    let all = sites(world, &before)?;
    let same = world.editor().verify(&before, &before, &[]);
    check(same.is_ok(), "I4: a file reads as itself", format!("{same:?}"))?;
    for chosen in all.chunks(1).chain([&all[..]]) {
        let (after, _) = spliced(&*world.editor(), &before, chosen, world.digest())?;
        let known = recognised(world, &before, &after, chosen, world.digest())?;
        check(known, "I4: the core recognises the editor's edit", format!("none at {chosen:?}"))?;
    }
    Ok(())
}

pub fn a_change_elsewhere_is_no_edit(world: &dyn EditorWorld) -> Outcome {
    let before = file(world, world.sample().text)?;
    let all = sites(world, &before)?;
    let (right, regions) = spliced(&*world.editor(), &before, &all, world.digest())?;
    let refused = |what: &str, bytes: Vec<u8>, sites: &[pinlib::Site]| {
        let after = FileAt { bytes, ..right.clone() };
        let known = recognised(world, &before, &after, sites, world.digest())?;
        check(!known, "I4: a pin changes nothing but its sites", what)
    };
    refused("a line more at the end", [&right.bytes[..], b"\n"].concat(), &all)?;
    refused("a line more at the beginning", [b"\n", &right.bytes[..]].concat(), &all)?;
    refused("a byte less at the end", right.bytes[..right.bytes.len() - 1].to_vec(), &all)?;
    for region in &regions {
        let (head, rest) = right.bytes.split_at(region.after.end);
        refused("a blank behind a site", [head, b" ", rest].concat(), &all)?;
    }
    if let [first, rest @ ..] = &all[..]
        && !rest.is_empty()
    {
        refused("a site that the record does not name", right.bytes.clone(), std::slice::from_ref(first))?;
    }
    Ok(())
}

pub fn another_digest_is_no_edit(world: &dyn EditorWorld) -> Outcome {
    let before = file(world, world.sample().text)?;
    let all = sites(world, &before)?;
    let (after, _) = spliced(&*world.editor(), &before, &all, Digest::of(b"another"))?;
    let known = recognised(world, &before, &after, &all, world.digest())?;
    check(!known, "I5: a site holds the digest that its record names", "another digest")?;
    let known = recognised(world, &before, &before, &all, world.digest())?;
    check(!known, "I5: a record of a digest that was not written is no pin", "it unwritten")
}

pub fn crlf_survives(world: &dyn EditorWorld) -> Outcome {
    let text = world.sample().text.replace('\n', "\r\n");
    for after in every_edit(world, text)? {
        let lines = String::from_utf8_lossy(&after.bytes).replace("\r\n", "");
        check(
            !lines.contains(['\n', '\r']),
            "I4: every line ends as the file's lines do",
            format!("{lines:?}"),
        )?;
    }
    Ok(())
}

pub fn a_byte_order_mark_survives(world: &dyn EditorWorld) -> Outcome {
    let mark = "\u{feff}";
    for after in every_edit(world, format!("{mark}{}", world.sample().text))? {
        let kept = after.bytes.strip_prefix(mark.as_bytes());
        let again = kept.is_some_and(|rest| rest.windows(mark.len()).any(|three| three == mark.as_bytes()));
        check(kept.is_some() && !again, "I4: the mark stays, where it stood", text(after.path))?;
    }
    Ok(())
}

pub fn a_missing_last_newline_survives(world: &dyn EditorWorld) -> Outcome {
    for after in every_edit(world, world.sample().text.trim_end_matches('\n'))? {
        check(!after.bytes.ends_with(b"\n"), "I4: no last newline is added", "one")?;
    }
    Ok(())
}

pub fn comments_and_other_alphabets_survive(world: &dyn EditorWorld) -> Outcome {
    let sample = world.sample();
    let Some(comment) = sample.comment else { return Ok(()) };
    let odd = format!("{comment} ünï 日本 🦀 \u{301}");
    for after in every_edit(world, format!("{odd}\n{}{odd}\n", sample.text))? {
        let now = String::from_utf8(after.bytes).map_err(text)?;
        let kept = now.starts_with(&format!("{odd}\n")) && now.ends_with(&format!("\n{odd}\n"));
        check(kept, "I4: comments stay as they stood", now)?;
    }
    Ok(())
}

pub fn an_unknown_image_is_no_site(world: &dyn EditorWorld) -> Outcome {
    let before = file(world, world.sample().text)?;
    let image = "registry.test/no/such-image".parse().map_err(|error: ParseError| text(error))?;
    match core(world, &before, image)? {
        Err(PinError::Edit(error)) if error.kind == EditErrorKind::NoSite => names_the_file(world, &error),
        other => check(false, "an image that the file does not name is NoSite", format!("{other:?}")),
    }
}

pub fn a_file_without_sites_is_no_site(world: &dyn EditorWorld) -> Outcome {
    let found = world.editor().sites(&file(world, world.sample().bare)?);
    match found {
        Err(error) if error.kind == EditErrorKind::NoSite => names_the_file(world, &error)?,
        other => return check(false, "a file without sites is NoSite", format!("{other:?}")),
    }
    let found = world.editor().sites(&file(world, "")?);
    let error = found.err().ok_or("an empty file is an error; found sites")?;
    names_the_file(world, &error)
}

/// A file that must be refused, at a line.
fn refused_at(world: &dyn EditorWorld, bytes: &[u8], line: usize) -> Outcome {
    let found = world.editor().sites(&file(world, bytes)?);
    let promise = "what is not of the format is Refused, with its line";
    match found {
        Err(error) if error.kind == EditErrorKind::Refused => {
            check(error.line == line, promise, format!("{error}, for line {line}"))?;
            names_the_file(world, &error)
        }
        other => check(false, promise, format!("{other:?}")),
    }
}

pub fn a_malformed_file_is_refused_with_its_line(world: &dyn EditorWorld) -> Outcome {
    let (text, line) = world.sample().malformed;
    refused_at(world, text.as_bytes(), line)
}

pub fn bytes_that_are_not_utf8_are_refused_with_their_line(world: &dyn EditorWorld) -> Outcome {
    let text = world.sample().text.as_bytes();
    let lines = world.sample().text.matches('\n').count();
    refused_at(world, &[text, b"\xff\n"].concat(), lines + 1)?;
    // A reader that is content with less would not notice here.
    if let Some(comment) = world.sample().comment {
        refused_at(world, &[comment.as_bytes(), b" \xff\n", text].concat(), 1)?;
    }
    refused_at(world, &[text, b"\xed\xa0\x80\n"].concat(), lines + 1)
}

pub fn a_hostile_file_is_an_error_and_no_panic(world: &dyn EditorWorld) -> Outcome {
    let (sample, deep) = (world.sample(), 100_000);
    let mut files: Vec<Vec<u8>> = ["[", "{", "{a: ", "- ", "? ", "a: &a [*a,", "(", "\"", "<a>"]
        .iter()
        .flat_map(|part| {
            let deep = part.repeat(deep);
            [deep.clone(), format!("{deep}{}", sample.text), format!("{}{deep}", sample.text)]
        })
        .map(String::into_bytes)
        .collect();
    let steps: String = (0..2_000).flat_map(|depth| [" ".repeat(depth), "a:\n".into()]).collect();
    files.push(steps.into_bytes());
    let text = sample.text.as_bytes();
    files.extend((0..text.len()).map(|end| text[..end].to_vec()));
    for at in 0..text.len() {
        for odd in [0, b'\n', b'\r', b'\t', b'"', b'\'', b'{', b':', b'@', 0x80, 0xff] {
            let mut bytes = text.to_vec();
            bytes[at] = odd;
            files.push(bytes);
        }
    }
    let utf16: Vec<u8> = sample.text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    files.extend([[b"\xff\xfe", &utf16[..]].concat(), vec![0; 99], b"\xff".repeat(99)]);
    files.into_iter().try_for_each(|bytes| harmless(world, &file(world, bytes)?))
}

/// Whether a file is read, or refused as it should be, and its sites edited, or refused.
fn harmless(world: &dyn EditorWorld, file: &FileAt) -> Outcome {
    let shown = || file.bytes.get(..80).unwrap_or(&file.bytes).escape_ascii();
    let outcome = catch_unwind(AssertUnwindSafe(|| match world.editor().sites(file) {
        Err(error) => names_the_file(world, &error),
        Ok(sites) => {
            check(!sites.is_empty(), "a file without sites is an error", "an empty list")?;
            check(disjoint(file, &sites), "I4: spans are in order, apart and inside the file", shown())?;
            for site in &sites {
                if let Err(error) = world.editor().pinned(file, site, world.digest()) {
                    names_the_file(world, &error)?;
                }
            }
            Ok(())
        }
    }));
    outcome.unwrap_or_else(|_panic| {
        check(false, "a hostile file is an error", format!("a panic at {}", shown()))
    })
}
