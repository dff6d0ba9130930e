//! Sealed things: tokens, layer links, page tokens and what lies sealed in rows. What was not sealed here does not
//! open; what was, opens only for its purpose; and even claims that were sealed are read with suspicion.
//!
//! Input: a byte that chooses, a byte that changes, then the text or the claims.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ecru_domain::{Error, Refusal, Timestamp};
use ecru_fuzz::registry::{ACCESS_KEY, NOW, World};
use ecru_ports::keys::KeyStore as _;
use ecru_services::PageRequest;
use ecru_services::server_keys::Purpose;
use ecru_services::tokens::USER;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().build();
    runtime.expect("a runtime")
});
static WORLD: LazyLock<World> = LazyLock::new(|| RUNTIME.block_on(World::new()));

const PURPOSES: [Purpose; 4] = [
    Purpose::RegistryToken,
    Purpose::LayerLink,
    Purpose::PageToken,
    Purpose::SessionToken,
];

fuzz_target!(|data: &[u8]| {
    let [choice, change, rest @ ..] = data else {
        return;
    };
    let world = &*WORLD;
    RUNTIME.block_on(async {
        match choice % 4 {
            0 => small_things(world, *change, rest).await,
            1 => strangers(world, rest).await,
            2 => purposes(world, *change, rest).await,
            _ => claims(world, *change, rest).await,
        }
    });
});

/// Opens exactly what it sealed, in the same context.
async fn small_things(world: &World, change: u8, plaintext: &[u8]) {
    let keys = &world.keys;
    assert!(keys.open_under_root(b"context", plaintext).await.is_err());
    let sealed = keys.seal_under_root(b"context", plaintext).await;
    let mut sealed = sealed.expect("a small thing is sealed");
    let opened = keys.open_under_root(b"context", &sealed).await;
    assert_eq!(
        opened.ok().as_ref().map(|bytes| bytes.as_slice()),
        Some(plaintext)
    );
    assert!(keys.open_under_root(b"other", &sealed).await.is_err());
    let at = usize::from(change) * 7 % sealed.len();
    sealed[at] ^= 1 << (change % 8);
    assert!(keys.open_under_root(b"context", &sealed).await.is_err());
    sealed[at] ^= 1 << (change % 8);
    sealed.truncate(at);
    assert!(keys.open_under_root(b"context", &sealed).await.is_err());
}

/// Text that nobody sealed opens nothing.
async fn strangers(world: &World, text: &[u8]) {
    let encoded = URL_SAFE_NO_PAD.encode(text);
    let texts = [std::str::from_utf8(text).unwrap_or_default(), &encoded];
    for text in texts {
        for purpose in PURPOSES {
            let opened = world.server_keys.open(purpose, text).await;
            assert!(opened.expect("the keys can be read").is_none());
        }
        assert_eq!(authenticate(world, text).await, Err(Refusal::TokenInvalid));
        assert_eq!(follow(world, text).await, Err(Refusal::TokenInvalid));
        assert_eq!(turn(world, text).await, Err(Refusal::PageTokenInvalid));
        assert_eq!(sign(world, text).await, Ok(false));
    }
}

/// What was sealed for one purpose opens for no other, nor with a letter of it changed.
async fn purposes(world: &World, change: u8, plaintext: &[u8]) {
    let made_for = PURPOSES[usize::from(change) % 4];
    let sealed = world.server_keys.seal(made_for, plaintext).await;
    let sealed = sealed.expect("claims are sealed");
    for purpose in PURPOSES {
        let opened = world.server_keys.open(purpose, &sealed).await;
        let opened = opened.expect("the keys can be read");
        let expected = (purpose == made_for).then_some(plaintext);
        assert_eq!(opened.as_ref().map(|bytes| bytes.as_slice()), expected);
    }
    let at = usize::from(change) % sealed.len();
    let mut altered = sealed.into_bytes();
    altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).expect("base64 is ASCII");
    let opened = world.server_keys.open(made_for, &altered).await;
    assert!(opened.expect("the keys can be read").is_none());
}

/// Claims of any content, well sealed.
async fn claims(world: &World, change: u8, claims: &[u8]) {
    let purpose = PURPOSES[usize::from(change) % 4];
    let sealed = world.server_keys.seal(purpose, claims).await;
    let sealed = sealed.expect("claims are sealed");
    match purpose {
        Purpose::RegistryToken => {
            if authenticate(world, &sealed).await == Ok(()) {
                names_the_root_user(claims);
            }
        }
        Purpose::LayerLink => assert!(follow(world, &sealed).await.is_err()),
        // sessions of the root user, whose only key the claims have to name
        Purpose::SessionToken => {
            if sign(world, &sealed).await == Ok(true) {
                let claims = serde_json::from_slice::<Value>(claims).expect("claims are JSON");
                is_of_the_root_key(&claims["h"]);
            }
        }
        // a page of another list, or of this one: a position may be anything
        Purpose::PageToken => match turn(world, &sealed).await {
            Ok(()) | Err(Refusal::PageTokenInvalid) => {}
            Err(other) => panic!("{other}"),
        },
    }
}

fn names_the_root_user(claims: &[u8]) {
    // members that nobody reads may hold what this reader refuses
    let Ok(claims) = serde_json::from_slice::<Value>(claims) else {
        return;
    };
    assert_eq!(claims["a"], "000000000000");
    assert!(claims["e"].as_i64() > Some(NOW / 1_000_000));
    if claims["s"].is_null() {
        assert_eq!(claims["k"], ACCESS_KEY);
        assert_eq!(claims["b"].as_i64(), Some(NOW));
    } else {
        is_of_the_root_key(&claims["s"]);
    }
}

/// No role and no other user exists.
fn is_of_the_root_key(held: &Value) {
    assert_eq!(held["s"][0], ACCESS_KEY);
    assert_eq!(held["s"][1].as_i64(), Some(NOW));
}

/// Whether a session token lets somebody sign.
async fn sign(world: &World, token: &str) -> Result<bool, Refusal> {
    let key = "ASIAAAAAAAAAAAAAAAAA";
    let found = world.services.identity.signing_key(key, Some(token)).await;
    match found {
        Ok(found) => Ok(found.is_some()),
        Err(error) => refused(Err(error)).map(|()| false),
    }
}

async fn authenticate(world: &World, password: &str) -> Result<(), Refusal> {
    let now = Timestamp::from_micros(NOW);
    let tokens = &world.services.tokens;
    refused(tokens.authenticate(USER, password, now).await.map(drop))
}

async fn follow(world: &World, sealed: &str) -> Result<(), Refusal> {
    let layers = &world.services.layers;
    let now = Timestamp::from_micros(NOW);
    let opened = layers.open_link(sealed, now, |_, _| world.context()).await;
    refused(opened.map(drop))
}

async fn turn(world: &World, token: &str) -> Result<(), Refusal> {
    let page = PageRequest {
        limit: Some(10),
        token: Some(token.to_owned()),
    };
    let repositories = &world.services.repositories;
    let listed = repositories
        .list(&world.context(), &world.home, &page)
        .await;
    refused(listed.map(drop))
}

/// Bytes from outside are never a fault of ours.
fn refused(outcome: Result<(), Error>) -> Result<(), Refusal> {
    outcome.map_err(|error| match error {
        Error::Refused(refusal) => refusal,
        other => panic!("{other}"),
    })
}
