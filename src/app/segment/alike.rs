//! Whether the people of a draft are those whom its filter finds now, as they are found.

use std::collections::HashMap;

use serde_json::Value;

use super::values_of;
use crate::domain::content::BlastContent;
use crate::domain::person_name::kept_name;
use crate::store::view::segment::{SegmentMember, SegmentPerson};

/// What somebody is called, and what their message is made of: what a draft has of them.
#[derive(PartialEq, Eq)]
struct KnownAs {
    name: Option<String>,
    values: Vec<Option<String>>,
}

/// Whether a draft has these people, each by the name and with the values that they have where they are found.
pub(super) fn are_alike(members: &[SegmentMember], people: &[SegmentPerson], content: &BlastContent) -> bool {
    let columns = content.columns();
    let known: HashMap<&str, &SegmentMember> = members.iter().map(|one| (one.phone_number.as_str(), one)).collect();
    let is_alike = |person: &SegmentPerson| {
        known.get(person.phone.as_str()).is_some_and(|member| {
            member.external_id == person.external_id
                && known_as((member.name.as_deref(), member.variables.clone()), &columns)
                    == known_as((person.name.as_deref(), person.variables.clone()), &columns)
        })
    };
    members.len() == people.len() && people.iter().all(is_alike)
}

/// By the rules of whoever puts them into a draft: who has no name is called as their column of that name says.
fn known_as((name, variables): (Option<&str>, Option<Value>), columns: &[String]) -> KnownAs {
    let values = values_of(name, variables);
    let name = name.filter(|name| !name.trim().is_empty()).or_else(|| values.get("name"));
    let name = name.and_then(kept_name);
    let values = columns.iter().map(|column| values.get(column).map(str::to_owned)).collect();
    KnownAs { name, values }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::RecipientId;
    use crate::domain::phone::Phone;
    use crate::store::view::segment::ExclusionColumn;

    fn member(name: Option<&str>, variables: Option<Value>) -> SegmentMember {
        let name = name.map(str::to_owned);
        SegmentMember { phone_number: "+60100000001".to_owned(), name, variables, external_id: None }
    }

    fn person(name: Option<&str>, variables: Option<Value>) -> SegmentPerson {
        SegmentPerson {
            id: RecipientId(1),
            phone: Phone::from_database("+60100000001".to_owned()),
            name: name.map(str::to_owned),
            variables,
            external_id: None,
            left_out: ExclusionColumn(None),
        }
    }

    #[test]
    fn another_name_or_value_is_not_alike_and_what_a_draft_adds_by_itself_is() {
        let content = BlastContent::parse("{name|there}, still in {city|town}?", None).unwrap();
        let alike = |member, person| are_alike(&[member], &[person], &content);
        let found = || person(Some("Siti"), Some(json!({ "city": "Ipoh", "unused": "1" })));
        let kept = |name, city| member(Some(name), Some(json!({ "city": city, "name": name })));

        assert!(alike(kept("Siti", "Ipoh"), found()), "a draft has the name among the values");
        assert!(!alike(kept("Aminah", "Ipoh"), found()) && !alike(kept("Siti", "Johor"), found()));
        let of_column = json!({ "name": "Siti" });
        assert!(alike(member(Some("Siti"), Some(of_column.clone())), person(None, Some(of_column))));
        let long = "Siti Aminah ".repeat(40);
        let cut: String = long.chars().take(crate::domain::person_name::NAME_MAX).collect();
        assert!(alike(member(Some(&cut), Some(json!({ "name": long }))), person(None, Some(json!({ "name": long })))));
        let with_id = SegmentMember { external_id: Some("7".to_owned()), ..kept("Siti", "Ipoh") };
        assert!(!alike(with_id, found()));
        assert!(!are_alike(&[], &[found()], &content));
    }
}
