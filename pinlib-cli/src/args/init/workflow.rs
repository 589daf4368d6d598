//! The text of a first workflow: it builds each image of a commit, and pins their digests.

use super::{action::ActionRef, config_file::scalar, manifests::Image};
use pinlib::BranchName;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

/// Where it goes.
pub(super) const PATH: &str = ".github/workflows/pin.yml";

// Others' Actions, by the commits of their releases: a tag can be moved to other code.
const CHECKOUT: &str = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
const BUILDX: &str = "docker/setup-buildx-action@37fe631027851001ddb9b187196cc803df7f5f0e # v4.3.0";
const LOGIN: &str = "docker/login-action@4907a6ddec9925e35a0a9e82d7399ccc52663121 # v4.1.0";
const BUILD: &str = "docker/build-push-action@53b7df96c91f9c12dcc8a07bcb9ccacbed38856a # v7.3.0";

/// GitHub's own registry: the job's token is its login.
const GITHUBS: &str = "ghcr.io";

/// One job an image, and one that pins them all.
pub(super) fn text(branch: &BranchName, images: &[Image], root: &Path, action: &ActionRef) -> String {
    let jobs = jobs(images);
    let mut text = head(branch, images);
    for (id, image) in &jobs {
        text += &build(id, image, root);
    }
    text + &pin(&jobs, action)
}

/// Names that GitHub takes as ids of jobs, each once.
fn jobs(images: &[Image]) -> Vec<(String, &Image)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let job = |image| {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let id: String = format!("build-{}", last(image)).chars().map(plain).collect();
        let times = seen.entry(id.clone()).and_modify(|times| *times += 1).or_insert(1);
        // Two dashes: no image's own name gives such an id.
        (if *times == 1 { id } else { format!("{id}--{times}") }, image)
    };
    images.iter().map(job).collect()
}

fn last(image: &Image) -> &str {
    image.reference.repository().rsplit('/').next().unwrap_or_default()
}

fn head(branch: &BranchName, images: &[Image]) -> String {
    let paths: BTreeSet<_> =
        images.iter().flat_map(|image| &image.targets).map(|target| target.path.as_str()).collect();
    let mut text = format!(
        "# Builds the images of a commit, then writes their digests into the manifests: only where {branch} is still\n\
         # at that commit. Made by `pinlib init github`, yours to edit. What it needs is in docs/github.md of pinlib.\n\
         name: pin\n\n\
         on:\n  push:\n    branches: [{}]\n    \
         # A pin changes these files alone, so it does not start the next build. No [skip ci] in its message instead:\n    \
         # that would skip every workflow, and leave required checks waiting for ever.\n    \
         paths-ignore:\n",
        scalar(&pattern(branch.as_str()))
    );
    for path in paths {
        writeln!(text, "      - {}", scalar(&pattern(path))).ok();
    }
    text + "  workflow_dispatch:\n\n# Each job asks for what it needs.\npermissions: {}\n\njobs:\n"
}

/// A name as a filter that matches it alone.
fn pattern(text: &str) -> String {
    text.chars().fold(String::new(), |mut text, c| {
        if "*?+[]!\\".contains(c) {
            text.push('\\');
        }
        text.push(c);
        text
    })
}

fn build(id: &str, image: &Image, root: &Path) -> String {
    let name = &image.name;
    let registry = image.reference.registry();
    let login = login(registry);
    // What GitHub's own registry wants of the job; elsewhere, where the login is kept.
    let (permission, environment) = if registry == GITHUBS {
        ("\n      packages: write # to push to ghcr.io", "")
    } else {
        ("", "    # Holds the registry's login.\n    environment: registry\n")
    };
    let (context, file) = (".", dockerfile(last(image), root));
    format!(
        "  {id}:
    name: Build {name}
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    permissions:
      contents: read # to check out{permission}
{environment}    # A newer commit builds its own image; this one could not be pinned any more.
    concurrency:
      group: {id}-${{{{ github.ref }}}}
      cancel-in-progress: true
    outputs:
      digest: ${{{{ steps.build.outputs.digest }}}}
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
      - uses: {BUILDX}
      - uses: {LOGIN}
        with:
{login}      - id: build
        uses: {BUILD}
        with:
          context: {context}
          file: {file}
          push: true
          tags: {name}:${{{{ github.sha }}}}
          # What `evidence: label` in pinlib.yaml asks for.
          labels: org.opencontainers.image.revision=${{{{ github.sha }}}}

"
    )
}

/// Where the image is built from, as far as names tell.
fn dockerfile(name: &str, root: &Path) -> String {
    let of_its_own = ["", "services/", "apps/"].map(|folder| format!("{folder}{name}/Dockerfile"));
    let found = of_its_own.into_iter().find(|path| root.join(path).is_file());
    found.unwrap_or_else(|| "Dockerfile".into())
}

/// Who logs in: on GitHub's own registry the job's token, elsewhere secrets named after the registry.
fn credential(registry: &str) -> (String, String) {
    if registry == GITHUBS {
        return ("${{ github.actor }}".into(), "${{ github.token }}".into());
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = registry.chars().map(plain).collect();
    // A secret's name begins neither with a digit nor with GITHUB_.
    let odd = name.starts_with(|c: char| c.is_ascii_digit()) || name.starts_with("GITHUB_");
    let name = if odd { format!("REGISTRY_{name}") } else { name };
    (format!("${{{{ secrets.{name}_USER }}}}"), format!("${{{{ secrets.{name}_PASSWORD }}}}"))
}

fn login(registry: &str) -> String {
    let (user, password) = credential(registry);
    let registry = scalar(registry);
    format!("          registry: {registry}\n          username: {user}\n          password: {password}\n")
}

fn pin(jobs: &[(String, &Image)], action: &ActionRef) -> String {
    let needs: Vec<_> = jobs.iter().map(|(id, _)| id.as_str()).collect();
    let images = jobs.iter().fold(String::new(), |text, (id, image)| {
        text + &format!("            {}@${{{{ needs.{id}.outputs.digest }}}}\n", image.name)
    });
    let registries: BTreeSet<_> = jobs.iter().map(|(_, image)| image.reference.registry()).collect();
    // A login of the Action's inputs is for one registry; docker's own logins are for any number.
    let (mut logins, mut inputs) = (String::new(), String::new());
    for registry in &registries {
        let (user, password) = credential(registry);
        if registries.len() == 1 {
            inputs = format!("          registry-user: {user}\n          registry-password: {password}\n");
        } else {
            write!(logins, "      - uses: {LOGIN}\n        with:\n{}", login(registry)).ok();
        }
    }
    let permission = if registries.contains(GITHUBS) {
        "      packages: read # to read manifests from ghcr.io; an App's token cannot, where they are private\n"
    } else {
        ""
    };
    let (version, unfixed) = if action.is_fixed() {
        (concat!(" # v", env!("CARGO_PKG_VERSION")), "")
    } else {
        ("", "      # A tag can be moved: write the release's full commit id in its place.\n")
    };
    format!(
        "  pin:
    name: Pin
    needs: [{needs}]
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    permissions:
      contents: read # to check out
{permission}    # Holds PINLIB_APP_KEY; let it be used from the pinned branch alone.
    environment: pinlib
    # A pin that has begun is let finish: half-way, nobody would know its fate.
    concurrency:
      group: pin-${{{{ github.ref }}}}
      cancel-in-progress: false
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
          sparse-checkout: pinlib.yaml
          sparse-checkout-cone-mode: false
{logins}{unfixed}      - uses: {action}{version}
        with:
          app-id: ${{{{ vars.PINLIB_APP }}}}
          private-key: ${{{{ secrets.PINLIB_APP_KEY }}}}
{inputs}          image: |
{images}",
        needs = needs.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::{credential, pattern};

    #[test]
    fn a_filter_matches_one_name_and_a_secret_has_a_name() {
        assert_eq!(pattern("a/[b]*.yaml"), "a/\\[b\\]\\*.yaml");
        assert_eq!(credential("127.0.0.1:5000").0, "${{ secrets.REGISTRY_127_0_0_1_5000_USER }}");
        assert_eq!(credential("docker.io").1, "${{ secrets.DOCKER_IO_PASSWORD }}");
    }
}
