//! A real `sshd`, and git behind it.

use crate::{
    git_world::{GitWorld, Reach, main_branch, unsigned},
    remote::{FILE, pinner, request},
};
use pinlib::{BackendErrorKind, Done, GitForge, OutcomeKind, RunId, SshForge};
use pinlib_testkit::{
    conformance::forge::ForgeWorld,
    repository::Repository,
    servers::{program, ssh::SshServer},
};
use std::sync::Arc;

fn present() -> bool {
    ["git", "ssh", "sshd", "ssh-keygen"]
        .iter()
        .all(|name| program(name).expect("no test skips in CI").is_some())
}

fn server(accept: &[&str]) -> SshServer {
    SshServer::start(accept).expect("a server").expect("its programs")
}

fn forge(server: &SshServer, repository: &Repository) -> SshForge {
    let forge = SshForge::new(&server.url(repository.path()), unsigned()).expect("a forge");
    forge.with_ssh_command(server.command())
}

/// A server that lets the version of the protocol through.
struct Ssh(#[expect(dead_code, reason = "it serves while it lives")] SshServer);

impl Reach for Ssh {
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>) {
        let server = server(&["GIT_PROTOCOL"]);
        let forge = forge(&server, repository);
        (Self(server), Arc::new(forge))
    }
}

mod conformance {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::Ssh>, super::present());
}

#[test]
fn a_server_that_lets_no_variable_through_is_read_all_the_same() {
    if !present() {
        return;
    }
    let world = GitWorld::<Ssh>::create(&[FILE]);
    let server = server(&[]);
    let (forge, source) = (forge(&server, &world.repository), world.log()[0].oid);
    let pinned = world.block_on(pinner(Arc::new(forge)).pin(&request(source, "one"), RunId::from([7; 16])));
    let pinned = pinned.expect("a pin");
    assert!(matches!(pinned.done, Done::Pinned { .. }));
    assert_eq!(world.log()[0].oid, pinned.commit);
    assert_eq!(world.repository.git(&["fsck", "--strict", "--no-dangling"]).expect("it is sound"), "");
}

#[test]
fn who_may_not_come_in_and_what_is_not_there_are_told_apart() {
    if !present() {
        return;
    }
    let world = GitWorld::<Ssh>::create(&[FILE]);
    let server = server(&["GIT_PROTOCOL"]);
    let new = |url: &str, line: &str| SshForge::new(url, unsigned()).expect("a forge").with_ssh_command(line);
    let url = server.url(world.repository.path());
    for (forge, kind) in [
        (new(&url, &server.stranger()), BackendErrorKind::Unauthorized),
        (new(&format!("{url}.gone"), &server.command()), BackendErrorKind::NotFound),
        (new("ssh://127.0.0.1:1/gone.git", &server.command()), BackendErrorKind::Unavailable),
        (new(&url, "no-such-ssh-program"), BackendErrorKind::Unavailable),
        (new(&url, "echo no git here;:"), BackendErrorKind::Invalid),
    ] {
        let error = world.block_on(forge.head(&main_branch())).expect_err("no head");
        assert_eq!(error.kind(), kind, "{error:?}");
        let error = world
            .block_on(pinner(Arc::new(forge)).pin(&request(world.log()[0].oid, "one"), RunId::from([7; 16])));
        assert_ne!(error.expect_err("no pin").kind(), OutcomeKind::Unknown);
    }
    assert_eq!(world.log().len(), 1);
}
