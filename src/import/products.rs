//! Reads the products of a CSV file or a workbook: a feed as Meta takes it, or any table with a SKU and a name. A file with a row that cannot be
//! read is refused whole: what it does not have is taken out of the catalogue.

use std::collections::HashSet;

use rust_decimal::Decimal;

use super::encoding::decode;
use super::error::read_sheet;
use super::records::Record;
use super::table::{Table, TableSource};
use super::{ImportError, on_thread};
use crate::domain::amount::check_places;
use crate::domain::catalogue::{CatalogueItem, availability, currency, price};
use crate::domain::text::{clean, count_of, is_error_value};

/// The most products of a file.
const PRODUCTS_MAX: usize = 100_000;
/// So many wrong rows are named.
const NAMED_MAX: usize = 10;
/// The longest cell, in characters.
const CELL_MAX: usize = 5_000;

/// A file of products that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadProducts {
    pub items: Vec<CatalogueItem>,
    /// Sentences about the first rows that are wrong, each with its number.
    pub wrong: Vec<String>,
    /// How many are.
    pub wrong_total: usize,
}

/// Reads all products of a CSV file or a workbook. Prices without a currency are in `own_currency`.
pub async fn read_products(source: TableSource, own_currency: String) -> Result<ReadProducts, ImportError> {
    on_thread(move || read(source, &own_currency)).await
}

fn read(source: TableSource, own_currency: &str) -> Result<ReadProducts, ImportError> {
    let Table { mut rows, sheet, .. } = Table::open(source, 1).map_err(of_products)?;
    let header = rows.next()?.ok_or(ImportError::NoProducts)?;
    let columns = match ProductColumns::of(&header) {
        Ok(columns) => columns,
        Err(why) => {
            let wrong = vec![why + &read_sheet(sheet.as_ref())];
            return Ok(ReadProducts { wrong, wrong_total: 1, ..ReadProducts::default() });
        }
    };
    let (mut read, mut seen) = (ReadProducts::default(), HashSet::new());
    while let Some(record) = rows.next()? {
        if record.is_blank() {
            continue;
        }
        let sku = columns.cell(&record, SKU).ok().flatten();
        let twice = sku.filter(|sku| !seen.insert(sku.clone())).map(|sku| format!("`{}` is there twice", clean(&sku)));
        match (columns.item(&record, own_currency), twice) {
            (Ok(_), Some(twice)) => read.refuse(record.row, twice),
            (Err(WrongCell { column, why }), Some(twice)) => {
                read.refuse(record.row, WrongCell { column, why: format!("{why}; {twice}") });
            }
            (Ok(_), None) if read.items.len() >= PRODUCTS_MAX => {
                read.refuse(record.row, "a catalogue has at most 100,000 products");
            }
            (Ok(item), None) => read.items.push(item),
            (Err(wrong), None) => read.refuse(record.row, wrong),
        }
    }
    Ok(read)
}

/// An empty file of products lacks other rows than one of people.
fn of_products(error: ImportError) -> ImportError {
    if matches!(error, ImportError::Empty) { ImportError::NoProducts } else { error }
}

impl ReadProducts {
    fn refuse(&mut self, row: u64, wrong: impl Into<WrongCell>) {
        self.wrong_total += 1;
        if self.wrong.len() < NAMED_MAX {
            let WrongCell { column, why } = wrong.into();
            let column = column.map_or_else(String::new, |column| format!(", {column}"));
            self.wrong.push(format!("row {row}{column}: {why}"));
        }
    }
}

/// What is wrong in a row, and in which column where it is one.
struct WrongCell {
    column: Option<&'static str>,
    why: String,
}

impl WrongCell {
    fn of(column: &'static str) -> impl Fn(String) -> Self {
        move |why| Self { column: Some(column), why }
    }
}

impl<T: Into<String>> From<T> for WrongCell {
    fn from(why: T) -> Self {
        Self { column: None, why: why.into() }
    }
}

/// Where each value stands.
struct ProductColumns {
    header: Vec<String>,
}

const SKU: &[&str] =
    &["sku", "id", "product_retailer_id", "retailer_id", "productretailerid", "retailerid", "kod", "kode"];
const NAME: &[&str] = &["name", "title", "nama", "product", "produk"];
const PRICE: &[&str] = &["price", "harga"];

impl ProductColumns {
    fn of(header: &Record) -> Result<Self, String> {
        let header = header.values.iter().map(|cell| decode(cell).0.trim().to_lowercase().replace([' ', '-'], "_"));
        let columns = Self { header: header.collect() };
        for (names, what) in [(SKU, "sku (or id)"), (NAME, "name (or title)")] {
            if columns.place(names).is_none() {
                return Err(format!("row 1: no column is called {what}: the first line must name the columns"));
            }
        }
        Ok(columns)
    }

    fn place(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.header.iter().position(|cell| cell == name))
    }

    /// A cell without what surrounds it; `None` where it is empty.
    fn cell(&self, record: &Record, names: &[&str]) -> Result<Option<String>, String> {
        let Some(bytes) = self.place(names).and_then(|place| record.values.get(place)) else { return Ok(None) };
        let text = decode(bytes).0.trim().replace('\0', "");
        if is_error_value(&text) {
            return Err(format!("{} is an error value of the spreadsheet: fix the cell", names[0]));
        }
        if text.chars().count() > CELL_MAX {
            return Err(format!("{} has more than {CELL_MAX} characters", names[0]));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn item(&self, record: &Record, own_currency: &str) -> Result<CatalogueItem, WrongCell> {
        let cell = |names: &[&str]| self.cell(record, names);
        let sku = cell(SKU)?.ok_or("it has no SKU")?;
        if sku.chars().count() > 100 || clean(&sku) != sku {
            return Err("its SKU has control characters, or more than 100".into());
        }
        self.refuse_ragged(record)?;
        let (price, currency) = self.money(record, own_currency)?;
        let wrong = |what: &str, text: &str| format!("`{}` is not {what}", clean(text));
        let availability = match cell(&["availability"])? {
            Some(text) => {
                let known = availability(&text);
                Some(known.ok_or_else(|| wrong("an availability: write in stock or out of stock", &text))?.to_owned())
            }
            None => None,
        };
        let inventory = match cell(&["inventory", "stock", "quantity", "quantity_to_sell_on_facebook"])? {
            Some(text) => {
                let count = text.parse::<u32>().map_err(|_| wrong("a number of pieces", &text))?;
                Some(i64::from(count))
            }
            None => None,
        };
        Ok(CatalogueItem {
            external_id: None,
            group: cell(&["group", "item_group_id", "retailer_product_group_id"])?,
            name: cell(NAME)?.ok_or("it has no name")?,
            variant: self.variant(record)?,
            description: cell(&["description"])?,
            price,
            currency,
            availability,
            inventory,
            image_url: link(cell(&["image_url", "image_link", "image"])?)?,
            url: link(cell(&["url", "link"])?)?,
            gathers_variants: false,
            sku,
        })
    }

    /// The price and its currency, which may stand in a cell with it or in one of its own.
    fn money(&self, record: &Record, own: &str) -> Result<(Option<Decimal>, Option<String>), WrongCell> {
        let written = self.cell(record, PRICE)?;
        let read = written.as_deref().map(|text| price(text).map_err(|why| of_price(text, why))).transpose()?;
        let (price, beside) = read.map_or((None, None), |(price, currency)| (Some(price), currency));
        let apart = self.cell(record, &["currency"])?;
        let apart = apart.map(|text| currency(&text)).transpose().map_err(WrongCell::of("currency"))?;
        if let (Some(beside), Some(apart)) = (&beside, apart.as_ref().filter(|apart| beside.as_ref() != Some(apart))) {
            return Err(format!("its price is in {beside} and its currency {apart}: write one of them").into());
        }
        let currency = apart.or(beside);
        if let (Some(price), Some(text)) = (price, written) {
            let why = |error| format!("`{}`: {error}", clean(&text));
            let fits = check_places(price, currency.as_deref().unwrap_or(own)).map_err(why);
            fits.map_err(WrongCell::of("price"))?;
        }
        Ok((price, currency))
    }

    /// Cells that are missing or too many stand under the wrong names.
    fn refuse_ragged(&self, record: &Record) -> Result<(), String> {
        let (cells, columns) = (record.values.len(), self.header.len());
        let blank = |cell: &Vec<u8>| cell.iter().all(u8::is_ascii_whitespace);
        if cells == columns || cells > columns && record.values[columns..].iter().all(blank) {
            return Ok(());
        }
        let cells = count_of(cells as u64, "cell", "cells");
        Err(format!(
            "it has {cells}, and the first line {columns}: a text with a delimiter in it stands in double quotes"
        ))
    }

    fn variant(&self, record: &Record) -> Result<Option<String>, String> {
        if let Some(name) = self.cell(record, &["variant", "variant_name"])? {
            return Ok(Some(name));
        }
        let parts = [self.cell(record, &["color", "colour"])?, self.cell(record, &["size"])?];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Ok(Some(parts.join(", ")).filter(|text| !text.is_empty()))
    }
}

/// A price that cannot be read is quoted already; a currency beside one stands in that column.
fn of_price(text: &str, why: String) -> WrongCell {
    let is_currency = !why.contains(&*clean(text));
    WrongCell { column: is_currency.then_some("price"), why }
}

fn link(text: Option<String>) -> Result<Option<String>, String> {
    match text {
        Some(text) if !(text.starts_with("https://") || text.starts_with("http://")) => {
            Err(format!("`{}` is not an address: write it with https://", clean(&text)))
        }
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{TableSource, read};

    fn of(bytes: Vec<u8>) -> TableSource {
        Cursor::new(bytes).into()
    }

    #[test]
    fn a_feed_of_metas_and_a_plain_table_are_read() {
        let feed = "id,title,description,availability,price,image_link,item_group_id,color,size\n\
                    shirt-r,Shirt,\"Soft, red\",in stock,19.90 MYR,https://x.example/r.png,shirt,red,M\n";
        let read_feed = read(of(feed.as_bytes().to_vec()), "MYR").unwrap();
        let item = &read_feed.items[0];
        assert_eq!(
            (item.sku.as_str(), item.group.as_deref(), item.variant.as_deref()),
            ("shirt-r", Some("shirt"), Some("red, M"))
        );
        assert_eq!((item.price.unwrap().to_string().as_str(), item.currency.as_deref()), ("19.90", Some("MYR")));

        let plain = "\u{feff}SKU;Name;Price;Stock\nteh;Teh Tarik;2.50;0\n\n";
        let plain = read(of(plain.as_bytes().to_vec()), "MYR").unwrap();
        assert_eq!((plain.items[0].inventory, plain.items.len(), plain.wrong_total), (Some(0), 1, 0));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_row() {
        let wrong = "sku,name,price,currency,inventory,image_url\n,Teh,1,MYR,1,\na,,1,MYR,1,\nb,Teh,x,MYR,1,\nc,Teh,1,RM,1,\n\
                     d,Teh,1,MYR,-1,\ne,Teh,1,MYR,1,file:///etc\nteh,Teh,1,MYR,1,\nteh,Teh,1,MYR,1,\n";
        let read = read(of(wrong.as_bytes().to_vec()), "MYR").unwrap();
        let rows: Vec<_> = read.wrong.iter().map(|why| why.split([':', ',']).next().unwrap()).collect();
        assert_eq!(rows, ["row 2", "row 3", "row 4", "row 5", "row 6", "row 7", "row 9"], "{:?}", read.wrong);
        assert_eq!((read.items.len(), read.wrong_total), (1, 7));
    }

    #[test]
    fn cells_that_contradict_or_stand_in_the_wrong_place_are_named_with_their_row() {
        let wrong =
            "sku,name,price,currency\na,A,1.00 MYR,USD\nb,B,1.00 MYR,myr\nc,C, big,1.00,MYR\nd,D,1.00\ne,E,2,MYR,,\n";
        let read = read(of(wrong.as_bytes().to_vec()), "MYR").unwrap();
        assert_eq!(
            read.wrong,
            [
                "row 2: its price is in MYR and its currency USD: write one of them",
                "row 4: it has 5 cells, and the first line 4: a text with a delimiter in it stands in double quotes",
                "row 5: it has 3 cells, and the first line 4: a text with a delimiter in it stands in double quotes",
            ]
        );
        assert_eq!(read.items.len(), 2);
    }

    #[test]
    fn a_sku_that_is_there_twice_is_named_also_where_its_first_row_is_wrong() {
        let wrong = "sku,name,price\nteh,Teh,free\nteh,Teh,2.50\nkek,Kek,9\nkek,,9\n";
        let read = read(of(wrong.as_bytes().to_vec()), "MYR").unwrap();
        let twice = |row| read.wrong.iter().any(|why| why.starts_with(row) && why.contains("is there twice"));
        assert!(twice("row 3: `teh`") && twice("row 5: it has no name; `kek`"), "{:?}", read.wrong);
        assert_eq!(read.wrong_total, 3);
    }

    #[test]
    fn an_empty_file_is_said_to_lack_products() {
        let why = read(of(b" \n".to_vec()), "MYR").unwrap_err().to_string();
        assert!(why.contains("a row for each product") && !why.contains("phone"), "{why}");
    }

    #[test]
    fn a_table_without_skus_is_refused() {
        let read = read(of(b"a,b\n1,2\n".to_vec()), "MYR").unwrap();
        assert!(read.wrong[0].contains("no column is called sku"), "{:?}", read.wrong);
    }
}
