//! Bad input: a clear error in one line that names the file or the value, its exit code, and nothing changed.

use super::scene::{Result, Scene, main_branch};
use pinlib::Mode;
use snapbox::{assert_data_eq, str};

/// Pins a file that holds this, and hands back the code and the error.
fn pin_of(text: &str) -> Result<String> {
    let Some(scene) = Scene::with(&[("app.yaml", text)])? else { return Ok("no git\n".into()) };
    let (a, image) = (scene.a.to_string(), scene.reported());
    let words = ["pin", "--forge=repository.git", "--registry=none", "--branch=main", "--source-commit", &a];
    let run = scene.run(&[&words[..], &["--image", &image, "--target=workload:app.yaml"]].concat())?;
    assert_eq!(run.out, "");
    scene.untouched()?;
    Ok(run.told())
}

#[test]
fn files_that_cannot_be_edited() -> Result {
    let pod = |image: &str| format!("kind: Pod\nspec:\n  containers:\n    - name: web\n      {image}\n");
    let files = [
        "a: [\n".to_owned(),
        "spec: {{ .Values.spec }}\n".into(),
        pod("image: registry.test/shop/web:1\n      image: registry.test/shop/web:2"),
        pod("image: &here registry.test/shop/web:1\n    - name: too\n      image: *here"),
        pod("image: registry.test/shop/wed:1"),
        "kind: ConfigMap\n".into(),
    ];
    let told = files.iter().map(|text| pin_of(text)).collect::<Result<String>>()?;
    if !told.starts_with("no git") {
        assert_data_eq!(
            told,
            str![[r#"
2 app.yaml:1:4: expected YAML, found unclosed bracket '['
7 app.yaml: expected a container with an image, found none
2 app.yaml:6:7: expected the key "image" once in a mapping, found it a second time
2 app.yaml:5:20: expected a value that stands for itself, found one that aliases repeat, anchored in line 5
7 app.yaml: expected the image registry.test/shop/web, found registry.test/shop/wed
7 app.yaml: expected a container with an image, found none

"#]]
        );
    }
    Ok(())
}

#[test]
fn paths_that_are_no_regular_files() -> Result {
    let Some(mut scene) = Scene::open()? else { return Ok(()) };
    let odd: [(Mode, &str, &[u8]); 2] =
        [(Mode::Symlink, "link.yaml", b"deploy/rollout.yaml"), (Mode::Executable, "run.yaml", b"image: a\n")];
    scene.a = scene.repository.write(&[scene.a], &odd, "Odd files")?;
    scene.repository.force(&main_branch(), Some(scene.a))?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let words = [
        "pin",
        "--forge=repository.git",
        "--registry=none",
        "--branch=main",
        "--source-commit",
        &a,
        "--image",
        &image,
    ];
    let mut told = String::new();
    for target in ["workload:link.yaml", "workload:run.yaml", "workload:missing.yaml", "workload:deploy"] {
        let run = scene.run(&[&words[..], &["--target", target]].concat())?;
        assert_eq!(run.out, "");
        told += &run.told();
    }
    scene.untouched()?;
    assert_data_eq!(
        scene.tidy(&told)?,
        str![[r#"
2 link.yaml: expected a regular file (100644), found a symbolic link (120000)
2 run.yaml: expected a regular file (100644), found an executable file (100755)
7 cannot read missing.yaml at [source]: the commit has no such file
2 deploy: expected a regular file (100644), found a folder (040000)
"#]]
    );
    Ok(())
}

#[test]
fn values_that_mean_nothing() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let mut told = String::new();
    for words in [
        &["--image", "registry.test/shop/web@sha256:zz"][..],
        &["--image", "registry.test/Shop/web"],
        &["--target", "workload:../app.yaml"],
        &["--target", "workload:/app.yaml"],
        &["--target", "workload:.git/config"],
        &["--target", "deployment:app.yaml"],
        &["--target", "yaml:app.yaml"],
        &["--target", "yaml:app.yaml#image"],
        &["--source-commit", "1f3c9ab"],
        &["--branch", "a..b"],
        &["--branch", "--upload-pack=x"],
        &["--forge", "https://me:secret@git.test/app.git"],
        &["--forge", "github:acme"],
        &["--registry", "layout:"],
        &["--platform", "linux"],
        &["--author", "nobody"],
        &["--sign", "key"],
    ] {
        let run = scene.run(&[&["pin"], words].concat())?;
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{run:?}");
        assert!(!run.err.contains("secret"), "{run:?}");
        told.extend([run.err.lines().next().unwrap_or_default(), "\n"]);
    }
    assert_data_eq!(
        told,
        str![[r#"
error: --image: "sha256:zz" is not a valid digest: want sha256: and 64, or sha512: and 128 lower-case hex digits
error: --image: "registry.test/Shop/web" is not a valid image reference: want a repository of lower-case letters and digits, parted by /, ., _ or -
error: --target: "../app.yaml" is not a valid path: want no empty part, . or .. in it
error: --target: "/app.yaml" is not a valid path: want a path relative to the repository's root
error: --target: ".git/config" is not a valid path: want a path outside .git
error: --target: want kustomization:PATH[#NAME], workload:PATH[#CONTAINER], helm:PATH[#/json/pointer] or yaml:PATH#/json/pointer
error: --target: want kustomization:PATH[#NAME], workload:PATH[#CONTAINER], helm:PATH[#/json/pointer] or yaml:PATH#/json/pointer
error: --target: "image" is not a valid path: want a JSON pointer, as /services/web/image
error: --source-commit: "1f3c9ab" is not a valid object id: want 40 or 64 lower-case hex digits, not all zero
error: --branch: "a..b" is not a valid branch name: want no blanks, controls, .., @{ or any of ~^:?*[/ in it
error: unexpected argument '--upload-pack' found
error: --forge: a login does not belong into a URL: put it into PINLIB_TOKEN
error: --forge: "acme" is not a valid GitHub repository: want OWNER/NAME
error: --registry: want oci, layout:DIR or none
error: --platform: "linux" is not a valid platform: want OS/ARCH or OS/ARCH/VARIANT, as linux/arm64
error: --author: want "Name <email>"
error: --sign: want ssh:KEYFILE, gpg or gpg:KEYID

"#]]
    );
    scene.untouched()
}

#[test]
fn what_is_missing_is_named_with_its_flag() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let (a, image) = (scene.a.to_string(), scene.reported());
    let mut told = String::new();
    for words in [
        &["--target=workload:a.yaml"][..],
        &["--image", &image],
        &["--image", &image, "--target=workload:a.yaml"],
        &["--image", &image, "--target=workload:a.yaml", "--source-commit", &a],
        &[
            "--image",
            &image,
            "--target=workload:a.yaml",
            "--source-commit",
            &a,
            "--branch=main",
            "--registry=none",
        ],
        &["--image=a", "--image=b", "--was=a:1", "--target=workload:a.yaml"],
        &[
            "--image",
            &image,
            "--target=workload:a.yaml",
            "--source-commit",
            &a,
            "--branch=main",
            "--policy=inputs",
        ],
        &["--config=nowhere.yaml"],
    ] {
        let run = scene.run(&[&["pin"], words].concat())?;
        assert_eq!(run.out, "");
        told.extend([run.code.map_or_else(String::new, |code| code.to_string()), format!(" {}", run.err)]);
    }
    assert_data_eq!(
        scene.tidy(&told)?,
        str![[r#"
2 error: no image is given
hint: give --image or --digests, or list images in pinlib.yaml
2 error: no target is given for registry.test/shop/web
hint: give --target KIND:PATH, or list targets for it in pinlib.yaml
2 error: the source commit, which the images were built from, is missing
hint: give --source-commit, or set PINLIB_SOURCE_COMMIT
2 error: the branch is missing
hint: give --branch, or set PINLIB_BRANCH
7 error: cannot find a repository around [FOLDER]: no folder upwards is one, and neither --forge, pinlib.yaml nor CI names another
hint: give --forge PATH|URL, or run it in a clone
2 error: --was means one image, and there are several
hint: give --image, once
2 error: the policy inputs does not know what registry.test/shop/web is built from
hint: list its `inputs` in pinlib.yaml
7 error: cannot read [FOLDER]/nowhere.yaml: there is no such file
"#]]
    );
    scene.untouched()
}

#[test]
fn what_the_caller_said_stands_there_must_stand_there() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&["--was=registry.test/shop/web:0.9"])?;
    assert_eq!((run.code, run.out.as_str()), (Some(6), ""));
    assert_data_eq!(
        run.error(),
        str!["deploy/kustomization.yaml holds registry.test/shop/web:1.0, not registry.test/shop/web:0.9"]
    );
    scene.untouched()?;
    let run = scene.pin(&["--was=registry.test/shop/web:1.0"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    Ok(())
}

#[test]
fn an_image_that_is_not_there_or_built_from_another_commit() -> Result {
    let Some(mut scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, nowhere) = (scene.a.to_string(), format!("registry.test/shop/web@sha256:{}", "0".repeat(64)));
    let run = scene.run(&["pin", "--source-commit", &a, "--image", &nowhere])?;
    assert_eq!(run.code, Some(7), "{run:?}");
    scene.untouched()?;
    scene.a = scene.repository.push(&main_branch(), &[("README", "tea\n")], "Sell tea")?;
    let run = scene.pin(&["--evidence=label"])?;
    assert_eq!(run.code, Some(6), "{run:?}");
    scene.untouched()
}

#[test]
fn a_blob_that_was_tampered_with() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let blob = format!("registry/blobs/sha256/{}", scene.digest().hex());
    scene.write(&blob, "{}")?;
    let run = scene.pin(&[])?;
    assert_eq!(run.code, Some(6), "{run:?}");
    scene.untouched()
}

#[test]
fn a_forge_that_is_none() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let (a, image) = (scene.a.to_string(), scene.reported());
    let words = [
        "pin",
        "--branch=main",
        "--source-commit",
        &a,
        "--image",
        &image,
        "--registry=none",
        "--target=workload:a",
    ];
    let mut told = String::new();
    for forge in ["--forge=nowhere", "--forge=registry"] {
        let run = scene.run(&[&words[..], &[forge]].concat())?;
        told += &run.told();
    }
    assert_data_eq!(
        scene.tidy(&told)?,
        str![[r#"
7 cannot open the repository [FOLDER]/nowhere: there is no such folder
7 cannot open the repository [FOLDER]/registry: it is not a git repository
"#]]
    );
    Ok(())
}
