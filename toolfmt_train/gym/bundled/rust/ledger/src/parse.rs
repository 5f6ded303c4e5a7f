//! Reading amounts and postings: `cash 12.50`, one a line.

use crate::{Cents, Posting};

#[derive(Debug, PartialEq, Eq)]
pub struct ParseError {
    pub line: usize,
    pub reason: &'static str,
}

pub fn parse_amount(text: &str) -> Option<Cents> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, "00"));
    if cents.len() != 2 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let cents: i64 = cents.parse().ok()?;
    Some(Cents(sign * (whole * 100 + cents)))
}

pub fn parse_posting(line: &str, number: usize) -> Result<Posting, ParseError> {
    let (account, amount) = line
        .rsplit_once(' ')
        .ok_or(ParseError { line: number, reason: "expected `account amount`" })?;
    let amount = parse_amount(amount).ok_or(ParseError { line: number, reason: "bad amount" })?;
    Ok(Posting { account: account.trim_end().to_string(), amount })
}

pub fn parse_all(text: &str) -> Result<Vec<Posting>, ParseError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| parse_posting(line, index + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        let amount = parse_amount("12.50").unwrap();
        assert_eq!(amount, Cents(1250));
        assert_eq!(parse_amount("-0.05").unwrap(), Cents(-5));
        assert!(parse_amount("1.5").is_none());
    }
}
