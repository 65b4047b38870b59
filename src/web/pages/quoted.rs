//! Sentences name commands between backticks, as one reads them in a terminal. A page shows these as code, as `dom.js` does with
//! failures.

/// A piece of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Without its backticks.
    pub text: &'a str,
    /// Whether it stood between backticks.
    pub is_code: bool,
}

/// The pieces of a sentence. One whose backticks are no pairs is a single piece, as it is.
pub fn pieces(sentence: &str) -> Vec<Piece<'_>> {
    let texts: Vec<&str> = sentence.split('`').collect();
    if texts.len().is_multiple_of(2) {
        return vec![Piece {
            text: sentence,
            is_code: false,
        }];
    }
    let is_code = [false, true].into_iter().cycle();
    let pieces = texts.into_iter().zip(is_code);
    pieces
        .map(|(text, is_code)| Piece { text, is_code })
        .filter(|piece| !piece.text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sentence: &str) -> String {
        let pieces = pieces(sentence).into_iter();
        let shown = pieces.map(|piece| match piece.is_code {
            true => format!("<{}>", piece.text),
            false => piece.text.to_owned(),
        });
        shown.collect()
    }

    #[test]
    fn pairs_of_backticks_make_code() {
        let cases = [
            (
                "run `codex login`, then look",
                "run <codex login>, then look",
            ),
            ("`a` and `b`", "<a> and <b>"),
            ("请用 `npm install` 安装", "请用 <npm install> 安装"),
            ("plain", "plain"),
            ("", ""),
            ("a ` alone", "a ` alone"),
            ("`a` and ` alone", "`a` and ` alone"),
        ];
        for (sentence, expected) in cases {
            assert_eq!(shown(sentence), expected);
        }
    }
}
