mod cycle;
mod ledger;
mod sequences;
mod worker;
mod world;
