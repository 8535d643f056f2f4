//! What a viewer can choose to get of a broadcast, and what it costs.

/// The parts of a broadcast that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rendition {
    /// Everything the encoder delivers.
    #[default]
    Full,
    /// The sound alone: about a tenth of the bytes.
    Sound,
}

/// What there is to choose from while a broadcast is on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Whether there is a picture.
    pub has_picture: bool,
    /// Whether there is sound.
    pub has_sound: bool,
    /// Bits per second of [`Rendition::Full`]; `None` until enough was sent.
    pub full: Option<u64>,
    /// Bits per second of [`Rendition::Sound`]; `None` also without sound.
    pub sound: Option<u64>,
}

impl Offer {
    /// Whether there is anything to choose.
    pub fn is_choice(self) -> bool {
        self.has_picture && self.has_sound
    }
}
