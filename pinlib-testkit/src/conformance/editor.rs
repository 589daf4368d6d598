//! What every editor must keep, as cases that any world can run.

use super::{Outcome, check};
use crate::{
    lines::ImageLines,
    memory::{MemoryClock, MemoryForge, bot},
    sim,
};
use pinlib::{
    Claim, Digest, DigestSource, EditError, FileAt, ImagePin, ManifestEditor, Mode, NoRegistry, ObjectFormat,
    Oid, Operation, ParseError, Patience, PinError, PinOptions, PinRequest, Pinned, Pinner, Policy, Proof,
    Receipt, Record, Reference, Region, RepoPath, RunId, Site, Target,
};
use std::{fmt::Display, ops::Range, sync::Arc};

/// An editor with a file of its format.
pub trait EditorWorld {
    /// The editor under test.
    fn editor(&self) -> Arc<dyn ManifestEditor>;
    /// What it edits.
    fn sample(&self) -> Sample;
    /// A digest that stands nowhere in the sample.
    fn digest(&self) -> Digest;
}

/// Texts of one format. Lines end with `\n`, the last one too; the suite makes the other forms of them.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The path of the file.
    pub path: &'static str,
    /// A file with sites: best several, of more than one image, bare, quoted, with and without a digest.
    pub text: &'static str,
    /// A file of the format that has no site.
    pub bare: &'static str,
    /// A file that is not of the format, or has at a site what is no image; and the line of that.
    pub malformed: (&'static str, usize),
    /// A comment that is a line of its own, first or last, where the format has comments.
    pub comment: Option<&'static str>,
}

/// An error as the text of a failure.
fn text(error: impl Display) -> String {
    error.to_string()
}

/// The sample, or another text in its place, as a file of a commit.
fn file(world: &dyn EditorWorld, bytes: impl Into<Vec<u8>>) -> Result<FileAt, String> {
    let bytes = bytes.into();
    let path = world.sample().path.parse().map_err(|error: ParseError| text(error))?;
    Ok(FileAt { path, mode: Mode::Regular, oid: Oid::of(ObjectFormat::Sha1, "blob", &bytes), bytes })
}

fn sites(world: &dyn EditorWorld, file: &FileAt) -> Result<Vec<Site>, String> {
    world.editor().sites(file).map_err(|error| format!("the sample has sites; found {error}"))
}

/// Whether spans are in order, apart from each other, and inside the file.
fn disjoint(file: &FileAt, sites: &[Site]) -> bool {
    let spans: Vec<&Range<usize>> = sites.iter().map(|site| &site.span).collect();
    spans.iter().all(|span| span.start <= span.end && span.end <= file.bytes.len())
        && spans.windows(2).all(|two| two[0].end <= two[1].start)
}

/// The file with these sites pinned, by nothing but splices; and what went where.
fn spliced(
    editor: &dyn ManifestEditor,
    before: &FileAt,
    sites: &[Site],
    digest: Digest,
) -> Result<(FileAt, Vec<Region>), String> {
    let (mut bytes, mut regions, mut end) = (Vec::new(), Vec::new(), 0);
    for site in sites {
        let gap = before.bytes.get(end..site.span.start);
        let gap = gap.ok_or_else(|| format!("I4: spans are in order and apart; found {:?}", site.span))?;
        bytes.extend_from_slice(gap);
        let start = bytes.len();
        bytes.extend(editor.pinned(before, site, digest).map_err(text)?.into_bytes());
        regions.push(Region { before: site.span.clone(), after: start..bytes.len() });
        end = site.span.end;
    }
    bytes.extend_from_slice(before.bytes.get(end..).unwrap_or_default());
    Ok((FileAt { bytes, ..before.clone() }, regions))
}

/// Pins these sites of a file, and holds what came out against every promise of an editor.
fn edit(
    world: &dyn EditorWorld,
    before: &FileAt,
    all: &[Site],
    chosen: &[Site],
    digest: Digest,
) -> Result<FileAt, String> {
    let editor = world.editor();
    let (after, regions) = spliced(&*editor, before, chosen, digest)?;
    let now = editor.sites(&after).map_err(|error| format!("I4: its own edit is read; found {error}"))?;
    let names = |sites: &[Site]| sites.iter().map(|site| site.locator.clone()).collect::<Vec<_>>();
    let same = names(&now) == names(all);
    check(same, "I4: locators stay while values change", format!("{:?}", names(&now)))?;
    for (old, new) in all.iter().zip(&now) {
        if let Some((_, region)) = chosen.iter().zip(&regions).find(|(site, _)| *site == old) {
            let holds = new.image.digest() == Some(digest) && new.image.same_image(&old.image);
            check(holds, "I5: a pinned site reads back with its digest, of its image", &new.image)?;
            let placed = new.span.end == region.after.end
                && (old.span.is_empty() || new.span.start == region.after.start);
            check(placed, "I4: what is written is the site's scalar alone", format!("{:?}", new.span))?;
        } else {
            let bytes = |file: &FileAt, site: &Site| file.bytes.get(site.span.clone()).map(<[u8]>::to_vec);
            let stays = new.image == old.image && bytes(&after, new) == bytes(before, old);
            check(stays, "I4: every other site stays as it stood", &new.image)?;
        }
    }
    let verified = editor.verify(before, &after, &regions);
    check(verified.is_ok(), "I4: verify accepts the editor's own edit", format!("{verified:?}"))?;
    Ok(after)
}

/// Pins each site of a text by itself, then all of them at once.
fn every_edit(world: &dyn EditorWorld, bytes: impl Into<Vec<u8>>) -> Result<Vec<FileAt>, String> {
    let before = file(world, bytes)?;
    let all = sites(world, &before)?;
    check(disjoint(&before, &all), "I4: spans are in order and apart", format!("{all:?}"))?;
    all.chunks(1).chain([&all[..]]).map(|chosen| edit(world, &before, &all, chosen, world.digest())).collect()
}

fn pinner(forge: &Arc<MemoryForge>) -> Pinner {
    Pinner {
        registry: Arc::new(NoRegistry),
        forge: Arc::<MemoryForge>::clone(forge),
        clock: Arc::new(MemoryClock::default()),
        patience: Patience::default(),
    }
}

/// A forge with these files on one commit of `main`, and a pin of one image in one of them, through the real core.
fn pin(
    forge: &Arc<MemoryForge>,
    source: Oid,
    target: Target,
    image: Reference,
    digest: Digest,
    options: PinOptions,
) -> Result<Receipt, PinError> {
    let branch = "main".parse().map_err(|error: ParseError| PinError::Invalid(text(error)))?;
    let digest = DigestSource::Declared(digest);
    let images = vec![ImagePin { image, digest, platform: None, targets: vec![target], was: None }];
    let request = PinRequest::new(source, branch, images, options)?;
    sim::run(pinner(forge).pin(&request, RunId::from([7; 16])))
}

/// Whether the core takes a commit for a pin, which made `after` of `before`, quotes a record of these sites, and is by the
/// pinner's own identity: what its judge says with this editor.
fn recognised(
    world: &dyn EditorWorld,
    before: &FileAt,
    after: &FileAt,
    sites: &[Site],
    digest: Digest,
) -> Result<bool, String> {
    let invalid = |error: ParseError| text(error);
    let (forge, branch) = (Arc::new(MemoryForge::default()), "main".parse().map_err(invalid)?);
    let (beside, image): (RepoPath, &str) = ("beside".parse().map_err(invalid)?, "ghcr.io/beside/it");
    let words = |file: &FileAt| String::from_utf8(file.bytes.clone()).map_err(text);
    let line = format!("image: {image}\n");
    let source =
        forge.push(&branch, &[(before.path.clone(), &words(before)?), (beside.clone(), &line)], "source");
    let site = |site: &Site| Pinned { path: before.path.clone(), locator: site.locator.clone(), digest };
    let claim = Claim::new(Operation::Pin, &branch, source, sites.iter().map(site).collect());
    let record = Record { claim, proof: Proof::Declared, run: RunId::from([9; 16]), parent: source };
    let changes = [(after.path.clone(), &*words(after)?)];
    forge.force(&branch, Some(forge.write(&[source], &bot(), &changes, &record.message("Pin"))));
    let known = vec![Target::new(before.path.clone(), world.editor())];
    let options = PinOptions { policy: Policy::PinsOnly, known, ..PinOptions::default() };
    let target = Target::new(beside, Arc::new(ImageLines));
    let end = pin(&forge, source, target, image.parse().map_err(invalid)?, Digest::of(b"beside"), options);
    match end {
        Ok(_) => Ok(true),
        Err(PinError::HeadMoved { .. }) => Ok(false),
        Err(other) => Err(format!("a pin or a moved head; found {other}")),
    }
}

/// An error of the editor's, as all must be: it names the file.
fn names_the_file(world: &dyn EditorWorld, error: &EditError) -> Outcome {
    let path = world.sample().path;
    check(error.path.as_str() == path && text(error).contains(path), "an error names the file", error)
}

#[expect(missing_docs, clippy::missing_errors_doc, reason = "the names say it")]
pub mod cases;

/// One case by its name.
pub type Case = (&'static str, fn(&dyn EditorWorld) -> Outcome);

macro_rules! suite {
    (($d:tt) $($case:ident)*) => {
        /// Every case by name: for the tests of the suite itself.
        pub const ALL: &[Case] = &[$((stringify!($case), cases::$case)),*];
        /// Expands to one `#[test]` for each guarantee of an editor, in a world that is made by `Default`.
        #[macro_export]
        macro_rules! editor_conformance {
            ($d world:ty) => {
                $(#[test]
                fn $case() -> Result<(), String> {
                    $d crate::conformance::editor::cases::$case(&<$d world as Default>::default())
                })*
            };
        }
    };
}
suite! { ($)
    sites_are_in_order_apart_and_inside
    a_span_is_one_scalar_at_its_line
    the_same_bytes_have_the_same_sites
    an_edit_changes_its_span_alone
    an_edit_twice_is_an_edit_once
    a_later_digest_leaves_nothing_of_the_first
    the_core_commits_what_the_editor_wrote
    its_own_edit_is_recognised
    a_change_elsewhere_is_no_edit
    another_digest_is_no_edit
    crlf_survives
    a_byte_order_mark_survives
    a_missing_last_newline_survives
    comments_and_other_alphabets_survive
    an_unknown_image_is_no_site
    a_file_without_sites_is_no_site
    a_malformed_file_is_refused_with_its_line
    bytes_that_are_not_utf8_are_refused_with_their_line
    a_hostile_file_is_an_error_and_no_panic
}
