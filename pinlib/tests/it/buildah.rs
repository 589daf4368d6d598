//! Labels and annotations as `buildah` writes them: what it builds of two commits is refused.

use pinlib::{
    DigestSource, EvidenceRule, ImagePin, LayoutRegistry, Mismatch, PinError, Reference, ResolvedImage,
};
use pinlib_testkit::{servers::program, sim};
use std::{path::Path, process::Command};

const A: &str = "1f3c9ab72e101f3c9ab72e101f3c9ab72e101f3c";
const B: &str = "5d2e77103bd85d2e77103bd85d2e77103bd85d2e";
const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";

/// `buildah` with all that it keeps in one folder.
struct Workshop<'a> {
    folder: &'a Path,
}

impl Workshop<'_> {
    fn run(&self, words: &[&str]) -> String {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let output = Command::new("buildah")
            .args(["--root", &path("root"), "--runroot", &path("run"), "--storage-driver", "vfs"])
            .args(words)
            .env("HOME", self.folder)
            .env("BUILDAH_ISOLATION", "chroot")
            .output()
            .expect("buildah runs");
        assert!(output.status.success(), "buildah {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Builds an image a platform, each from its commit, and an index of them that says nothing or what it is told to.
    fn build(&self, tag: &str, platforms: [(&str, &str); 2], note: Option<&str>) {
        self.run(&["manifest", "create", tag]);
        for (arch, commit) in platforms {
            let container = self.run(&["from", "--arch", arch, "scratch"]);
            let (revision, source) =
                (format!("{REVISION}={commit}"), format!("{SOURCE}=https://github.com/acme/app"));
            self.run(&[
                "config", "--os", "linux", "--arch", arch, "--label", &revision, "--label", &source,
                &container,
            ]);
            let name = format!("localhost/{tag}:{arch}");
            self.run(&["commit", "--quiet", &container, &name]);
            let from = format!("containers-storage:{name}");
            let note = note.map(|commit| format!("{REVISION}={commit}"));
            let annotation: Vec<_> = note.iter().flat_map(|note| ["--annotation", note]).collect();
            self.run(&[&["manifest", "add"], &annotation[..], &[tag, &from]].concat());
        }
        let to = format!("oci:{}:{tag}", self.folder.join("layout").display());
        self.run(&["manifest", "push", "--all", tag, &to]);
    }

    fn verify(&self, tag: &str) -> Result<ResolvedImage, PinError> {
        let registry = LayoutRegistry::open(self.folder.join("layout")).expect("a layout");
        let image: Reference = format!("registry.test/acme/app:{tag}").parse().expect("an image");
        let pin =
            ImagePin { image, digest: DigestSource::Tag, platform: None, targets: Vec::new(), was: None };
        let repository = "github:acme/app".parse().ok();
        sim::run(pinlib::verify(
            &registry,
            &pin,
            A.parse().expect("an oid"),
            &EvidenceRule::Label { repository },
        ))
    }
}

#[test]
fn what_buildah_labels_is_read_and_disagreement_refused() {
    if program("buildah").expect("no test skips in CI").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let workshop = Workshop { folder: folder.path() };
    workshop.build("good", [("amd64", A), ("arm64", A)], Some(A));
    workshop.build("mixed", [("amd64", A), ("arm64", B)], None);
    workshop.build("renamed", [("amd64", A), ("arm64", A)], Some(B));
    let found = workshop.verify("good").expect("labels that agree");
    let platforms: Vec<_> = found.platforms().iter().map(ToString::to_string).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    for (tag, says) in [
        ("mixed", format!("the label of linux/arm64 says {B:?}")),
        ("renamed", format!("the index about linux/amd64 says {B:?}")),
    ] {
        let error = workshop.verify(tag).expect_err(&says);
        assert!(matches!(error, PinError::Mismatch(Mismatch::Source { .. })), "{error}");
        assert!(error.to_string().contains(&says), "{error}");
    }
}
