//! Memory, its pages and its cells. In: a request. Out: KiB, and how they and the processors are dealt out.

use super::fields::usage;
use super::request::{Hugepages, Request};
use crate::error::Error;

impl Request {
    /// What is wrong with the pages or the cells.
    pub(super) fn cells_fit(&self) -> Option<Error> {
        let page = match self.hugepages {
            Some(Hugepages(Some(bytes))) if !bytes.is_power_of_two() || bytes < 4096 => {
                return Some(
                    usage("--hugepages", "not a page size")
                        .found(format!("{bytes} bytes"))
                        .wanted("a power of two such as 2MiB or 1GiB"),
                );
            }
            Some(Hugepages(size)) => size,
            None => None,
        };
        if let Some(page) = page.filter(|p| !self.memory.is_multiple_of(*p)) {
            return Some(
                usage("--memory", "not a whole number of huge pages")
                    .found(format!("{} bytes", self.memory))
                    .wanted(format!("a multiple of {page} bytes")),
            );
        }
        let cells = self.numa?;
        let most = (self.kib() / self.step()).min(self.vcpus.into());
        (cells == 0 || u64::from(cells) > most).then(|| {
            usage("--numa", "not a number of cells that this domain can have")
                .found(cells.to_string())
                .wanted(format!("1 to {most}: a processor and {} KiB of memory for each", self.step()))
        })
    }

    /// libvirt counts memory in KiB, and rounds up.
    pub(super) fn kib(&self) -> u64 {
        self.memory.div_ceil(1024)
    }

    /// KiB that the memory of a cell is a multiple of: a huge page, the host's default one being x86's smaller size
    /// nearly everywhere; or what libvirt rounds to.
    fn step(&self) -> u64 {
        match self.hugepages {
            Some(Hugepages(Some(bytes))) => (bytes / 1024).max(1024),
            Some(Hugepages(None)) => 2048,
            None => 1024,
        }
    }

    /// The cells: `(processors, KiB)` each. Nobody is left out: the first ones get what does not divide.
    pub(super) fn cells(&self) -> Vec<(String, u64)> {
        let Some(count) = self.numa.filter(|n| *n > 0) else { return Vec::new() };
        let (each, more) = (self.vcpus / count, self.vcpus % count);
        let steps = self.kib() / self.step();
        let (each_step, more_steps) = (steps / u64::from(count), steps % u64::from(count));
        let rest = self.kib() % self.step();
        let mut next = 0;
        (0..count)
            .map(|n| {
                let (from, until) = (next, next + each + u32::from(n < more));
                next = until;
                let cpus = if until - from > 1 { format!("{from}-{}", until - 1) } else { from.to_string() };
                let kib = (each_step + u64::from(u64::from(n) < more_steps)) * self.step();
                (cpus, kib + if n == 0 { rest } else { 0 })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_every_processor_and_every_page() {
        let mut request = Request::new("g", 5 << 30, 7);
        request.numa = Some(3);
        request.hugepages = Some(Hugepages(Some(1 << 30)));
        let gib = 1 << 20;
        assert_eq!(request.cells(), [("0-2".into(), 2 * gib), ("3-4".into(), 2 * gib), ("5-6".into(), gib)]);
        assert!(request.check().is_empty());
        request.numa = Some(6);
        assert_eq!(request.check().len(), 1);
        let odd = Request { memory: (3 << 20) + 1, vcpus: 2, numa: Some(2), ..Request::new("g", 1, 1) };
        assert_eq!(odd.cells(), [("0".into(), 2049), ("1".into(), 1024)]);
        assert_eq!(odd.cells().iter().map(|c| c.1).sum::<u64>(), odd.kib());
    }
}
