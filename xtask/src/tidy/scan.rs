//! Just enough of Rust's grammar to tell code from comments and strings, and tests from the rest.

/// One line of a source file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The line with the contents of comments, strings and character literals blanked.
    pub(crate) code: String,
    /// The text of its comments.
    pub(crate) comment: String,
    /// Whether it is inside an item under `#[cfg(test)]`.
    pub(crate) test: bool,
}

enum State {
    Code,
    LineComment,
    BlockComment(usize),
    Str,
    RawStr(usize),
}

/// Splits `text` into [`Line`]s.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let mut lines = vec![];
    let mut state = State::Code;
    let (mut code, mut comment) = (String::new(), String::new());
    let chars: Vec<char> = text.chars().collect();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        let next = chars.get(i + 1).copied();
        if c == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(Line { code: std::mem::take(&mut code), comment: std::mem::take(&mut comment), test: false });
            i += 1;
            continue;
        }
        match &mut state {
            State::Code => match (c, next) {
                ('/', Some('/')) => state = State::LineComment,
                ('/', Some('*')) => state = State::BlockComment(1),
                ('"', _) => {
                    code.push(c);
                    state = State::Str;
                }
                ('r', Some('"' | '#')) if !word_before(&chars, i) => {
                    let hashes = chars[i + 1..].iter().take_while(|&&c| c == '#').count();
                    if chars.get(i + 1 + hashes) == Some(&'"') {
                        i += 1 + hashes;
                        code.push('"');
                        state = State::RawStr(hashes);
                    } else {
                        code.push(c);
                    }
                }
                ('\'', _) => {
                    code.push(c);
                    i += literal_char(&chars[i + 1..]);
                }
                _ => code.push(c),
            },
            State::LineComment => comment.push(c),
            State::BlockComment(depth) => match (c, next) {
                ('*', Some('/')) => {
                    *depth -= 1;
                    i += 1;
                    if *depth == 0 {
                        state = State::Code;
                    }
                }
                ('/', Some('*')) => {
                    *depth += 1;
                    i += 1;
                }
                _ => comment.push(c),
            },
            State::Str => match c {
                // An escaped line end must still end the line.
                '\\' if next != Some('\n') => i += 1,
                '"' => {
                    code.push(c);
                    state = State::Code;
                }
                _ => {}
            },
            State::RawStr(hashes) => {
                let hashes = *hashes;
                if c == '"' && chars[i + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes {
                    i += hashes;
                    code.push(c);
                    state = State::Code;
                }
            }
        }
        i += 1;
    }
    if !code.is_empty() || !comment.is_empty() {
        lines.push(Line { code, comment, test: false });
    }
    mark_tests(&mut lines);
    lines
}

/// Whether the character before `i` belongs to a word (then `r` does not begin a raw string).
fn word_before(chars: &[char], i: usize) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    // `br"` and `cr"` are raw strings too.
    i > 0 && word(chars[i - 1]) && !(matches!(chars[i - 1], 'b' | 'c') && !(i > 1 && word(chars[i - 2])))
}

/// How many characters after a quote belong to a character literal; 0 if it begins a lifetime.
fn literal_char(rest: &[char]) -> usize {
    match rest {
        ['\\', ..] => rest.iter().skip(2).position(|&c| c == '\'').map_or(0, |end| end + 3),
        [_, '\'', ..] => 2,
        _ => 0,
    }
}

/// Marks the lines of every item that follows `#[cfg(test)]`, by counting braces.
fn mark_tests(lines: &mut [Line]) {
    let mut depth: Option<usize> = None;
    let mut waiting = false;
    for line in lines {
        if depth.is_none() && line.code.trim_start().starts_with("#[cfg(test)]") {
            waiting = true;
        }
        line.test = waiting || depth.is_some();
        for c in line.code.chars() {
            match (c, depth) {
                ('{', None) if waiting => {
                    waiting = false;
                    depth = Some(1);
                }
                (';', None) => waiting = false,
                ('{', Some(d)) => depth = Some(d + 1),
                ('}', Some(1)) => depth = None,
                ('}', Some(d)) => depth = Some(d - 1),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        lines(text).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn comments_and_strings_are_blanked() {
        assert_eq!(codes("let a = \"unsafe \\\" {\"; // unsafe"), ["let a = \"\"; "]);
        assert_eq!(codes("f(r#\"un\"safe\"#, 'x', '\\'', b'\\n')"), ["f(\"\", ', ', b')"]);
        assert_eq!(codes("fn f<'a>(x: &'a str) {}"), ["fn f<'a>(x: &'a str) {}"]);
        assert_eq!(codes("a /* b /* c */ d */ e\n\"x\\\n  y\" z"), ["a  e", "\"", "\" z"]);
    }

    #[test]
    fn test_items_end_where_their_braces_end() {
        let text =
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { x }\n}\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}\n";
        let tests: Vec<bool> = lines(text).iter().map(|line| line.test).collect();
        assert_eq!(tests, [false, true, true, true, true, false, true, true, false]);
    }
}
