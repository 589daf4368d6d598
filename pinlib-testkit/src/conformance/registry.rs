//! What every registry must keep, as cases that any world can run.

use super::{Outcome, check};
use crate::{
    image::{Form, Image, Recipe, Variant, provenance},
    memory::{MemoryClock, MemoryForge},
    sim::{Task, together},
};
use pinlib::{
    BackendError, BackendErrorKind, Digest, DigestSource, EvidenceRule, ImagePin, Mismatch, Oid, Patience,
    PinError, PinOptions, PinRequest, Pinner, RawManifest, Reference, Registry, ResolvedImage, RunId, Target,
};
use std::{fmt::Debug, future::Future, sync::Arc};

/// A registry with a way past the backend under test.
///
/// Plain functions: a world may start servers, run programs or block on its own runtime.
pub trait RegistryWorld: Sized {
    /// Makes an empty registry; none where what it needs is not installed, which it has then said.
    fn create() -> Option<Self>;
    /// The backend under test.
    fn registry(&self) -> Arc<dyn Registry>;
    /// A repository of it.
    fn repository(&self) -> Reference;
    /// Pushes an image whole, as it is, behind the backend's back.
    fn push(&self, tag: &str, image: &Image);
    /// What must never be shown.
    fn secrets(&self) -> Vec<String>;
    /// Runs a future to its end.
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;
}

fn tagged(world: &impl RegistryWorld, tag: &str) -> Result<Reference, String> {
    format!("{}:{tag}", world.repository()).parse().map_err(|error: pinlib::ParseError| error.to_string())
}

fn read(world: &impl RegistryWorld, image: &Reference) -> Result<RawManifest, BackendError> {
    world.block_on(world.registry().manifest(image))
}

/// What is asked for and what came are the same document.
fn same(answer: &Result<RawManifest, BackendError>, document: &crate::image::Document) -> bool {
    answer.as_ref().is_ok_and(|answer| {
        answer.bytes == document.bytes
            && answer.media_type == document.media_type
            && answer.claimed.is_none_or(|claimed| claimed == document.digest())
    })
}

fn not_found<T: Debug>(answer: &Result<T, BackendError>) -> Outcome {
    let right = matches!(answer, Err(error) if error.kind() == BackendErrorKind::NotFound);
    check(right, "what is not there is NotFound", format!("{answer:?}"))
}

fn nobody() -> Digest {
    Digest::of(b"nobody")
}

fn two(form: Form) -> Image {
    let variants =
        ["linux/amd64", "linux/arm64/v8"].map(|platform| Variant::of(platform).label("key", "value"));
    Recipe { form, attested: form == Form::Oci, ..Recipe::of(variants) }.index()
}

fn one(form: Form, name: &str) -> Image {
    Recipe { form, ..Recipe::of([Variant::of("linux/amd64").label("name", name)]) }.single()
}

/// Resolves through the core, as a pin does.
fn resolve(
    world: &impl RegistryWorld,
    tag: &str,
    platform: Option<&str>,
    built_from: &str,
) -> Result<ResolvedImage, PinError> {
    weighed(world, tag, platform, built_from, EvidenceRule::Label { repository: None })
}

fn weighed(
    world: &impl RegistryWorld,
    tag: &str,
    platform: Option<&str>,
    built_from: &str,
    evidence: EvidenceRule,
) -> Result<ResolvedImage, PinError> {
    let invalid = |error: &dyn std::fmt::Display| PinError::Invalid(error.to_string());
    let image = tagged(world, tag).map_err(|error| invalid(&error))?;
    let (forge, branch) = (MemoryForge::default(), "main".parse().map_err(|error| invalid(&error))?);
    let path: pinlib::RepoPath = "app".parse().map_err(|error| invalid(&error))?;
    forge.push(&branch, &[(path.clone(), &format!("image: {}\n", image.bare()))], built_from);
    let source = forge.heads(&branch).first().copied().flatten().ok_or_else(|| invalid(&"no head"))?;
    let pin = ImagePin {
        image,
        digest: DigestSource::Tag,
        platform: platform.map(str::parse).transpose().map_err(|error| invalid(&error))?,
        targets: vec![Target::new(path, Arc::new(crate::lines::ImageLines))],
        was: None,
    };
    let options = PinOptions { evidence, ..PinOptions::default() };
    let request = PinRequest::new(source, branch, vec![pin], options)?;
    let pinner = Pinner {
        registry: world.registry(),
        forge: Arc::new(forge),
        clock: Arc::new(MemoryClock::default()),
        patience: Patience::default(),
    };
    let receipt = world.block_on(pinner.pin(&request, RunId::from([7; 16])))?;
    receipt.images.into_iter().next().ok_or_else(|| invalid(&"no image"))
}

/// The commit that [`resolve`] pins from, when it is called so.
fn source(built_from: &str, world: &impl RegistryWorld) -> Result<Oid, String> {
    let found = resolve(world, "probe", None, built_from);
    match found {
        Err(PinError::Mismatch(Mismatch::Source { expected, .. })) => Ok(expected),
        other => Err(format!("an image that says nothing of its source is refused; found {other:?}")),
    }
}

/// The cases. Each name is the guarantee.
#[expect(missing_docs, clippy::missing_errors_doc, reason = "the names say it")]
pub mod cases {
    use super::{
        BackendErrorKind, EvidenceRule, Form, Mismatch, Outcome, PinError, Recipe, RegistryWorld, Task,
        Variant, check, nobody, not_found, one, provenance, read, resolve, same, source, tagged, together,
        two, weighed,
    };

    pub fn a_tag_names_what_was_pushed_last<W: RegistryWorld>(world: &W) -> Outcome {
        let image = tagged(world, "v1")?;
        for name in ["first", "second"] {
            let pushed = one(Form::Oci, name);
            world.push("v1", &pushed);
            let answer = read(world, &image);
            check(same(&answer, &pushed.root), "the tag's bytes, as pushed", format!("{answer:?}"))?;
        }
        Ok(())
    }

    pub fn a_digest_names_its_bytes_wherever_the_tag_goes<W: RegistryWorld>(world: &W) -> Outcome {
        let (first, second) = (one(Form::Oci, "first"), one(Form::Oci, "second"));
        world.push("v1", &first);
        world.push("v1", &second);
        for image in [world.repository().at(first.digest()), tagged(world, "v1")?.with_digest(first.digest())]
        {
            let answer = read(world, &image);
            check(same(&answer, &first.root), "the digest's bytes", format!("{answer:?}"))?;
        }
        Ok(())
    }

    pub fn without_a_tag_it_is_latest<W: RegistryWorld>(world: &W) -> Outcome {
        let (latest, other) = (one(Form::Oci, "latest"), one(Form::Oci, "other"));
        world.push("latest", &latest);
        world.push("other", &other);
        let answer = read(world, &world.repository());
        check(same(&answer, &latest.root), "the bytes of latest", format!("{answer:?}"))
    }

    pub fn every_kind_of_image_comes_as_it_was_pushed<W: RegistryWorld>(world: &W) -> Outcome {
        for (at, image) in
            [two(Form::Oci), two(Form::Docker), one(Form::Oci, "oci"), one(Form::Docker, "docker")]
                .into_iter()
                .enumerate()
        {
            let tag = format!("v{at}");
            world.push(&tag, &image);
            let answer = read(world, &tagged(world, &tag)?);
            check(same(&answer, &image.root), "media type and bytes", format!("{answer:?}"))?;
            for (_, manifest) in &image.manifests {
                let answer = read(world, &world.repository().at(manifest.digest()));
                check(same(&answer, manifest), "each manifest of an index", format!("{answer:?}"))?;
            }
        }
        Ok(())
    }

    pub fn a_blob_comes_as_it_was_pushed<W: RegistryWorld>(world: &W) -> Outcome {
        let image = two(Form::Oci);
        world.push("v1", &image);
        let at = world.repository().at(image.digest());
        for (digest, bytes) in &image.blobs {
            let answer = world.block_on(world.registry().blob(&at, *digest));
            check(answer.as_ref().is_ok_and(|answer| answer == bytes), "the blob", format!("{answer:?}"))?;
        }
        Ok(())
    }

    pub fn what_is_not_there_is_not_found<W: RegistryWorld>(world: &W) -> Outcome {
        not_found(&read(world, &tagged(world, "v1")?))?;
        world.push("v1", &one(Form::Oci, "v1"));
        let other = format!("{}-other:v1", world.repository());
        not_found(&read(world, &other.parse().map_err(|error| format!("{error:?}"))?))?;
        not_found(&read(world, &tagged(world, "v2")?))?;
        not_found(&read(world, &world.repository().at(nobody())))?;
        not_found(&world.block_on(world.registry().blob(&world.repository(), nobody())))
    }

    pub fn a_tag_that_is_not_there_is_not_asked_for_again<W: RegistryWorld>(world: &W) -> Outcome {
        world.push("v1", &one(Form::Oci, "v1"));
        let answer = read(world, &tagged(world, "v2")?);
        let right = answer.as_ref().is_err_and(|error| error.retry_after().is_none());
        check(right, "a typing error does not wait", format!("{answer:?}"))
    }

    pub fn what_refers_to_an_image_is_listed_or_unsupported<W: RegistryWorld>(world: &W) -> Outcome {
        let image = one(Form::Oci, "v1");
        world.push("v1", &image);
        let answer = world.block_on(world.registry().referrers(&world.repository().at(image.digest())));
        let right = match &answer {
            Ok(list) => list.media_type == "application/vnd.oci.image.index.v1+json",
            Err(error) => error.kind() == BackendErrorKind::Unsupported,
        };
        check(right, "an index, or Unsupported", format!("{answer:?}"))
    }

    pub fn many_reads_at_once_agree<W: RegistryWorld>(world: &W) -> Outcome {
        let (registry, image) = (world.registry(), two(Form::Oci));
        world.push("v1", &image);
        let wanted = [tagged(world, "v1")?, world.repository().at(image.manifests[0].1.digest())];
        let tasks: Vec<Task<'_, _>> =
            (0..8).map(|n| Box::pin(registry.manifest(&wanted[n % 2])) as Task<'_, _>).collect();
        let answers = world.block_on(together(tasks));
        let right = answers
            .iter()
            .enumerate()
            .all(|(n, answer)| same(answer, [&image.root, &image.manifests[0].1][n % 2]));
        check(right && answers.len() == 8, "eight answers, each to its own question", format!("{answers:?}"))
    }

    pub fn the_core_finds_platforms_and_evidence<W: RegistryWorld>(world: &W) -> Outcome {
        world.push("probe", &one(Form::Oci, "probe"));
        let source = source("1", world)?;
        let variants =
            ["linux/amd64", "linux/arm64/v8"].map(|platform| Variant::of(platform).built_from(source));
        for (form, tag) in [(Form::Oci, "oci"), (Form::Docker, "docker")] {
            let recipe = Recipe { form, attested: form == Form::Oci, ..Recipe::of(variants.clone()) };
            let image = recipe.index();
            world.push(tag, &image);
            let whole = resolve(world, tag, None, "1");
            let right = whole.as_ref().is_ok_and(|found| {
                found.digest() == image.digest() && found.platforms().len() == variants.len()
            });
            check(right, "the index, heard on each platform", format!("{whole:?}"))?;
            let part = resolve(world, tag, Some("linux/arm64"), "1");
            let right = part.as_ref().is_ok_and(|found| found.digest() == image.manifests[1].1.digest());
            check(right, "the manifest of one platform", format!("{part:?}"))?;
        }
        let other = resolve(world, "oci", None, "2");
        check(other.is_err(), "no evidence for another commit", format!("{other:?}"))
    }

    pub fn the_core_finds_provenance<W: RegistryWorld>(world: &W) -> Outcome {
        world.push("probe", &one(Form::Oci, "probe"));
        let (source, repository) = (source("1", world)?.to_string(), "https://git.test/acme/app.git");
        let rule = || EvidenceRule::Provenance { repository: repository.parse().ok() };
        let plain = Recipe::of(["linux/amd64", "linux/arm64/v8"].map(Variant::of)).index();
        let image = plain.clone().attested(|platform, subject| {
            let of = if platform.arch() == "amd64" { provenance::slsa_0_2 } else { provenance::slsa_1 };
            vec![of(subject, repository, &source)]
        });
        world.push("proven", &image);
        for platform in [None, Some("linux/arm64")] {
            let found = weighed(world, "proven", platform, "1", rule());
            check(found.is_ok(), "the provenance beside each image of the index", format!("{found:?}"))?;
        }
        let other = weighed(world, "proven", None, "2", rule());
        check(other.is_err(), "no evidence for another commit", format!("{other:?}"))?;
        world.push("bare", &plain);
        let none = weighed(world, "bare", None, "1", rule());
        let refused = matches!(none, Err(PinError::Mismatch(Mismatch::NoProvenance { .. })));
        check(refused, "none where there is none", format!("{none:?}"))
    }

    pub fn no_secret_is_shown<W: RegistryWorld>(world: &W) -> Outcome {
        let registry = world.registry();
        world.push("v1", &one(Form::Oci, "v1"));
        let mut shown = vec![format!("{registry} {registry:?}")];
        for image in [tagged(world, "v1")?, tagged(world, "v2")?, world.repository().at(nobody())] {
            shown.push(match read(world, &image) {
                Ok(answer) => format!("{answer:?}"),
                Err(error) => format!("{error} {error:?}"),
            });
        }
        shown.push(format!("{registry} {registry:?}"));
        let shown = shown.join("\n");
        let found: Vec<_> = world.secrets().into_iter().filter(|secret| shown.contains(secret)).collect();
        check(
            found.is_empty(),
            "no secret in an answer, an error, or the backend itself",
            format!("{found:?}"),
        )
    }
}

macro_rules! suite {
    (($d:tt) $($case:ident)*) => {
        /// Every case by name: for the tests of the suite itself.
        pub fn all<W: RegistryWorld>() -> Vec<(&'static str, fn(&W) -> Outcome)> {
            vec![$((stringify!($case), cases::$case::<W>)),*]
        }
        /// Expands to one `#[test]` for each guarantee of a registry.
        #[macro_export]
        macro_rules! registry_conformance {
            ($d world:ty) => {
                $(#[test]
                fn $case() -> Result<(), String> {
                    let world = <$d world as $crate::conformance::registry::RegistryWorld>::create();
                    world.map_or(Ok(()), |world| $crate::conformance::registry::cases::$case(&world))
                })*
            };
        }
    };
}
suite! { ($)
    a_tag_names_what_was_pushed_last
    a_digest_names_its_bytes_wherever_the_tag_goes
    without_a_tag_it_is_latest
    every_kind_of_image_comes_as_it_was_pushed
    a_blob_comes_as_it_was_pushed
    what_is_not_there_is_not_found
    a_tag_that_is_not_there_is_not_asked_for_again
    what_refers_to_an_image_is_listed_or_unsupported
    many_reads_at_once_agree
    the_core_finds_platforms_and_evidence
    the_core_finds_provenance
    no_secret_is_shown
}
