mod cycle;
mod sequences;
mod worker;
mod world;
