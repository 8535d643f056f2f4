//! Who gives an order, and who may.

use super::{
    Room,
    order::{Actor, Order},
    person::Role,
    sanction::{Sanction, SanctionKind},
    session::ViewerId,
    wording::label,
};
use crate::clock::WallTime;

impl Room {
    pub(super) fn rank_of(&self, actor: Actor, wall: WallTime) -> Role {
        match actor {
            Actor::Person(viewer) => self.standing(viewer, wall),
            Actor::Terminal => Role::Broadcaster,
        }
    }

    /// The role an order takes, now that it is known what it is about: moderators give rights back
    /// that moderators can take, and those of moderators are for the broadcaster.
    pub(super) fn needed(&self, order: &Order) -> Role {
        let is_for_broadcaster = match order {
            Order::Lift(id) => {
                let sanctions = &self.desk.sanctions;
                sanctions.get(*id).is_some_and(|sanction| {
                    sanction.kind > SanctionKind::Mute
                        || self.concerns_staff(sanction, &sanctions.viewers_of(*id))
                })
            }
            Order::Restore(restored) => self.concerns_staff(&restored.0, &restored.1),
            _ => false,
        };
        if is_for_broadcaster {
            return Role::Broadcaster;
        }
        order.needs()
    }

    fn concerns_staff(&self, sanction: &Sanction, viewers: &[ViewerId]) -> bool {
        let tripcode = sanction.tripcode;
        tripcode.is_some_and(|tripcode| self.desk.moderators.contains_key(&tripcode))
            || viewers
                .iter()
                .any(|viewer| self.role(*viewer) > Role::Viewer)
    }

    pub(super) fn by(&self, actor: Actor) -> String {
        match actor {
            Actor::Terminal => "the terminal".to_owned(),
            Actor::Person(viewer) => {
                self.person(viewer).map_or_else(String::new, |person| {
                    match (person.identity.role, person.seat) {
                        (Role::Broadcaster, Some(seat)) if seat.is_program => "the API".to_owned(),
                        (Role::Broadcaster, _) => "the broadcaster".to_owned(),
                        _ => label(&person.identity),
                    }
                })
            }
        }
    }
}
