//! The command line that makes a draft to people whom a blast left out: like that blast, in its hours and at its pace.

use std::fmt::Display;

use sqlx::PgConnection;

use crate::app::AppError;
use crate::domain::blast::is_initial;
use crate::domain::ids::BlastId;
use crate::domain::pace::UnreadableLimit;
use crate::domain::template::TemplateMessage;
use crate::domain::text::{shell_quoted, shell_word};
use crate::store::draft::{self, KeptSettings};

/// What is said of people whom a blast left out: `` `blastdeck blast new …` makes a draft to them ``. The filter has no quotes.
pub(crate) async fn draft_to_them(
    tx: &mut PgConnection,
    (sender, blast): (&str, BlastId),
    filter: &str,
) -> Result<String, AppError> {
    let template = draft::template(&mut *tx, blast).await?;
    let template = template.and_then(|template| TemplateMessage::parse(&template).ok());
    let says = template.map_or_else(
        || "--message 'TEXT'".to_owned(),
        |template| {
            let (name, language) = (shell_word(template.name()), shell_word(template.language()));
            let values = template.values_with_columns().into_iter();
            let values = values.map(|(key, value)| format!(" --var {}", shell_quoted(&format!("{key}={value}"))));
            format!("--template {name} --language {language}{}", values.collect::<String>())
        },
    );
    let sender = shell_word(sender);
    let like = draft::kept_settings(tx, blast).await?.map(|kept| options(&kept)).unwrap_or_default();
    Ok(format!("`blastdeck blast new --sender {sender} --from '{filter}'{like} {says}` makes a draft to them"))
}

/// Its name, hours and pace: ` --tag Raya --stage 'Follow-up 1' --window '19:00-20:00'`.
fn options(kept: &KeptSettings) -> String {
    fn text<T: Display>(limit: Option<&Result<T, UnreadableLimit>>) -> Option<String> {
        limit.and_then(|limit| limit.as_ref().ok()).map(ToString::to_string)
    }
    let limits = &kept.limits;
    let fields = [
        ("tag", Some(kept.tag.clone())),
        ("stage", Some(kept.stage.clone()).filter(|stage| !is_initial(stage))),
        ("rate", text(limits.rate.as_ref())),
        ("gap", text(limits.gap.as_ref())),
        ("window", text(limits.hours.as_ref())),
        ("weekdays", text(limits.weekdays.as_ref())),
        ("timezone", text(limits.zone.as_ref())),
        ("local-time", kept.local_time.map(|time| time.format("%H:%M").to_string())),
    ];
    let option = |(name, value): (&str, Option<String>)| {
        // A backtick would end the command line within its sentence.
        let value = value.filter(|value| !value.contains('`'))?;
        // One that begins with a hyphen would be read as another option.
        let between = if value.starts_with('-') { '=' } else { ' ' };
        Some(format!(" --{name}{between}{}", shell_word(&value)))
    };
    let local = if kept.window_local { " --window-local" } else { "" };
    fields.into_iter().filter_map(option).chain([local.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::domain::pace::LimitColumns;

    #[test]
    fn a_draft_to_whom_a_blast_left_out_goes_by_its_name_its_hours_and_its_pace() {
        let column = |name| match name {
            "gap" => Some("20s..60s"),
            "send_window" => Some("19:00-20:00"),
            "timezone" => Some("Asia/Kuala_Lumpur"),
            _ => None,
        };
        let limits = LimitColumns::read(|name| Ok::<_, Infallible>(column(name))).unwrap();
        let (tag, stage) = ("-Raya".to_owned(), "Follow-up 1".to_owned());
        let kept = KeptSettings { tag, stage, limits, local_time: None, window_local: true };

        let words = " --tag=-Raya --stage 'Follow-up 1' --gap 20s..1m --window '19:00-20:00' \
                     --timezone Asia/Kuala_Lumpur --window-local";
        assert_eq!(options(&kept), words);
        let plain =
            KeptSettings { limits: LimitColumns::default(), window_local: false, stage: "Initial".to_owned(), ..kept };
        assert_eq!(options(&plain), " --tag=-Raya");
    }
}
