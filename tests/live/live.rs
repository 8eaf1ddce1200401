//! The whole flow against a real libvirtd and a real QEMU, with `qemu-sev-sim` in the place of the chip, and with the
//! peers as oracles: sevctl makes sessions, virt-qemu-sev-validate verifies. Run by `make check`, which does the set-up;
//! without it these tests fail and say so. They never skip.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

mod afar;
mod appraisal;
mod book;
mod c_library;
#[path = "../support/cases.rs"]
mod cases;
mod cek;
mod chain;
mod check;
mod commands;
mod defining;
mod digests;
mod documented;
mod examples;
mod exchange;
mod explained;
mod faults;
mod firmware;
mod first_steps;
mod generate;
mod goldens;
mod hooks;
mod host;
mod key_service;
mod lab;
mod launches;
mod lint;
mod manager;
mod manual;
mod mentions;
mod misuses;
mod models;
mod offline;
mod osinfo;
mod peers;
mod processors;
mod psp;
mod python;
mod reader;
mod recipes;
mod reconcile;
mod schemas;
mod screens;
mod secrecy;
mod selinux;
mod session;
mod snp;
mod snp_platform;
mod sources;
mod words;
