//! Looking until all is well.

use super::{Shop, asks, pod, request, turning::Turning};
use pinlib::{BackendErrorKind, OutcomeKind, RecordedCluster, RunReport};
use pinlib_testkit::{servers::kubernetes::objects::printed, sim};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

#[test]
fn a_wait_ends_when_all_runs_or_the_time_is_over() {
    let shop = Shop::open();
    let (wanted, other) = (shop.index.digest(), shop.other.digest());
    let commit = shop.deploy(wanted);
    let at = |digest| printed(&[pod("web-1", "a").container("web", &asks(digest), &asks(digest)).json()]);
    let turning = |turns: usize| {
        let read = |text: &str| RecordedCluster::read("pods", text.as_bytes()).expect("a list");
        Arc::new(Turning::new(read(&at(other)), read(&at(wanted)), turns))
    };
    let wait = |cluster, minutes: u64| {
        let mut seen = Vec::new();
        let mut note = |report: &RunReport| seen.push(report.verdict().name());
        let time = Duration::from_secs(60 * minutes);
        let report = sim::run(shop.verifier(cluster).wait(&request(commit), time, &mut note));
        (report, seen)
    };
    let (report, seen) = wait(turning(5), 10);
    assert_eq!(report.expect("a report").verdict().name(), "match");
    assert_eq!(seen.len(), 6);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 2);
    let before = shop.clock.waited();
    let (report, seen) = wait(turning(usize::MAX), 10);
    assert_eq!(report.expect("a report").verdict().name(), "mismatch");
    assert_eq!(shop.clock.waited(), before + Duration::from_secs(600), "to the second");
    assert!((20..120).contains(&seen.len()), "not too often: {}", seen.len());
    // A server that is down for a while is waited for, and one that says no is not.
    let (report, _) = wait(Arc::new(Turning::failing(turning(0), BackendErrorKind::Unavailable, 3)), 10);
    assert_eq!(report.expect("a report").verdict().name(), "match");
    let (report, seen) = wait(Arc::new(Turning::failing(turning(0), BackendErrorKind::Unauthorized, 3)), 10);
    assert_eq!((report.expect_err("an error").kind(), seen.len()), (OutcomeKind::Unauthorized, 0));
}
