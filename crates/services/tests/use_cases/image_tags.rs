//! `ecr:ImageTag`: rights by tag, and no way around them.

use ecru_domain::manifest::media_type;
use ecru_domain::{Digest, Error, Reference, Refusal, RepositoryName, Tag};
use ecru_services::images::{PutImage, ReferrerQuery, RequestedImage};
use ecru_services::{PageRequest, RequestContext};
use serde_json::{Value, json};

use crate::identities::allow;
use crate::people::statement;
use crate::world::{World, manifest, refusal};

/// May do `actions` under tags that begin so; everything that has no tag is left to `operator`.
fn under(actions: &Value, operator: &str, pattern: &str) -> String {
    statement(&json!({
        "Effect": "Allow", "Action": actions, "Resource": "*",
        "Condition": { operator: { "ecr:ImageTag": pattern } },
    }))
}

fn layers() -> String {
    allow(&[
        "ecr:BatchCheckLayerAvailability",
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:GetDownloadUrlForLayer",
    ])
}

async fn ci(world: &World) -> RequestContext {
    let actions = json!(["ecr:PutImage", "ecr:BatchGetImage", "ecr:BatchDeleteImage"]);
    let home = world.home.account.to_string();
    world
        .member(
            &home,
            "ci",
            &[layers(), under(&actions, "StringLike", "dev-*")],
        )
        .await
}

async fn pull(world: &World, who: &RequestContext, app: &RepositoryName, reference: &str) -> bool {
    let reference = Reference::parse(reference).unwrap();
    let images = &world.services.images;
    match images.pull(who, &world.home, app, &reference).await {
        Ok(_) => true,
        Err(Error::Refused(Refusal::AccessDenied { .. })) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn put(
    world: &World,
    who: &RequestContext,
    app: &RepositoryName,
    bytes: bytes::Bytes,
    tags: &[&str],
) -> Result<(), Error> {
    let command = PutImage {
        registry: world.home.clone(),
        name: app.clone(),
        manifest: bytes,
        media_type: None,
        digest: None,
        tags: tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
    };
    world.services.images.put(who, command).await.map(drop)
}

fn is_denied<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Refused(Refusal::AccessDenied { .. })))
}

/// Bytes of an image whose layers are in the repository.
async fn image(world: &World, app: &RepositoryName, content: &str) -> bytes::Bytes {
    let layer = world.push_layer(app, content.as_bytes()).await;
    manifest(&layer, &[&layer])
}

#[tokio::test]
async fn pushes_are_by_tag_and_a_push_by_digest_has_no_tag() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let bytes = image(&world, &app, "one").await;
    put(&world, &who, &app, bytes.clone(), &["dev-1"])
        .await
        .unwrap();
    for tags in [&["v1"][..], &["dev-2", "v1"], &[]] {
        assert!(
            is_denied(&put(&world, &who, &app, bytes.clone(), tags).await),
            "{tags:?}"
        );
    }
}

#[tokio::test]
async fn a_pull_by_digest_needs_a_tag_that_may_be_pulled() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let released = world.push_image(&app, "released", Some("v1")).await;
    let both = world.push_image(&app, "both", Some("v2")).await;
    world.push_image(&app, "both", Some("dev-2")).await;
    let untagged = world.push_image(&app, "untagged", None).await;
    assert!(!pull(&world, &who, &app, "v1").await);
    assert!(!pull(&world, &who, &app, released.as_str()).await);
    assert!(!pull(&world, &who, &app, "v2").await);
    assert!(pull(&world, &who, &app, both.as_str()).await);
    assert!(
        !pull(&world, &who, &app, untagged.as_str()).await,
        "no key, and StringLike needs one"
    );
    let home = world.home.account.to_string();
    let lenient = under(&json!("ecr:BatchGetImage"), "StringLikeIfExists", "dev-*");
    let lenient = world.member(&home, "lenient", &[lenient]).await;
    assert!(pull(&world, &lenient, &app, untagged.as_str()).await);
    assert!(!pull(&world, &lenient, &app, released.as_str()).await);
}

#[tokio::test]
async fn who_may_push_latest_is_not_kept_from_it_by_the_image_it_stands_for() {
    let world = World::new().await;
    let app = world.create("app").await;
    let home = world.home.account.to_string();
    let actions = json!(["ecr:PutImage", "ecr:BatchGetImage"]);
    let policies = [layers(), under(&actions, "StringLike", "latest")];
    let who = world.member(&home, "stable", &policies).await;
    world.push_image(&app, "released", Some("v1")).await;
    let latest = Reference::parse("latest").unwrap();
    let images = &world.services.images;
    let before = images.find_pushed(&who, &world.home, &app, &latest).await;
    assert_eq!(refusal(before), Refusal::ManifestNotFound);
    assert!(!pull(&world, &who, &app, "latest").await);
    let bytes = image(&world, &app, "stable").await;
    put(&world, &who, &app, bytes, &["latest"]).await.unwrap();
    let pushed = images.find_pushed(&who, &world.home, &app, &latest);
    let pushed = pushed.await.unwrap();
    assert_eq!(world.pull(&app, "latest").await.unwrap(), pushed.digest);
    let other = Reference::parse("v1").unwrap();
    assert!(is_denied(
        &images.find_pushed(&who, &world.home, &app, &other).await
    ));
}

#[tokio::test]
async fn images_of_an_index_are_pulled_as_its_tags_allow() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let child = world.push_image(&app, "child", None).await;
    world.push_index(&app, &[&child], Some("v1")).await.unwrap();
    assert!(!pull(&world, &who, &app, child.as_str()).await);
    let other = world.push_image(&app, "other", None).await;
    world
        .push_index(&app, &[&other], Some("dev-1"))
        .await
        .unwrap();
    assert!(pull(&world, &who, &app, other.as_str()).await);
}

#[tokio::test]
async fn an_index_or_a_new_tag_gives_no_forbidden_image_away() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let released = world.push_image(&app, "released", Some("v1")).await;
    let index = |digest: &Digest| {
        let media = "application/vnd.oci.image.index.v1+json";
        let child = "application/vnd.oci.image.manifest.v1+json";
        let text = json!({ "schemaVersion": 2, "mediaType": media,
            "manifests": [{ "mediaType": child, "digest": digest.as_str(), "size": 2 }] });
        bytes::Bytes::from(text.to_string())
    };
    assert!(is_denied(
        &put(&world, &who, &app, index(&released), &["dev-1"]).await
    ));
    assert!(!pull(&world, &who, &app, released.as_str()).await);
    let reference = Reference::parse("v1").unwrap();
    let found = world
        .services
        .images
        .pull(&world.root(), &world.home, &app, &reference)
        .await
        .unwrap();
    assert!(
        is_denied(&put(&world, &who, &app, found.bytes, &["dev-1"]).await),
        "a known manifest under another tag"
    );
    let own = world.push_image(&app, "own", Some("dev-own")).await;
    put(&world, &who, &app, index(&own), &["dev-1"])
        .await
        .unwrap();
    put(&world, &who, &app, index(&own), &["dev-1"])
        .await
        .unwrap();
}

#[tokio::test]
async fn an_index_gives_no_untagged_image_away() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let replaced = world.push_image(&app, "old", Some("v1")).await;
    world.push_image(&app, "new", Some("v1")).await;
    let entry =
        json!({ "mediaType": media_type::OCI_MANIFEST, "digest": replaced.as_str(), "size": 2 });
    let index =
        json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [entry] });
    let index = bytes::Bytes::from(index.to_string());
    assert!(is_denied(
        &put(&world, &who, &app, index.clone(), &["dev-1"]).await
    ));
    assert!(!pull(&world, &who, &app, replaced.as_str()).await);
    let home = world.home.account.to_string();
    let actions = json!(["ecr:PutImage", "ecr:BatchGetImage"]);
    let lenient = under(&actions, "StringLikeIfExists", "dev-*");
    let lenient = world.member(&home, "lenient", &[layers(), lenient]).await;
    put(&world, &lenient, &app, index, &["dev-1"])
        .await
        .unwrap();
}

#[tokio::test]
async fn the_newest_of_many_indexes_tells_whose_an_image_is() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let child = world.push_image(&app, "child", None).await;
    for number in 0..201 {
        world.turn(std::time::Duration::from_secs(1));
        let index = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
            "manifests": [{ "mediaType": media_type::OCI_MANIFEST, "digest": child.as_str(), "size": 2 }],
            "annotations": { "number": number.to_string() } });
        let bytes = bytes::Bytes::from(index.to_string());
        world.put(&app, bytes, Some("dev-1")).await.unwrap();
    }
    assert!(pull(&world, &who, &app, child.as_str()).await);
}

#[tokio::test]
async fn an_own_image_that_lost_its_tag_is_pushed_again() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let (first, second) = (
        image(&world, &app, "one").await,
        image(&world, &app, "two").await,
    );
    for bytes in [&first, &second, &first] {
        put(&world, &who, &app, bytes.clone(), &["dev-1"])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn nothing_is_attached_to_a_forbidden_image() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let released = world.push_image(&app, "released", Some("v1")).await;
    let own = world.push_image(&app, "own", Some("dev-1")).await;
    let layer = world.push_layer(&app, b"note").await;
    let note = |subject: &Digest| {
        let text = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": { "mediaType": "application/x-note", "digest": layer.as_str(), "size": 4 }, "layers": [],
            "subject": { "mediaType": media_type::OCI_MANIFEST, "digest": subject.as_str(), "size": 2 } });
        bytes::Bytes::from(text.to_string())
    };
    assert!(is_denied(
        &put(&world, &who, &app, note(&released), &["dev-2"]).await
    ));
    for subject in [&own, &Digest::sha256(b"absent")] {
        put(&world, &who, &app, note(subject), &["dev-2"])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn referrers_under_forbidden_tags_are_not_described() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let subject = world.push_image(&app, "subject", Some("dev-1")).await;
    for (note, tag) in [
        ("secret", Some("v1")),
        ("own", Some("dev-2")),
        ("bare", None),
    ] {
        let layer = world.push_layer(&app, note.as_bytes()).await;
        let text = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": { "mediaType": "application/x-note", "digest": layer.as_str(), "size": note.len() }, "layers": [],
            "subject": { "mediaType": media_type::OCI_MANIFEST, "digest": subject.as_str(), "size": 2 },
            "annotations": { "note": note } });
        world.put(&app, text.to_string().into(), tag).await.unwrap();
    }
    let seen = async |who: &RequestContext| {
        let query = ReferrerQuery {
            registry: &world.home,
            name: &app,
            subject: &subject,
            artifact_types: &[],
            page: &PageRequest::default(),
        };
        let images = &world.services.images;
        let page = images.list_referrers(who, query).await.unwrap();
        let notes = page.items.iter().map(|one| one.annotations["note"].clone());
        let mut notes: Vec<_> = notes.collect();
        notes.sort();
        notes
    };
    assert_eq!(seen(&who).await, ["bare", "own"]);
    assert_eq!(seen(&world.root()).await, ["bare", "own", "secret"]);
}

#[tokio::test]
async fn latest_stands_for_no_image_that_may_not_be_pulled() {
    let world = World::new().await;
    let app = world.create("app").await;
    let released = world.push_image(&app, "released", Some("v1")).await;
    let home = world.home.account.to_string();
    let pulls = |pattern: &str| under(&json!("ecr:BatchGetImage"), "StringLike", pattern);
    let only_latest = world.member(&home, "l", &[pulls("latest")]).await;
    let latest_and_dev = world
        .member(&home, "ld", &[pulls("latest"), pulls("dev-*")])
        .await;
    let all = world
        .member(&home, "a", &[pulls("latest"), pulls("v*")])
        .await;
    assert!(!pull(&world, &only_latest, &app, "latest").await);
    assert!(!pull(&world, &latest_and_dev, &app, "latest").await);
    assert!(pull(&world, &all, &app, "latest").await);
    let with_digest = RequestedImage {
        tag: Some("latest".to_owned()),
        digest: Some(released.to_string()),
    };
    for (who, may) in [
        (&only_latest, false),
        (&latest_and_dev, false),
        (&all, true),
    ] {
        let images = &world.services.images;
        let got = images.batch_get(who, &world.home, &app, vec![with_digest.clone()]);
        assert_eq!(!is_denied(&got.await), may, "the digest beside the tag");
    }
    world.push_image(&app, "released", Some("latest")).await;
    assert!(
        pull(&world, &only_latest, &app, "latest").await,
        "a tag that was set is a tag"
    );
}

#[tokio::test]
async fn a_delete_by_digest_needs_every_tag() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let both = world.push_image(&app, "both", Some("v2")).await;
    world.push_image(&app, "both", Some("dev-2")).await;
    let by_digest = |digest: &Digest| RequestedImage {
        tag: None,
        digest: Some(digest.to_string()),
    };
    let by_tag = |tag: &str| RequestedImage {
        tag: Some(tag.to_owned()),
        digest: None,
    };
    let images = &world.services.images;
    let delete = async |wanted: Vec<RequestedImage>| {
        images.batch_delete(&who, &world.home, &app, wanted).await
    };
    assert!(is_denied(&delete(vec![by_digest(&both)]).await));
    assert!(is_denied(
        &delete(vec![by_tag("dev-2"), by_tag("v2")]).await
    ));
    let reference = Reference::parse(both.as_str()).unwrap();
    assert!(is_denied(
        &images.delete(&who, &world.home, &app, &reference).await
    ));
    assert!(
        pull(&world, &world.root(), &app, "dev-2").await,
        "a refused batch deletes nothing"
    );
    let gone = delete(vec![by_tag("dev-2")]).await.unwrap();
    assert_eq!(gone.deleted.len(), 1);
    assert!(pull(&world, &world.root(), &app, "v2").await);
    let own = world.push_image(&app, "own", Some("dev-3")).await;
    let gone = delete(vec![by_digest(&own)]).await.unwrap();
    assert_eq!(gone.deleted.len(), 1);
}

#[tokio::test]
async fn batches_are_for_all_their_images_or_for_none() {
    let world = World::new().await;
    let (app, who) = (world.create("app").await, ci(&world).await);
    let released = world.push_image(&app, "released", Some("v1")).await;
    world.push_image(&app, "dev", Some("dev-1")).await;
    let wanted = |tag: Option<&str>, digest: Option<&Digest>| RequestedImage {
        tag: tag.map(str::to_owned),
        digest: digest.map(ToString::to_string),
    };
    let images = &world.services.images;
    let get =
        async |wanted: Vec<RequestedImage>| images.batch_get(&who, &world.home, &app, wanted).await;
    assert_eq!(
        get(vec![wanted(Some("dev-1"), None)])
            .await
            .unwrap()
            .images
            .len(),
        1
    );
    for forbidden in [
        wanted(Some("v1"), None),
        wanted(None, Some(&released)),
        wanted(Some("v1"), Some(&released)),
    ] {
        let refused = get(vec![wanted(Some("dev-1"), None), forbidden]).await;
        assert!(matches!(refusal(refused), Refusal::AccessDenied { .. }));
    }
}
