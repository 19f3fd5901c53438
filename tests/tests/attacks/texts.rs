//! Answers of servers that were saved under the name of a network.

use crate::{Attack, attack};

pub(crate) fn attacks() -> Vec<Attack> {
    let page = "<!DOCTYPE HTML>\n<HTML><BODY>Google Drive can't scan this file for viruses</BODY></HTML>\n";
    let json = r#"{"message": "Not Found", "status": "404"}"#;
    let pages: [(&str, Vec<u8>); 5] = [
        ("upper-case", page.into()),
        ("blank-lines", format!("\r\n\n  \t{page}").into()),
        ("mark", format!("\u{feff}\n{page}").into()),
        ("declared", format!("<?xml version=\"1.0\"?>{page}").into()),
        ("long-blank", format!("{}{page}", "\n".repeat(3000)).into()),
    ];
    let answers: [(&str, Vec<u8>); 3] = [
        ("answer", json.into()),
        ("answer-blank-lines", format!("\n\n{json}").into()),
        ("answer-list", format!("[{json}]").into()),
    ];
    let mut all = Vec::new();
    for kind in ["pkl", "pt", "safetensors"] {
        all.extend(pages.iter().map(|(name, text)| attack(&format!("page-{name}.{kind}"), &text[..], &["web page"])));
        let words = &["JSON", "Not Found"];
        all.extend(answers.iter().map(|(name, text)| attack(&format!("{name}.{kind}"), &text[..], words)));
    }
    all
}
