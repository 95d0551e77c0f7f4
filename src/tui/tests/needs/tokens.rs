//! Where a refused token is mended.

use super::*;

#[test]
fn a_refused_token_is_mended_where_the_configuration_says_that_it_is() {
    let stop = |code: &str, waits_for_token: bool| {
        let code = StopCode::Provider(code.to_owned());
        Some(SenderStop {
            at: at(13, 0),
            code,
            reason: "Unauthorised Token (token of this window)".to_owned(),
            waits_for_token,
        })
    };
    let file = Some(TokenSource::File("/srv/sales.token".into()));
    let sender = |code: &str| SenderView { stopped: stop(code, code == "401"), ..senders().swap_remove(0) };
    let cases = [
        (sender("401"), "set WSAPME_TOKEN to the right token in the shell and start blastdeck there again: it then"),
        (
            SenderView { token: file, ..sender("401") },
            "write the right token into /srv/sales.token: it then goes on by itself",
        ),
        (sender("device"), "fix it; then S resumes its blast"),
        // What let it go on was taken back: nothing but somebody's word does so again.
        (SenderView { stopped: stop("401", false), ..sender("401") }, "fix it; then S resumes its blast"),
    ];

    for (sender, mend) in cases {
        let mut dashboard = TestDashboard::new(Size { width: 160, height: 29 });
        dashboard.answer(Completion::Senders(Ok(vec![sender]))).keys("!");

        let screen = dashboard.screen().join("\n");
        assert!(screen.contains("Unauthorised Token (token of this window)"), "{screen}");
        assert!(screen.contains(mend), "{screen}");
    }
}

/// What it read at its start names a shell, and the token is in a file by now.
#[test]
fn a_window_whose_configuration_has_changed_does_not_say_where_a_token_belongs() {
    let stop = SenderStop {
        at: at(13, 0),
        code: StopCode::Provider("401".to_owned()),
        reason: "Unauthorised Token (token of the standby on vm, process 7)".to_owned(),
        waits_for_token: true,
    };
    let refused = Waiting::TokenRefused { process: "the standby on vm, process 7".to_owned(), is_elsewhere: false };
    let of_sender = (Some(stop), raya());
    let of_blast = (None, BlastView { waiting: Some(refused), ..raya() });

    for (stopped, blast) in [of_sender, of_blast] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.answer(Completion::Senders(Ok(vec![SenderView { stopped, ..senders().swap_remove(0) }])));
        dashboard.answer(Completion::Blasts(Ok(vec![blast]))).keys("!");
        assert!(
            dashboard.screen().join("\n").contains("set WSAPME_TOKEN to the right token"),
            "{:#?}",
            dashboard.screen()
        );

        dashboard.dispatch(Msg::Retired(EngineChange::Settings));

        let screen = dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let says = "the configuration has changed: open this window again, or run `blastdeck sender check sales`, to see where the right \
                    token belongs, and mend it there: it then goes on by itself";
        assert!(screen.contains(says) && !screen.contains("WSAPME_TOKEN"), "{screen}");
    }
}

#[test]
fn who_waits_for_another_token_reads_where_it_belongs() {
    let mut dashboard = TestDashboard::new(WIDE);
    let waiting = Some(Waiting::TokenRefused { process: "this window".to_owned(), is_elsewhere: false });
    let token = Some(TokenSource::File("/srv/sales.token".into()));
    dashboard.answer(Completion::Senders(Ok(vec![SenderView { token, ..senders().swap_remove(0) }])));
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { waiting, ..raya() }])));

    dashboard.keys("!");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("the provider refused the token of this window"), "{screen}");
    assert!(screen.contains("write the right token into /srv/sales.token: it then goes on by itself"), "{screen}");
    dashboard.key(crate::tui::key::Key::Esc).keys("1S");
    let said = dashboard.said();
    assert!(said.ends_with("; write the right token into /srv/sales.token: it then goes on by itself"), "{said}");
}

/// This window's own token may be right, and the process has it from somewhere else.
#[test]
fn whoever_has_another_token_than_was_refused_is_not_sent_to_its_own_file() {
    let mut dashboard = TestDashboard::new(WIDE);
    let waiting = Some(Waiting::TokenRefused { process: "serve on web1, process 7".to_owned(), is_elsewhere: true });
    let token = Some(TokenSource::File("/srv/sales.token".into()));
    dashboard.answer(Completion::Senders(Ok(vec![SenderView { token, ..senders().swap_remove(0) }])));
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { waiting, ..raya() }])));

    dashboard.keys("!");

    let screen = dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains("`blastdeck engine` in a shell that has the right token sends with it"), "{screen}");
    assert!(!screen.contains("/srv/sales.token"), "{screen}");
}
