//! What a person does about a blast that waits, by the configuration that this process has.

use super::App;
use super::view::{BlastView, token_mend};
use crate::domain::sender::StopCode;
use crate::domain::text::shell_word;
use crate::domain::waiting::{Waiting, mend_elsewhere};
use crate::provider::refuses_token;

impl App {
    /// What lets it go on. An engine of this configuration does not help a sender that it has not; where a token is to be replaced is in it.
    pub fn mend_of(&self, blast: &BlastView, waiting: &Waiting) -> Option<String> {
        let configured = self.config().sender(&blast.sender);
        match (waiting, configured) {
            (Waiting::NoEngine, None) => Some(mend_elsewhere(&blast.sender)),
            (Waiting::SenderStopped { code: StopCode::Provider(code), .. }, Some(own))
                if refuses_token(own.provider, code) =>
            {
                let check = format!("`blastdeck sender check {}` resumes it once that is right", shell_word(&own.name));
                Some(format!("{}; {check}", token_mend(&own.token)))
            }
            _ => waiting.mend(blast.id, &blast.sender),
        }
    }
}
