//! `stylegan studio` from outside: who is let in, what is answered, and that nothing piles up.
#![cfg(unix)]

use crate::bench::Bench;
use crate::precision::save_stylegan2;
use crate::train::{CONFIG, pictures};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

/// Longer than anything here takes, also beside other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// A studio that runs.
pub(crate) struct Studio {
    child: Child,
    address: SocketAddr,
    /// `/?token=…`
    link: String,
    cookie: String,
}

/// An answer to a request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Studio {
    pub(crate) fn start(bench: &Bench, options: &str) -> Self {
        let mut studio = Self::start_unopened(bench, options);
        let opened = studio.get_with(&studio.link, &[]);
        assert_eq!(opened.status, 303, "{}", opened.head);
        studio.cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        studio
    }

    /// A studio whose link nobody has used.
    pub(crate) fn start_unopened(bench: &Bench, options: &str) -> Self {
        let mut command = bench.command(&format!("studio --port 0 --no-open {options}"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let rest = line.trim().strip_prefix("http://").unwrap_or_else(|| panic!("no link in {line:?}"));
        let (address, link) = rest.split_at(rest.find('/').unwrap());
        Self { child, address: address.parse().unwrap(), link: link.to_owned(), cookie: String::new() }
    }

    /// Its link, as the terminal shows it.
    pub(crate) fn whole_link(&self) -> String {
        format!("http://{}{}", self.address, self.link)
    }

    /// A studio of the tiny network.
    pub(crate) fn tiny() -> (Bench, Self) {
        let bench = Bench::with_network();
        let studio = Self::start(&bench, "--network tiny.safetensors");
        (bench, studio)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[("Cookie", &self.cookie)])
    }

    /// A request with these headers; ours as `Host` unless another is among them.
    fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.push_str(&format!("Host: {}\r\n", self.address));
        }
        headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
        self.send(&format!("{request}\r\n"))
    }

    /// Sends a body with the cookie.
    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answer {
        let (address, cookie, length) = (self.address, &self.cookie, body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nConnection: close\r\nHost: {address}\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n"
        );
        self.exchange(&[head.as_bytes(), body].concat())
    }

    fn send(&self, request: &str) -> Answer {
        self.exchange(request.as_bytes())
    }

    fn exchange(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The studio may have answered before all of it is sent.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn picture(&self, state: &str, cell: Option<usize>) -> Answer {
        let cell = cell.map_or(String::new(), |cell| format!("&cell={cell}"));
        self.get(&format!("/picture?state={}{cell}", encoded(state)))
    }

    pub(crate) fn socket(&self) -> Result<Page, tungstenite::Error> {
        self.socket_with(&[("Cookie", &self.cookie)])
    }

    fn socket_with(&self, headers: &[(&str, &str)]) -> Result<Page, tungstenite::Error> {
        let mut request = format!("ws://{}/socket", self.address).into_client_request()?;
        for (name, value) in headers {
            let name: tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Page(socket)),
            Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    }

    /// Memory in use, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A page's end of its connection.
pub(crate) struct Page(WebSocket<TcpStream>);

/// A frame: view, size, cell, seq, number of cells, pixels.
pub(crate) struct Frame {
    view: u8,
    pub(crate) size: [u16; 2],
    pub(crate) cell: u16,
    pub(crate) seq: u32,
    pub(crate) cells: u16,
    pub(crate) pixels: Vec<u8>,
}

impl Page {
    /// Wants nothing more of a view.
    pub(crate) fn stop(&mut self, seq: u32, view: &str) {
        self.0.send(Message::text(format!(r#"{{"seq":{seq},"stop":"{view}"}}"#))).unwrap();
    }

    pub(crate) fn wish(&mut self, seq: u32, state: &str) {
        self.0.send(Message::text(format!(r#"{{"seq":{seq},"state":{state}}}"#))).unwrap();
    }

    /// The next frame or sentence.
    fn next(&mut self) -> Result<Frame, serde_json::Value> {
        loop {
            match self.0.read().unwrap() {
                Message::Binary(bytes) => {
                    let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
                    return Ok(Frame {
                        view: bytes[0],
                        size: [short(2), short(4)],
                        cell: short(6),
                        seq: u32::from_le_bytes(bytes[8..12].try_into().unwrap()),
                        cells: short(12),
                        pixels: bytes[16..].to_vec(),
                    });
                }
                Message::Text(text) => return Err(serde_json::from_str(&text).unwrap()),
                _ => {}
            }
        }
    }

    pub(crate) fn frame(&mut self) -> Frame {
        loop {
            match self.next() {
                Ok(frame) => return frame,
                Err(told) => assert_eq!(told["type"], "network", "{told}"),
            }
        }
    }

    /// What is told of a network that was opened.
    pub(crate) fn network(&mut self) -> serde_json::Value {
        loop {
            match self.next() {
                Err(told) if told["type"] == "network" => return told,
                Err(told) => panic!("{told}"),
                Ok(_) => {}
            }
        }
    }

    pub(crate) fn sentence(&mut self) -> serde_json::Value {
        loop {
            match self.next() {
                Err(told) if told["type"] == "error" => return told,
                _ => {}
            }
        }
    }

    /// Whether the studio ends the connection.
    fn ends(&mut self) -> bool {
        loop {
            match self.0.read() {
                Err(_) => return true,
                Ok(Message::Binary(_)) => return false,
                Ok(_) => {}
            }
        }
    }
}

pub(crate) fn look(changes: &str) -> String {
    let mut look = serde_json::json!({
        "network": "tiny", "psi": 1, "cutoff": null, "class": null, "noise": "const", "noise_seed": 0
    });
    let changes: serde_json::Value = serde_json::from_str(&format!("{{{changes}}}")).unwrap();
    changes.as_object().unwrap().iter().for_each(|(key, value)| look[key] = value.clone());
    look.to_string()
}

pub(crate) fn at(x: f64, y: f64) -> String {
    format!(r#"{{"view":"picture","look":{},"x":{x},"y":{y}}}"#, look(""))
}

fn table(rows: &str, columns: &str, styles: &str) -> String {
    format!(r#"{{"view":"mix","look":{},"rows":[{rows}],"columns":[{columns}],"styles":[{styles}]}}"#, look(""))
}

/// `text` for a query.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_link_opens_once_and_the_cookie_is_asked_for_everywhere() {
    let (_bench, studio) = Studio::tiny();
    let again = studio.get_with(&studio.link, &[]);
    assert_eq!(again.status, 401);
    assert!(again.text().contains("newest link"), "{}", again.text());
    for path in
        ["/", "/assets/main.js", "/library", "/picture?state=%7B%7D", "/runs/tiny", "/door", "/socket", "/absent"]
    {
        assert_eq!(studio.get_with(path, &[]).status, 401, "{path}");
        assert_eq!(studio.get_with(path, &[("Cookie", "a=b")]).status, 401, "{path}");
    }
    // Whoever is turned away may not ask on and on.
    let asked = format!("GET /library HTTP/1.1\r\nHost: {}\r\n\r\n", studio.address);
    assert_eq!(studio.send(&asked).header("connection"), Some("close"));
    let page = studio.get("/");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("StyleGAN studio"));
    for (name, part) in [
        ("content-security-policy", "default-src 'self'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert!(page.header(name).is_some_and(|value| value.contains(part)), "{name}: {}", page.head);
    }
    assert!(!page.head.to_lowercase().contains("access-control"), "{}", page.head);
    // Every file that the page names is there.
    let text = page.text();
    let files: Vec<&str> = text.split("/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(files.len() >= 3, "{files:?}");
    files.iter().for_each(|file| assert_eq!(studio.get(&format!("/assets/{file}")).status, 200, "{file}"));
    for path in ["/assets/absent.js", "/assets/..%2Findex.html", "/absent"] {
        assert_eq!(studio.get(path).status, 404, "{path}");
    }
}

#[test]
fn other_names_and_other_sites_are_turned_away() {
    let (_bench, studio) = Studio::tiny();
    let port = studio.address.port();
    let cookie = ("Cookie", studio.cookie.as_str());
    let (local, other, elsewhere) =
        (format!("localhost:{port}"), format!("evil.example:{port}"), format!("http://evil.example:{port}"));
    let next_door = format!("http://127.0.0.1:{}", port.wrapping_add(1));
    for path in ["/", "/assets/main.js", "/library", "/picture?state=%7B%7D", "/socket"] {
        // A name that was made to lead here, with and without the Origin that goes with it.
        assert_eq!(studio.get_with(path, &[cookie, ("Host", &other)]).status, 403, "{path}");
        assert_eq!(studio.get_with(path, &[cookie, ("Host", &other), ("Origin", &elsewhere)]).status, 403, "{path}");
        for origin in ["null", "file://", &elsewhere, &next_door] {
            assert_eq!(studio.get_with(path, &[cookie, ("Origin", origin)]).status, 403, "{path} {origin}");
        }
        assert_eq!(studio.get_with(path, &[cookie, ("Sec-Fetch-Site", "cross-site")]).status, 403, "{path}");
    }
    // Nor may another name take a token, or another site send something.
    assert_eq!(studio.get_with("/?token=0", &[("Host", &other)]).status, 403);
    assert_eq!(studio.get_with("/", &[cookie, ("Host", &local)]).status, 200);
    let post = format!("POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n", studio.address);
    assert_eq!(studio.send(&format!("{post}Origin: {elsewhere}\r\nCookie: {}\r\n\r\n", studio.cookie)).status, 403);
    assert_eq!(studio.send(&format!("{post}Cookie: {}\r\n\r\n", studio.cookie)).status, 405);
    for headers in [&[cookie, ("Origin", elsewhere.as_str())][..], &[("Origin", &format!("http://{local}"))], &[]] {
        assert!(studio.socket_with(headers).is_err(), "{headers:?}");
    }
    assert!(studio.socket().is_ok());
}

/// What is downloaded is what the commands write, byte by byte.
#[test]
fn pictures_are_those_of_generate_and_mix() {
    let (bench, studio) = Studio::tiny();
    let file = |name: &str| std::fs::read(bench.path(name)).unwrap();
    let same = |answer: Answer, name: &str| {
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert!(answer.body == file(name), "{name}");
        let written = answer.header("content-disposition").unwrap().to_owned();
        assert_eq!(answer.header("content-type"), Some("image/png"));
        written
    };
    bench.ok("generate --network tiny.safetensors --seeds 3,205 --out plain");
    assert_eq!(same(studio.picture(&at(3., 0.), None), "plain/seed0003.png"), "attachment; filename=\"seed0003.png\"");
    same(studio.picture(&at(5., 2.), None), "plain/seed0205.png");
    bench.ok("generate --network tiny.safetensors --seeds 3 --trunc 0.5 --trunc-cutoff 2 --noise random --noise-seed 9 --out cut");
    let changed = look(r#""psi":0.5,"cutoff":2,"noise":"random","noise_seed":9"#);
    same(studio.picture(&format!(r#"{{"view":"picture","look":{changed},"x":3,"y":0}}"#), None), "cut/seed0003.png");
    bench.ok("mix --network tiny.safetensors --rows 0,1 --cols 7-9 --styles 2,3 --out mixed");
    let mixed = table("0,1", "7,8,9", "2,3");
    same(studio.picture(&mixed, Some(4)), "mixed/row0000-col0007.png");
    same(studio.picture(&mixed, Some(10)), "mixed/row0001-col0009.png");
    same(studio.picture(&mixed, None), "mixed/grid.png");
    bench.ok("mix --network tiny.safetensors --rows 0,1 --cols 7-9 --styles 2,3 --trunc 0.5 --out half.png");
    let half =
        format!(r#"{{"view":"mix","look":{},"rows":[0,1],"columns":[7,8,9],"styles":[2,3]}}"#, look(r#""psi":0.5"#));
    same(studio.picture(&half, None), "half.png");
    // Between seeds there is no command to compare with; the file says what it is.
    let between = studio.picture(&at(0.25, 0.), None);
    std::fs::write(bench.path("between.png"), between.body).unwrap();
    assert_eq!(bench.text("between.png", "stylegan:blend").as_deref(), Some("0:0.75,1:0.25"));
    let styles = studio.get(&format!("/styles?state={}", encoded(&at(0.25, 0.))));
    std::fs::write(bench.path("between.safetensors"), styles.body).unwrap();
    bench.ok("generate --network tiny.safetensors --latents between.safetensors --out again");
    assert!(bench.pixels("again/row0000.png") == bench.pixels("between.png"));
    assert_eq!(studio.picture(&mixed, Some(11)).status, 400);
    assert_eq!(studio.picture("{}", None).status, 400);
    assert_eq!(studio.get("/picture").status, 400);
}

#[test]
fn wishes_are_answered_and_slips_are_explained() {
    let (bench, studio) = Studio::tiny();
    let mut page = studio.socket().unwrap();
    page.wish(5, &at(3., 0.));
    let Err(about) = page.next() else { panic!("a picture before its network") };
    assert_eq!((&about["type"], &about["name"], &about["num_ws"]), (&"network".into(), &"tiny".into(), &6.into()));
    let frame = page.frame();
    assert_eq!((frame.view, frame.seq, frame.size, frame.cell, frame.cells), (1, 5, [16, 16], 0, 1));
    bench.ok("generate --network tiny.safetensors --seeds 3 --out out");
    assert!(bench.pixels("out/seed0003.png").as_raw() == &frame.pixels);

    for (wish, part) in [
        ("".to_owned(), "no wish"),
        ("{".repeat(30_000), "no wish"),
        (r#"{"seq":-1,"state":{}}"#.to_owned(), "no wish"),
        (r#"{"seq":1,"state":{"view":"drag"}}"#.to_owned(), "drag"),
        (format!(r#"{{"seq":1,"state":{}}}"#, at(1e300, 0.)), "outside of the pad"),
    ] {
        page.0.send(Message::text(wish)).unwrap();
        let told = page.sentence();
        assert!(told["message"].as_str().unwrap().contains(part) && told["seq"].is_null(), "{part}: {told}");
    }
    for (seq, state, part) in [
        (10, at(0., 0.).replace("tiny", "../tiny"), "no network"),
        (11, at(0., 0.).replace(r#""class":null"#, r#""class":3"#), "without labels"),
        (12, at(0., 0.).replace(r#""cutoff":null"#, r#""cutoff":7"#), "6 style rows"),
        (13, table("0", "1", "6"), "style row 6"),
    ] {
        page.wish(seq, &state);
        let told = page.sentence();
        assert!(told["message"].as_str().unwrap().contains(part) && told["seq"] == seq, "{told}");
    }
    page.wish(20, &at(1., 0.));
    assert_eq!(page.frame().seq, 20);
}

#[test]
fn broken_messages_end_their_page_and_no_other() {
    let (_bench, studio) = Studio::tiny();
    let mut good = studio.socket().unwrap();
    let mut binary = studio.socket().unwrap();
    binary.0.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert!(binary.ends());
    let mut large = studio.socket().unwrap();
    // The studio may have hung up before all of it is sent.
    let _ = large.0.send(Message::text("x".repeat(1 << 20)));
    assert!(large.ends());
    let mut garbage = studio.socket().unwrap();
    garbage.0.get_mut().write_all(&[0xff; 64]).unwrap();
    assert!(garbage.ends());
    good.wish(1, &at(0., 0.));
    assert_eq!(good.frame().seq, 1);
}

/// A hundred tables at once: the last is answered whole, the work on the others is given up.
#[test]
fn the_latest_state_wins() {
    let (_bench, studio) = Studio::tiny();
    let mut page = studio.socket().unwrap();
    let seeds = (0..16).map(|seed| seed.to_string()).collect::<Vec<_>>().join(",");
    let state = table(&seeds, &seeds, "0,1");
    (1..=100).for_each(|seq| page.wish(seq, &state));
    let (mut frames, mut newest, mut of_the_last) = (0, 0, 0);
    while of_the_last < 288 {
        let frame = page.frame();
        assert!(frame.seq >= newest, "{} after {newest}", frame.seq);
        if frame.seq == 100 {
            assert_eq!((frame.cell, frame.cells), (of_the_last, 288));
            of_the_last += 1;
        }
        (newest, frames) = (frame.seq, frames + 1);
    }
    assert!(frames < 288 * 50, "{frames}");
}

/// A large picture is there at a quarter of its pixels first; when that is out of date, so is the rest.
#[test]
fn large_pictures_are_shown_on_the_way() {
    let bench = Bench::new();
    save_stylegan2(&bench, "tiny.safetensors", 512, 4);
    let studio = Studio::start(&bench, "--network tiny.safetensors");
    let mut page = studio.socket().unwrap();
    page.wish(1, &at(3., 0.));
    let (first, second) = (page.frame(), page.frame());
    assert_eq!((first.seq, first.size, second.seq, second.size), (1, [256, 256], 1, [512, 512]));
    // The file is the second one.
    let file = image::load_from_memory(&studio.picture(&at(3., 0.), None).body).unwrap().to_rgb8();
    assert!(file.as_raw() == &second.pixels);
    // A hundred more: the last is answered whole.
    (2..=101).for_each(|seq| page.wish(seq, &at(f64::from(seq), 0.)));
    let mut whole = vec![];
    while whole.last() != Some(&101) {
        let frame = page.frame();
        if frame.size == [512, 512] {
            whole.push(frame.seq);
        }
    }
    assert!(whole.len() < 50, "{whole:?}");
}

#[test]
fn pages_have_their_own_pictures_and_a_limit() {
    let (_bench, studio) = Studio::tiny();
    let mut pages: Vec<Page> = (0..4).map(|_| studio.socket().unwrap()).collect();
    assert!(studio.socket().is_err());
    let door = studio.get("/door");
    assert!(door.status == 503 && door.text().contains("close one"), "{}", door.text());
    for (seq, page) in pages.iter_mut().enumerate() {
        page.wish(seq as u32, &at(seq as f64, 0.));
    }
    let frames: Vec<Frame> = pages.iter_mut().map(Page::frame).collect();
    assert!(frames.iter().enumerate().all(|(seq, frame)| frame.seq == seq as u32));
    assert!(frames[0].pixels != frames[1].pixels);
    // One goes without a word, in the middle of its work; its place is free soon.
    let mut gone = pages.remove(0);
    let seeds = (0..16).map(|seed| seed.to_string()).collect::<Vec<_>>().join(",");
    gone.wish(7, &table(&seeds, &seeds, "0"));
    drop(gone);
    let deadline = Instant::now() + PATIENCE;
    let mut next = loop {
        match studio.socket() {
            Ok(page) => break page,
            Err(_) => assert!(Instant::now() < deadline, "its place is still taken"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    next.wish(1, &at(2., 0.));
    assert!(next.frame().pixels == frames[2].pixels);
    drop(next);
    while studio.get("/door").status != 204 {
        assert!(Instant::now() < deadline, "nobody may come in");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One page reads nothing while another gets thousands of pictures.
#[test]
fn memory_stays_flat() {
    let (_bench, studio) = Studio::tiny();
    let (mut page, mut deaf) = (studio.socket().unwrap(), studio.socket().unwrap());
    let mut work = |from: u32, to: u32| {
        for seq in from..to {
            if seq % 10 == 0 {
                deaf.wish(seq, &at(f64::from(seq), 0.5));
            }
            page.wish(seq, &at(f64::from(seq) / 10., 0.25));
            assert_eq!(page.frame().seq, seq);
        }
        studio.memory()
    };
    let before = work(0, 500);
    let after = work(500, 10_500);
    assert!(after < before + (8 << 10), "{before} KiB before, {after} after 10 000 pictures more");
}

#[test]
fn runs_show_what_they_wrote() {
    let bench = Bench::new();
    std::fs::write(bench.path("tiny.toml"), CONFIG).unwrap();
    pictures(&bench, "small", 12, 8);
    bench.ok("train --config tiny.toml --data small --out runs/first --kimg 0.2");
    let studio = Studio::start(&bench, "");
    let library = studio.get("/library").json()["entries"].clone();
    assert_eq!(
        (&library[0]["name"], &library[0]["run"], &library[0]["network"]),
        (&"first".into(), &true.into(), &true.into())
    );
    let run = studio.get("/runs/first").json();
    let grids: Vec<&str> = run["grids"].as_array().unwrap().iter().map(|grid| grid["name"].as_str().unwrap()).collect();
    assert_eq!(grids[0], "fakes-init.png");
    let picture = studio.get("/runs/first/pictures/fakes-init.png");
    assert!(picture.body == std::fs::read(bench.path("runs/first/fakes-init.png")).unwrap());
    // To keep, it says where it comes from.
    std::fs::write(bench.path("kept.png"), studio.get("/runs/first/pictures/fakes-init.png/file").body).unwrap();
    assert!(bench.pixels("kept.png") == bench.pixels("runs/first/fakes-init.png"));
    assert_eq!(bench.text("kept.png", "stylegan:run").as_deref(), Some("first"));
    let stats = studio.get("/runs/first/stats?from=0").json();
    let length = std::fs::metadata(bench.path("runs/first/stats.jsonl")).unwrap().len();
    assert_eq!((&stats["next"], &stats["more"]), (&length.into(), &false.into()));
    assert!(stats["ticks"][0]["Loss/G/loss"]["mean"].is_number(), "{stats}");
    for path in [
        "/runs/..",
        "/runs/..%2Ffirst",
        "/runs/small",
        "/runs/first/pictures/config.toml",
        "/runs/first/pictures/config.toml/file",
        "/runs/absent/stats?from=0",
        "/runs/first/pictures/..%2Ffirst%2Freals.png",
        "/runs/first/pictures/%2Fetc%2Fpasswd",
    ] {
        assert_eq!(studio.get(path).status, 404, "{path}");
    }
    assert_eq!(studio.get("/runs/first/stats?from=-1").status, 400);
    // Its newest checkpoint makes pictures.
    let mut page = studio.socket().unwrap();
    page.wish(1, &at(0., 0.).replace("tiny", "first"));
    let hash = page.network()["hash"].clone();
    assert_eq!(page.frame().size, [8, 8]);
    // Also when it has gone on since.
    bench.ok("train --config tiny.toml --data small --out runs/first --kimg 0.4");
    bench.ok("generate --network runs/first --seeds 0 --out newest");
    std::thread::sleep(Duration::from_millis(1100));
    page.wish(2, &at(0., 0.).replace("tiny", "first"));
    assert_ne!(page.network()["hash"], hash);
    assert!(bench.pixels("newest/seed0000.png").as_raw() == &page.frame().pixels);
}

/// The first that a newcomer sees, of which networks are known before they are opened, and commands as they are typed.
#[test]
fn what_comes_along_is_there_without_a_run() {
    let bench = Bench::new();
    let studio = Studio::start(&bench, "");
    let library = studio.get("/library").json();
    assert_eq!(library["program"], "stylegan");
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let found: Vec<(String, String)> =
        library["entries"].as_array().unwrap().iter().map(|entry| (word(&entry["name"]), word(&entry["of"]))).collect();
    let expected = [("avatars-64", "styles"), ("earth-64-spade", "maps"), ("avatars-32", "styles")];
    assert_eq!(found, expected.map(|(name, of)| (name.to_owned(), of.to_owned())));
}

/// A file with the names of another program does not say what it is of, and is a network all the same.
#[test]
fn networks_that_do_not_name_themselves_are_there() {
    let bench = Bench::new();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/stylegan2_ada_pytorch.pkl");
    std::fs::copy(golden, bench.path("ada.pkl")).unwrap();
    bench.ok("convert ada.pkl ours.safetensors");
    bench.ok("convert ours.safetensors official.safetensors --to nvlabs");
    let studio = Studio::start(&bench, "--network official.safetensors");
    let first = studio.get("/library").json()["entries"][0].clone();
    assert_eq!((&first["name"], &first["network"], &first["of"]), (&"official".into(), &true.into(), &().into()));
}

/// Pages are told the names of networks, and nothing of where they are.
#[test]
fn errors_name_no_places() {
    let bench = Bench::with_network();
    let whole = std::fs::read(bench.path("tiny.safetensors")).unwrap();
    std::fs::create_dir_all(bench.path("runs/bad")).unwrap();
    std::fs::write(bench.path("runs/bad/network-000020.safetensors"), &whole[..whole.len() - 100]).unwrap();
    let studio = Studio::start(&bench, "--network tiny.safetensors");
    let mut page = studio.socket().unwrap();
    let state = at(0., 0.).replace("tiny", "bad");
    page.wish(1, &state);
    let told = page.sentence()["message"].as_str().unwrap().to_owned();
    let downloaded = studio.picture(&state, None);
    assert_eq!(downloaded.status, 400);
    for sentence in [told, downloaded.text()] {
        assert!(sentence.contains("bad: ") && sentence.contains("network-000020"), "{sentence}");
        assert!(!sentence.contains("runs") && !sentence.contains('/'), "{sentence}");
    }
}

#[test]
fn control_c_ends_it_at_once() {
    let (_bench, mut studio) = Studio::tiny();
    let mut page = studio.socket().unwrap();
    let seeds = (0..16).map(|seed| seed.to_string()).collect::<Vec<_>>().join(",");
    page.wish(1, &table(&seeds, &seeds, "0"));
    page.frame();
    assert!(Command::new("kill").args(["-INT", &studio.child.id().to_string()]).status().unwrap().success());
    let sent = Instant::now();
    assert_eq!(studio.child.wait().unwrap().code(), Some(0));
    assert!(sent.elapsed() < Duration::from_secs(4), "{:?}", sent.elapsed());
}

#[test]
fn what_cannot_be_shown_is_said() {
    let bench = Bench::with_network();
    bench.one_sentence("studio --no-open --network absent.safetensors", &["absent.safetensors"]);
    bench.ok("directions sefa --network tiny.safetensors --samples 100 --out moves.safetensors");
    bench.ok("generate --network tiny.safetensors --seeds 1 --out face.png");
    std::fs::create_dir(bench.path("empty")).unwrap();
    for nothing in ["moves.safetensors", "face.png", "empty"] {
        bench.one_sentence(&format!("studio --no-open --network {nothing}"), &[nothing]);
    }
    bench.one_sentence("studio --no-open --network tiny.safetensors --host 203.0.113.7", &["203.0.113.7", "0.0.0.0"]);
    let studio = Studio::start(&bench, "--network tiny.safetensors");
    let taken = format!("studio --no-open --network tiny.safetensors --port {}", studio.address.port());
    bench.one_sentence(&taken, &["another program listens there"]);
}
