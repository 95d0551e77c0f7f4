//! A list that is taken into a draft: how far it is read is reported while it lasts, and it can be stopped.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{AppEffectRunner, TaskReport};
use crate::app::ImportProgress;
use crate::tui::effect::{Completion, DraftAnswer, DraftWrite, WriteOutcome, WriteRequest, drafts};

/// How often the number of rows is reported.
const REPORT_EVERY: Duration = Duration::from_millis(250);

impl AppEffectRunner {
    /// Takes a list, which may take minutes.
    pub(super) fn take_list(&mut self, write: DraftWrite) {
        let progress = Arc::new(ImportProgress::default());
        self.taking = Some(Arc::clone(&progress));
        let (app, reports) = (self.app.acting(), self.reports.clone());
        tokio::spawn(async move {
            let taken = async {
                let outcome = drafts::write(&app, &write, &progress).await.map(WriteOutcome::Draft);
                Completion::Written { request: WriteRequest::Draft(write.clone()), outcome }
            };
            let mut taken = std::pin::pin!(taken);
            let mut ticks = interval(REPORT_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let completion = loop {
                tokio::select! {
                    completion = &mut taken => break completion,
                    _ = ticks.tick() => {
                        let answer = DraftAnswer::RowsRead(progress.rows());
                        let _ = reports.send(TaskReport::Completed(Box::new(Completion::Draft(answer))));
                    }
                }
            };
            let _ = reports.send(TaskReport::Completed(Box::new(completion)));
        });
    }

    /// Stops the list that is being taken, if one is.
    pub(super) fn stop_list(&mut self) {
        if let Some(progress) = self.taking.take() {
            progress.stop();
        }
    }
}
