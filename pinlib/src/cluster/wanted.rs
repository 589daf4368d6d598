//! What Git says at a commit: the images of the targets, as kustomize makes them where a kustomization covers a file.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::PinError,
    forge::GitForge,
    git::{FileAt, Mode, Oid, RepoPath},
    image::Reference,
    manifest::{self, Locator, Overlay},
    parse,
    read::{files_at, missing},
    request::Placement,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// An image that Git says should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The image, by the digest that Git has for it; without one where it has none.
    pub image: Reference,
    /// The file that says so.
    pub path: RepoPath,
    /// The line in it, from 1.
    pub line: usize,
    /// The place in it.
    pub locator: Locator,
    /// The one container that it is for, where the file says.
    pub container: Option<NamedContainer>,
}

/// A container, as a manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the cluster's own words")]
pub struct NamedContainer {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    pub container: String,
}

/// The names that kustomize looks for in a folder.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Overlays are followed so deep.
const DEEPEST: usize = 16;
/// More files than this are not read for one commit.
const FILES: usize = 5_000;

/// Reads what Git says of these images.
///
/// # Errors
/// `NotFound` where a target or a place in it is not there; what the editors refuse; where the forge fails; `Incomplete` where
/// kustomizations lead to more files than are read.
pub async fn wanted(forge: &dyn GitForge, at: Oid, images: &[Placement]) -> Result<Vec<Wanted>, PinError> {
    let paths: BTreeSet<_> =
        images.iter().flat_map(|(_, targets)| targets).map(|target| target.path.clone()).collect();
    let paths: Vec<_> = paths.into_iter().collect();
    let mut files = BTreeMap::new();
    for (path, file) in paths.iter().zip(files_at(forge, at, &paths).await?) {
        files.insert(path.clone(), file.ok_or_else(|| missing(path, at))?);
    }
    let covers = covers(forge, at, &files).await?;
    let mut wanted = Vec::new();
    for (image, targets) in images {
        let before = wanted.len();
        for target in targets {
            let file = &files[&target.path];
            for site in manifest::found(&*target.editor, file)? {
                // What kustomize makes of it may be another image, and this one only after that.
                let text = site.image.to_string();
                let own = [Cover::default()];
                let covers = covers.get(&target.path).map_or(&own[..], Vec::as_slice);
                let made: BTreeSet<_> = covers.iter().map(|cover| cover.apply(&text)).collect();
                for made in made.iter().filter_map(|made| made.parse::<Reference>().ok()) {
                    if made.same_image(image) {
                        wanted.push(Wanted {
                            image: made,
                            path: target.path.clone(),
                            line: site.line,
                            container: named(&site.locator),
                            locator: site.locator.clone(),
                        });
                    }
                }
            }
        }
        if wanted.len() == before {
            let act = format!("find {} at {}", image.written_name(), at.short());
            let why = "none of its targets names it";
            return Err(BackendError::new(BackendErrorKind::NotFound, act).because(why).into());
        }
    }
    Ok(wanted)
}

/// The container that a locator of a workload names.
fn named(locator: &Locator) -> Option<NamedContainer> {
    let parts: Vec<_> = locator.as_str().strip_prefix("workload:")?.split('/').collect();
    let text = |part: &str| parse::decode(&part.replace("%2F", "/"));
    // A path with indexes begins with the document's number.
    if parts[0].starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    match parts[..] {
        [kind, name, _, container] => Some(NamedContainer {
            kind: text(kind)?,
            namespace: None,
            name: text(name)?,
            container: text(container)?,
        }),
        [kind, namespace, name, _, container] => Some(NamedContainer {
            kind: text(kind)?,
            namespace: Some(text(namespace)?),
            name: text(name)?,
            container: text(container)?,
        }),
        _ => None,
    }
}

/// The kustomizations that a file goes through, the innermost first.
#[derive(Clone, Debug, Default)]
struct Cover(Vec<Arc<Overlay>>);

impl Cover {
    fn apply(&self, image: &str) -> String {
        self.0.iter().fold(image.to_owned(), |image, overlay| overlay.apply(&image))
    }
    fn within(&self, inner: impl IntoIterator<Item = Arc<Overlay>>) -> Self {
        Self(inner.into_iter().chain(self.0.iter().cloned()).collect())
    }
}

/// Follows the kustomizations among the targets, and says what covers each file that they lead to.
async fn covers(
    forge: &dyn GitForge,
    at: Oid,
    targets: &BTreeMap<RepoPath, FileAt>,
) -> Result<BTreeMap<RepoPath, Vec<Cover>>, PinError> {
    let mut tree = Tree::default();
    let mut level: Vec<_> = targets.values().cloned().collect();
    for _ in 0..DEEPEST {
        let mut next = BTreeSet::new();
        for file in level {
            next.extend(tree.add(&file)?);
        }
        if next.is_empty() {
            match tree.covers(targets.keys()) {
                Some(covers) => return Ok(covers),
                None => break,
            }
        }
        if tree.seen.len() + next.len() > FILES {
            break;
        }
        let next: Vec<_> = next.into_iter().collect();
        level = files_at(forge, at, &next).await?.into_iter().flatten().collect();
        tree.seen.extend(next);
    }
    let act = format!("follow the kustomizations at {}", at.short());
    let why = format!("they lead to more than {FILES} files, or deeper than {DEEPEST} folders");
    Err(BackendError::new(BackendErrorKind::Incomplete, act).because(why).into())
}

/// The kustomizations that were read, by their files.
#[derive(Debug, Default)]
struct Tree {
    overlays: BTreeMap<RepoPath, Arc<Overlay>>,
    seen: BTreeSet<RepoPath>,
}

impl Tree {
    /// Takes a file in; what its resources may be is to be read next.
    fn add(&mut self, file: &FileAt) -> Result<Vec<RepoPath>, PinError> {
        self.seen.insert(file.path.clone());
        let last = file.path.components().next_back().unwrap_or_default();
        let is_file = matches!(file.mode, Mode::Regular | Mode::Executable);
        if !is_file || !KUSTOMIZATIONS.contains(&last) {
            return Ok(Vec::new());
        }
        let Some(overlay) = manifest::overlay(file)? else { return Ok(Vec::new()) };
        let named = overlay.resources.iter().chain(&overlay.components);
        // Only a folder leads on; of files it is enough to know their names.
        let paths = named.filter_map(|name| beside(&file.path, name)).flat_map(|path| kustomizations(&path));
        let next = paths.filter(|path| !self.seen.contains(path)).collect();
        self.overlays.insert(file.path.clone(), Arc::new(overlay));
        Ok(next)
    }

    /// The kustomization in a folder.
    fn within(&self, folder: &RepoPath) -> Option<RepoPath> {
        kustomizations(folder).into_iter().find(|path| self.overlays.contains_key(path))
    }

    /// None where there are more ways through them than are worth following, as in a circle.
    fn covers<'a>(
        &self,
        targets: impl Iterator<Item = &'a RepoPath>,
    ) -> Option<BTreeMap<RepoPath, Vec<Cover>>> {
        let children = |path: &RepoPath| {
            let overlay = self.overlays.get(path);
            let named =
                overlay.into_iter().flat_map(|overlay| overlay.resources.iter().chain(&overlay.components));
            let paths: Vec<_> = named.filter_map(|name| beside(path, name)).collect();
            paths
        };
        // A base is not applied by itself where another of the targets brings it in.
        let inner: BTreeSet<_> =
            self.overlays.keys().flat_map(children).filter_map(|folder| self.within(&folder)).collect();
        let mut covers: BTreeMap<RepoPath, Vec<Cover>> = BTreeMap::new();
        let roots = targets.filter(|path| self.overlays.contains_key(*path) && !inner.contains(*path));
        let mut todo: Vec<_> = roots.map(|root| (root.clone(), Cover::default(), 0)).collect();
        let mut ways = 0;
        while let Some((path, outer, depth)) = todo.pop() {
            ways += 1;
            if depth > DEEPEST || ways > FILES {
                return None;
            }
            covers.entry(path.clone()).or_default().push(outer.clone());
            let Some(overlay) = self.overlays.get(&path) else { continue };
            let components = overlay
                .components
                .iter()
                .filter_map(|name| self.overlays.get(&self.within(&beside(&path, name)?)?).cloned());
            let cover = outer.within(components.chain([Arc::clone(overlay)]));
            for child in children(&path) {
                todo.push((self.within(&child).unwrap_or(child), cover.clone(), depth + 1));
            }
        }
        Some(covers)
    }
}

/// The files of a folder that kustomize would read.
fn kustomizations(folder: &RepoPath) -> Vec<RepoPath> {
    KUSTOMIZATIONS.iter().filter_map(|name| format!("{folder}/{name}").parse().ok()).collect()
}

/// The path that a kustomization means by a name; none where it is of another place, or outside the repository.
fn beside(kustomization: &RepoPath, name: &str) -> Option<RepoPath> {
    if name.contains("://") || name.starts_with('/') || name.contains('?') {
        return None;
    }
    let mut parts: Vec<_> = kustomization.components().collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    parts.join("/").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{beside, named};

    #[test]
    fn a_name_is_meant_from_its_kustomization_s_folder() {
        let from = "apps/web/kustomization.yaml".parse().expect("a path");
        for (name, path) in [
            ("rollout.yaml", Some("apps/web/rollout.yaml")),
            ("../base/", Some("apps/base")),
            ("./../../x", Some("x")),
            ("../../../x", None),
            ("https://example.com/x.yaml", None),
            ("github.com/acme/x?ref=v1", None),
            ("/etc/x", None),
        ] {
            assert_eq!(beside(&from, name).map(|path| path.to_string()).as_deref(), path, "{name}");
        }
    }

    #[test]
    fn a_locator_names_a_container_where_it_does_so_by_names() {
        let name = |text: &str| {
            named(&text.parse().expect("a locator")).map(|it| (it.kind, it.namespace, it.name, it.container))
        };
        let web = |namespace: Option<&str>| {
            Some(("Rollout".to_owned(), namespace.map(str::to_owned), "web".to_owned(), "app".to_owned()))
        };
        assert_eq!(name("workload:Rollout/web/containers/app"), web(None));
        assert_eq!(name("workload:Rollout/ai/web/containers/app"), web(Some("ai")));
        assert_eq!(name("workload:0/spec/containers/0/image"), None);
        assert_eq!(name("kustomize:0/images/web"), None);
    }
}
