//! Kustomizations, byte by byte.

use crate::edit::{becomes, digest, file, filled, missing, pin, refusal};
use pinlib::{Kustomization, ManifestEditor};
use std::{fs, process::Command};

const FILE: &str = "app/kustomization.yaml";
const IMAGE: &str = "ghcr.io/acme/web";

fn all() -> Kustomization {
    Kustomization::default()
}

fn inserting(name: Option<&str>) -> Kustomization {
    Kustomization { name: name.map(str::to_owned), insert: IMAGE.parse().ok() }
}

#[test]
fn a_digest_is_replaced_where_it_stands() {
    let cases = [
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: OLD\n",
            "images:\n- name: ghcr.io/acme/web\n  digest: DIGEST\n",
        ),
        // The quotes, the comment, the order, CRLF, the missing end of the last line: as they are.
        (
            "images:\r\n- digest: 'OLD' # by CI\r\n  name: ghcr.io/acme/web\r\n  newTag: \"1.20\"",
            "images:\r\n- digest: 'DIGEST' # by CI\r\n  name: ghcr.io/acme/web\r\n  newTag: \"1.20\"",
        ),
        (
            "\u{feff}images:\n    -   name: web\n        newName: ghcr.io/acme/web\n        digest: \"OLD\"\n\n\nnamePrefix: ünï-\n",
            "\u{feff}images:\n    -   name: web\n        newName: ghcr.io/acme/web\n        digest: \"DIGEST\"\n\n\nnamePrefix: ünï-\n",
        ),
        (
            "images: [{name: ghcr.io/acme/web, digest: OLD}]\n",
            "images: [{name: ghcr.io/acme/web, digest: DIGEST}]\n",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: ''\n",
            "images:\n- name: ghcr.io/acme/web\n  digest: 'DIGEST'\n",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: ~\n",
            "images:\n- name: ghcr.io/acme/web\n  digest: DIGEST\n",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: !!str OLD\n  newTag: x\n",
            "images:\n- name: ghcr.io/acme/web\n  digest: !!str DIGEST\n  newTag: x\n",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: &d OLD\n",
            "images:\n- name: ghcr.io/acme/web\n  digest: &d DIGEST\n",
        ),
    ];
    for (before, after) in cases {
        becomes(all(), FILE, IMAGE, before, after);
        // Again is no change.
        becomes(all(), FILE, IMAGE, after, after);
    }
}

#[test]
fn a_digest_is_inserted_behind_the_last_key() {
    let cases = [
        (
            "images:\n- name: ghcr.io/acme/web\n  newTag: v1\nnamespace: a\n",
            "images:\n- name: ghcr.io/acme/web\n  newTag: v1\n  digest: DIGEST\nnamespace: a\n",
        ),
        (
            "images:\n  - name: web # ours\n    newName: ghcr.io/acme/web # here\n\n  # theirs\n  - name: redis\n",
            "images:\n  - name: web # ours\n    newName: ghcr.io/acme/web # here\n    digest: DIGEST\n\n  # theirs\n  - name: redis\n",
        ),
        (
            "images:\r\n- name: ghcr.io/acme/web\r\n  newTag: v1",
            "images:\r\n- name: ghcr.io/acme/web\r\n  newTag: v1\r\n  digest: DIGEST",
        ),
        ("images:\n- name: ghcr.io/acme/web", "images:\n- name: ghcr.io/acme/web\n  digest: DIGEST"),
        (
            "images:\n-   name: ghcr.io/acme/web\n",
            "images:\n-   name: ghcr.io/acme/web\n    digest: DIGEST\n",
        ),
        (
            "images:\n-\n  name: ghcr.io/acme/web\n",
            "images:\n-\n  name: ghcr.io/acme/web\n  digest: DIGEST\n",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  newTag:\n# end\n",
            "images:\n- name: ghcr.io/acme/web\n  newTag:\n  digest: DIGEST\n# end\n",
        ),
        // A key without a value takes it where it stands.
        (
            "images:\n- digest:   # soon\n  name: ghcr.io/acme/web\n",
            "images:\n- digest: DIGEST   # soon\n  name: ghcr.io/acme/web\n",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest:",
            "images:\n- name: ghcr.io/acme/web\n  digest: DIGEST",
        ),
        (
            "images: [{name: ghcr.io/acme/web}, {name: b}]\n",
            "images: [{name: ghcr.io/acme/web, digest: \"DIGEST\"}, {name: b}]\n",
        ),
        (
            "images:\n- {name: ghcr.io/acme/web, newTag: v1,} # flow\n",
            "images:\n- {name: ghcr.io/acme/web, newTag: v1, digest: \"DIGEST\",} # flow\n",
        ),
        (
            "{\"images\": [{\"name\": \"ghcr.io/acme/web\",\n\t\"newTag\": \"v1\"\n\t}]}",
            "{\"images\": [{\"name\": \"ghcr.io/acme/web\",\n\t\"newTag\": \"v1\", \"digest\": \"DIGEST\"\n\t}]}",
        ),
        (
            "images:\n- &web\n  name: ghcr.io/acme/web\n",
            "images:\n- &web\n  name: ghcr.io/acme/web\n  digest: DIGEST\n",
        ),
    ];
    for (before, after) in cases {
        becomes(all(), FILE, IMAGE, before, after);
        becomes(all(), FILE, IMAGE, after, after);
    }
}

#[test]
fn the_entry_that_kustomize_means_is_found() {
    let text = "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nimages:\n- name: a\n  newName: ghcr.io/acme/web\n  newTag: v1\n  digest: OLD\n- name: nginx\n  newTag: \"1.29\"\n";
    let sites = all().sites(&file("any.yaml", filled(text))).expect("sites");
    let seen: Vec<_> =
        sites.iter().map(|site| (site.locator.as_str(), site.image.to_string(), site.line)).collect();
    let web = filled("ghcr.io/acme/web:v1@OLD");
    assert_eq!(
        seen,
        [("kustomize:0/images/a", web, 7), ("kustomize:0/images/nginx", "nginx:1.29".into(), 8)]
    );
    let one = Kustomization { name: Some("nginx".into()), insert: None };
    becomes(one, "any.yaml", "docker.io/nginx", text, &format!("{text}  digest: DIGEST\n"));
    // Other documents are left alone, the kustomization is found by its kind.
    let many = "kind: Service\nimages:\n- name: ghcr.io/acme/web\n---\nkind: Kustomization\nimages:\n- name: ghcr.io/acme/web\n...\n---\n# none\n";
    becomes(all(), "all.yaml", IMAGE, many, &many.replace("web\n...", "web\n  digest: DIGEST\n..."));
}

#[test]
fn an_entry_is_brought_in() {
    let entry = "- name: ghcr.io/acme/web\n  digest: DIGEST";
    let cases = [
        (None, "resources: [a]\n".to_owned(), format!("resources: [a]\nimages:\n{entry}\n")),
        (
            None,
            "resources:\n- a # last\n# end\n".into(),
            format!("resources:\n- a # last\nimages:\n{entry}\n# end\n"),
        ),
        (None, "resources:\n- a".into(), format!("resources:\n- a\nimages:\n{entry}")),
        (None, "images:\nresources: []\n".into(), format!("images:\n{entry}\nresources: []\n")),
        (
            None,
            "images:\n- name: b\n  newTag: c\nx: 1\n".into(),
            format!("images:\n- name: b\n  newTag: c\n{entry}\nx: 1\n"),
        ),
        (
            None,
            "images:\r\n  -   name: b\r\n".into(),
            "images:\r\n  -   name: b\r\n  - name: ghcr.io/acme/web\r\n    digest: DIGEST\r\n".into(),
        ),
        // It is there already, under whatever name.
        (
            None,
            "images:\n- name: x\n  newName: ghcr.io/acme/web\n".into(),
            "images:\n- name: x\n  newName: ghcr.io/acme/web\n  digest: DIGEST\n".into(),
        ),
        (
            Some("web"),
            "images:\n- name: b\n".into(),
            "images:\n- name: b\n- name: web\n  newName: ghcr.io/acme/web\n  digest: DIGEST\n".into(),
        ),
        // A name that YAML would take for something else.
        (
            Some("yes"),
            "images:\n- name: b\n".into(),
            "images:\n- name: b\n- name: \"yes\"\n  newName: ghcr.io/acme/web\n  digest: DIGEST\n".into(),
        ),
    ];
    for (name, before, after) in cases {
        becomes(inserting(name), FILE, IMAGE, &before, &after);
        becomes(inserting(name), FILE, IMAGE, &after, &after);
    }
    let refused = [
        (
            "images: []\n",
            "kustomization.yaml:1:9: expected a list with a line an item, found one in brackets",
        ),
        ("{\"resources\": []}", "1:1: expected a mapping with a line a key, found one in brackets"),
        (
            "images:\n- name: ghcr.io/acme/web\n  newName: mirror/web\n",
            "2:9: expected the image ghcr.io/acme/web, found it renamed to \"mirror/web\"",
        ),
    ];
    for (text, why) in refused {
        let error = refusal(inserting(None), FILE, IMAGE, text);
        assert!(error.ends_with(why), "{error}");
    }
}

#[test]
fn what_could_pin_nothing_is_refused_with_its_place() {
    let cases = [
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: OLD\n  digest: OLD\n",
            "4:3: expected the key \"digest\" once",
        ),
        ("images:\n- name: ghcr.io/acme/web\nimages: []\n", "3:1: expected the key \"images\" once"),
        (
            "images:\n- name: ghcr.io/acme/web\n- name: ghcr.io/acme/web\n",
            "3:9: expected one entry named \"ghcr.io/acme/web\", found a second, after line 2",
        ),
        (
            "d: &d OLD\nimages:\n- name: ghcr.io/acme/web\n  digest: *d\n",
            "4:11: expected a value on one line, found an alias",
        ),
        (
            "x: &x {name: ghcr.io/acme/web}\nimages:\n- *x\n",
            "3:3: expected an entry of its own, found an alias",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: &d OLD\nx: *d\n",
            "3:14: expected a value that stands for itself",
        ),
        (
            "images: &i\n- name: ghcr.io/acme/web\n  digest: OLD\nx: *i\n",
            "2:9: expected a value that stands for itself",
        ),
        (
            "b: &b {digest: OLD}\nimages:\n- name: ghcr.io/acme/web\n  <<: *b\n",
            "4:3: expected the key \"name\" or nothing that could be it, found a merge (<<)",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: >-\n    OLD\n",
            "3:3: expected a value on one line, found a block of text",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: \"sha256:\\\n    1\"\n",
            "3:11: expected a value on one line, found one over several lines",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: [a]\n",
            "3:11: expected a value on one line, found a list",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: !!binary c2hh\n",
            "3:20: expected a value on one line, found a value with a tag",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: ${DIGEST}\n",
            "2:9: expected an image reference, found \"ghcr.io/acme/web@${",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  digest: sha256:zz\n",
            "2:9: expected an image reference, found \"ghcr.io/acme/web@sha256:zz\"",
        ),
        (
            "images:\n- name: ghcr.io/acme/web\n  ? digest\n",
            "3:5: expected a value, or a key with a colon behind it",
        ),
        (
            "images:\n- name: a\n  newName: ghcr.io/acme/web:v1\n",
            "3:12: expected a name without tag and digest, found ghcr.io/acme/web:v1",
        ),
        ("images: {name: ghcr.io/acme/web}\n", "1:9: expected a list of images, found something else"),
        (
            "images:\n- name: ghcr.io/acme/wen\n",
            "kustomization.yaml: expected the image ghcr.io/acme/web, found ghcr.io/acme/wen",
        ),
        ("images:\n{{ range . }}\n- name: ghcr.io/acme/web\n", " in a template"),
        ("images: []\n", "kustomization.yaml: expected an entry under images, found none"),
    ];
    for (text, why) in cases {
        let error = refusal(all(), FILE, IMAGE, text);
        assert!(error.contains(why), "{error}\n{text}");
    }
    let other = refusal(all(), "app/other.yaml", IMAGE, "images:\n- name: ghcr.io/acme/web\n");
    assert_eq!(other, "app/other.yaml: expected a kustomization, found no document that is one");
    let one = Kustomization { name: Some("wbe".into()), insert: None };
    let near = refusal(one, FILE, IMAGE, "images:\n- name: api\n- name: web\n- name: batch\n");
    assert_eq!(near, "app/kustomization.yaml: expected \"wbe\" under images, found web, api, batch");
}

#[test]
fn kubectl_renders_the_digest_and_nothing_else_differs() {
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        return missing("kubectl");
    }
    let render = |kustomization: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: a\n    image: web:dev\n  - name: b\n    image: redis:7\n";
        fs::write(folder.path().join("pod.yaml"), pod).expect("written");
        fs::write(folder.path().join("kustomization.yaml"), kustomization).expect("written");
        let done =
            Command::new("kubectl").arg("kustomize").arg(folder.path()).output().expect("kubectl runs");
        assert!(done.status.success(), "{}\n{kustomization}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("text")
    };
    let head = "resources: [pod.yaml]\n";
    let cases = [
        format!("{head}images:\n- name: web\n  newName: ghcr.io/acme/web\n"),
        format!("{head}images:\n- name: web\n  newName: ghcr.io/acme/web\n  newTag: v1\n"),
        filled(&format!("{head}images:\n- name: web\n  newName: ghcr.io/acme/web\n  newTag: v1\n  digest: 'OLD'\n")),
        format!("{head}images: [{{name: web, newName: ghcr.io/acme/web}}]\n"),
        format!("{head}images:\n- digest:\n  name: web\n  newName: ghcr.io/acme/web"),
        "{\"resources\": [\"pod.yaml\"], \"images\": [{\"name\": \"web\", \"newName\": \"ghcr.io/acme/web\"}]}".into(),
    ];
    for before in cases {
        let after = pin(all(), FILE, &before, IMAGE).expect("pinned");
        let (old, new) = (render(&before), render(&after));
        let differing: Vec<_> = old.lines().zip(new.lines()).filter(|(old, new)| old != new).collect();
        assert_eq!((old.lines().count(), differing.len()), (new.lines().count(), 1), "{old}{new}");
        let image = differing[0].1;
        assert!(
            image.contains("image: ghcr.io/acme/web") && image.ends_with(&format!("@{}", digest())),
            "{image}"
        );
    }
    // Brought in by name and image.
    let before = format!("{head}namePrefix: x-\n");
    let after = pin(inserting(Some("web")), FILE, &before, IMAGE).expect("pinned");
    assert_eq!(render(&before).replace("web:dev", &format!("{IMAGE}@{}", digest())), render(&after));
}
