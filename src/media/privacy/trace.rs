//! The kinds of traces, in words for the broadcaster.
//!
//! Belongs here: what a trace is called and which option of ffmpeg keeps it from being written.
//! Does not belong here: the values that were found. Nobody is told those, the log least of all.

/// One kind of thing that says more than a player needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Name and version of the encoder, in the init segment.
    Encoder,
    /// When the file was made.
    Date,
    /// Where.
    Place,
    /// With which device.
    Device,
    /// What somebody called a track.
    TrackName,
    /// Titles, comments, artists and the like.
    Tags,
    /// Boxes for one program only, XMP, and what was left over in padding.
    PrivateBoxes,
    /// Free text, settings and time codes between the pictures (SEI, metadata OBUs).
    PictureNotes,
    /// Comments between the samples of sound.
    SoundNotes,
    /// Samples that are not what the init segment announces: nobody can say what is in them.
    Unreadable,
}

impl Trace {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Encoder,
        Self::Date,
        Self::Place,
        Self::Device,
        Self::TrackName,
        Self::Tags,
        Self::PrivateBoxes,
        Self::PictureNotes,
        Self::SoundNotes,
        Self::Unreadable,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// What it is, as an encoder writes it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Encoder => "the name and version of the encoder",
            Self::Date => "a creation time",
            Self::Place => "a place",
            Self::Device => "the make or model of a device",
            Self::TrackName => "a name of a track",
            Self::Tags => "titles or comments",
            Self::PrivateBoxes => "private data such as XMP",
            Self::PictureNotes => "notes in the picture, such as the settings of the encoder",
            Self::SoundNotes => "notes in the sound, such as the name of the encoder",
            Self::Unreadable => "samples that nobody can look into",
        }
    }

    /// The option of ffmpeg that keeps it from being written.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::Encoder => "`-fflags +bitexact -metadata:s:v encoder=video`",
            Self::Date
            | Self::Place
            | Self::Device
            | Self::TrackName
            | Self::Tags
            | Self::PrivateBoxes => "`-map_metadata -1`",
            Self::PictureNotes => {
                "`-bsf:v filter_units=remove_types=6` (H.264; HEVC: `39-40`, AV1: `5`)"
            }
            Self::SoundNotes => "`-flags:a +bitexact`",
            Self::Unreadable => "another encoder or muxer",
        }
    }
}

/// A set of [`Trace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traces(u16);

impl Traces {
    /// Whether nothing was found.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this kind was found.
    pub const fn contains(self, trace: Trace) -> bool {
        self.0 & trace.bit() != 0
    }

    /// Notes one kind.
    pub const fn insert(&mut self, trace: Trace) {
        self.0 |= trace.bit();
    }

    /// Notes all of those.
    pub const fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Those of this set that are not in the other.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The kinds, in the order of [`Trace::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Trace> {
        Trace::ALL
            .into_iter()
            .filter(move |trace| self.contains(*trace))
    }
}

impl FromIterator<Trace> for Traces {
    fn from_iter<I: IntoIterator<Item = Trace>>(traces: I) -> Self {
        let mut set = Self::default();
        for trace in traces {
            set.insert(trace);
        }
        set
    }
}
