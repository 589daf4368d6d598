//! A folder to type the book's commands in: a repository with a clone beside it, a registry, and a shell.

use super::{
    super::scene::{Result, Scene, main_branch},
    page::{Block, Command},
};
use pinlib_testkit::image::{Recipe, Variant};
use regex_lite::Regex;
use std::{fmt::Write as _, fs, path::Path, process};

/// The files that the book's examples are about.
const FILES: [(&str, &str); 11] = [
    ("platform/ai/kustomization.yaml", "images:\n  - name: ghcr.io/acme/ai-service\n    newTag: \"1.4\"\n"),
    (
        "platform/ai/rollout.yaml",
        "spec:\n  template:\n    spec:\n      containers:\n        - name: ai\n          image: ghcr.io/acme/ai-service:1.4\n",
    ),
    ("platform/web/kustomization.yaml", "images:\n  - name: ghcr.io/acme/web\n    newTag: \"2.0\"\n"),
    (
        "platform/web/rollout.yaml",
        "spec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: ghcr.io/acme/web:2.0\n",
    ),
    ("platform/api/kustomization.yaml", "images:\n  - name: ghcr.io/acme/api\n    newTag: \"2.0\"\n"),
    ("deploy/web/kustomization.yaml", "images:\n  - name: ghcr.io/acme/web\n    newTag: \"2.0\"\n"),
    ("env/staging/kustomization.yaml", "images:\n  - name: ghcr.io/acme/ai-service\n    newTag: \"1.4\"\n"),
    (
        "env/production/kustomization.yaml",
        "images:\n  - name: ghcr.io/acme/ai-service\n    newTag: \"1.4\"\n",
    ),
    ("charts/ai/values.yaml", "image: ghcr.io/acme/ai-service:1.4\n"),
    ("env/prod.yaml", "services: {ai: {image: \"ghcr.io/acme/ai-service:1.4\"}}\n"),
    ("services/web/main.go", "package main\n"),
];

const CONFIG: &str = "\
branch: main
images:
  - name: ghcr.io/acme/ai-service
    targets: [{kustomization: platform/ai/kustomization.yaml}, {workload: platform/ai/rollout.yaml}]
  - name: ghcr.io/acme/web
    targets: [{kustomization: platform/web/kustomization.yaml}, {workload: platform/web/rollout.yaml}]
  - name: ghcr.io/acme/api
    targets: [{kustomization: platform/api/kustomization.yaml}]
";

/// What a hidden block may use beside the shell: `merge TEXT` puts a commit of somebody else's on main, and its oid into A.
/// What a command printed ends with its exit code between two record separators, which the next command can ask for too.
const PRELUDE: &str = "\
exec 2>&1
merge() {
  A=$(git -C ../repository.git commit-tree -p main -m \"$1\" 'main^{tree}')
  git -C ../repository.git update-ref refs/heads/main \"$A\"
}
ended() { local code=$?; printf '\\036%s\\036\\n' \"$code\"; return \"$code\"; }
";

pub(super) struct Sandbox {
    scene: Scene,
    digests: [String; 3],
}

impl Sandbox {
    /// A new one; none where git is missing.
    pub(super) fn new() -> Result<Option<Self>> {
        let Some(scene) = Scene::with(&FILES)? else { return Ok(None) };
        let registry = scene.folder().join("registry");
        let image = |name: &str| -> Result<String> {
            let variants = ["linux/amd64", "linux/arm64"].map(|platform| {
                let variant = Variant::of(platform).built_from(scene.a);
                if name == "1.4" { variant } else { variant.label("build", name) }
            });
            let image = Recipe::of(variants).index();
            image.write_layout(&registry, name)?;
            Ok(image.digest().to_string())
        };
        let digests = [image("1.4")?, image("1.5")?, image("1.6")?];
        scene.repository.git(&["clone", "-q", ".", "../platform"])?;
        scene.write("platform/pinlib.yaml", CONFIG)?;
        Ok(Some(Self { scene, digests }))
    }

    /// Types the commands of these blocks, one after another in one shell, and holds what comes against what is shown.
    /// Hands back of each command what is wrong with it, if anything is.
    pub(super) fn play(&self, page: &str, blocks: &[Block]) -> Result<Vec<Option<String>>> {
        let (mut script, mut commands) = (PRELUDE.to_owned(), Vec::new());
        for block in blocks {
            if let Some(path) = block.value("file") {
                writeln!(script, "cat >{path} <<'end of the block'\n{}end of the block", block.text)?;
            } else {
                for command in block.commands() {
                    writeln!(script, "{}\nended", command.typed)?;
                    commands.push(command);
                }
            }
        }
        let said = self.shell(&script)?;
        let mut parts = said.split('\x1e');
        let asks = |command: &Command| command.typed == "echo $?";
        let mut found = Vec::new();
        for (n, command) in commands.iter().enumerate() {
            let at = format!("{page}:{}: {}", command.line, command.typed);
            let (Some(printed), Some(code)) = (parts.next(), parts.next()) else {
                return Err(format!("{at}\nended the shell: {said}").into());
            };
            // Behind each code stands a line break of the shell's own.
            let printed = if n == 0 { printed } else { printed.strip_prefix('\n').unwrap_or(printed) };
            // A code that nobody asks for must be 0.
            let asked = asks(command) || commands.get(n + 1).is_some_and(asks);
            let failed = (code != "0" && !asked).then(|| format!("{at}\nended with {code}: {printed}"));
            found.push(failed.or_else(|| differs(&at, printed, &command.shown)));
        }
        Ok(found)
    }

    fn shell(&self, script: &str) -> Result<String> {
        let bin = Path::new(env!("CARGO_BIN_EXE_pinlib")).parent().ok_or("a folder")?;
        let path = std::env::join_paths(
            [bin.to_owned()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        )?;
        let file = self.scene.folder().join("script");
        fs::write(&file, script)?;
        let [first, second, third] = &self.digests;
        let source = self.scene.repository.head(&main_branch())?.ok_or("main is gone")?.to_string();
        let done = process::Command::new("bash")
            .args(["--noprofile", "--norc"])
            .arg(&file)
            .current_dir(self.scene.folder().join("platform"))
            .env_clear()
            .envs([("PATH", path.as_os_str())])
            .envs([("HOME", self.scene.folder())])
            .envs([
                ("LC_ALL", "C.UTF-8"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_AUTHOR_NAME", "Ann"),
                ("GIT_AUTHOR_EMAIL", "ann@acme.example"),
                ("GIT_COMMITTER_NAME", "Ann"),
                ("GIT_COMMITTER_EMAIL", "ann@acme.example"),
                ("PINLIB_FORGE", "../repository.git"),
                ("PINLIB_REGISTRY", "layout:../registry"),
                ("A", &source),
                ("CI_COMMIT_SHA", &source),
                ("REPOSITORY", "../repository.git"),
                ("DIGEST", first),
                ("SECOND", second),
                ("THIRD", third),
            ])
            .output()?;
        Ok(String::from_utf8(done.stdout)? + &String::from_utf8(done.stderr)?)
    }
}

/// What is not shown is not compared. `…` stands for anything, on a line of its own for any lines.
fn differs(at: &str, printed: &str, shown: &str) -> Option<String> {
    if shown.is_empty() {
        return None;
    }
    let pattern: Vec<_> = alike(shown)
        .lines()
        .map(|line| if line == "…" { "...".to_owned() } else { line.replace('…', "[..]") })
        .collect();
    let printed = alike(printed).replace('…', "[..]");
    let (printed, pattern) = (printed.trim_end().to_owned(), pattern.join("\n"));
    snapbox::Assert::new()
        .try_eq(Some(&at), printed.into(), pattern.into())
        .err()
        .map(|error| error.to_string())
}

/// Oids, digests, run ids and times differ from run to run, and keep their shape.
fn alike(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, shape) in [
        ("[0-9a-f]{12,}", "OID"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?Z?", "TIME"),
        (r"(?m)  [0-9.]+ m?s$", "  SECONDS"),
    ] {
        let pattern = Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"));
        text = pattern.replace_all(&text, shape).into_owned();
    }
    text
}
