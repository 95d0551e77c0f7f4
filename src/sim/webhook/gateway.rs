//! WSAPME's webhooks: statuses in the three shapes that are known, each wrapped in three ways, and incoming texts.

use serde_json::{Value, json};

use super::{
    super::{
        chance::{Chance, Draw},
        fate::{Population, WireStatus},
        fault::FaultKind,
    },
    cloud::AnnouncedEvent,
    plan::Occurrence,
};

/// The body that announces an event.
pub fn body(event: &AnnouncedEvent, population: Population) -> Vec<u8> {
    let message = event.accepted.message;
    let chance = Chance::of(population.seed, message.phone, message.nth);
    let item = GatewayItem { event, chance, population };
    let body = match item.status() {
        Some(status) => item.wrapped(item.status_event(status)),
        None => item.incoming_text(),
    };
    body.to_string().into_bytes()
}

/// The phone of a device, as its owner's contacts have it.
fn device_phone(device: &str) -> String {
    format!("6011{device:0>8}")
}

struct GatewayItem<'a> {
    event: &'a AnnouncedEvent,
    chance: Chance,
    population: Population,
}

impl GatewayItem<'_> {
    fn status(&self) -> Option<WireStatus> {
        match self.event.what {
            Occurrence::Sent => Some(WireStatus::ServerAck),
            Occurrence::Delivered => Some(WireStatus::DeliveryAck),
            Occurrence::Read => Some(WireStatus::Read),
            Occurrence::Failed => Some(WireStatus::Error),
            Occurrence::Reply | Occurrence::Preference => None,
        }
    }

    fn draw(&self, below: u64, nth: u64) -> u64 {
        self.chance.nth_bits(Draw::StatusShape, self.event.what as u64 * 4 + nth) % below
    }

    fn status_event(&self, status: WireStatus) -> Value {
        let id = &*self.event.accepted.id;
        let at = self.event.occurred.timestamp();
        let key = json!({ "remoteJid": self.jid("s.whatsapp.net"), "fromMe": true, "id": id });
        match self.draw(3, 0) {
            0 => json!({
                "key": key,
                "message": { "conversation": self.text() },
                "messageTimestamp": at.to_string(),
                "status": status.as_str(),
                "messageC2STimestamp": at.to_string(),
            }),
            1 => json!({ "messageId": id, "status": status.as_str(), "messageC2STimestamp": at }),
            _ => {
                let stamp = if self.draw(2, 1) == 0 { json!(at) } else { json!({ "low": at, "high": 0 }) };
                json!({ "key": key, "update": { "status": number(status), "messageTimestamp": stamp } })
            }
        }
    }

    fn wrapped(&self, event: Value) -> Value {
        match self.draw(3, 2) {
            0 => event,
            1 => json!({ "data": event }),
            _ => json!([event]),
        }
    }

    /// The person's address: the number, or a privacy id that shows none.
    fn jid(&self, server: &str) -> String {
        let phone = self.event.accepted.message.phone;
        if self.event.accepted.knobs.has(FaultKind::NoPhone) {
            let id = Chance::of(self.population.seed, phone, 0).bits(Draw::Secret) % 1_000_000_000_000_000;
            return format!("{id:015}@lid");
        }
        format!("{phone}@{server}")
    }

    /// The text that was sent.
    fn text(&self) -> String {
        let request: Value = serde_json::from_str(&self.event.request).unwrap_or_default();
        request.get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn incoming_text(&self) -> Value {
        let fate = self.population.fate(self.event.accepted.message);
        let receiver = device_phone(&self.event.device);
        json!({
            "type": "text",
            "message": fate.reply().map_or("", |reply| reply.text),
            "file": "",
            "from": self.jid("c.us"),
            "timestamp": self.event.occurred.timestamp(),
            "is_forwarded": false,
            "is_broadcast": false,
            "dataSender": "",
            "dataReceiver": {
                "jid": format!("{receiver}@s.whatsapp.net"),
                "name": format!("DEMO phone {}", self.event.device),
                "phone": {},
                "imgUrl": "",
            },
        })
    }
}

fn number(status: WireStatus) -> u32 {
    match status {
        WireStatus::Error => 0,
        WireStatus::Pending => 1,
        WireStatus::ServerAck => 2,
        WireStatus::DeliveryAck => 3,
        WireStatus::Read => 4,
    }
}
