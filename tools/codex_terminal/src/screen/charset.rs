//! National and line-drawing character sets, as xterm.js has them. Tables only.

/// A set other than ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(u8);

/// The final bytes of designations that are known, the set each selects, and what it replaces.
const SETS: [(u8, &str); 13] = [
    (
        b'0',
        "`◆a▒b␉c␌d␍e␊f°g±h␤i␋j┘k┐l┌m└n┼o⎺p⎻q─r⎼s⎽t├u┤v┴w┬x│y≤z≥{π|≠}£~·",
    ),
    (b'A', "#£"),
    (b'4', "#£@¾[i\\½]|{¨|f}¼~´"),
    (b'C', "[Ä\\Ö]Å^Ü`é{ä|ö}å~ü"),
    (b'R', "#£@à[°\\ç]§{é|ù}è~¨"),
    (b'Q', "@à[â\\ç]ê^î`ô{é|ù}è~û"),
    (b'K', "@§[Ä\\Ö]Ü{ä|ö}ü~ß"),
    (b'Y', "#£@§[°\\ç]é`ù{à|ò}è~ì"),
    (b'E', "@Ä[Æ\\Ø]Å^Ü`ä{æ|ø}å~ü"),
    (b'Z', "#£@§[¡\\Ñ]¿{°|ñ}ç"),
    (b'H', "@É[Ä\\Ö]Å^Ü`é{ä|ö}å~ü"),
    (b'=', "#ù@à[é\\ç]ê^î_è`ô{ä|ö}ü~û"),
    (b'B', ""),
];

const LINES: [char; 31] = [
    '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼',
    '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
];

/// The set that a final byte designates; the outer none for a byte that designates nothing, the inner one for ASCII.
pub fn designated(last: u8) -> Option<Option<Charset>> {
    let last = match last {
        b'5' => b'C',
        b'6' => b'E',
        b'7' => b'H',
        other => other,
    };
    let (name, _) = SETS.iter().find(|(known, _)| *known == last)?;
    Some((*name != b'B').then_some(Charset(*name)))
}

impl Charset {
    /// The final byte that designates it.
    pub fn name(self) -> char {
        char::from(self.0)
    }

    fn pairs(self) -> impl Iterator<Item = (char, char)> {
        let table = SETS
            .iter()
            .find(|(name, _)| *name == self.0)
            .map_or("", |(_, table)| table);
        let odd = table.chars().skip(1).step_by(2);
        table.chars().step_by(2).zip(odd)
    }

    /// What is shown for an ASCII character.
    pub fn shown(self, c: u32) -> u32 {
        // Frames are drawn with this set, so it is worth a table.
        if self.0 == b'0' {
            let at = c.wrapping_sub(0x60) as usize;
            return LINES.get(at).map_or(c, |line| u32::from(*line));
        }
        self.pairs()
            .find(|(from, _)| u32::from(*from) == c)
            .map_or(c, |(_, to)| u32::from(to))
    }

    /// What has to be printed so that `c` is shown, if anything does it.
    pub fn printed(self, c: char) -> Option<char> {
        let direct = self.pairs().find(|(_, to)| *to == c).map(|(from, _)| from);
        let replaced = self.pairs().any(|(from, _)| from == c);
        direct.or((!replaced).then_some(c))
    }
}
