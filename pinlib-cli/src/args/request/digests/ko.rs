//! `ko build` on its standard output, and any of ko's commands with `--image-refs FILE`: `repository@sha256:…` a line.
//! `pinlib resolve` prints the same.
//!
//! Source: <https://ko.build/reference/ko_build/>; <https://github.com/ko-build/ko/issues/1475> shows a tag before the digest.

use super::{Format, Tree, whole};

pub(super) const LINES: Format = Format {
    name: "lines of REPOSITORY@DIGEST, as of ko",
    fits: |tree| {
        let reference = |one: &Tree| one.text().is_some_and(|text| text.contains('@'));
        tree.list().is_some_and(|list| !list.is_empty() && list.iter().all(reference))
    },
    read: |tree| tree.list().into_iter().flatten().filter_map(Tree::text).map(whole).collect(),
};
