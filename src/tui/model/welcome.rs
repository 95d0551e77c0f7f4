//! The first screen, where there is no sender yet, and the form that adds one.

use crate::app::{NewSender, TypedToken};
use crate::domain::sender::ProviderKind;
use crate::tui::widget::TextField;

/// What the first screen says of this machine. Sentences for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WelcomeFacts {
    /// There is one to send with: the dashboard opens on the panes.
    pub has_sender: bool,
    pub database: String,
    pub config: String,
    pub terminal: String,
    pub clock: String,
}

/// What can be chosen on the first screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WelcomeChoice {
    Practise,
    AddSender,
    NewBlast,
    Quit,
}

pub const WELCOME: [WelcomeChoice; 4] =
    [WelcomeChoice::Practise, WelcomeChoice::AddSender, WelcomeChoice::NewBlast, WelcomeChoice::Quit];

/// A line of the form that adds a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderLine {
    Provider,
    Name,
    /// The business whose opt-outs it shares, where there are senders already.
    Business,
    /// The device's id, or the id of Meta's number.
    Device,
    /// Meta's business account.
    Account,
    Region,
    Token,
    /// Seconds between messages.
    Gap,
    Address,
    Add,
}

/// A sender that is being added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderForm {
    pub sender: NewSender,
    pub line: SenderLine,
    pub edit: Option<TextField>,
    /// Its provider is being asked.
    pub is_checking: bool,
    pub trouble: Option<String>,
    /// The names of the senders that there are.
    pub taken: Vec<String>,
    /// Their businesses.
    pub businesses: Vec<String>,
}

/// Fewer letters and digits in a row may be a name or an id.
const SECRET_LEAST: usize = 16;

/// Whether a text has what the secrets of providers have, and no name or address: letters and digits in one long word.
fn looks_secret(text: &str) -> bool {
    let is_mixed = |word: &str| {
        let (digits, letters) = (word.contains(|c: char| c.is_ascii_digit()), word.contains(char::is_alphabetic));
        word.len() >= SECRET_LEAST && digits && letters
    };
    !text.contains("://") && text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_mixed)
}

impl Default for SenderForm {
    fn default() -> Self {
        let sender = NewSender {
            name: "sales".to_owned(),
            provider: ProviderKind::Wsapme,
            device: String::new(),
            waba_id: String::new(),
            business: String::new(),
            region: "MY".to_owned(),
            gap: String::new(),
            base_url: String::new(),
            token: TypedToken::Secret(String::new()),
        };
        let (taken, businesses) = (Vec::new(), Vec::new());
        Self { sender, line: SenderLine::Provider, edit: None, is_checking: false, trouble: None, taken, businesses }
    }
}

impl SenderForm {
    pub fn lines(&self) -> Vec<SenderLine> {
        use SenderLine::{Account, Add, Address, Business, Device, Gap, Name, Provider, Region, Token};
        let mut lines = match self.sender.provider {
            ProviderKind::Meta => vec![Provider, Name, Business, Device, Account, Region, Token, Address, Add],
            ProviderKind::Wsapme => vec![Provider, Name, Business, Device, Region, Token, Gap, Address, Add],
        };
        lines.retain(|line| *line != Business || !self.businesses.is_empty());
        lines
    }

    /// The text of a line, as it is typed.
    pub fn text(&self, line: SenderLine) -> String {
        let sender = &self.sender;
        match line {
            SenderLine::Name => sender.name.clone(),
            SenderLine::Device => sender.device.clone(),
            SenderLine::Account => sender.waba_id.clone(),
            SenderLine::Region => sender.region.clone(),
            SenderLine::Gap => sender.gap.clone(),
            SenderLine::Address => sender.base_url.clone(),
            SenderLine::Token => match &sender.token {
                TypedToken::Secret(secret) => secret.clone(),
                TypedToken::Variable(name) => format!("${name}"),
            },
            SenderLine::Business => sender.business.clone(),
            SenderLine::Provider | SenderLine::Add => String::new(),
        }
    }

    /// To the next business of those that there are, and behind the last to one of its own.
    pub fn next_business(&mut self) {
        let at = self.businesses.iter().position(|business| *business == self.sender.business);
        self.sender.business = self.businesses.get(at.map_or(0, |at| at + 1)).cloned().unwrap_or_default();
    }

    /// Whether a token was typed already, which is never shown again.
    pub fn has_token(&self) -> bool {
        matches!(&self.sender.token, TypedToken::Secret(secret) if !secret.is_empty())
    }

    /// What was typed on a line.
    pub fn set(&mut self, line: SenderLine, text: &str) {
        let text = text.trim().to_owned();
        let sender = &mut self.sender;
        match line {
            SenderLine::Name => sender.name = text,
            SenderLine::Device => sender.device = text,
            SenderLine::Account => sender.waba_id = text,
            SenderLine::Region => sender.region = text.to_uppercase(),
            SenderLine::Gap => sender.gap = text,
            SenderLine::Address => sender.base_url = text,
            SenderLine::Token => {
                sender.token = match text.strip_prefix('$') {
                    Some(name) => TypedToken::Variable(name.to_owned()),
                    None => TypedToken::Secret(text),
                }
            }
            SenderLine::Provider | SenderLine::Business | SenderLine::Add => {}
        }
    }

    /// Why a text is not kept on a line: it looks like the token, which nobody is to read, or is the name of where the token is.
    pub fn refused(line: SenderLine, text: &str) -> Option<&'static str> {
        let is_token = match line {
            SenderLine::Token if is_variable_name(text) => {
                return Some("that is the name of a variable: with $ before it, the token is read from there");
            }
            SenderLine::Token | SenderLine::Provider | SenderLine::Business | SenderLine::Add => return None,
            // Without a scheme and a dot it is no address in any case.
            SenderLine::Address if !text.is_empty() && !text.contains(['.', ':', '/']) => {
                return Some(
                    "this is no address, such as https://gateway.example.com, and was taken off the screen: is it the token?",
                );
            }
            _ => looks_secret(text),
        };
        is_token.then_some("this looks like a token and was taken off the screen: the token is typed on the line Token")
    }

    /// What is wrong with the text of a line, and how it is written.
    pub fn fault(&self, line: SenderLine) -> Option<String> {
        match line {
            SenderLine::Name if self.taken.contains(&self.sender.name) => {
                Some("another sender has this name: give this one its own".to_owned())
            }
            SenderLine::Name => self.sender.name_fault(),
            SenderLine::Device => self.sender.device_fault(),
            SenderLine::Account if self.sender.provider == ProviderKind::Meta => self.sender.account_fault(),
            SenderLine::Token => self.sender.token_fault(),
            SenderLine::Region => self.sender.region_fault(),
            SenderLine::Gap => self.sender.gap_fault(),
            SenderLine::Address => self.sender.address_fault(),
            _ => None,
        }
    }

    /// What is still missing, and on which line.
    pub fn missing(&self) -> Option<(SenderLine, &'static str)> {
        let is_meta = self.sender.provider == ProviderKind::Meta;
        let wanted = [
            (SenderLine::Name, "give it a name, such as sales"),
            (
                SenderLine::Device,
                if is_meta { "write the phone number id that Meta shows" } else { "write the device's id" },
            ),
            (SenderLine::Account, "write the id of the WhatsApp business account"),
            (SenderLine::Token, "paste its token, or write $ and the name of a variable that has it"),
        ];
        let is_empty =
            |line: SenderLine| self.lines().contains(&line) && self.text(line).trim_start_matches('$').is_empty();
        wanted.into_iter().find(|(line, _)| is_empty(*line))
    }
}

/// `WSAPME_TOKEN`: what nobody's token looks like.
fn is_variable_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.contains('_')
        && text.len() <= 40
        && text.bytes().all(is_of_name)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}
