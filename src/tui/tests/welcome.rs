//! The first screen: it leads everywhere, and adds a sender without a token on the screen or in the log.

use super::support::{TestDashboard, buffer, noon, options};
use crate::app::{AddedSender, TypedToken};
use crate::domain::sender::ProviderKind;
use crate::tui::effect::{Completion, Effect, EffectError, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Model, Overlay, SenderForm, SenderLine};
use crate::tui::msg::Msg;
use crate::tui::{Charset, DashboardKind, DashboardOptions, ExitReason, Size, WelcomeFacts};

fn first_run(size: Size) -> TestDashboard {
    let facts = WelcomeFacts {
        has_sender: false,
        database: "ready: private, on this machine".to_owned(),
        config: "none yet; would be ~/.config/blastdeck/config.toml".to_owned(),
        terminal: "UTF-8, 16 colours; y copies if tmux has set-clipboard on".to_owned(),
        clock: "right; times are Asia/Kuala Lumpur".to_owned(),
    };
    let options = DashboardOptions { welcome: Some(facts), ..options() };
    let mut dashboard = TestDashboard { model: Model::new(options, size, noon()), now: noon(), effects: Vec::new() };
    dashboard.answer(Completion::Blasts(Ok(Vec::new()))).answer(Completion::Senders(Ok(Vec::new())));
    dashboard.effects.clear();
    dashboard
}

#[test]
fn a_window_that_changes_nothing_adds_no_sender_and_writes_no_blast() {
    for row in [1, 2] {
        let mut dashboard = TestDashboard::new(USUAL);
        dashboard.model.options.kind = DashboardKind::ReadOnly;
        dashboard.model.overlays.push(Overlay::Welcome(row));

        dashboard.key(Key::Enter);

        assert_eq!(dashboard.model.overlays, [Overlay::Welcome(row)]);
        assert_eq!(dashboard.said(), "read-only: nothing is changed from here");
    }
}

const USUAL: Size = Size { width: 80, height: 24 };

#[test]
fn the_first_screen_stands_as_it_is_drawn_and_fits() {
    let screen = first_run(USUAL).screen();

    assert!(screen[0].starts_with(" NO SENDER YET"), "{}", screen[0]);
    assert!(screen[1].starts_with("══ Welcome ══"), "{}", screen[1]);
    assert!(screen[5].starts_with("  > Practise           250 made-up people, a pretend phone"), "{screen:#?}");
    assert!(screen.iter().any(|line| line.starts_with("  database   ready: private")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.starts_with("  terminal   80x24, UTF-8")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.contains("Nobody gets")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.contains("does not stop a blast that is running.")), "{screen:#?}");
}

#[test]
fn practising_lends_the_terminal_and_comes_back() {
    let mut dashboard = first_run(USUAL);

    dashboard.keys("\n");
    assert_eq!(dashboard.taken(), [Effect::Practise(Charset::Unicode)]);
    dashboard.answer(Completion::Practised(Ok(())));

    assert_eq!(dashboard.taken(), [Effect::Repaint]);
    assert!(matches!(dashboard.model.overlays[..], [Overlay::Welcome(0)]));
}

#[test]
fn a_new_blast_leads_back_here_from_anywhere_until_there_is_a_sender() {
    let mut dashboard = first_run(USUAL);

    dashboard.key(Key::Esc).keys("1n");

    assert!(matches!(dashboard.model.overlays[..], [Overlay::Welcome(1)]));
    assert_eq!(dashboard.said(), "a new blast needs a sender first");
    dashboard.keys("q");
    assert_eq!(dashboard.taken(), [Effect::Exit(ExitReason::Quit)]);
}

#[test]
fn a_sender_is_asked_about_with_what_was_typed_and_its_token_is_never_shown() {
    let mut dashboard = first_run(USUAL);

    dashboard.keys("j\nj").key(Key::Down).keys("\n5850\n").key(Key::Down).keys("\nsekret-token");
    assert!(!dashboard.screen().join("\n").contains("sekret"), "{:#?}", dashboard.screen());
    dashboard.keys("\nfast\n");
    assert!(dashboard.screen().join("\n").contains("write the seconds between two messages as 20-60"));
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("1-2\n").key(Key::Down).keys("\n");

    let acts = dashboard.acts();
    let [WriteRequest::AddSender(sender)] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!((sender.provider, sender.device.as_str()), (ProviderKind::Wsapme, "5850"));
    assert_eq!(sender.gap, "1-2");
    assert_eq!(sender.token, TypedToken::Secret("sekret-token".to_owned()));
    assert!(!format!("{acts:?}").contains("sekret"));
    assert!(dashboard.screen().iter().any(|line| line.contains("asking its provider")));
}

#[test]
fn a_stored_token_is_replaced_only_after_enter_and_esc_keeps_it() {
    let mut dashboard = first_run(USUAL);
    dashboard.keys("j\n");
    let stored = TypedToken::Secret("sekret-token".to_owned());
    let form = dashboard.model.new_sender.as_mut().unwrap();
    (form.line, form.sender.token) = (SenderLine::Token, stored.clone());
    let token = |dashboard: &TestDashboard| dashboard.model.new_sender.as_ref().unwrap().sender.token.clone();
    let screen = |dashboard: &TestDashboard| dashboard.screen().join(" ");

    dashboard.keys("x\n");
    assert_eq!(token(&dashboard), stored);
    assert!(screen(&dashboard).contains("a token is stored; type a new one to replace it, esc keeps it"));
    dashboard.keys("other").key(Key::Esc);
    assert_eq!(token(&dashboard), stored, "{}", screen(&dashboard));
    dashboard.keys("\n\n");
    assert_eq!(token(&dashboard), stored, "nothing was typed");

    dashboard.key(Key::Up).keys("\nother\n");
    assert_eq!(token(&dashboard), TypedToken::Secret("other".to_owned()));
}

#[test]
fn what_is_missing_is_said_on_its_line_and_a_refusal_stays_to_be_read() {
    let mut dashboard = first_run(USUAL);
    dashboard.keys("j\nG\n");
    assert!(dashboard.screen().iter().any(|line| line.contains("write the device's id")), "{:#?}", dashboard.screen());
    assert!(dashboard.acts().is_empty());

    dashboard.keys("\n5850\n").key(Key::Down).keys("\n$WSAPME_TOKEN\n").key(Key::End).keys("\n");
    let request = dashboard.acts().remove(0);
    assert!(
        matches!(&request, WriteRequest::AddSender(sender) if sender.token == TypedToken::Variable("WSAPME_TOKEN".into()))
    );
    let refused = EffectError::Other("nothing is written: the token is wrong".to_owned());
    dashboard.answer(Completion::Written { request: request.clone(), outcome: Err(refused) });
    assert!(dashboard.screen().iter().any(|line| line.contains("the token is wrong")), "{:#?}", dashboard.screen());

    let added = AddedSender { name: "sales".into(), health: "paired".into(), written: "written".into() };
    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::SenderAdded(added)) });
    assert_eq!(dashboard.taken(), [Effect::Exit(ExitReason::Reopen)]);
}

#[test]
fn an_address_without_its_scheme_is_refused_on_its_own_line_with_how_it_is_written() {
    for (typed, right) in [("127.0.0.1:4710", "http://127.0.0.1:4710"), ("api.wsapme.com", "https://api.wsapme.com")] {
        let mut dashboard = first_run(USUAL);
        dashboard.keys("j\n");
        dashboard.model.new_sender.as_mut().unwrap().line = SenderLine::Address;

        dashboard.keys("\n").keys(typed).keys("\n");

        let says = |dashboard: &TestDashboard| dashboard.screen().join(" ").contains(&format!("write {right}"));
        assert!(says(&dashboard), "{:#?}", dashboard.screen());
        let form = dashboard.model.new_sender.as_mut().unwrap();
        assert_eq!(form.line, SenderLine::Address);
        form.sender.device = "5850".to_owned();
        form.sender.token = TypedToken::Variable("TOKEN".to_owned());
        dashboard.key(Key::Esc).key(Key::End).keys("\n");
        assert!(says(&dashboard) && dashboard.acts().is_empty(), "{:#?}", dashboard.screen());
        let form = dashboard.model.new_sender.as_mut().unwrap();
        assert_eq!(form.line, SenderLine::Address);
        form.sender.base_url = right.to_owned();
        dashboard.key(Key::End).keys("\n");
        assert_eq!(dashboard.acts().len(), 1);
    }
}

#[test]
fn it_is_drawn_at_every_size() {
    for (width, height) in [(200, 50), (120, 29), (80, 23), (60, 20), (30, 8), (1, 1)] {
        let mut dashboard = first_run(Size { width, height });
        buffer(&dashboard.model);
        dashboard.keys("j\nG").dispatch(Msg::Paste("\u{1b}[2Jx\ny".to_owned()));
        buffer(&dashboard.model);
    }
}

#[test]
fn a_token_on_another_line_is_taken_off_the_screen_and_kept_nowhere() {
    let token = "EAAGm0PX4ZCpsBA1kd8sEcret";
    for line in 1..=5 {
        for paste in [true, false] {
            let mut dashboard = first_run(USUAL);
            dashboard.keys("j\n");
            (0..line).for_each(|_| _ = dashboard.key(Key::Down));
            let is_token = dashboard.model.new_sender.as_ref().unwrap().line == SenderLine::Token;
            dashboard.keys("\n");
            if paste {
                dashboard.dispatch(Msg::Paste(token.to_owned()));
            } else {
                dashboard.keys(token);
            }
            // What was pasted is refused at once.
            if !paste || is_token {
                dashboard.keys("\n");
            }

            let form = dashboard.model.new_sender.as_ref().unwrap();
            let kept: Vec<_> = form.lines().into_iter().filter(|line| form.text(*line).contains(token)).collect();
            assert_eq!(kept, if is_token { vec![SenderLine::Token] } else { Vec::new() }, "{line}");
            let screen = dashboard.screen().join("\n");
            assert!(!screen.contains(token), "{screen}");
            assert_eq!(screen.contains("taken off the screen"), !is_token, "{line}: {screen}");
        }
    }
}

#[test]
fn the_name_of_a_variable_is_not_taken_for_a_token() {
    for (typed, is_name) in [("WSAPME_TOKEN", true), ("META_TOKEN_2", true), ("EAAG_x1", false), ("QWERTY", false)] {
        let why = SenderForm::refused(SenderLine::Token, typed);
        assert_eq!(why.is_some_and(|why| why.contains("the name of a variable")), is_name, "{typed}");
    }
}

#[test]
fn names_ids_and_addresses_are_no_tokens() {
    for (line, text) in [
        (SenderLine::Name, "sales-kedai-aina-2026-promo"),
        (SenderLine::Device, "1055432109876543210"),
        (SenderLine::Address, "https://gateway.shop.example:8443/v1"),
        (SenderLine::Address, "http://localhost:8080"),
        (SenderLine::Address, ""),
    ] {
        assert_eq!(SenderForm::refused(line, text), None, "{text}");
    }
    assert!(SenderForm::refused(SenderLine::Address, "hunter2").is_some(), "no address has neither dot nor colon");
}

#[test]
fn a_name_or_country_that_cannot_be_is_refused_on_its_own_line_before_anybody_is_asked() {
    let mut dashboard = first_run(USUAL);
    dashboard.keys("j\n");
    dashboard.model.new_sender.as_mut().unwrap().taken = vec!["counter".to_owned()];
    for (line, typed, why) in [
        (SenderLine::Name, "my shop", "write 1 to 40 letters, digits, - _ or ."),
        (SenderLine::Name, "counter", "another sender has this name: give this one its own"),
        (SenderLine::Region, "Narnia", "NARNIA"),
    ] {
        dashboard.model.new_sender.as_mut().unwrap().line = line;
        dashboard.keys("\n").key(Key::Ctrl('u')).keys(typed).keys("\n");

        let screen = dashboard.screen().join(" ");
        assert!(screen.contains(why), "{typed}: {screen}");
        assert_eq!(dashboard.model.new_sender.as_ref().unwrap().line, line, "{typed}");
        dashboard.keys("\n").key(Key::Ctrl('u')).keys(if line == SenderLine::Name { "till" } else { "SG" }).keys("\n");
    }
    assert!(dashboard.acts().is_empty());
}

#[test]
fn a_text_that_is_not_taken_stays_to_be_corrected_and_what_the_provider_could_not_take_is_said_on_its_line() {
    let mut dashboard = first_run(USUAL);
    dashboard.keys("j\n").keys("↓↓\nabc def\n");
    let form = dashboard.model.new_sender.as_ref().unwrap();
    assert!(form.edit.is_some() && form.line == SenderLine::Device, "{:?}", form.line);
    assert!(dashboard.screen().join("\n").contains("write the device's id, such as"));

    dashboard.key(Key::Ctrl('u')).keys("5850\n");
    let form = dashboard.model.new_sender.as_ref().unwrap();
    assert!(form.edit.is_none() && form.text(SenderLine::Device) == "5850");

    dashboard.model.new_sender.as_mut().unwrap().line = SenderLine::Token;
    dashboard.keys("\nfour words of it\n");
    let form = dashboard.model.new_sender.as_ref().unwrap();
    assert!(form.edit.is_none() && form.line == SenderLine::Token, "what may be a token is not left on the screen");
    assert!(dashboard.screen().join("\n").contains("it contains spaces"));
    dashboard.model.new_sender.as_mut().unwrap().line = SenderLine::Address;
    dashboard.keys("\nfoo\n");
    assert!(dashboard.screen().join("\n").contains("this is no address"));
}

#[test]
fn a_further_sender_shares_the_opt_outs_of_those_that_there_are_unless_somebody_says_otherwise() {
    let mut dashboard = TestDashboard::new(USUAL);
    dashboard.model.overlays.push(Overlay::Welcome(1));
    dashboard.keys("\n↓↓");
    let business = |dashboard: &TestDashboard| dashboard.model.new_sender.as_ref().unwrap().sender.business.clone();
    assert_eq!(business(&dashboard), dashboard.model.senders[0].business);
    let shared = format!("shared with the business {}", dashboard.model.senders[0].business);
    assert!(dashboard.screen().join(" ").contains(&shared), "{:#?}", dashboard.screen());

    dashboard.keys("\n");

    assert_eq!(business(&dashboard), "");
    assert!(dashboard.screen().join(" ").contains("it may message who opted out of the others"));
    dashboard.keys("\n");
    assert_eq!(business(&dashboard), dashboard.model.senders[0].business);
}
