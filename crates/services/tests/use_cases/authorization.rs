//! Another account is refused everywhere.

use ecru_domain::{AccountId, Digest, Principal, Reference, Refusal, Tag};
use ecru_ports::metadata::TagStatus;
use ecru_services::PageRequest;
use ecru_services::images::RequestedImage;
use ecru_services::uploads::UploadAddress;

use crate::world::{World, chunk, refusal};

/// Every use case, asked by another account's root user, is refused alike, whether its object exists or not.
#[tokio::test]
async fn another_account_is_refused_everywhere_and_learns_nothing() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let digest = world.push_image(&app, "content", Some("v1")).await;
    let layer = Digest::sha256(b"content");
    let stranger = world.context(Principal::root(
        AccountId::parse("999999999999").unwrap(),
        "AKIASTRANGER".to_owned(),
    ));
    let (home, services) = (&world.home, &world.services);
    let upload = services
        .uploads
        .initiate(&world.root(), home, &app, false)
        .await
        .unwrap();
    for name in [&app, &crate::world::name("no/such")] {
        let address = UploadAddress {
            registry: home.clone(),
            name: name.clone(),
            upload: upload.clone(),
        };
        let wanted = vec![RequestedImage {
            tag: Some("v1".to_owned()),
            digest: None,
        }];
        let tag = Reference::Tag(Tag::parse("v1").unwrap());
        let page = PageRequest::default();
        let refusals = [
            refusal(
                services
                    .repositories
                    .describe(&stranger, home, std::slice::from_ref(name))
                    .await,
            ),
            refusal(
                services
                    .repositories
                    .delete(&stranger, home, name, true)
                    .await,
            ),
            refusal(services.images.pull(&stranger, home, name, &tag).await),
            refusal(
                services
                    .images
                    .batch_get(&stranger, home, name, wanted.clone())
                    .await,
            ),
            refusal(
                services
                    .images
                    .describe(&stranger, home, name, wanted.clone())
                    .await,
            ),
            refusal(
                services
                    .images
                    .list(&stranger, home, name, TagStatus::default(), &page)
                    .await,
            ),
            refusal(
                services
                    .images
                    .batch_delete(&stranger, home, name, wanted)
                    .await,
            ),
            refusal(
                services
                    .images
                    .delete(&stranger, home, name, &Reference::Digest(digest.clone()))
                    .await,
            ),
            refusal(services.layers.stat(&stranger, home, name, &layer).await),
            refusal(
                services
                    .layers
                    .check(&stranger, home, name, vec![layer.clone()])
                    .await,
            ),
            refusal(
                services
                    .layers
                    .download_link(&stranger, home, name, &layer)
                    .await,
            ),
            refusal(
                services
                    .uploads
                    .initiate(&stranger, home, name, false)
                    .await,
            ),
            refusal(
                services
                    .uploads
                    .append(&stranger, &address, chunk(b"x"))
                    .await,
            ),
            refusal(services.uploads.cancel(&stranger, &address).await),
            refusal(
                services
                    .uploads
                    .whole(&stranger, home, name, chunk(b"content"), &layer)
                    .await,
            ),
        ];
        for (number, refusal) in refusals.into_iter().enumerate() {
            assert!(
                matches!(refusal, Refusal::AccessDenied { .. }),
                "{number}: {refusal:?}"
            );
        }
    }
    assert_eq!(
        world.pull(&app, "v1").await.unwrap(),
        digest,
        "nothing was changed"
    );
}
