//! The templates of the simulated business account: approved, paused and refused ones, in several languages.

use serde_json::{Value, json};

/// One template in one language.
#[derive(Debug, Clone, Copy)]
pub struct CatalogueTemplate {
    pub name: &'static str,
    pub language: &'static str,
    pub status: &'static str,
    pub category: &'static str,
    pub names: VariableNames,
    pub header: CatalogueHeader,
    pub body: &'static str,
    pub buttons: &'static [CatalogueButton],
}

/// How a template names its variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableNames {
    /// `{{1}}`.
    Positional,
    /// `{{name}}`.
    Named,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogueHeader {
    None,
    Text(&'static str),
    Image,
    Video,
    Document,
    Location,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogueButton {
    QuickReply(&'static str),
    /// With a variable at its end, or none.
    Url(&'static str),
    CopyCode,
    Catalog,
    /// Several products.
    Products,
}

const BASE: CatalogueTemplate = CatalogueTemplate {
    name: "",
    language: "en_US",
    status: "APPROVED",
    category: "MARKETING",
    names: VariableNames::Positional,
    header: CatalogueHeader::None,
    body: "",
    buttons: &[],
};

/// Every template, in the order in which the list has them.
pub const TEMPLATES: &[CatalogueTemplate] = &[
    CatalogueTemplate {
        name: "hello_world",
        category: "UTILITY",
        header: CatalogueHeader::Text("Hello World"),
        body: "Welcome and congratulations!! This message demonstrates your ability to send a WhatsApp message.",
        ..BASE
    },
    CatalogueTemplate {
        name: "tour_package_marketing",
        body: "Escape to {{1}} from RM {{2}} a person, flights included.",
        ..BASE
    },
    CatalogueTemplate {
        name: "tour_package_photo",
        header: CatalogueHeader::Image,
        body: "Escape to {{1}} from RM {{2}} a person, flights included.",
        buttons: &[CatalogueButton::Url("https://example.com/tours/{{1}}"), CatalogueButton::QuickReply("STOP")],
        ..BASE
    },
    CatalogueTemplate {
        name: "raya_promo",
        language: "ms",
        body: "Salam {{1}}, promo Raya: diskaun {{2}} untuk semua kek tempahan.",
        buttons: &[CatalogueButton::QuickReply("Ya, saya nak"), CatalogueButton::QuickReply("STOP")],
        ..BASE
    },
    CatalogueTemplate { name: "short_promo", language: "ms", body: "Salam {{1}}, promo!", ..BASE },
    CatalogueTemplate {
        name: "order_update",
        category: "UTILITY",
        names: VariableNames::Named,
        header: CatalogueHeader::Text("Order {{order_id}}"),
        body: "Hi {{customer_name}}, your order {{order_id}} is on its way.",
        ..BASE
    },
    CatalogueTemplate {
        name: "invoice_ready",
        category: "UTILITY",
        header: CatalogueHeader::Document,
        body: "Hi {{1}}, your invoice is attached.",
        ..BASE
    },
    CatalogueTemplate {
        name: "product_video",
        header: CatalogueHeader::Video,
        body: "See how our kuih are made.",
        ..BASE
    },
    CatalogueTemplate {
        name: "store_opening",
        header: CatalogueHeader::Location,
        body: "Hi {{1}}, our new store opens on Friday.",
        ..BASE
    },
    CatalogueTemplate {
        name: "coupon",
        body: "Hi {{1}}, a coupon for you.",
        buttons: &[CatalogueButton::CopyCode, CatalogueButton::Url("https://example.com/shop")],
        ..BASE
    },
    CatalogueTemplate {
        name: "catalog_promo",
        body: "Hi {{1}}, see our catalogue.",
        buttons: &[CatalogueButton::Catalog],
        ..BASE
    },
    CatalogueTemplate {
        name: "product_picks",
        header: CatalogueHeader::Text("For {{1}}"),
        body: "Hi {{1}}, picked for you.",
        buttons: &[CatalogueButton::Products],
        ..BASE
    },
    CatalogueTemplate { name: "flash_sale", status: "PAUSED", body: "Hi {{1}}, today only: {{2}} off.", ..BASE },
    CatalogueTemplate { name: "flash_sale", language: "ms", body: "Hai {{1}}, hari ini sahaja: {{2}}.", ..BASE },
    CatalogueTemplate { name: "old_offer", status: "DISABLED", body: "Hi {{1}}.", ..BASE },
    CatalogueTemplate { name: "new_offer", status: "PENDING", body: "Hi {{1}}.", ..BASE },
    CatalogueTemplate { name: "loud_offer", status: "REJECTED", body: "BUY NOW {{1}}", ..BASE },
];

/// The variables of a text, each once, in the order of their first use.
pub fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for name in places(text) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The variables of a text wherever they stand.
pub fn places(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|piece| Some(piece.split_once("}}")?.0))
}

impl CatalogueTemplate {
    /// The template as the list shows it.
    pub fn listed(&self, id: usize) -> Value {
        let mut components = Vec::new();
        components.extend(self.header_component());
        components.push(self.text_component("BODY", self.body));
        if !self.buttons.is_empty() {
            let buttons: Vec<_> = self.buttons.iter().map(CatalogueButton::listed).collect();
            components.push(json!({ "type": "BUTTONS", "buttons": buttons }));
        }
        let parameter_format = if self.names == VariableNames::Named { "NAMED" } else { "POSITIONAL" };
        json!({
            "id": format!("{}", 594_425_479_261_596_u64 + id as u64),
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "parameter_format": parameter_format,
            "components": components,
            "quality_score": { "score": if self.status == "PAUSED" { "RED" } else { "GREEN" }, "date": 1_750_000_000 },
        })
    }

    fn header_component(&self) -> Option<Value> {
        let media = |format: &str, example: &str| {
            Some(json!({ "type": "HEADER", "format": format, "example": { "header_handle": [example] } }))
        };
        match self.header {
            CatalogueHeader::None => None,
            CatalogueHeader::Text(text) => {
                let mut header = self.text_component("HEADER", text);
                header["format"] = "TEXT".into();
                Some(header)
            }
            CatalogueHeader::Image => media("IMAGE", "https://scontent.whatsapp.net/v/t61/1.jpg"),
            CatalogueHeader::Video => media("VIDEO", "https://scontent.whatsapp.net/v/t61/1.mp4"),
            CatalogueHeader::Document => media("DOCUMENT", "https://scontent.whatsapp.net/v/t61/1.pdf"),
            CatalogueHeader::Location => Some(json!({ "type": "HEADER", "format": "LOCATION" })),
        }
    }

    fn text_component(&self, kind: &str, text: &str) -> Value {
        let variables = variables(text);
        let mut component = json!({ "type": kind, "text": text });
        if variables.is_empty() {
            return component;
        }
        let part = kind.to_ascii_lowercase();
        component["example"] = if self.names == VariableNames::Named {
            let named = variables.iter().map(|name| json!({ "param_name": name, "example": "Aina" }));
            json!({ format!("{part}_text_named_params"): named.collect::<Vec<_>>() })
        } else if kind == "HEADER" {
            json!({ "header_text": vec!["Aina"; variables.len()] })
        } else {
            json!({ "body_text": [vec!["Aina"; variables.len()]] })
        };
        component
    }
}

impl CatalogueButton {
    fn listed(&self) -> Value {
        match self {
            Self::QuickReply(text) => json!({ "type": "QUICK_REPLY", "text": text }),
            Self::Url(url) if variables(url).is_empty() => json!({ "type": "URL", "text": "Open", "url": url }),
            Self::Url(url) => {
                json!({ "type": "URL", "text": "Open", "url": url, "example": [url.replace("{{1}}", "abc")] })
            }
            Self::CopyCode => json!({ "type": "COPY_CODE", "text": "Copy offer code", "example": ["RAYA20"] }),
            Self::Catalog => json!({ "type": "CATALOG", "text": "View catalog" }),
            Self::Products => json!({ "type": "MPM", "text": "View items" }),
        }
    }
}
