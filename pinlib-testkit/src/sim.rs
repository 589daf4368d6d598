//! Every schedule and every fault, replayed against the real algorithm, without a runtime.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

/// Answers every question of a run, and remembers the answers, so that the next run can differ in the last one.
#[derive(Debug, Default)]
pub struct Tape(Mutex<(usize, Vec<(usize, usize)>)>);

impl Tape {
    /// Picks one of `options`.
    ///
    /// # Panics
    /// Where the same answers led to another question.
    pub fn choose(&self, options: usize) -> usize {
        if options < 2 {
            return 0;
        }
        let (at, answers) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *at == answers.len() {
            answers.push((0, options));
        }
        *at += 1;
        let (answer, asked) = answers[*at - 1];
        assert_eq!(asked, options, "the scenario is not a function of its tape");
        answer
    }
    /// Rewinds to the next run; false when there is none.
    fn advance(&self) -> bool {
        let (at, answers) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *at = 0;
        while answers.last().is_some_and(|(answer, options)| answer + 1 == *options) {
            answers.pop();
        }
        answers.last_mut().is_some_and(|(answer, _)| {
            *answer += 1;
            true
        })
    }
}

/// The answers that led to a broken promise.
#[derive(Debug)]
pub struct Counterexample {
    /// How many runs held before.
    pub runs: usize,
    /// The answers.
    pub tape: String,
    /// The promise.
    pub broken: String,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} runs: {} (tape {})", self.runs, self.broken, self.tape)
    }
}

/// Runs a scenario on every tape.
///
/// # Errors
/// The first tape on which it does not hold.
pub fn explore(mut scenario: impl FnMut(&Arc<Tape>) -> Result<(), String>) -> Result<usize, Counterexample> {
    let tape = Arc::new(Tape::default());
    for runs in 1.. {
        if let Err(broken) = scenario(&tape) {
            let answers = tape.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
            let tape = answers.iter().map(|(answer, _)| answer.to_string()).collect();
            return Err(Counterexample { runs: runs - 1, tape, broken });
        }
        if !tape.advance() {
            return Ok(runs);
        }
    }
    Ok(0)
}

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
