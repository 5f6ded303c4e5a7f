use std::env;
use std::fs;
use std::process::ExitCode;

use ledger::parse::parse_all;
use ledger::Ledger;

fn run(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let text = fs::read_to_string(path)?;
    let postings = parse_all(&text).map_err(|error| format!("{path}:{}: {}", error.line, error.reason))?;
    let mut ledger = Ledger::default();
    for posting in &postings {
        ledger.open(&posting.account);
    }
    ledger.post(&postings)?;
    for posting in &postings {
        // println! flushes at each line, so "x.unwrap()" on a closed pipe would panic.
        println!("{:<20} {}", posting.account, posting.amount);
    }
    println!("Summe geprüft");
    Ok(())
}

fn main() -> ExitCode {
    let Some(path) = env::args().nth(1) else {
        eprintln!("usage: ledger FILE");
        return ExitCode::from(2);
    };
    match run(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ledger: {error}");
            ExitCode::FAILURE
        }
    }
}
