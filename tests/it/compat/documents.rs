//! What the requirement's documents print: their SQL word for word, and their tables and objects. Where it is no SQL, the line
//! that is meant stands beside it.

/// Of the schema plan.
pub const METRICS: &str = "
SELECT 
  b.id as blast_id,
  b.blast_tag,
  b.blast_date,
  COUNT(*) as total_sent,
  COUNT(*) FILTER (WHERE br.status != 'PENDING') as received,
  COUNT(*) FILTER (WHERE br.status IN ('READ_ACK', 'REPLIED', 'CLOSED')) as read,
  COUNT(*) FILTER (WHERE br.status IN ('REPLIED', 'CLOSED')) as replied,
  COUNT(*) FILTER (WHERE br.status = 'CLOSED') as closed
FROM blasts b
LEFT JOIN blast_recipients br ON b.id = br.blast_id
WHERE b.id = ?
GROUP BY b.id, b.blast_tag, b.blast_date;
";

/// Of the schema plan.
pub const STUCK: &str = "
SELECT 
  status,
  COUNT(*) as count,
  COUNT(*) * 100.0 / (SELECT COUNT(*) FROM blast_recipients WHERE blast_id = ?) as percentage
FROM blast_recipients
WHERE blast_id = ?
GROUP BY status
ORDER BY 
  CASE status
    WHEN 'PENDING' THEN 1
    WHEN 'DELIVERY_ACK' THEN 2
    WHEN 'READ_ACK' THEN 3
    WHEN 'REPLIED' THEN 4
    WHEN 'CLOSED' THEN 5
  END;
";

/// Of the summary, whose statuses end with REPLIED.
pub const WITHOUT_SALES: &str = "
SELECT 
  COUNT(*) as sent,                    -- 250
  COUNT(*) FILTER (WHERE status != 'PENDING') as received,  -- 240
  COUNT(*) FILTER (WHERE status IN ('READ_ACK', 'REPLIED')) as read,  -- 180
  COUNT(*) FILTER (WHERE status = 'REPLIED') as replied    -- 50
FROM blast_recipients
WHERE blast_id = 1;
";

/// Of the roadmap: `COUNT(*) WHERE status != null → sent` and its like, for one blast.
pub const STAGES: [(&str, &str); 5] = [
    ("sent", "SELECT COUNT(*) FROM blast_recipients WHERE blast_id = ? AND status IS NOT NULL"),
    ("received", "SELECT COUNT(*) FROM blast_recipients WHERE blast_id = ? AND status != 'PENDING'"),
    (
        "read",
        "SELECT COUNT(*) FROM blast_recipients WHERE blast_id = ? AND status IN ('READ_ACK', 'REPLIED', 'CLOSED')",
    ),
    ("replied", "SELECT COUNT(*) FROM blast_recipients WHERE blast_id = ? AND status IN ('REPLIED', 'CLOSED')"),
    ("closed", "SELECT COUNT(*) FROM blast_recipients WHERE blast_id = ? AND status = 'CLOSED'"),
];

/// Of the roadmap: `Group by status, show where recipients are stuck`.
pub const BY_STATUS: &str = "SELECT status, COUNT(*) FROM blast_recipients WHERE blast_id = ? GROUP BY status";

/// Of the schema plan: delivered, read, replied.
pub const UPDATES: [&str; 3] = [
    "
UPDATE blast_recipients 
SET status = 'DELIVERY_ACK', 
    message_c2s_timestamp = EXTRACT(EPOCH FROM NOW())
WHERE message_id = ?;
",
    "
UPDATE blast_recipients 
SET status = 'READ_ACK', 
    read_timestamp = NOW()
WHERE message_id = ?;
",
    "
UPDATE blast_recipients 
SET status = 'REPLIED', 
    replied_at = NOW()
WHERE message_id = ?;
",
];

/// Of the summary, with single quotes around what is no column's name, and a time for its `...`.
pub const LITERAL_UPDATE: &str = "
UPDATE blast_recipients
SET status = 'DELIVERY_ACK',
    message_c2s_timestamp = 1737158400
WHERE message_id = '3EB0WM0ABC123'
";

/// Each table that the documents create: its name, and its columns with the first word of their types.
pub fn tables() -> Vec<(String, Vec<(String, String)>)> {
    blocks(include_str!("documents.sql"), "CREATE TABLE ", ");")
        .map(|(head, lines)| {
            let columns = lines.filter_map(|line| {
                let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
                let (name, kind) = (words.next()?, words.next()?);
                let is_column = !["--", "UNIQUE(blast_id", "INDEX"].contains(&name);
                is_column.then(|| (name.to_owned(), kind.to_owned()))
            });
            (head, columns.map(of_the_requirement).collect())
        })
        .collect()
}

/// The keys that point to others are as wide as those.
fn of_the_requirement((name, kind): (String, String)) -> (String, String) {
    let kind = if name.ends_with("_id") && kind == "INTEGER" { "SERIAL".to_owned() } else { kind };
    (name, kind)
}

/// Each object that the documents describe: its name, its fields, and the words of its status.
pub fn objects() -> Vec<(String, Vec<String>, Vec<String>)> {
    blocks(include_str!("campaign.ts"), "", "}")
        .map(|(head, lines)| {
            let (mut fields, mut words) = (Vec::new(), Vec::new());
            for line in lines {
                let Some((name, kind)) = line.split_once(':').filter(|_| !line.starts_with("//")) else { continue };
                fields.push(name.trim_end_matches('?').to_owned());
                if name == "status" {
                    words = kind.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
                }
            }
            (head, fields, words)
        })
        .collect()
}

/// The blocks of a text: what stands in their first line before the bracket, and the lines within.
fn blocks<'a>(
    text: &'a str,
    before: &'a str,
    end: &'a str,
) -> impl Iterator<Item = (String, impl Iterator<Item = &'a str>)> {
    let starts =
        text.lines().enumerate().filter(move |(_, line)| line.starts_with(before) && line.ends_with(['(', '{']));
    starts.map(move |(at, line)| {
        let head = line.trim_start_matches(before).trim_end_matches(['(', '{']).trim().to_owned();
        (head, text.lines().skip(at + 1).take_while(move |line| *line != end).map(str::trim))
    })
}
