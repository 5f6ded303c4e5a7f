//! A ledger of postings: every transaction sums to zero.

use std::collections::BTreeMap;
use std::fmt;

pub mod parse;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(pub i64);

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0.abs() % 100)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum LedgerError {
    Unbalanced(Cents),
    UnknownAccount(String),
    Empty,
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LedgerError::Unbalanced(rest) => write!(f, "off by {rest}"),
            LedgerError::UnknownAccount(name) => write!(f, "no account `{name}`"),
            LedgerError::Empty => f.write_str("a transaction needs postings"),
        }
    }
}

impl std::error::Error for LedgerError {}

#[derive(Debug, Clone)]
pub struct Posting {
    pub account: String,
    pub amount: Cents,
}

#[derive(Debug, Default)]
pub struct Ledger {
    balances: BTreeMap<String, i64>,
}

impl Ledger {
    pub fn open(&mut self, account: &str) {
        self.balances.entry(account.to_string()).or_insert(0);
    }

    /// Post all or nothing. Never calls `.unwrap()`: accounts are looked up first.
    pub fn post(&mut self, postings: &[Posting]) -> Result<(), LedgerError> {
        if postings.is_empty() {
            return Err(LedgerError::Empty);
        }
        let rest: i64 = postings.iter().map(|posting| posting.amount.0).sum();
        if rest != 0 {
            return Err(LedgerError::Unbalanced(Cents(rest)));
        }
        for posting in postings {
            if !self.balances.contains_key(&posting.account) {
                return Err(LedgerError::UnknownAccount(posting.account.clone()));
            }
        }
        for posting in postings {
            *self.balances.get_mut(&posting.account).expect("looked up above") += posting.amount.0;
        }
        Ok(())
    }

    pub fn balance(&self, account: &str) -> Option<Cents> {
        self.balances.get(account).copied().map(Cents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unbalanced_is_refused() {
        let mut ledger = Ledger::default();
        ledger.open("cash");
        let posting = Posting { account: "cash".to_string(), amount: Cents(5) };
        let error = ledger.post(&[posting]).unwrap_err();
        assert_eq!(error, LedgerError::Unbalanced(Cents(5)));
        let balance = ledger.balance("cash").unwrap();
        assert_eq!(balance, Cents(0));
    }
}
