//! What `verify` came to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What runs, held against what Git says.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Verify {
    /// The commit that says what should run.
    pub(crate) commit: Option<String>,
    /// The environment that was meant.
    pub(crate) environment: Option<String>,
    /// What was asked: a server, or a file of what kubectl printed.
    pub(crate) cluster: Option<String>,
    /// The namespaces that were looked into; none where all were.
    pub(crate) namespaces: Vec<String>,
    /// What Git says, each place of it.
    pub(crate) wanted: Vec<WantedSite>,
    /// What runs, and what does not; containers that are alike share a row.
    pub(crate) rows: Vec<RunRow>,
    /// The Argo CD Application, where one was asked for.
    pub(crate) application: Option<AppState>,
    /// Where the cluster and Git have drifted apart, where that was asked for.
    pub(crate) drift: Option<Vec<Drifted>>,
}

/// A place in Git that says what should run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WantedSite {
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) locator: String,
    /// The image as it is meant there: of a file that a kustomization covers, as kustomize makes it.
    pub(crate) image: String,
}

/// Containers that are alike.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RunRow {
    /// The image's name, as Git has it; where Git does not know it, as its pods have it.
    pub(crate) image: String,
    /// The digest that Git has for it.
    pub(crate) wanted: Option<String>,
    /// `match`, `pending`, `not-running`, `unknown`, `mismatch`, or `unmanaged` where Git says nothing of it.
    pub(crate) verdict: String,
    /// Why it is pending or unknown.
    pub(crate) why: Option<String>,
    /// Of a match: the same `digest`, an index's image for this `platform`, or that image's `config`.
    pub(crate) equality: Option<String>,
    pub(crate) namespace: Option<String>,
    /// What holds the pods: its kind; null for a pod by itself.
    pub(crate) kind: Option<String>,
    /// Its name.
    pub(crate) name: Option<String>,
    pub(crate) container: Option<String>,
    /// `container`, `init container` or `ephemeral container`.
    pub(crate) role: Option<String>,
    /// `stable`, `canary` or `old`, where several revisions run or a Rollout tells.
    pub(crate) track: Option<String>,
    /// The image that the pods ask for.
    pub(crate) asked: Option<String>,
    /// What the nodes say that they run.
    pub(crate) running: Option<String>,
    pub(crate) pods: Vec<String>,
    /// How many of them serve.
    pub(crate) ready: usize,
}

/// An Argo CD Application.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct AppState {
    /// `NAMESPACE/NAME`.
    pub(crate) name: String,
    /// What it is synced to: one revision, or one a source.
    pub(crate) revisions: Vec<String>,
    pub(crate) sync: Option<String>,
    pub(crate) health: Option<String>,
    /// `match` where it holds the commit, is synced and healthy; else `pending` or `unknown`.
    pub(crate) verdict: String,
    pub(crate) why: Option<String>,
}

/// A row that has drifted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Drifted {
    /// `not-running`: in Git and nowhere running; `unmanaged`: running and not in Git; `mutable-tag`: running by a tag.
    pub(crate) kind: String,
    pub(crate) image: String,
    /// `NAMESPACE/KIND/NAME/CONTAINER`.
    pub(crate) place: Option<String>,
    /// The image that the pods ask for, or that Git has.
    pub(crate) reference: String,
    pub(crate) pods: usize,
}
