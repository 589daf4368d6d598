//! Every editor of the project in the suite of editors.

use pinlib::{Digest, HelmValues, Kustomization, ManifestEditor, PathEditor, Workload};
use pinlib_testkit::{
    conformance::editor::{EditorWorld, Sample},
    editor_conformance,
};
use std::sync::Arc;

macro_rules! world {
    ($name:ident, $module:ident, $editor:expr, $sample:expr) => {
        #[derive(Default)]
        struct $name;
        impl EditorWorld for $name {
            fn editor(&self) -> Arc<dyn ManifestEditor> {
                Arc::new($editor)
            }
            fn sample(&self) -> Sample {
                $sample
            }
            fn digest(&self) -> Digest {
                crate::edit::digest()
            }
        }
        mod $module {
            super::editor_conformance!(super::$name);
        }
    };
}

const KUSTOMIZATION: &str = "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization # of the service
resources: [web.yaml]
images:
# Written behind the last key, in the line that ends it.
- name: web
  newName: ghcr.io/acme/web
  newTag: v1 # a tag stays
- name: ghcr.io/acme/api
  digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae # replaced
- {name: ghcr.io/acme/job, newTag: \"1.20\"}
- name: 'ghcr.io/acme/ünused'
- name: ghcr.io/acme/web
  digest: 'sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae'
";

fn kustomization() -> Sample {
    Sample {
        path: "platform/web/kustomization.yaml",
        text: KUSTOMIZATION,
        bare: "kind: Kustomization\nresources: []\n",
        malformed: ("images:\n- name: }\n", 2),
        comment: Some("#"),
    }
}

world!(Entries, entries, Kustomization::default(), kustomization());

world!(
    Inserting,
    inserting,
    Kustomization { name: None, insert: Some("ghcr.io/acme/web".parse().expect("an image")) },
    Sample {
        text: "kind: Kustomization\nimages:\n- name: ghcr.io/acme/api\n  newTag: v1\nresources: [a.yaml]\n",
        bare: "kind: Deployment\n",
        ..kustomization()
    }
);

const WORKLOAD: &str = "# Two objects, a list of one, and JSON.
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: \"prod\"}
spec:
  template:
    spec:
      initContainers:
      - {name: init, image: ghcr.io/acme/web:1.2, args: [a, b]}
      containers:
      - image: 'ghcr.io/acme/web' # quoted
        name: web
      - name: proxy
        image: \"ghcr.io/acme/proxy:v1@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"
---
kind: List
items:
- kind: CronJob
  metadata: {name: jöb}
  spec: {jobTemplate: {spec: {template: {spec: {containers: [{\"name\": \"j\", \"image\": \"ghcr.io/acme/web\"}]}}}}}
";

fn workload() -> Sample {
    Sample {
        path: "platform/web/rollout.yaml",
        text: WORKLOAD,
        bare: "kind: Service\nmetadata: {name: web}\n",
        malformed: ("kind: Pod\nspec:\n  containers:\n  - name: web\n    image: {{ .Values.image }}\n", 5),
        comment: Some("#"),
    }
}

world!(Containers, containers, Workload::default(), workload());
world!(Keeping, keeping_tags, Workload { keep_tag: true, ..Workload::default() }, workload());
world!(One, one_container, Workload { container: Some("web".into()), ..Workload::default() }, workload());

const VALUES: &str = "# Every shape.
web:
  image:
    registry: ghcr.io
    repository: acme/web # in parts
    tag: v1
  sidecar: {image: {repository: ghcr.io/acme/side, tag: \"1\", digest: \"\"}}
api:
  image: ghcr.io/acme/api:v2 # whole
job:
  image:
    repository: ghcr.io/acme/jöb
    tag: v1@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    digest:
";

fn values() -> Sample {
    Sample {
        path: "charts/web/values.yaml",
        text: VALUES,
        bare: "replicas: 1\n",
        malformed: ("web:\n  image: {\n", 2),
        comment: Some("#"),
    }
}

world!(Values, values_of_charts, HelmValues::default(), values());
world!(
    AtOnePath,
    values_at_one_path,
    HelmValues { at: "/web/image".parse().expect("a path"), keep_tag: true },
    values()
);

world!(
    AnyPath,
    any_path,
    PathEditor { at: "/services/web/0".parse().expect("a path"), keep_tag: false },
    Sample {
        path: "env/prod.yaml",
        text: "services:\n  web:\n  - ghcr.io/acme/web:v1 # ü\n---\nservices: {web: [\"ghcr.io/acme/api\", x]}\n",
        bare: "services: {}\n",
        malformed: ("services:\n  web: [ghcr.io/acme/web:]\n", 2),
        comment: Some("#"),
    }
);

world!(
    Json,
    json,
    PathEditor { at: "/web/image".parse().expect("a path"), keep_tag: true },
    Sample {
        path: "env/prod.json",
        text: "{\n\t\"web\": {\n\t\t\"image\": \"ghcr.io/acme/web:v1\"\n\t}\n}\n",
        bare: "{}\n",
        malformed: ("{\n\"web\": {]\n}\n", 2),
        comment: None,
    }
);
