//! Key, words of the App and tokens show nowhere: not in what any crate traces, not in an error, a receipt or a panic.

use crate::{
    git_world::main_branch,
    github_world::{Scene, app, is_commit},
};
use pinlib::{GitForge, GitHubLogin};
use pinlib_testkit::servers::github::{CLIENT_ID, Lost, Meddling, TOKEN};
use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

/// All that was written.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Heard {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Everything that can be told of one way through a scene.
fn told(scene: &Scene) -> String {
    let heard = Heard::default();
    // Every crate, every level, spans with all that they hold.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(heard.clone())
        .finish();
    let mut text = tracing::subscriber::with_default(subscriber, || {
        // What a thread beside this one met first while nobody listened would stay unheard.
        tracing::callsite::rebuild_interest_cache();
        let answer = scene.pin("one");
        let mut found = scene.block_on(scene.forge.examine_login());
        found.extend(scene.block_on(scene.forge.examine_branch(&main_branch())));
        let identity = scene.block_on(scene.forge.identity());
        let closed = scene.block_on(scene.forge.close());
        let shown = match &answer {
            Ok(receipt) => format!("{receipt:?}"),
            Err(error) => format!("{error} {error:?} {}", chain(error)),
        };
        format!("{shown} {found:?} {identity:?} {closed:?} {:?} {}", scene.forge, scene.forge)
    });
    let panic = catch_unwind(AssertUnwindSafe(|| panic!("{:?}", scene.forge))).expect_err("it panics");
    text += panic.downcast_ref::<String>().map_or("", String::as_str);
    text + &String::from_utf8_lossy(&heard.0.lock().expect("no panic"))
}

/// An error and all of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.flat_map(|cause| [cause.to_string(), format!(" {cause:?} ")]).collect()
}

#[test]
fn no_secret_is_told_on_any_way() {
    let half = |hub: &pinlib_testkit::servers::github::GitHub| app(hub, "Iv23liSomebodyElse00", None);
    for way in 0..8 {
        let scene = match way {
            0 => Scene::with(half),
            1 => Scene::with(|_| GitHubLogin::Token(TOKEN.to_owned().into())),
            _ => Scene::with(|hub| app(hub, CLIENT_ID, None)),
        };
        let Some(scene) = scene else { return };
        match way {
            2 => scene.hub.change(|settings| settings.permissions.clear()),
            3 => scene.hub.change(|settings| settings.unready = 99),
            4 => {
                scene.hub.meddle(|request| is_commit(request).then_some(Meddling::AfterServing(Lost::Close)));
            }
            5 => scene.hub.meddle(|_| Some(Meddling::Before(Lost::Status(502)))),
            // A server that tells what it was sent.
            6 => scene.hub.meddle(|request| {
                let echo = format!("{{\"message\":\"no: {}\"}}", request.target);
                let headers = vec![("content-type".into(), "application/json".into())];
                Some(Meddling::Answer { status: 400, headers, body: echo })
            }),
            // The answer that holds a token is cut in its middle.
            7 => scene.hub.meddle(|request| {
                request.target.ends_with("/access_tokens").then_some(Meddling::AfterServing(Lost::Cut))
            }),
            _ => {}
        }
        let text = told(&scene);
        assert!(way == 1 || text.contains("pinlib::http"), "it is heard: {text}");
        let key = scene.hub.key().lines().filter(|line| !line.starts_with("-----")).map(str::to_owned);
        for secret in scene.hub.secrets().into_iter().chain(key).chain([TOKEN.to_owned()]) {
            assert!(!text.contains(&secret), "{way}: {secret} in {text}");
        }
        assert!(!text.contains("Bearer"), "{way}: {text}");
    }
}
