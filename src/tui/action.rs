//! The table of actions, one line each: title, keys, scopes, what it can do to people, when it is unavailable and why,
//! and the function that performs it. Key handling, footer, help and the command palette all read this table, and find
//! a key's action in it.

mod building;
mod lookup;
mod scope;

use super::availability as when;
use super::effect::Effect;
use super::key::Key;
use super::model::{ListScope, LostActs, Model, Overlay, Pane};
use super::update::{
    activity, answer, attention, blast_acts, blast_filter, clipboard, customer, find, follow_ups, form, keys, leave,
    marks, moves, overlays, plan, prompts, reports, retries, setup, sorting, step_message, tagging, views,
};
use crate::app::view::Anchor;

pub use lookup::{pane_scopes, scopes, scopes_of};
pub use scope::KeyScope;

/// What an action can do to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// Changes nothing but the screen.
    Harmless,
    /// Holds a blast up: allowed even where nobody can be shown.
    Pauses,
    /// Writes a mark that can be undone.
    Mark,
    /// Starts messages or destroys something: always asks.
    Asks,
}

/// What the footer says of an action.
#[derive(Debug, Clone, Copy)]
pub enum FooterText {
    /// This word after the action's first key.
    Word(&'static str),
    /// The same with a word that depends on the place; nothing where it is empty.
    Here(fn(&Model) -> &'static str),
    /// `[ ]` and a word that depends on the place; nothing where there is none.
    Pair(fn(&Model) -> Option<&'static str>),
}

/// Whether the command palette lists an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaletteListing {
    Listed,
    KeysOnly,
}

/// One line of the table.
pub struct UiAction {
    /// What it does, for the help and the command palette.
    pub title: &'static str,
    /// The same for the help, where there is more to be said.
    explained: Option<&'static str>,
    pub keys: &'static [Key],
    pub scopes: &'static [KeyScope],
    pub danger: Danger,
    pub listing: PaletteListing,
    /// What the footer says, and its rank: the highest rank is dropped first where there is no room.
    pub footer: Option<(FooterText, u8)>,
    /// Whether what it does is at hand, so that the footer keeps it.
    pub is_at_hand: fn(&Model) -> bool,
    /// Why it is unavailable now; `None` when it is available.
    pub why_not: fn(&Model) -> Option<String>,
    /// Says why it is not performed.
    refuse: fn(&mut Model, String),
    perform: fn(&mut Model) -> Vec<Effect>,
}

type Perform = fn(&mut Model) -> Vec<Effect>;
type Keys = &'static [Key];
type Scopes = &'static [KeyScope];

use Key::{BackTab, Char, Ctrl, Enter, Esc, Left, PageDown, PageUp, Right, Tab};
use KeyScope::{
    Activity, Answer, Blasts, Customer, Details, Everywhere, FollowUp, Form, Funnel, List, Moving, Needs, Plan,
    Recipients, StepMessage,
};

const fn shows(title: &'static str, keys: Keys, scopes: Scopes, perform: Perform) -> UiAction {
    UiAction {
        title,
        explained: None,
        keys,
        scopes,
        danger: Danger::Harmless,
        listing: PaletteListing::Listed,
        footer: None,
        is_at_hand: |_| false,
        why_not: |_| None,
        refuse: |model, why| model.refuse(why),
        perform,
    }
}

const fn moves(title: &'static str, keys: Keys, perform: Perform) -> UiAction {
    shows(title, keys, &[Moving], perform)
}

const fn marks(title: &'static str, keys: Keys, scopes: Scopes, perform: Perform) -> UiAction {
    UiAction { danger: Danger::Mark, ..shows(title, keys, scopes, perform) }
}

/// The action that also stops an armed launch, which it does at any size.
const UNDO: &str = "undo-my-last-act";

/// Where the marks work.
const ON_PEOPLE: Scopes = &[Recipients, Activity, Details];

impl UiAction {
    /// What it does, for the help.
    pub fn meaning(&self) -> &'static str {
        self.explained.unwrap_or(self.title)
    }

    /// The panes and pages that it works in, for sentences.
    pub fn places(&self) -> String {
        let places: Vec<_> = self.scopes.iter().map(ToString::to_string).collect();
        match places.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
            _ => places.concat(),
        }
    }

    /// Performs the action, or says why it does not.
    pub fn run(&self, model: &mut Model) -> Vec<Effect> {
        let stops_launch = self.id() == UNDO && model.announced().is_some();
        let is_blind = model.layout().is_summary() && self.danger > Danger::Pauses && !stops_launch;
        let too_small = || "too small to show whom it affects: nothing done".to_owned();
        if let Some(why) = is_blind.then(too_small).or_else(|| (self.why_not)(model)) {
            self.say_refused(model, why);
            model.notice.iter_mut().for_each(|notice| notice.until_larger = is_blind);
            return Vec::new();
        }
        (self.perform)(model)
    }

    /// Says why it is not performed. Keys that waited for the same list are not used, and counted. Of whoever was typed for in a
    /// search the next search begins at once: that no mark was written for them stays in sight.
    fn say_refused(&self, model: &mut Model, why: String) {
        let is_of_found = matches!(model.recipients.scope, ListScope::Found { .. }) && model.overlays.is_empty();
        let is_lost = self.marks_somebody() && is_of_found && model.focus == Pane::Recipients;
        // Behind the next search it stands beside somebody who was found.
        let why = if is_lost && model.recipients.is_empty() { format!("{why}, nobody was marked") } else { why };
        let lost = is_lost.then(|| LostActs { words: why.clone(), is_seen: false });
        if model.held.is_empty() {
            (self.refuse)(model, why);
        } else {
            keys::drop_held(model, why);
        }
        if let Some(notice) = &mut model.notice {
            notice.lost = lost;
        }
    }

    /// Whether it writes something of the person at the cursor.
    fn marks_somebody(&self) -> bool {
        self.danger >= Danger::Mark && self.scopes.iter().eq(ON_PEOPLE)
    }
}

/// The table, in the order of the footer and the help.
pub const ACTIONS: &[UiAction] = &[
    shows("open this blast", &[Enter], &[Blasts], |model| moves::to_pane(model, Pane::Funnel))
        .unless(when::no_blast)
        .footer("open", 1),
    marks("send or resume", &[Char('S')], &[Blasts, Funnel, Recipients, Activity], overlays::open_plan)
        .danger(Danger::Asks)
        .unless(when::cannot_send)
        .refused_by(overlays::refuse_until_next_key)
        .footer_here(overlays::sends_or_resumes, 3),
    shows("a new blast", &[Char('n')], &[Blasts, Funnel], form::open_new).unless(when::read_only).footer("new", 5),
    shows("edit this blast", &[Char('e')], &[Blasts, Funnel], form::open_draft)
        .unless(form::cannot_edit)
        .footer("edit", 4),
    shows("a new draft like this blast", &[Char('d')], &[Blasts], form::duplicate).unless(form::cannot_duplicate),
    shows("edit this line", &[Enter], &[Form], form::begin).footer("edits", 1),
    // In a text every letter is typed: there only the second key opens it.
    shows("the message in your editor", &[Char('e'), Ctrl('o')], &[Form], form::edit_elsewhere)
        .unless(form::has_no_message)
        .footer("editor", 3),
    marks("the plan, which asks before anything is sent", &[Char('S')], &[Form], form::open_plan)
        .danger(Danger::Asks)
        .footer("plan", 2),
    marks("cancel it, or delete a draft", &[Char('X')], &[Blasts], blast_acts::cancel)
        .danger(Danger::Asks)
        .unless(when::cannot_cancel)
        .footer_here(blast_acts::end_word, 4),
    marks("leave out the next time of a blast that repeats", &[Char('>')], &[Blasts, Funnel, Needs], blast_acts::skip)
        .danger(Danger::Asks)
        .unless(attention::cannot_skip)
        .footer("skip", 6),
    shows("the people who are stuck here", &[Enter], &[Funnel], moves::to_stage)
        .unless(when::nothing_chosen)
        .footer_here(moves::stage_word, 1),
    shows("timeline, speed, errors, compare, months", &[Char('v')], &[Funnel], views::next)
        .unless(when::no_blast)
        .footer("view", 3),
    marks("try those who failed again", &[Char('T')], &[Blasts, Funnel], retries::count)
        .danger(Danger::Asks)
        .unless(when::cannot_retry)
        .footer("try again", 6),
    shows("list only some blasts: by name, state or day", &[Char('/')], &[Blasts], blast_filter::open)
        .unless(when::no_blast)
        .footer("filter", 2),
    shows("mark this blast to compare, and step on", &[Char(' ')], &[Blasts], views::mark_blast)
        .unless(when::no_blast)
        .footer("mark", 7),
    shows("compare the marked blasts", &[Char('v')], &[Blasts], views::compare)
        .unless(when::no_blast)
        .footer_here(views::compare_word, 7),
    marks("they replied", &[Char('r')], ON_PEOPLE, marks::replied)
        .unless(when::cannot_mark_answered)
        .footer_here(marks::replied_word, 1),
    marks("they bought; an amount may follow", &[Char('c')], ON_PEOPLE, marks::closed)
        .unless(when::cannot_mark_answered)
        .refused_by(prompts::refuse_digits)
        .footer_here(marks::closed_word, 1),
    marks("never message them again", &[Char('b')], ON_PEOPLE, marks::opted_out)
        .danger(Danger::Asks)
        .unless(when::cannot_mark)
        .footer("stop", 3)
        .kept_where(when::has_mark_in_details),
    marks("take back this person's last mark", &[Char('U')], ON_PEOPLE, marks::take_back)
        .unless(when::cannot_mark)
        .footer("take back", 4)
        .kept_where(when::has_mark_in_details),
    marks("write a note about them", &[Char('e')], ON_PEOPLE, marks::note)
        .unless(when::cannot_mark)
        .refused_by(prompts::refuse_sentence)
        .footer("note", 5),
    marks("mark this person and step on", &[Char(' ')], &[Recipients], marks::select_and_step)
        .unless(when::nobody)
        .footer("mark", 8),
    shows("to this person, in whichever blast", &[Enter], &[Activity], activity::jump)
        .unless(when::nothing_happened)
        .footer_here(activity::jump_word, 2),
    marks("answer what they wrote", &[Char('a')], ON_PEOPLE, answer::open)
        .unless(when::cannot_answer)
        .refused_by(prompts::refuse_sentence)
        .footer_here(answer::footer_word, 4),
    shows("save the picture they sent", &[Char('w')], &[Activity], activity::save_file)
        .unless(when::no_file)
        .footer("save", 6),
    shows("count all of it as seen", &[Char('*')], &[Activity], activity::see_all)
        .unless(when::nothing_unread)
        .footer("all seen", 9),
    marks("send this answer", &[Enter], &[Answer], answer::send).unless(when::read_only).footer("send", 0),
    marks("mark all who are listed", &[Char('*')], &[Recipients], marks::mark_all).unless(when::cannot_mark_all),
    shows("choose this line", &[Enter], &[List, Needs], overlays::choose).footer_here(overlays::choose_word, 1),
    marks("resume this step, or the blast of this line", &[Char('S')], &[Needs], attention::resume)
        .danger(Danger::Asks)
        .unless(attention::cannot_resume)
        .footer_here(attention::resume_word, 2),
    marks("change the message of this step", &[Char('e')], &[Needs], step_message::open)
        .unless(step_message::cannot_change)
        .footer("message", 4),
    marks("save this message", &[Ctrl('x')], &[StepMessage], step_message::save).footer("save", 0),
    shows("this message in your editor", &[Ctrl('o')], &[StepMessage], step_message::edit_elsewhere)
        .footer("editor", 1),
    marks("remove this step, or cancel the blast of this line", &[Char('X')], &[Needs], blast_acts::cancel)
        .danger(Danger::Asks)
        .unless(attention::cannot_end)
        .footer_here(attention::end_word, 3),
    shows("welcome: practise, add a sender, how it stands", &[], &[Everywhere], |model| {
        // Whoever asks for it has begun: what they want is a sender.
        model.overlays = vec![Overlay::Welcome(usize::from(!model.options.is_first_run()))];
        Vec::new()
    }),
    shows("open this customer, or choose the answer under the cursor", &[Enter], &[Details], customer::enter)
        .unless(when::cannot_enter)
        .footer_here(customer::entered, 2),
    shows("this customer: orders, carts, every blast", &[Char('i')], ON_PEOPLE, customer::open)
        .unless(when::no_customer)
        .footer_here(customer::shown_by_key, 10),
    marks("the next step of this order, or an order of this cart", &[Enter], &[Customer], customer::next_step)
        .unless(customer::cannot_step)
        .footer_here(customer::step_word, 1),
    marks("cancel this order, or abandon this cart", &[Char('X')], &[Customer], customer::end)
        .danger(Danger::Asks)
        .unless(customer::cannot_end)
        .footer_here(customer::end_word, 3),
    marks("an order: what they bought", &[Char('c')], &[Customer], customer::new_order)
        .unless(customer::cannot_add)
        .footer("order", 2),
    marks("a cart: what they mean to buy", &[Char('n')], &[Customer], customer::new_cart)
        .unless(customer::cannot_add)
        .footer("cart", 4),
    marks("change its items", &[Char('e')], &[Customer], customer::change_items)
        .unless(customer::cannot_change)
        .footer("items", 3),
    marks("tag this customer", &[Char('#')], &[Customer], tagging::tags).unless(tagging::cannot_tag).footer("tags", 5),
    marks("a note about this customer", &[Char('N')], &[Customer], tagging::note)
        .unless(tagging::cannot_tag)
        .footer("note", 6),
    marks("make the draft; nothing is sent", &[Enter], &[FollowUp], follow_ups::make)
        .unless(follow_ups::cannot_make)
        .footer("make the draft", 1),
    marks(
        "later, by itself: a step of the blast, which makes such drafts",
        &[Char('a')],
        &[FollowUp],
        follow_ups::later,
    )
    .unless(follow_ups::cannot_step)
    .footer("by itself", 2),
    shows("send, once the number is typed; on a count, the people it counts", &[Enter], &[Plan], plan::enter)
        .unless(plan::cannot_send)
        .footer_here(plan::entered, 1),
    marks("one message to yourself, as the shown person reads it", &[Char('M')], &[Plan], plan::send_test)
        .danger(Danger::Asks)
        .unless(plan::cannot_test)
        .footer("one to me", 2),
    shows("change what is written", &[Char('e')], &[Plan], plan::edit).unless(plan::cannot_edit).footer("change", 3),
    shows("this plan into a file", &[Char('w')], &[Plan], plan::save).unless(plan::cannot_save).footer("save", 4),
    moves("up", &[Key::Up, Char('k')], |model| moves::rows(model, -1)),
    moves("down", &[Key::Down, Char('j')], |model| moves::rows(model, 1)),
    moves("a screen up", &[PageUp, Ctrl('u')], |model| moves::pages(model, -1)),
    moves("a screen down", &[PageDown, Ctrl('d')], |model| moves::pages(model, 1)),
    moves("to the top, and newer changes", &[Char('g'), Key::Home], |model| moves::to_edge(model, Anchor::Start)),
    moves("to the end", &[Char('G'), Key::End], |model| moves::to_edge(model, Anchor::End))
        .explained("to the end; in Activity to the end of what was read so far, and reads on"),
    moves("previous stage, person, sample", &[Char('[')], |model| moves::step(model, -1)),
    moves("next stage, person, sample", &[Char(']')], |model| moves::step(model, 1))
        .pair_footer(moves::stepped_over, 7),
    shows("find a person", &[Char('/')], &[Everywhere], find::open)
        .unless(when::no_blast)
        .explained("find a person; in Blasts and in the help it lists only some")
        .footer("find", 2),
    shows(
        "follow up those who are stuck here",
        &[Char('f')],
        &[Funnel, Recipients, Activity, Details],
        follow_ups::open,
    )
    .unless(when::cannot_follow_up)
    .footer("follow up", 6),
    shows("this person in full", &[Enter], &[Recipients], overlays::open_details)
        .unless(when::nobody)
        .explained(
            "this person in full; of several marked with space who are all uncertain, what became of their messages",
        )
        .footer_here(marks::enter_word, 2),
    marks("pause this blast at once", &[Char('p')], &[Everywhere], blast_acts::pause)
        .danger(Danger::Pauses)
        .unless(when::cannot_pause)
        .footer("pause", 9)
        .kept_where(|model| model.overlays.is_empty()),
    marks("undo my last act", &[Char('u')], &[Everywhere], marks::undo_mine).unless(when::read_only),
    shows("copy this person's number", &[Char('y')], &[Everywhere], clipboard::copy_number).unless(when::no_person),
    shows("copy the link to their chat", &[Char('Y')], &[Everywhere], clipboard::copy_chat_link)
        .unless(when::no_person),
    shows("what needs a person", &[Char('!')], &[Everywhere], attention::open),
    shows("another order", &[Char('o')], &[Blasts, Recipients], sorting::next).unless(when::no_blast),
    shows("reverse the order", &[Char('O')], &[Blasts, Recipients], sorting::reverse).unless(when::no_blast),
    shows("write the report to a file", &[Char('w')], &[Blasts, Funnel, Recipients], reports::write)
        .unless(when::none_meant)
        .footer("report", 12),
    shows("export who is listed to a workbook", &[Char('W')], &[Blasts, Funnel, Recipients], reports::export)
        .unless(when::none_meant),
    shows("to the blasts", &[Char('1')], &[Everywhere], |model| moves::to_pane(model, Pane::Blasts)),
    shows("to the funnel", &[Char('2')], &[Everywhere], |model| moves::to_pane(model, Pane::Funnel)),
    shows("to the recipients", &[Char('3')], &[Everywhere], |model| moves::to_pane(model, Pane::Recipients)),
    shows("to the activity", &[Char('4')], &[Everywhere], |model| moves::to_pane(model, Pane::Activity)),
    shows("next pane", &[Tab, Right, Char('l')], &[Everywhere], |model| moves::pane_step(model, 1))
        .unless(when::on_page),
    shows("pane before", &[BackTab, Left, Char('h')], &[Everywhere], |model| {
        moves::pane_step(model, Pane::ALL.len() - 1)
    })
    .unless(when::on_page),
    shows("this pane alone, or all", &[Char('z')], &[Everywhere], moves::zoom),
    shows("commands by name", &[Char(':')], &[Everywhere], overlays::open_commands).keys_only(),
    shows("log: what you did in this window, as commands", &[], &[Everywhere], overlays::open_log),
    shows("theme: the next of dark, light, mono, auto", &[], &[Everywhere], setup::next_theme)
        .unless(setup::without_colours),
    shows("times in UTC, or in the shop's zone", &[], &[Everywhere], setup::other_zone),
    shows("mouse on, or off", &[], &[Everywhere], setup::toggle_mouse),
    shows("paint the screen again", &[Ctrl('l')], &[Everywhere], |_| vec![Effect::Repaint]),
    shows("suspend", &[Ctrl('z')], &[Everywhere], |_| vec![Effect::ReleaseLeases]),
    shows("back", &[Esc], &[Everywhere], leave::back),
    shows("back; at the root, quit", &[Char('q')], &[Everywhere], leave::quit),
    shows("leave a field; twice quits", &[Ctrl('c')], &[Everywhere], leave::interrupt).keys_only(),
    shows("all keys", &[Char('?')], &[Everywhere], overlays::open_help).footer("all", 0),
];

#[cfg(test)]
mod tests;
