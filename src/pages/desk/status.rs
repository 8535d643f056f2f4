//! The status block of the desk: encoder, uplink, Tor, recording, viewers of the last hour, done orders.
//!
//! Each of them is one element that names its slot; of each only the newest is shown (see
//! [`CSS`]), so that a change is one more element at the end of an endless document.

use std::time::Duration;

use maud::{Markup, html};

use super::super::{history, marked, time::full};
use crate::{
    media::{
        advice::{advice, rate, time, uplink},
        meter::EncoderState,
        uplink::outgoing::Outgoing,
    },
    room::{
        panel::Html,
        status::{AuditLine, DeskUpdate, DeskValues, RecordingState, TorState, VariantLine},
    },
};

/// Styles of the block.
pub const CSS: &str = include_str!("../../../assets/desk-status.css");

/// The whole block as it is now: for a finite page, and for the beginning of an endless one.
pub fn block(values: &DeskValues) -> Markup {
    html! {
        (encoder(&values.encoder))
        (complaints(&values.complaints))
        (variants(&values.variants))
        (outgoing(&values.outgoing))
        (tor(&values.tor))
        (recording(&values.recording))
        (viewers(values))
        (audit(&values.audit))
    }
}

/// What open desks get for a change.
pub fn piece(update: &DeskUpdate) -> Html {
    let markup = match update {
        DeskUpdate::Encoder(state) => encoder(state),
        DeskUpdate::Variants(lines) => variants(lines),
        DeskUpdate::Outgoing(sums) => outgoing(sums),
        DeskUpdate::Tor(state) => tor(state),
        DeskUpdate::Recording(state) => recording(state),
        DeskUpdate::History(history) => html! {
            x-history slot="history" { (history::figure(history)) }
        },
        DeskUpdate::Audit(lines) => audit(lines),
        DeskUpdate::Complaints(lines) => complaints(lines),
    };
    markup.into_string().into()
}

fn viewers(values: &DeskValues) -> Markup {
    html! { x-history slot="history" { (history::figure(&values.history)) } }
}

fn encoder(state: &EncoderState) -> Markup {
    let advice = advice(state);
    html! {
        x-encoder slot="encoder" {
            h2 { "Encoder" }
            @if state.bits_per_second.is_some() || state.fragment.is_some() { (figures(state)) }
            @if !advice.is_empty() {
                ul class="advice" {
                    @for one in &advice { li { (marked(&one.words)) } }
                }
            }
        }
    }
}

fn figures(state: &EncoderState) -> Markup {
    html! {
        dl class="figures" {
            @if let Some(fps) = state.fps { div { dt { "Frames a second" } dd { (fps) } } }
            @if let Some(bits) = state.bits_per_second { div { dt { "Bitrate" } dd { (rate(bits)) } } }
            @if let Some(since) = state.since_last_fragment { div { dt { "Last data" } dd { (ago(since)) } } }
            @if let Some(fragment) = state.fragment { div { dt { "In pieces of" } dd { (time(fragment)) } } }
            @if let Some(segment) = state.segment { div { dt { "In files of" } dd { (time(segment)) } } }
            @if let Some(gop) = state.gop { div { dt { "A keyframe every" } dd { (time(gop)) } } }
            @if let Some(picture) = state.picture {
                div {
                    dt { "Picture" }
                    dd {
                        (picture.codec.unwrap_or("yes"))
                        @if let Some((width, height)) = picture.size { ", " (width) "×" (height) }
                    }
                }
            }
            div {
                dt { "Sound" }
                dd {
                    @match state.sound {
                        Some(sound) if sound.is_empty => "empty",
                        Some(sound) => (sound.codec.unwrap_or("yes")),
                        None => "none",
                    }
                }
            }
        }
    }
}

/// The qualities beside the source.
fn variants(lines: &[VariantLine]) -> Markup {
    html! {
        x-variants slot="variants" {
            @if !lines.is_empty() {
                h2 { "Other qualities" }
                ul {
                    @for line in lines {
                        li {
                            b { (line.name) } ": "
                            @if line.is_on_air {
                                "on the air"
                                @if let Some(kilobits) = line.kilobits { ", about " (kilobits) " kbit/s" }
                            } @else {
                                "not on the air"
                            }
                            @if let Some(trouble) = &line.trouble {
                                span class="trouble" role="alert" { "; " (marked(trouble)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What ffmpeg said, be it the encoder, the one that repacks RTMP or the one for the slate: the newest
/// line, and all of them, the newest first.
///
/// Two parts: the element that opens and closes is that of the panel, and does not change with each
/// line.
fn complaints(lines: &[String]) -> Markup {
    html! {
        x-complaint slot="complaint" {
            @match lines.last() {
                Some(last) => code { (last) },
                None => "nothing",
            }
        }
        x-complaints slot="complaints" {
            @if !lines.is_empty() {
                ul { @for line in lines.iter().rev() { li { code { (line) } } } }
            }
        }
    }
}

/// What goes to viewers: sums, nobody in particular.
fn outgoing(sums: &Outgoing) -> Markup {
    let (what, advice) = (uplink::outgoing(sums), uplink::fullness(sums));
    html! {
        x-uplink slot="uplink" {
            @if what.is_some() || advice.is_some() { h2 { "To viewers" } }
            @if let Some(what) = what { p { (what) } }
            @if let Some(advice) = advice { p class="trouble" role="alert" { (marked(&advice.words)) } }
        }
    }
}

fn ago(since: Duration) -> String {
    if since.is_zero() {
        "just now".to_owned()
    } else {
        format!("{} ago", time(since))
    }
}

fn tor(state: &TorState) -> Markup {
    html! {
        x-tor slot="tor" {
            h2 { "Tor" }
            p class=(if state.reachable { "reachable" } else { "unreachable" }) {
                @if state.words.is_empty() { "not started" } @else { (marked(&state.words)) }
                @if let Some(time_to_publish) = state.time_to_publish {
                    span class="quiet" { " (the first time " (time(time_to_publish)) " after the start)" }
                }
            }
            @if let Some(address) = &state.address {
                // Not an input: browsers select all of a text at one click only outside of inputs.
                p { code class="address" tabindex="0" aria-label="Address of this site" { (address) } }
            }
            @if state.is_feed_direct {
                p class="trouble" role="alert" {
                    "The feed is not fetched through Tor (" code { "--direct" } "): its server sees the "
                    "address of this computer."
                }
            }
        }
    }
}

fn recording(state: &RecordingState) -> Markup {
    html! {
        x-recording slot="recording" {
            @if state.is_wanted || state.trouble.is_some() { h2 { "Recording" } }
            @if state.is_wanted {
                p {
                    @match state.length {
                        Some(length) if length.is_zero() => "has begun",
                        Some(length) => { "for " (super::super::time::roughly(length)) }
                        None => "begins when the show is on the air",
                    }
                }
            }
            @if let Some(trouble) = &state.trouble { p class="trouble" role="alert" { (marked(trouble)) } }
        }
    }
}

fn audit(lines: &[AuditLine]) -> Markup {
    html! {
        x-audit slot="audit" {
            h2 { "Done lately" }
            @if lines.is_empty() {
                p class="quiet" { "Nothing yet." }
            } @else {
                ol {
                    @for line in lines {
                        li class=[line.undone.then_some("undone")] {
                            time { (full(line.at)) } " " b { (line.by) } " " span class="what" { (line.what) }
                            @if line.undone { " " span class="quiet" { "(taken back)" } }
                            @if line.can_undo && !line.undone {
                                // The form with this id stands at the head of the document.
                                " " button form="act" name="do" value={ "undo-" (line.id.0) } { "Undo" }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::WallTime,
        media::{
            meter::{FrameRate, Picture, Sound},
            uplink::{Uplink, outgoing::Offered},
        },
        room::audit::AuditId,
    };

    fn text(update: &DeskUpdate) -> String {
        String::from_utf8(piece(update).to_vec()).unwrap()
    }

    fn streaming() -> EncoderState {
        EncoderState {
            on_air: true,
            since_last_fragment: Some(Duration::ZERO),
            bits_per_second: Some(2_600_000),
            fps: Some(FrameRate(25_000)),
            fragment: Some(Duration::from_millis(200)),
            segment: Some(Duration::from_secs(2)),
            gop: Some(Duration::from_secs(1)),
            picture: Some(Picture {
                codec: Some("H.264"),
                size: Some((640, 360)),
            }),
            sound: Some(Sound::default()),
            speed: Some(1000),
            lateness: Duration::ZERO,
            ..EncoderState::default()
        }
    }

    #[test]
    fn the_encoder_is_shown_with_its_figures_and_advice() {
        let html = text(&DeskUpdate::Encoder(streaming()));

        assert!(html.starts_with("<x-encoder slot=\"encoder\">"), "{html}");
        for part in [
            "<dd>25</dd>",
            "<dd>2.6 Mbit/s</dd>",
            "<dd>just now</dd>",
            "<dd>H.264, 640×360</dd>",
            "more than most Tor circuits carry; try 700 kbit/s (<code>-b:v",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains('`'));
    }

    #[test]
    fn what_goes_out_is_shown_and_what_to_do_when_it_is_too_much() {
        let none = text(&DeskUpdate::Outgoing(Outgoing::default()));
        assert_eq!(none, "<x-uplink slot=\"uplink\"></x-uplink>");

        let html = text(&DeskUpdate::Outgoing(Outgoing {
            uplink: Uplink {
                delivered: 1_100_000,
                admitted: 1_200_000,
                viewers: 2,
                ceiling: Some(1_300_000),
                ..Uplink::default()
            },
            full: Some(580_000),
            sound: Some(64_000),
            has_admission: true,
            offered: Some(Offered::default()),
        }));

        assert!(html.contains("<p>1.1 Mbit/s to 2 people</p>"), "{html}");
        assert!(html.contains("<code>--bitrate 300k</code>"), "{html}");
    }

    #[test]
    fn before_a_show_there_are_no_figures() {
        let html = text(&DeskUpdate::Encoder(EncoderState::default()));

        assert!(!html.contains("<dl"), "{html}");
        assert!(html.contains("<code>ffmpeg/screen.sh</code>"), "{html}");
    }

    #[test]
    fn the_address_is_there_to_be_copied() {
        let html = text(&DeskUpdate::Tor(TorState {
            address: Some("http://example.onion/".to_owned()),
            words: "reachable".to_owned(),
            reachable: true,
            time_to_publish: Some(Duration::from_secs(42)),
            is_feed_direct: false,
        }));

        assert!(html.contains(">http://example.onion/</code>"), "{html}");
        assert!(html.contains("42 s after the start"), "{html}");
        assert!(!html.contains("--direct"), "{html}");
        assert!(CSS.contains("user-select: all"));
    }

    #[test]
    fn what_people_are_called_is_text_and_only_what_can_be_undone_has_a_button() {
        let line = |id, can_undo, undone| AuditLine {
            id: AuditId(id),
            at: WallTime::from_unix_millis(0),
            by: "<b>".to_owned(),
            what: "hid a message of &".to_owned(),
            can_undo,
            undone,
        };
        let lines = [
            line(7, true, false),
            line(6, false, false),
            line(5, true, true),
        ];

        let html = text(&DeskUpdate::Audit(lines.into()));

        assert_eq!(html.matches("<button").count(), 1, "{html}");
        assert!(html.contains("name=\"do\" value=\"undo-7\""), "{html}");
        assert!(
            html.contains("&lt;b&gt;") && html.contains("of &amp;"),
            "{html}"
        );
        assert!(html.contains("(taken back)"));
    }

    #[test]
    fn each_variant_has_a_line_with_its_rate_or_what_is_wrong() {
        let line = |name, is_on_air, trouble: Option<&str>| VariantLine {
            name: crate::media::variant::VariantName::parse(name).unwrap(),
            is_on_air,
            kilobits: is_on_air.then_some(200),
            trouble: trouble.map(str::to_owned),
        };
        let none = text(&DeskUpdate::Variants([].into()));
        assert_eq!(none, "<x-variants slot=\"variants\"></x-variants>");

        let lines = [
            line("low", true, None),
            line("mid", false, Some("<too slow>")),
        ];
        let html = text(&DeskUpdate::Variants(lines.into()));
        for part in [
            "<b>low</b>: on the air, about 200 kbit/s",
            "<b>mid</b>: not on the air",
            "; &lt;too slow&gt;",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn a_recording_is_shown_when_there_is_something_to_say() {
        let none = text(&DeskUpdate::Recording(RecordingState::default()));
        assert_eq!(none, "<x-recording slot=\"recording\"></x-recording>");

        let html = text(&DeskUpdate::Recording(RecordingState {
            is_wanted: true,
            length: Some(Duration::from_mins(5)),
            trouble: Some("soon full (`recording.max_size`)".to_owned()),
        }));
        assert!(html.contains("<p>for 5 minutes</p>"), "{html}");
        assert!(html.contains("(<code>recording.max_size</code>)"), "{html}");
    }

    #[test]
    fn what_ffmpeg_said_is_there_as_text_with_the_newest_line_in_sight() {
        assert_eq!(
            text(&DeskUpdate::Complaints([].into())),
            "<x-complaint slot=\"complaint\">nothing</x-complaint>\
             <x-complaints slot=\"complaints\"></x-complaints>"
        );
        let lines = ["[x11grab] <b>&", "the slate: no such file"].map(str::to_owned);

        let html = text(&DeskUpdate::Complaints(lines.into()));

        for part in [
            "<x-complaint slot=\"complaint\"><code>the slate: no such file</code></x-complaint>",
            "<ul><li><code>the slate: no such file</code></li>",
            "<li><code>[x11grab] &lt;b&gt;&amp;</code></li></ul>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn of_each_element_the_styles_show_only_the_newest() {
        let html = block(&DeskValues::default()).into_string();
        for element in [
            "x-encoder",
            "x-complaint",
            "x-complaints",
            "x-variants",
            "x-uplink",
            "x-tor",
            "x-recording",
            "x-history",
            "x-audit",
        ] {
            assert!(html.contains(&format!("<{element} slot=")), "{element}");
            assert!(
                CSS.contains(&format!("{element}:not(:last-of-type)")),
                "{element}"
            );
        }
    }
}
