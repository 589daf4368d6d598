//! Tasks side by side, polled in an order of the tape's choice, without a runtime.

use super::Tape;
use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

/// Gives every other task a turn, once.
#[derive(Debug, Default)]
pub struct Yield(bool);

impl Future for Yield {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A task of a race.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a task ended.
#[derive(Debug)]
pub enum End<T> {
    /// With a value.
    Done(T),
    /// Dropped on the way.
    Dropped,
}

/// Polls the tasks in an order of the tape's choice, dropping up to `drops` of them where it likes. `event` is asked
/// before each step how many things the world could do by itself, and then which to do.
pub fn race<T>(
    tape: &Tape,
    tasks: Vec<Task<'_, T>>,
    mut drops: usize,
    mut event: impl FnMut(Option<usize>) -> usize,
) -> Vec<End<T>> {
    let mut tasks: Vec<_> = tasks.into_iter().map(Some).collect();
    let mut ends: Vec<_> = tasks.iter().map(|_| None).collect();
    loop {
        let live: Vec<_> = (0..tasks.len()).filter(|&i| tasks[i].is_some()).collect();
        let (events, droppable) = (event(None), if drops > 0 { live.len() } else { 0 });
        if live.is_empty() && events == 0 {
            return ends.into_iter().flatten().collect();
        }
        let choice = tape.choose(live.len() + events + droppable);
        if let Some(&i) = live.get(choice) {
            let mut context = Context::from_waker(Waker::noop());
            if let Some(Poll::Ready(value)) = tasks[i].as_mut().map(|task| task.as_mut().poll(&mut context)) {
                ends[i] = Some(End::Done(value));
                tasks[i] = None;
            }
        } else if choice < live.len() + events {
            event(Some(choice - live.len()));
        } else {
            let i = live[choice - live.len() - events];
            ends[i] = Some(End::Dropped);
            tasks[i] = None;
            drops -= 1;
        }
    }
}

/// Runs one future that never waits for anything real.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// Drives futures side by side on one task, whatever the runtime.
pub async fn together<T>(tasks: Vec<Task<'_, T>>) -> Vec<T> {
    let mut tasks: Vec<_> = tasks.into_iter().map(|task| (Some(task), None)).collect();
    std::future::poll_fn(|context| {
        for (task, value) in &mut tasks {
            if let Some(Poll::Ready(ready)) = task.as_mut().map(|task| task.as_mut().poll(context)) {
                (*task, *value) = (None, Some(ready));
            }
        }
        if tasks.iter().any(|(task, _)| task.is_some()) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    tasks.into_iter().filter_map(|(_, value)| value).collect()
}
