//! Tokens and links: how long they hold, and what ends them.

use std::sync::Arc;
use std::time::Duration;

use ecru_domain::latest::LatestMode;
use ecru_domain::{
    AccountId, Digest, Error, Principal, Reference, Refusal, RepositoryName, Timestamp,
};
use ecru_ports::Clock;
use ecru_services::identity::{AccessKeyPair, RootKeyOutcome};
use ecru_services::{Limits, Outside, Services};

use crate::world::{GRACE, ROOT_KEY, World, refusal};

async fn token(world: &World) -> String {
    world
        .services
        .tokens
        .issue(&world.root())
        .await
        .unwrap()
        .password
}

#[tokio::test]
async fn a_token_is_its_holders_for_twelve_hours() {
    let world = World::new().await;
    let password = token(&world).await;
    assert!(
        password.len() <= 1_800
            && password
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_=.-".contains(&b))
    );
    let tokens = &world.services.tokens;
    let holder = tokens
        .authenticate("AWS", &password, world.now())
        .await
        .unwrap();
    assert_eq!(
        (holder.principal, holder.region),
        (world.root().principal, world.home.region.clone())
    );
    world.turn(Duration::from_secs(12 * 3600 - 1));
    assert!(
        tokens
            .authenticate("AWS", &password, world.now())
            .await
            .is_ok()
    );
    world.turn(Duration::from_secs(1));
    assert_eq!(
        refusal(tokens.authenticate("AWS", &password, world.now()).await),
        Refusal::TokenExpired
    );
}

#[tokio::test]
async fn changed_tokens_other_users_and_other_kinds_are_refused() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_image(&app, "content", Some("v1")).await;
    let password = token(&world).await;
    let layer = Digest::sha256(b"content");
    let link = world
        .services
        .layers
        .download_link(&world.root(), &world.home, &app, &layer)
        .await
        .unwrap();
    let tokens = &world.services.tokens;
    let mut wrong: Vec<(String, String)> = vec![
        ("aws".into(), password.clone()),
        (String::new(), password.clone()),
        ("AWS".into(), String::new()),
        ("AWS".into(), link.clone()),
        ("AWS".into(), "A".repeat(100_000)),
    ];
    for at in 0..password.len() {
        wrong.push(("AWS".into(), password[..at].to_owned()));
        let mut flipped = password.clone().into_bytes();
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        // the last character may carry bits that mean nothing: those must not change the meaning either
        if at + 1 < password.len() {
            wrong.push(("AWS".into(), flipped));
        }
    }
    for (user, password) in wrong {
        assert_eq!(
            refusal(tokens.authenticate(&user, &password, world.now()).await),
            Refusal::TokenInvalid
        );
    }
    let context = |principal, region| ecru_services::RequestContext {
        region,
        ..world.context(principal)
    };
    let opened = world
        .services
        .layers
        .open_link(&link, world.now(), context)
        .await;
    assert_eq!(opened.unwrap().digest(), &layer);
    let opened = world
        .services
        .layers
        .open_link(&password, world.now(), context)
        .await;
    assert!(matches!(
        opened.err().unwrap(),
        ecru_domain::Error::Refused(Refusal::TokenInvalid)
    ));
}

#[tokio::test]
async fn tokens_and_links_end_with_their_access_key() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_image(&app, "content", Some("v1")).await;
    let password = token(&world).await;
    let link = world
        .services
        .layers
        .download_link(
            &world.root(),
            &world.home,
            &app,
            &Digest::sha256(b"content"),
        )
        .await
        .unwrap();
    world.turn(Duration::from_secs(1));
    world.set_root_key("AKIABBBBBBBBBBBBBBBB").await;
    assert_eq!(
        refusal(
            world
                .services
                .tokens
                .authenticate("AWS", &password, world.now())
                .await
        ),
        Refusal::TokenInvalid
    );
    let context = |principal, region| ecru_services::RequestContext {
        region,
        ..world.context(principal)
    };
    assert!(
        world
            .services
            .layers
            .open_link(&link, world.now(), context)
            .await
            .is_err()
    );
    world.turn(Duration::from_secs(1));
    world.set_root_key(ROOT_KEY).await;
    let tokens = &world.services.tokens;
    let again = tokens.authenticate("AWS", &password, world.now()).await;
    assert_eq!(
        refusal(again),
        Refusal::TokenInvalid,
        "what has ended does not come back"
    );
}

#[tokio::test]
async fn tokens_and_links_end_when_the_secret_of_their_access_key_is_replaced() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_image(&app, "content", Some("v1")).await;
    let (password, link) = (token(&world).await, link_to(&world, &app, b"content").await);
    let tokens = &world.services.tokens;
    world.turn(Duration::from_secs(1));
    world.set_root_key(ROOT_KEY).await;
    let unchanged = tokens.authenticate("AWS", &password, world.now()).await;
    assert!(unchanged.is_ok(), "the same pair is the same key");
    let pair = AccessKeyPair {
        id: ROOT_KEY.to_owned(),
        secret: "another secret".to_owned().into(),
    };
    let identity = &world.services.identity;
    let replaced = identity.set_root_key(&world.home.account, &pair).await;
    assert_eq!(replaced.unwrap(), RootKeyOutcome::Replaced);
    let outcome = tokens.authenticate("AWS", &password, world.now()).await;
    assert_eq!(refusal(outcome), Refusal::TokenInvalid);
    assert!(opens(&world, &link.unwrap()).await.is_err());
    let fresh = token(&world).await;
    let outcome = tokens.authenticate("AWS", &fresh, world.now()).await;
    assert!(outcome.is_ok());
}

/// A clock that stands.
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[tokio::test]
async fn revoked_tokens_stay_so_when_the_clock_is_set_back() {
    let world = World::new().await;
    let password = token(&world).await;
    let earlier = world.now().plus(Duration::from_secs(60));
    world.turn(Duration::from_secs(3600));
    let (access, context) = (&world.services.access, world.root());
    let identity = &world.services.identity;
    let revoke = identity.revoke_tokens(access, &context, &world.home);
    revoke.await.unwrap();
    let outside = Outside {
        clock: Arc::new(Stopped(earlier)),
        ..world.outside.clone()
    };
    let limits = Limits {
        home: world.home.clone(),
        layer_grace: GRACE,
        removal_delay: Duration::ZERO,
        upload_lifetime: GRACE,
        latest: LatestMode::Newest,
    };
    let tokens = Services::new(&outside, &limits).tokens.clone();
    let outcome = tokens.authenticate("AWS", &password, earlier).await;
    assert_eq!(refusal(outcome), Refusal::TokenInvalid);
}

#[tokio::test]
async fn what_concerns_every_account_is_for_the_management_account() {
    let world = World::new().await;
    let password = token(&world).await;
    let member = AccountId::parse("222222222222").unwrap();
    let member = world.context(Principal::root(member, "AKIAMEMBER".to_owned()));
    let (services, home) = (&world.services, &world.home);
    let revoked = services
        .identity
        .revoke_tokens(&services.access, &member, home);
    assert!(matches!(
        refusal(revoked.await),
        Refusal::AccessDenied { .. }
    ));
    let verified = services.audit.verify(&member, home).await;
    assert!(matches!(refusal(verified), Refusal::AccessDenied { .. }));
    let holder = services.tokens.authenticate("AWS", &password, world.now());
    holder.await.unwrap();
}

#[tokio::test]
async fn revoking_ends_every_token_at_once() {
    let world = World::new().await;
    let password = token(&world).await;
    world
        .services
        .identity
        .revoke_tokens(&world.services.access, &world.root(), &world.home)
        .await
        .unwrap();
    assert_eq!(
        refusal(
            world
                .services
                .tokens
                .authenticate("AWS", &password, world.now())
                .await
        ),
        Refusal::TokenInvalid
    );
    let fresh = token(&world).await;
    assert!(
        world
            .services
            .tokens
            .authenticate("AWS", &fresh, world.now())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_link_dies_with_the_image_of_its_layer() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_image(&app, "content", Some("v1")).await;
    let link = link_to(&world, &app, b"content").await.unwrap();
    let images = &world.services.images;
    images
        .delete(
            &world.root(),
            &world.home,
            &app,
            &Reference::Digest(world.pull(&app, "v1").await.unwrap()),
        )
        .await
        .unwrap();
    assert!(opens(&world, &link).await.is_err());
}

#[tokio::test]
async fn a_layer_that_no_image_refers_to_has_links_while_it_is_promised() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    world.push_layer(&app, b"loose").await;
    let link = link_to(&world, &app, b"loose").await.unwrap();
    assert!(opens(&world, &link).await.is_ok());
    world.turn(GRACE / 2);
    let late = link_to(&world, &app, b"loose").await;
    assert!(matches!(refusal(late), Refusal::LayerInaccessible { .. }));
}

async fn link_to(world: &World, name: &RepositoryName, content: &[u8]) -> Result<String, Error> {
    let layers = &world.services.layers;
    layers
        .download_link(&world.root(), &world.home, name, &Digest::sha256(content))
        .await
}

async fn opens(world: &World, link: &str) -> Result<(), Error> {
    let context = |principal, region| ecru_services::RequestContext {
        region,
        ..world.context(principal)
    };
    let layers = &world.services.layers;
    layers
        .open_link(link, world.now(), context)
        .await
        .map(|_| ())
}
