//! `onionstream start`: the composition root, the only place that knows every part.
//!
//! The order: claim the directory, listen and say where, start the picture, then Tor. The local
//! preview never waits for Tor.

mod control;
mod desk;
mod feed;
mod keeper;
mod metadata;
mod parts;
mod password;
mod picture;
mod push;
mod tor_status;
mod variants;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Semaphore, watch},
    task::{JoinError, JoinSet},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use self::control::Ending;
use self::desk::DeskUpdates;
use self::metadata::MetadataGuard;
pub(super) use self::picture::leash;
use self::picture::{on_air, play, slates, surroundings};
use super::{deletion, progress::Progress, report::WithHint as _, source::Source};
use crate::{
    clock::Clock,
    config::{Listen, Settings},
    emotes::{self, Emotes},
    encoder::{Complaints, EncoderError, Leash},
    http::{
        self, Site,
        connection::{self, TimeLimits, Via},
        listener::{Listener, Service},
    },
    instance::Instance,
    live::room::RoomHandle,
    onion,
    room::panel::Update,
};

/// How often the broadcast is asked whether it is still on the air. An end is shown within
/// [`crate::media::broadcast::STOP_GRACE`] and this.
const AIR_TICK: Duration = Duration::from_millis(250);

/// How often what is over is forgotten, people who stopped reading are noticed, and what goes out
/// is counted.
const ROOM_TICK: Duration = Duration::from_secs(1);

/// The people are looked at at most this often.
const PEOPLE_PAUSE: Duration = Duration::from_secs(1);

/// How often the manifest of the emotes is looked at.
const EMOTES_TICK: Duration = Duration::from_secs(2);

/// Everything has this long to end after a signal; the promise is five seconds.
const STOP_WITHIN: Duration = Duration::from_secs(4);

/// After a panic the program waits this long, for the answer to whoever asked for it.
const LAST_ANSWER: Duration = Duration::from_millis(50);

/// After a panic tasks have this long to end; the promise is two seconds for everything.
const PANIC_WITHIN: Duration = Duration::from_millis(500);

/// Runs until a signal or until something vital ends.
pub(super) fn run(
    settings: &Settings,
    source: Source,
    progress: &Progress,
) -> anyhow::Result<ExitCode> {
    let _instance = Instance::claim(&settings.onion.state)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
    let ended = runtime.block_on(show(settings, source, progress));
    progress.finish();
    let ended = match ended {
        Ok(Ending::Panic(deletions)) => {
            // What tasks still write must not come after the deletion.
            runtime.shutdown_timeout(PANIC_WITHIN);
            let deleted = deletion::delete(settings, deletions);
            for words in deletion::left(settings, deletions) {
                tracing::warn!("{words}");
            }
            deleted
        }
        ended => {
            // Tasks that did not end in time must not hold the program up.
            runtime.shutdown_background();
            match ended {
                // It was told to end before it was on.
                Err(error) if matches!(error.downcast_ref(), Some(EncoderError::Over)) => Ok(()),
                ended => ended.map(|_stopped| ()),
            }
        }
    };
    ended.map(|()| ExitCode::SUCCESS)
}

async fn show(settings: &Settings, source: Source, progress: &Progress) -> anyhow::Result<Ending> {
    let clock = Clock::new();
    let closing = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let (stop, leash) = stop_signals(&closing, &mut tasks)?;
    let emotes = Arc::new(emotes::load(&settings.chat.emotes)?);
    let broadcaster = password::open(&settings.onion.state)?;
    let (site, book) = parts::assemble(settings, &emotes, &broadcaster, clock, &closing)?;
    keeper::restore(&settings.onion.state, &site.room)?;

    let guard = MetadataGuard::new(settings.ingest.strip_metadata, site.video.clone());
    let complaints = Complaints::default();
    let outgoing = onion::Outgoing::default();
    let is_feed_direct = matches!(
        source,
        Source::Url {
            is_direct: true,
            ..
        }
    );
    let supply = source.supply();
    let source = feed::open(source, &outgoing, &closing, &mut tasks)?;
    let around = surroundings(settings, &complaints, clock, leash.clone());
    let slate_for = settings.encoder.slate_for;
    let slates = slates(settings, &source, &site.video, &around, slate_for);
    let sink = on_air(&site, guard.clone(), slates);
    let publishers = push::open(settings, &source, sink.clone(), clock, &closing, &leash)?;
    let own_ingest = push::ingest(settings, &source, publishers.as_ref());
    let service = service(settings, &site, own_ingest, &closing);
    // Before the address is out: whoever comes first finds the picture.
    let _picture = play(settings, &source, &site.video, sink, around.clone())?;
    let _variants = variants::open(
        settings, &source, &site, &guard, &around, &closing, &mut tasks,
    )?;
    let socket = control::bind(settings);
    let local = listen(&settings.http.listen, &service, progress, &mut tasks).await?;
    if let Some(publishers) = publishers {
        push::start(
            settings, &source, publishers, around, &local, progress, &closing, &mut tasks,
        )
        .await?;
    }
    keep_current(&site, settings.live.heartbeat, &closing, &mut tasks);
    keep_files(settings, &site, &closing, &mut tasks);
    let mut endings = control::open(
        socket,
        settings,
        &site,
        local,
        book.clone(),
        clock,
        &closing,
        &mut tasks,
    );
    keep_emotes(
        settings.chat.emotes.clone(),
        site.room.clone(),
        book,
        &closing,
        &mut tasks,
    );
    let mut status = DeskUpdates::of(&site, complaints, clock);
    (status.is_feed_direct, status.supply) = (is_feed_direct, supply);
    let current = status.clone().keep_current();
    tasks.spawn(until(&closing, "desk status", current));
    if settings.onion.enabled {
        let news = publish(settings, &service, outgoing, progress, clock, &mut tasks);
        tasks.spawn(until(&closing, "desk tor status", status.follow_tor(news)));
    } else {
        status.without_tor();
    }

    let ended = tokio::select! {
        () = stop.cancelled() => Ok(Ending::Stop),
        Some(ending) = endings.recv() => Ok(ending),
        Some(task) = tasks.join_next() => Err(too_early(task)),
    };
    if let Ok(Ending::Panic(_)) = ended {
        site.recordings.abandon_chat();
    }
    closing.cancel();
    if let Ok(Ending::Panic(_)) = ended {
        tokio::time::sleep(LAST_ANSWER).await;
    } else {
        wait_for(tasks).await;
    }
    ended
}

/// What it means that a task ended that nobody told to.
fn too_early(task: Result<Task, JoinError>) -> anyhow::Error {
    match task {
        Ok(Ok(name)) => anyhow::anyhow!("the task `{name}` ended by itself"),
        Ok(Err(error)) => error,
        Err(error) => anyhow::Error::new(error).context("a task ended in a panic"),
    }
}

/// Waits for what was told to end, but not for ever.
async fn wait_for(mut tasks: JoinSet<Task>) {
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WITHIN, all_ended).await.is_err() {
        tracing::warn!("not everything ended in time; ending anyway");
    }
}

/// What serves a connection, wherever it comes from.
fn service(
    settings: &Settings,
    site: &Site,
    ingest: Option<http::Ingest>,
    closing: &CancellationToken,
) -> Service {
    Service {
        site: http::site_with_ingest(site.clone(), ingest),
        limits: TimeLimits {
            head: settings.http.head_timeout,
            stall: settings.http.stall_timeout,
        },
        connections: Arc::new(Semaphore::new(settings.http.max_connections)),
        near: Service::near(settings.http.max_connections),
        send_buffer: settings.http.send_buffer,
        closing: closing.clone(),
    }
}

/// What a task of the show comes to: its name when it is told to end.
type Task = anyhow::Result<&'static str>;

/// Starts the local listener; says where it is.
async fn listen(
    listen: &Listen,
    service: &Service,
    progress: &Progress,
    tasks: &mut JoinSet<Task>,
) -> anyhow::Result<String> {
    let (listener, place) = match listen {
        Listen::Tcp(address) => {
            let listener = Listener::tcp(*address)
                .await
                .with_context(|| format!("cannot listen on `{address}`"))
                .hint(
                    "another program may use this port; `--listen 127.0.0.1:0` takes a free one",
                )?;
            let address = listener.address().unwrap_or(*address);
            (listener, format!("http://{address}/"))
        }
        Listen::Unix(path) => {
            let listener = Listener::unix(path)
                .with_context(|| format!("cannot listen at `{}`", path.display()))?;
            (listener, format!("unix:{}", path.display()))
        }
    };
    progress.fact(&format!("local {place}"))?;
    let service = service.clone();
    tasks.spawn(async move {
        listener.serve(service).await;
        Ok("local listener")
    });
    Ok(place)
}

/// The tasks that write what survives a restart, and recordings when there are to be any.
fn keep_files(
    settings: &Settings,
    site: &Site,
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) {
    tasks.spawn(keeper::keep(
        settings.onion.state.clone(),
        site.room.clone(),
        closing.clone(),
    ));
    let (recordings, video) = (site.recordings.clone(), site.video.clone());
    let (panel, ending) = (site.panel.clone(), closing.clone());
    tasks.spawn(async move {
        let title = move || panel.summary().title.as_str().to_owned();
        recordings.follow(video, title, ending).await;
        Ok("recorder")
    });
    let keeper = site.recordings.clone();
    let (room, ending) = (site.room.clone(), closing.clone());
    tasks.spawn(async move {
        keeper.keep_chat(room, ending).await;
        Ok("chat keeper")
    });
}

/// The tasks that carry changes to the panel.
fn keep_current(
    site: &Site,
    heartbeat: Duration,
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) {
    let Site {
        video,
        variants,
        room,
        leases,
        panel,
        ..
    } = site.clone();

    let (mut air, follower) = (video.air(), panel.clone());
    tasks.spawn(until(closing, "air", async move {
        loop {
            let current = *air.borrow_and_update();
            follower.publish(&Update::Air(current));
            if air.changed().await.is_err() {
                return;
            }
        }
    }));

    tasks.spawn(until(
        closing,
        "air clock",
        every(AIR_TICK, move || variants.tick()),
    ));
    let beat = panel.clone();
    tasks.spawn(until(
        closing,
        "heartbeat",
        every(heartbeat, move || beat.publish(&Update::Heartbeat)),
    ));

    let uplink = site.uplink.clone();
    let look = every(ROOM_TICK, move || uplink.look());
    tasks.spawn(until(closing, "uplink", look));

    tasks.spawn(until(closing, "people", async move {
        loop {
            let watching = leases.watching(video.last_fragment());
            panel.publish(&Update::Watching(watching.len()));
            room.tick(&watching, &leases.here());
            tokio::time::sleep(PEOPLE_PAUSE).await;
            // Somebody came or left, or somebody may have stopped reading or is gone for good.
            let _waited = tokio::time::timeout(ROOM_TICK, leases.changed()).await;
        }
    }));
}

/// Loads the emotes again when their manifest changes.
fn keep_emotes(
    dir: PathBuf,
    room: RoomHandle,
    book: watch::Sender<Arc<Emotes>>,
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) {
    tasks.spawn(until(closing, "emotes", async move {
        let mut last = emotes::changed_at(&dir);
        loop {
            tokio::time::sleep(EMOTES_TICK).await;
            let now = emotes::changed_at(&dir);
            if now == last {
                continue;
            }
            last = now;
            let from = dir.clone();
            match tokio::task::spawn_blocking(move || emotes::load(&from)).await {
                Ok(Ok(loaded)) => {
                    let loaded = Arc::new(loaded);
                    room.set_emotes(Arc::new(loaded.table.clone()));
                    book.send_replace(loaded);
                    tracing::info!("the emotes were loaded again");
                }
                Ok(Err(error)) => tracing::warn!("the emotes stay as they were: {error}"),
                Err(error) => tracing::error!(%error, "loading emotes panicked"),
            }
        }
    }));
}

/// Publishes the site as an onion service; returns where its status can be followed.
fn publish(
    settings: &Settings,
    service: &Service,
    outgoing: onion::Outgoing,
    progress: &Progress,
    clock: Clock,
    tasks: &mut JoinSet<Task>,
) -> watch::Receiver<onion::Status> {
    let settings = onion::Settings {
        keys_dir: settings.onion.keys.clone(),
        state_dir: settings.onion.state.clone(),
        network: settings.onion.network.clone(),
        max_streams_per_circuit: u32::try_from(settings.onion.max_streams_per_circuit)
            .unwrap_or(u32::MAX),
        max_circuits: settings.onion.max_circuits,
        outgoing,
        clock,
    };
    let (status, news) = watch::channel(onion::Status::default());
    let service = service.clone();
    let closing = service.closing.clone();
    tasks.spawn(tor_status::report(news.clone(), progress.clone(), clock));
    tasks.spawn(async move {
        let serve = move |stream, _circuit| {
            let place = service.place_for_afar();
            let Service {
                site,
                limits,
                closing,
                ..
            } = service.clone();
            async move {
                // Beyond the limit a stream ends at once: waiting would hold its circuit.
                let Some(_place) = place else {
                    return;
                };
                connection::serve(stream, site, Via::Onion, limits, closing).await;
            }
        };
        onion::run(settings, status, closing, serve).await?;
        Ok("onion service")
    });
    news
}

/// Runs `work` until it ends or `closing` is cancelled.
fn until<F>(
    closing: &CancellationToken,
    name: &'static str,
    work: F,
) -> impl Future<Output = Task> + use<F>
where
    F: Future,
{
    let closing = closing.clone();
    async move {
        tokio::select! {
            () = closing.cancelled() => {}
            _ended = work => {}
        }
        Ok(name)
    }
}

async fn every(period: Duration, mut work: impl FnMut()) -> ! {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        work();
    }
}

/// Hears Ctrl-C and `kill` from now on, so before anybody is told that the show is on: cancels what it
/// answers with, and ends what is asked on the leash, which may be what the start waits for. The end of
/// the show does so too.
fn stop_signals(
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) -> anyhow::Result<(CancellationToken, Leash)> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let over = Arc::new(AtomicBool::new(false));
    let (stop, leash) = (CancellationToken::new(), leash(Arc::clone(&over)));
    let (closing, stopping) = (closing.clone(), stop.clone());
    tasks.spawn(async move {
        tokio::select! {
            _signal = terminate.recv() => stopping.cancel(),
            _signal = interrupt.recv() => stopping.cancel(),
            () = closing.cancelled() => {}
        }
        over.store(true, Ordering::SeqCst);
        closing.cancelled().await;
        Ok("signals")
    });
    Ok((stop, leash))
}
