//! A token that its provider refused is named by the process that has it. Where that is this one, an operator reads *this window*.

use crate::app::App;
use crate::app::view::{BlastView, SenderView};
use crate::domain::waiting::Waiting;

const THIS: &str = "this window";

pub fn blasts(app: &App, mut blasts: Vec<BlastView>) -> Vec<BlastView> {
    let place = app.place();
    blasts.iter_mut().filter_map(|blast| blast.waiting.as_mut()).for_each(|waiting| rename(waiting, &place));
    blasts
}

pub fn senders(app: &App, mut senders: Vec<SenderView>) -> Vec<SenderView> {
    let place = app.place();
    for sender in &mut senders {
        sender.waiting.as_mut().into_iter().for_each(|waiting| rename(waiting, &place));
        sender.stopped.as_mut().into_iter().for_each(|stop| rename_in(&mut stop.reason, &place));
    }
    senders
}

fn rename(waiting: &mut Waiting, place: &str) {
    match waiting {
        Waiting::TokenRefused { process, .. } if process.ends_with(place) => THIS.clone_into(process),
        Waiting::SenderStopped { why, .. } => rename_in(why, place),
        _ => {}
    }
}

/// "Unauthorised Token (token of a dashboard on vm, process 24233)".
fn rename_in(reason: &mut String, place: &str) {
    let Some((words, process)) = reason.split_once("(token of ") else { return };
    if process.strip_suffix(')').is_some_and(|process| process.ends_with(place)) {
        *reason = format!("{words}(token of {THIS})");
    }
}

#[cfg(test)]
mod tests {
    use super::rename_in;

    #[test]
    fn only_the_token_of_this_process_is_that_of_this_window() {
        for (process, expected) in [("24233", "this window"), ("124233", "a dashboard on vm, process 124233")] {
            let mut reason = format!("Unauthorised Token (token of a dashboard on vm, process {process})");

            rename_in(&mut reason, "on vm, process 24233");

            assert_eq!(reason, format!("Unauthorised Token (token of {expected})"));
        }
    }
}
