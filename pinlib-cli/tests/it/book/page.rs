//! A page of Markdown as the tests read it: its fenced blocks, and the prose between them.

/// A page.
pub(super) struct Page {
    /// From the top of the repository.
    pub(super) path: String,
    pub(super) blocks: Vec<Block>,
    /// The lines outside of blocks, with their numbers from 1.
    pub(super) prose: Vec<(usize, String)>,
}

/// A fenced block, ```` ```language,mark,key=value ````, or the same within a comment, which readers do not see.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The line of its fence, from 1.
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) text: String,
    marks: Vec<String>,
}

/// A command, and the lines that are shown below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) line: usize,
    pub(super) typed: String,
    pub(super) shown: String,
}

impl Page {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let mut page = Self { path: path.to_owned(), blocks: Vec::new(), prose: Vec::new() };
        let mut open: Option<(Block, &str)> = None;
        for (number, line) in text.lines().enumerate().map(|(number, line)| (number + 1, line)) {
            match &mut open {
                Some((block, end)) if line.trim() == *end => {
                    page.blocks.push(block.clone());
                    open = None;
                }
                Some((block, _)) => {
                    block.text += line;
                    block.text.push('\n');
                }
                None => {
                    let hidden = line.strip_prefix("<!-- ").filter(|info| info.starts_with("console"));
                    let fenced = line.trim_start().strip_prefix("```");
                    match (fenced, hidden) {
                        (Some(info), _) => open = Some((Block::new(number, info), "```")),
                        (_, Some(info)) => open = Some((Block::new(number, info), "-->")),
                        _ => page.prose.push((number, line.to_owned())),
                    }
                }
            }
        }
        assert!(open.is_none(), "{path}: a block is not closed");
        page
    }
}

impl Block {
    fn new(line: usize, info: &str) -> Self {
        let mut words = info.split(',').map(str::to_owned);
        let language = words.next().unwrap_or_default();
        Self { line, language, text: String::new(), marks: words.collect() }
    }
    /// Whether it bears a mark.
    pub(super) fn is(&self, mark: &str) -> bool {
        self.marks.iter().any(|one| one == mark)
    }
    /// The value of a mark `key=value`.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.marks.iter().find_map(|mark| mark.strip_prefix(key)?.strip_prefix('='))
    }

    /// The commands of a console, each behind `$ `, over several lines where they end with a backslash.
    pub(super) fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        let mut goes_on = false;
        for (line, text) in self.text.lines().enumerate() {
            match (goes_on, text.strip_prefix("$ "), commands.last_mut()) {
                (true, _, Some(command)) => command.typed.extend(["\n", text]),
                (_, Some(typed), _) => {
                    let line = self.line + line + 1;
                    commands.push(Command { line, typed: typed.to_owned(), shown: String::new() });
                }
                (_, None, Some(command)) => command.shown.extend([text, "\n"]),
                (_, None, None) => panic!("line {}: a console begins with a command", self.line),
            }
            goes_on = text.ends_with('\\') && (goes_on || text.starts_with("$ "));
        }
        commands
    }

    /// Each `--flag` that stands behind a command of pinlib.
    pub(super) fn flags(&self) -> Vec<(String, String)> {
        let text = self.text.replace("\\\n", " ");
        let mut found = Vec::new();
        for line in text.lines() {
            let mut command: Option<String> = None;
            let mut words = line.split([' ', '\'', '"', '(', ')', '[', ']', ',', '`']).peekable();
            while let Some(word) = words.next() {
                match (word, &command) {
                    ("|" | "&&" | ";" | "#", _) => command = None,
                    ("pinlib", _) if words.peek().is_some_and(|next| is_command(next)) => {
                        let name = words.next().unwrap_or_default();
                        let github = name == "init" && words.peek() == Some(&"github");
                        command = Some(if github { "init github".to_owned() } else { name.to_owned() });
                    }
                    (flag, Some(command)) if flag.starts_with("--") && flag.len() > 2 => {
                        let flag = flag.split('=').next().unwrap_or(flag).trim_end_matches(['.', ':', '…']);
                        found.push((command.clone(), flag.to_owned()));
                    }
                    _ => {}
                }
            }
        }
        found
    }
}

fn is_command(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !word.starts_with('-')
}

#[test]
fn a_page_falls_into_blocks_and_commands() {
    let text = "Text\n```console,fresh,needs=tea\n$ pinlib pin \\\n    --image=x # --no\nout\n$ a | pinlib plan --json\n```\n\
                <!-- console\n$ b\n-->\n";
    let page = Page::new("a.md", text);
    let [shown, hidden] = &page.blocks[..] else { panic!("two blocks") };
    assert!(shown.is("fresh") && shown.value("needs") == Some("tea") && hidden.language == "console");
    let typed: Vec<_> = shown.commands().into_iter().map(|one| (one.line, one.typed, one.shown)).collect();
    assert_eq!(typed[0], (3, "pinlib pin \\\n    --image=x # --no".to_owned(), "out\n".to_owned()));
    assert_eq!(typed.len(), 2);
    let flags = [("pin", "--image"), ("plan", "--json")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(shown.flags(), flags);
    assert_eq!(page.prose.len(), 1);
}
