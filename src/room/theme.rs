//! The colours of the pages, as a viewer chooses them.

/// The choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// What the browser asks for. Tor Browser always asks for light.
    #[default]
    Browser,
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// White and yellow on black, with lines around everything.
    Contrast,
    /// Dark brown on the colour of old paper, in a typeface with serifs.
    Paper,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Browser,
        Self::Dark,
        Self::Light,
        Self::Contrast,
        Self::Paper,
    ];

    /// The word that people type and that styles use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Contrast => "contrast",
            Self::Paper => "paper",
        }
    }

    /// What it looks like, in words.
    pub fn says(self) -> &'static str {
        match self {
            Self::Browser => "as the browser asks",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Contrast => "high contrast",
            Self::Paper => "paper",
        }
    }

    /// The theme with this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|theme| theme.word().eq_ignore_ascii_case(word))
    }
}
