//! The list of customers.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::super::problem::Problem;
use super::super::authentication::ApiReader;
use super::super::body::Params;
use super::super::once::Answer;
use super::super::page;
use super::Customer;
use crate::app::{CustomerQuery, ForgottenCustomers};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(rename_all = "camelCase")]
pub(super) struct CustomerListParams {
    /// Digits of a number, or a part of a name.
    #[serde(default)]
    search: Option<String>,
    /// Only those with this tag.
    #[serde(default)]
    tag: Option<String>,
    /// 1 to 1,000 a page, usually 50.
    #[serde(default, deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerList {
    customers: Vec<Customer>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
    /// What is counted of people who were forgotten, who are no customers: with it the customers come to what reports say. On the first
    /// page of all of them.
    forgotten: Option<ForgottenCustomers>,
}

pub(super) async fn list(
    ApiReader(caller): ApiReader,
    Params(asked): Params<CustomerListParams>,
) -> Result<Answer, Problem> {
    let limit = page::limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let after = cursor.map(page::read_cursor).transpose()?.map(|[number]| format!("+{number}"));
    let search = asked.search.filter(|search| !search.trim().is_empty());
    let query = CustomerQuery { search, tag: asked.tag, after, limit: i64::from(limit) };
    let is_first_of_all = query.search.is_none() && query.tag.is_none() && query.after.is_none();
    let page = caller.app().customers(&query).await?;
    let next_cursor = page.next.map(|next| next.trim_start_matches('+').to_owned());
    let forgotten = if is_first_of_all { caller.app().forgotten_customers().await? } else { None };
    let customers = page.rows.into_iter().map(Into::into).collect();
    Ok(Answer::ok(CustomerList { customers, limit, next_cursor, forgotten }))
}
