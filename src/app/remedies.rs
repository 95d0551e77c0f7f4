//! What a person does about a blast that waits: by the configuration that this process has, or where it is paused.

use super::App;
use super::health::LeftToSend;
use super::view::{BlastView, Estimate, token_mend};
use crate::domain::blast::BlastState;
use crate::domain::ids::SenderId;
use crate::domain::text::{people, shell_word};
use crate::domain::waiting::{Waiting, WaitingReport, mend_elsewhere};
use crate::store::view::{BlastRow, SenderStop};

impl App {
    /// A blast as it is read, with what lets it go on.
    pub(super) fn with_mend(&self, row: BlastRow, waiting: Option<Waiting>, estimate: Estimate) -> BlastView {
        let blast = BlastView::new(row, waiting, estimate);
        let mend = blast.waiting.as_ref().and_then(|waiting| self.mend_of(&blast, waiting));
        let asks_after = blast.send_after.filter(|_| blast.state == BlastState::Scheduled);
        let asks_after = asks_after.and_then(|start| start.checked_add_signed(self.engine().settings.too_late));
        BlastView { asks_after, mend, ..blast }
    }

    /// Why what is being sent stands still, where its sender is stopped: it is resumed by no number of its own.
    pub fn why_not_resumed_alone(&self, blast: &BlastView) -> Option<String> {
        let Some(Waiting::SenderStopped { why, .. }) = &blast.waiting else { return None };
        let mend = blast.mend.as_ref().map(|mend| format!("; {mend}")).unwrap_or_default();
        let is_sending = blast.state == BlastState::Sending;
        is_sending.then(|| {
            let sender = &blast.sender;
            format!("the blast is sending: it was not paused, and sender {sender} is stopped: {why}{mend}")
        })
    }

    /// What lets it go on. An engine of this configuration does not help a sender that it has not; where a token is to be replaced is in it.
    pub fn mend_of(&self, blast: &BlastView, waiting: &Waiting) -> Option<String> {
        let configured = self.config().sender(&blast.sender);
        match (waiting, configured) {
            (Waiting::NoEngine, None) => Some(mend_elsewhere(&blast.sender)),
            (Waiting::SenderStopped { waits_for_token: true, .. }, Some(own)) => {
                let (id, name) = (blast.id, shell_word(&own.name));
                // After that nobody is asked.
                Some(format!(
                    "{}: it then goes on by itself (`blastdeck blast pause {id}` before that holds it back); where it does not, \
                     `blastdeck sender confirm {name}` resumes it",
                    token_mend(&own.token)
                ))
            }
            // Whoever has the file reads it again; no shell has anything to do with it.
            (Waiting::TokenRefused { is_elsewhere: false, .. }, Some(own)) if own.token.file().is_some() => {
                Some(format!("{}: it then goes on by itself", token_mend(&own.token)))
            }
            _ => waiting.mend_with((blast.id, blast.origin.local_time), &blast.sender),
        }
    }

    /// Notes of a sender whose token was refused whether it was another one than this process has.
    pub(super) fn compare_token(&self, id: SenderId, report: &mut WaitingReport) {
        if let Some(Waiting::TokenRefused { is_elsewhere, .. }) = &mut report.sender
            && let Some(own) = self.sender(id)
        {
            *is_elsewhere = report.token.as_ref().is_some_and(|refused| refused != own.token.fingerprint());
        }
    }

    /// How a sender's token is replaced. Where it is stopped for its token, that has everybody who is queued sent to, and nobody is asked.
    pub(super) fn token_mend_of(&self, name: &str, stop: Option<&SenderStop>, left: LeftToSend) -> String {
        let Some(own) = self.config().sender(name) else { return String::new() };
        let mend = token_mend(&own.token);
        let is_stopped_for_it = stop.is_some_and(|stop| stop.waits_for_token);
        match left.queued {
            queued if is_stopped_for_it && queued > 0 => format!(
                "{mend}: it then goes on by itself, and sends to {}; `blastdeck blast pause BLAST` before that holds a blast back",
                people(queued)
            ),
            _ => mend,
        }
    }
}

impl BlastView {
    /// What is done about it while it is paused: resuming it is refused where nobody is left.
    pub fn paused_mend(&self) -> Option<String> {
        let finds_anew = self.origin.repeat.rule.is_some() && self.origin.segment.is_some();
        let is_empty = self.counts.open() == 0 && !finds_anew;
        (self.state == BlastState::Paused).then(|| match self.id {
            id if is_empty => format!("nobody is left to send to: `blastdeck blast cancel {id}` ends it"),
            id => format!("`blastdeck blast resume {id}` goes on with it"),
        })
    }
}
