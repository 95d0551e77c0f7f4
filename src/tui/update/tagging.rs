//! Tags of a customer, and notes about them, typed on their page.

use super::customer;
use crate::app::CustomerRow;
use crate::domain::phone::Phone;
use crate::tui::availability;
use crate::tui::effect::{Effect, ShopAct};
use crate::tui::model::{ItemsTarget, Model};

pub fn cannot_tag(model: &Model) -> Option<String> {
    customer::not_known(model).or_else(|| availability::read_only(model))
}

pub fn tags(model: &mut Model) -> Vec<Effect> {
    customer::type_items(model, Some(ItemsTarget::Tags))
}

pub fn note(model: &mut Model) -> Vec<Effect> {
    customer::type_items(model, Some(ItemsTarget::Note))
}

/// `vip -new`: tags that come, and such that go.
pub fn typed_tags(phone: &Phone, text: &str) -> Result<ShopAct, String> {
    let words = text.split([' ', ',']).map(str::trim).filter(|word| !word.is_empty());
    let (remove, add): (Vec<&str>, Vec<&str>) = words.partition(|word| word.starts_with('-'));
    if remove.is_empty() && add.is_empty() {
        return Err("type a tag, such as vip; -vip takes it away".to_owned());
    }
    let add = add.into_iter().map(str::to_owned).collect();
    let remove = remove.into_iter().map(|tag| tag.trim_start_matches('-').to_owned()).collect();
    Ok(ShopAct::Tag { phone: phone.clone(), add, remove })
}

pub fn typed_note(phone: &Phone, text: &str) -> Result<ShopAct, String> {
    match text.trim() {
        "" => Err("type a note".to_owned()),
        note => Ok(ShopAct::Note { phone: phone.clone(), note: note.to_owned() }),
    }
}

/// `Siti: #new #vip`.
pub fn tagged(who: &str, row: &CustomerRow) -> String {
    let tags: Vec<_> = row.tags.iter().map(|tag| format!("#{tag}")).collect();
    if tags.is_empty() { format!("{who} has no tag now") } else { format!("{who} has {} now", tags.join(" ")) }
}

/// The same in a shell, a line for those that come and one for those that go.
pub fn command_lines(phone: &Phone, (add, remove): (&[String], &[String])) -> String {
    let line = |verb: &str, tags: &[String]| match tags {
        [] => None,
        tags => Some(format!("blastdeck customer tag {verb} {} {}", tags.join(","), phone.as_str())),
    };
    line("add", add).into_iter().chain(line("remove", remove)).collect::<Vec<_>>().join("; ")
}
