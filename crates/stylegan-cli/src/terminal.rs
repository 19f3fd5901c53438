//! The terminal that bars are drawn on. It may be closed while they are: from then on nothing is drawn,
//! where `indicatif` itself would panic.

use console::Term;
use indicatif::TermLike;
use std::io::Result;
use std::sync::atomic::{AtomicBool, Ordering};

/// The terminal behind stderr.
#[derive(Debug)]
pub(crate) struct Terminal {
    term: Term,
    closed: AtomicBool,
}

impl Terminal {
    /// The terminal behind stderr.
    pub(crate) fn new() -> Self {
        Terminal { term: Term::buffered_stderr(), closed: AtomicBool::new(false) }
    }

    /// Draws, unless the terminal was closed: then what is drawn would only pile up in the buffer.
    fn draw(&self, draw: impl FnOnce(&Term) -> Result<()>) -> Result<()> {
        if !self.closed.load(Ordering::Relaxed) && draw(&self.term).is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, n: usize) -> Result<()> {
        self.draw(|term| term.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> Result<()> {
        self.draw(|term| term.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> Result<()> {
        self.draw(|term| term.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> Result<()> {
        self.draw(|term| term.move_cursor_left(n))
    }

    fn write_line(&self, line: &str) -> Result<()> {
        self.draw(|term| term.write_line(line))
    }

    fn write_str(&self, text: &str) -> Result<()> {
        self.draw(|term| term.write_str(text))
    }

    fn clear_line(&self) -> Result<()> {
        self.draw(Term::clear_line)
    }

    fn flush(&self) -> Result<()> {
        self.draw(Term::flush)
    }
}
