//! Verification finds damage and sets it aside.

use ecru_domain::{Digest, Refusal, RepositoryName};
use ecru_ports::ObjectId;
use ecru_ports::blobs::FoundSegment;
use ecru_ports::metadata::{Lane, LayerRecord, StoreError, WriteTransaction};
use ecru_services::layers::LayerAvailability;
use ecru_services::verification::{Position, VerifyRequest};

use crate::world::{GRACE, World, manifest, refusal};

#[tokio::test]
async fn a_sound_store_has_no_problems() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let image = world.push_image(&app, "content", Some("v1")).await;
    world
        .push_index(&app, &[&image], Some("multi"))
        .await
        .unwrap();
    world.push_layer(&app, &vec![1; 300_000]).await;
    let report = world
        .services
        .verification
        .verify_offline(VerifyRequest::default())
        .await
        .unwrap();
    assert_eq!(
        (report.objects, report.manifests, report.problem_count),
        (3, 2, 0)
    );
}

#[tokio::test]
async fn pages_of_verification_join_to_the_whole_and_each_is_bounded() {
    let world = World::new().await;
    for number in 0..30 {
        let app = world.create(&format!("app-{number}")).await;
        world
            .push_image(&app, &format!("{number}"), Some("v1"))
            .await;
    }
    let verification = &world.services.verification;
    let request = VerifyRequest::default();
    let whole = verification.verify_offline(request).await.unwrap();
    let (mut objects, mut manifests, mut pages) = (0, 0, 0);
    let (context, mut next) = (world.root(), Some(Position::START));
    while let Some(position) = next {
        let from = Position::parse(&position.to_string()).unwrap();
        let page = verification.verify(&context, &world.home, request, from);
        let page = page.await.unwrap();
        assert_eq!(page.report.problems, []);
        objects += page.report.objects;
        manifests += page.report.manifests;
        pages += 1;
        next = page.next;
    }
    assert_eq!((objects, manifests), (whole.objects, whole.manifests));
    assert_eq!((objects, manifests), (60, 30));
    assert!(pages > 1, "{pages}");
}

/// Collection runs beside verification: what was listed may rightly be gone, rows and all, when it is looked up.
#[tokio::test]
async fn bytes_that_are_removed_while_it_looks_are_no_finding() {
    let (world, rig) = World::rigged().await;
    let app = world.create("team/app").await;
    world.push_layer(&app, &vec![1; 300_000]).await;
    rig.show_once(FoundSegment {
        object: ObjectId::from_bytes([0; 16]),
        number: 1,
        stored_bytes: 70_000,
    });
    let verification = &world.services.verification;
    let report = verification.verify_offline(VerifyRequest { repair: true });
    assert_eq!(report.await.unwrap().problems, []);
}

#[tokio::test]
async fn damaged_missing_and_orphaned_bytes_are_found_and_set_aside() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let damaged = world.push_layer(&app, &vec![1; 300_000]).await;
    let files = files_below(&world.directory.path().join("blobs/objects"));
    assert_eq!(files.len(), 1);
    let mut bytes = std::fs::read(&files[0]).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&files[0], bytes).unwrap();
    let orphan = files[0].with_file_name(format!("{}.1", "0".repeat(32)));
    let orphan = orphan
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("00")
        .join(orphan.file_name().unwrap());
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"stray").unwrap();

    let verification = &world.services.verification;
    let report = verification
        .verify_offline(VerifyRequest { repair: false })
        .await
        .unwrap();
    assert_eq!(report.problem_count, 2, "{report:?}");
    assert!(
        report
            .problems
            .iter()
            .any(|problem| problem.digest.as_deref() == Some(damaged.as_str()))
    );
    assert!(orphan.is_file(), "a look changes nothing");
    assert!(
        world.read_layer(&app, &damaged).await.is_err(),
        "damaged bytes are never served"
    );

    let repaired = verification
        .verify_offline(VerifyRequest { repair: true })
        .await
        .unwrap();
    assert!(
        repaired.problems.iter().all(|problem| problem.quarantined),
        "{repaired:?}"
    );
    assert_eq!(
        files_below(&world.directory.path().join("blobs/quarantine")).len(),
        2,
        "set aside, not deleted"
    );
    let report = verification
        .verify_offline(VerifyRequest { repair: true })
        .await
        .unwrap();
    assert_eq!(
        report.problem_count, 1,
        "the layer's bytes are missing now: {report:?}"
    );
    assert!(
        !report.problems[0].quarantined,
        "nothing is left to be set aside"
    );
}

/// Gives the repository's layer another wrap of its key; returns the one it had.
async fn wrap_layer(world: &World, name: &RepositoryName, digest: &Digest, wrap: &[u8]) -> Vec<u8> {
    let (home, name, digest) = (world.home.clone(), name.clone(), digest.clone());
    let wrap = wrap.to_owned();
    let change = move |rows: &mut dyn WriteTransaction| -> Result<Vec<u8>, StoreError> {
        let repository = rows.find_repository(&home, &name)?.unwrap();
        let layer = rows.find_layer(&repository.id, &digest)?.unwrap().layer;
        rows.delete_layer(&repository.id, &digest)?;
        let changed = LayerRecord {
            wrapped_key: wrap.clone(),
            ..layer.clone()
        };
        rows.insert_layer(&repository.id, &changed)?;
        Ok(layer.wrapped_key)
    };
    let metadata = &world.outside.metadata;
    metadata.write(Lane::Any, change).await.unwrap()
}

#[tokio::test]
async fn a_key_that_does_not_open_is_found_and_the_bytes_stay_for_others() {
    let world = World::new().await;
    let (one, two) = (world.create("one").await, world.create("two").await);
    let content = vec![1; 300_000];
    let digest = world.push_layer(&one, &content).await;
    world.push_layer(&two, &content).await;
    for (name, other) in [(&one, &two), (&two, &one)] {
        let wrap = wrap_layer(&world, name, &digest, &[0; 100]).await;
        let verification = &world.services.verification;
        let report = verification.verify_offline(VerifyRequest { repair: true });
        let problems = report.await.unwrap().problems;
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        assert_eq!(problem.repository.as_deref(), Some(name.as_str()));
        assert!(!problem.quarantined);
        assert_eq!(world.read_layer(other, &digest).await.unwrap(), content);
        wrap_layer(&world, name, &digest, &wrap).await;
        assert_eq!(world.read_layer(name, &digest).await.unwrap(), content);
    }
}

#[tokio::test]
async fn content_that_is_damaged_elsewhere_is_stored_again() {
    let world = World::new().await;
    let (one, two) = (world.create("one").await, world.create("two").await);
    let content = vec![1; 300_000];
    let digest = world.push_layer(&one, &content).await;
    let wrap = wrap_layer(&world, &one, &digest, &[0; 100]).await;
    world.push_layer(&two, &content).await;
    assert_eq!(world.read_layer(&two, &digest).await.unwrap(), content);
    wrap_layer(&world, &one, &digest, &wrap).await;
    for file in files_below(&world.directory.path().join("blobs/objects")) {
        std::fs::remove_file(file).unwrap();
    }
    let three = world.create("three").await;
    world.push_layer(&three, &content).await;
    assert_eq!(world.read_layer(&three, &digest).await.unwrap(), content);
}

#[tokio::test]
async fn a_layer_whose_bytes_were_set_aside_is_absent_until_it_is_pushed_again() {
    let world = World::new().await;
    let app = world.create("team/app").await;
    let content = vec![3; 300_000];
    let digest = world.push_layer(&app, &content).await;
    world
        .put(&app, manifest(&digest, &[&digest]), Some("v1"))
        .await
        .unwrap();
    let files = files_below(&world.directory.path().join("blobs/objects"));
    let mut bytes = std::fs::read(&files[0]).unwrap();
    bytes[200_000] ^= 1;
    std::fs::write(&files[0], bytes).unwrap();
    let verification = &world.services.verification;
    let repair = VerifyRequest { repair: true };
    verification.verify_offline(repair).await.unwrap();

    let layers = &world.services.layers;
    let stat = layers.stat(&world.root(), &world.home, &app, &digest).await;
    assert!(matches!(refusal(stat), Refusal::LayerNotFound { .. }));
    let sound = world.push_layer(&app, b"another").await;
    let wanted = vec![sound.clone(), digest.clone(), sound];
    let context = world.root();
    let checked = layers.check(&context, &world.home, &app, wanted);
    let checked = checked.await.unwrap();
    let is_there = |(_, state): &(Digest, LayerAvailability)| {
        matches!(state, LayerAvailability::Available { .. })
    };
    let there: Vec<bool> = checked.iter().map(is_there).collect();
    assert_eq!(there, [true, false, true], "{checked:?}");
    world.push_layer(&app, &content).await;
    assert_eq!(world.read_layer(&app, &digest).await.unwrap(), content);
    world.turn(GRACE * 2);
    world.collect().await;
    assert_eq!(world.read_layer(&app, &digest).await.unwrap(), content);
    let report = verification
        .verify_offline(VerifyRequest::default())
        .await
        .unwrap();
    assert_eq!(report.problem_count, 0, "{report:?}");
}

fn files_below(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
