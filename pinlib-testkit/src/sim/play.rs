//! Plays a plan as a tape says, with the real algorithm, and has the outcome judged.

use super::{
    checker::{Checker, Ran},
    orders::Asked,
    plan::{Job, Move, Plan},
    promise::Violation,
    race::{End, Task},
    stage::{Server, Stage},
    supply::{Supply, Unsteady, published},
    tape::Tape,
    trace::Step,
};
use crate::fault::{Fault, Faulty, Network};
use pinlib::{GitForge, OutcomeKind, Patience, PinError, Pinner, Receipt, RunId};
use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

type Outcome = Result<Receipt, PinError>;

/// A step of a pin, against those of others.
const STEP: u32 = 100;

/// How a plan ended.
#[derive(Debug)]
pub struct Played {
    /// How each job ended; none where it crashed.
    pub ends: Vec<Option<OutcomeKind>>,
    /// The faults that came.
    pub struck: Vec<Fault>,
    /// How many say that they pinned, or the promise that was broken.
    pub verdict: Result<usize, Violation>,
    /// One line a step, where that was asked for.
    pub trace: Vec<String>,
}

/// One job on its way.
struct Running {
    asked: Arc<Asked>,
    run: RunId,
    task: Option<Task<'static, Outcome>>,
    after: Option<usize>,
    began: Option<usize>,
    until: usize,
    owed: bool,
    end: Option<End<Outcome>>,
}

/// Plays a plan on a new server; `told` writes its story.
///
/// # Errors
/// Where a job of the plan is no request.
pub fn play<S: Server>(plan: &Plan, tape: &Arc<Tape>, told: bool) -> Result<Played, PinError> {
    let stage = Stage::<S>::new(plan.jobs.iter().any(|job| job.newer));
    let network = Arc::new(Network::new(plan.rates, plan.budget));
    let mut show = Show { plan, tape, stage, network, told, jobs: Vec::new(), trace: Vec::new() };
    for (index, job) in plan.jobs.iter().enumerate() {
        let running = show.start(index, job)?;
        show.jobs.push(running);
    }
    show.run();
    Ok(show.judge())
}

/// What can happen next.
#[derive(Clone, Copy)]
enum Event {
    Step(usize),
    Arrive,
    Act,
    Crash(usize),
}

struct Show<'a, S> {
    plan: &'a Plan,
    tape: &'a Arc<Tape>,
    stage: Stage<S>,
    network: Arc<Network>,
    told: bool,
    jobs: Vec<Running>,
    trace: Vec<String>,
}

impl<S: Server> Show<'_, S> {
    fn start(&self, index: usize, job: &Job) -> Result<Running, PinError> {
        let mut id = [0; 16];
        id[0] = u8::try_from(index + 1).unwrap_or(u8::MAX);
        let run = RunId::from(id);
        let (tape, network, fine) = (Arc::clone(self.tape), Arc::clone(&self.network), self.plan.fine);
        let server = Arc::clone(&self.stage.server);
        let forge: Arc<dyn GitForge> =
            Arc::new(Faulty::client(server, Arc::clone(&tape), Arc::clone(&network), index, fine));
        let asked = Arc::new(self.stage.asked(job, &forge)?);
        let pinner = Pinner {
            registry: Arc::new(Supply {
                tape: Arc::clone(&tape),
                network: Arc::clone(&network),
                moved: Arc::clone(&self.stage.tags_moved),
            }),
            clock: Arc::new(Unsteady { tape, network, fine, waited: std::sync::Mutex::default() }),
            forge,
            patience: Patience { tries: 3, pause: Duration::from_secs(1), ..Patience::default() },
        };
        let ordered = Arc::clone(&asked);
        let task: Task<'static, Outcome> =
            Box::pin(async move { pinner.carry_out(ordered.order(), run).await });
        let (after, task) = (job.after, Some(task));
        Ok(Running { asked, run, task, after, began: None, until: 0, owed: false, end: None })
    }

    fn run(&mut self) {
        if self.told {
            self.network.listen();
        }
        let (mut acts, mut crashes, mut last) = (self.plan.moves.iter().copied(), self.plan.crashes, None);
        let mut preemptions = self.plan.preemptions.unwrap_or(usize::MAX);
        loop {
            let ready = |index: &usize| {
                let job = &self.jobs[*index];
                job.task.is_some()
                    && job.after.is_none_or(|after| self.jobs.get(after).is_none_or(|job| job.end.is_some()))
            };
            let mut live: Vec<_> = (0..self.jobs.len()).filter(ready).collect();
            // To go on with the same is the simplest.
            let going = live.iter().position(|index| Some(*index) == last);
            if let Some(at) = going {
                live[..=at].rotate_right(1);
            }
            let mut events: Vec<_> = live.iter().map(|index| (Event::Step(*index), STEP)).collect();
            if going.is_some() && preemptions == 0 {
                events.truncate(1);
            } else {
                events.extend((self.network.late() > 0).then_some((Event::Arrive, STEP)));
                events.extend((acts.len() > 0).then_some((Event::Act, self.plan.pace)));
                let crash = self.plan.rates.of(Fault::Crash);
                if crashes > 0 {
                    events.extend(live.iter().map(|index| (Event::Crash(*index), crash / 4)));
                }
            }
            if events.is_empty() {
                return;
            }
            let weights: Vec<_> = events.iter().map(|(_, weight)| *weight).collect();
            let (event, _) = events[self.tape.weigh(&weights)];
            let same = matches!(event, Event::Step(index) if Some(index) == last);
            preemptions -= usize::from(going.is_some() && !same && preemptions > 0);
            match event {
                Event::Step(index) => {
                    last = Some(index);
                    self.step(index);
                }
                Event::Arrive => self.arrive(),
                Event::Act => self.act(acts.next()),
                Event::Crash(index) => {
                    crashes -= 1;
                    self.network.crash(index, self.tape);
                    self.end(index, End::Dropped);
                    self.tell(format!("pin {index}"), || "!! fault 17: crash".into());
                }
            }
        }
    }
    fn heads(&self) -> usize {
        self.stage.memory().heads(&self.stage.branch).len()
    }
    fn step(&mut self, index: usize) {
        let heads = self.heads();
        let job = &mut self.jobs[index];
        job.began.get_or_insert(heads.saturating_sub(1));
        let mut context = Context::from_waker(Waker::noop());
        let polled = job.task.as_mut().map(|task| task.as_mut().poll(&mut context));
        let mut ended = None;
        if let Some(Poll::Ready(outcome)) = polled {
            ended = self.told.then(|| match &outcome {
                Ok(receipt) => format!("ends: {:?} at {}", receipt.kind(), receipt.commit.short()),
                Err(error) => format!("ends: {:?}: {error}", error.kind()),
            });
            self.end(index, End::Done(outcome));
        }
        self.tell(format!("pin {index}"), || ended.unwrap_or_default());
    }
    fn end(&mut self, index: usize, end: End<Outcome>) {
        let heads = self.heads();
        let job = &mut self.jobs[index];
        job.owed = self.network.owes(job.run);
        (job.task, job.until, job.end) = (None, heads, Some(end));
    }
    fn arrive(&mut self) {
        let which = if self.plan.fine { self.tape.choose(self.network.late()) } else { 0 };
        let faulty = Faulty::client(
            Arc::clone(&self.stage.server),
            Arc::clone(self.tape),
            Arc::clone(&self.network),
            0,
            false,
        );
        super::run(faulty.arrive_one(which));
        self.tell("network".into(), String::new);
    }
    fn act(&mut self, act: Option<Move>) {
        let Some(act) = act else { return };
        self.stage.act(act);
        if let Some(fault) = act.fault() {
            self.network.count(fault);
        }
        self.tell("somebody".into(), || act.to_string());
    }
    fn tell(&mut self, who: String, what: impl FnOnce() -> String) {
        if self.told {
            let mut said = self.network.heard();
            said.extend(Some(what()).filter(|what| !what.is_empty()));
            self.trace.push(Step::new(who, said, self.stage.memory(), self.stage.head()).to_string());
        }
    }

    fn judge(self) -> Played {
        let heads = self.heads();
        let job_faults = self.plan.jobs.iter().flat_map(|job| {
            [
                (job.newer, Fault::OlderBuild),
                (job.rebuilt, Fault::Rebuild),
                (job.broken, Fault::OneFileBroken),
                (job.after.is_some(), Fault::OldRun),
            ]
        });
        let mut struck = self.network.struck();
        struck.extend(job_faults.filter(|(is, _)| *is).map(|(_, fault)| fault));
        if self.plan.rates.of(Fault::SecondRun) > 0 {
            struck.push(Fault::SecondRun);
        }
        let (mut runs, mut ends) = (Vec::new(), Vec::new());
        for (index, job) in self.jobs.iter().enumerate() {
            let (order, run, owed, stale) = (job.asked.order(), job.run, job.owed, self.network.stale(index));
            let during = job.began.unwrap_or(heads)..job.until;
            runs.extend(job.end.as_ref().map(|end| Ran { order, run, end, during, stale, owed }));
            ends.push(match &job.end {
                Some(End::Done(outcome)) => Some(outcome.as_ref().map_or_else(PinError::kind, Receipt::kind)),
                Some(End::Dropped) | None => None,
            });
        }
        let checker = Checker { memory: self.stage.memory(), branch: &self.stage.branch, published };
        let verdict = checker.check(&runs);
        drop(runs);
        Played { ends, struck, verdict, trace: self.trace }
    }
}
