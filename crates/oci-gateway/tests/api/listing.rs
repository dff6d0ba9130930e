//! Tags, catalog and referrers.

use ecru_domain::Digest;
use ecru_domain::manifest::media_type;

use crate::world::{World, descriptor};

const TAGS: &str = "/v2/team/app/tags/list";

async fn with_tags() -> World {
    let world = World::new().await;
    let manifest = world.push_image("team/app", Some("b"), "a").await;
    for tag in ["d", "a", "C", "c"] {
        world
            .put(&format!("/v2/team/app/manifests/{tag}"), &manifest)
            .await;
    }
    world
}

#[tokio::test]
async fn tags_are_listed_in_pages_in_the_order_of_their_bytes() {
    let world = with_tags().await;
    let answer = world.get(TAGS).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.body,
        r#"{"name":"team/app","tags":["C","a","b","c","d"]}"#
    );
    assert_eq!(answer.header("link"), None);
    let table = [
        (
            "?n=2",
            vec!["C", "a"],
            Some("</v2/team/app/tags/list?n=2&last=a>; rel=\"next\""),
        ),
        (
            "?n=2&last=a",
            vec!["b", "c"],
            Some("</v2/team/app/tags/list?n=2&last=c>; rel=\"next\""),
        ),
        ("?n=2&last=c", vec!["d"], None),
        ("?n=5", vec!["C", "a", "b", "c", "d"], None),
        ("?last=b", vec!["c", "d"], None),
        ("?last=aa", vec!["b", "c", "d"], None),
        ("?last=d", vec![], None),
        ("?n=0", vec![], None),
        ("?n=0&last=a", vec![], None),
        (
            "?n=99999999999999999999",
            vec!["C", "a", "b", "c", "d"],
            None,
        ),
    ];
    for (query, tags, link) in table {
        let answer = world.get(&format!("{TAGS}{query}")).await;
        assert_eq!(answer.json()["tags"], serde_json::json!(tags), "{query}");
        assert_eq!(answer.header("link"), link, "{query}");
    }
    for query in ["?n=-1", "?n=abc", "?n="] {
        let answer = world.get(&format!("{TAGS}{query}")).await;
        let expected = (400, "PAGINATION_NUMBER_INVALID".to_owned());
        assert_eq!(answer.refusal(), expected, "{query}");
    }
    let answer = world.get(&format!("{TAGS}?last=%00")).await;
    assert_eq!(answer.refusal(), (400, "UNSUPPORTED".to_owned()));
}

#[tokio::test]
async fn an_empty_repository_has_an_empty_list() {
    let world = World::new().await;
    assert_eq!(
        world.get(TAGS).await.body,
        r#"{"name":"team/app","tags":[]}"#
    );
    let head = world.send("HEAD", TAGS, &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
}

#[tokio::test]
async fn the_catalog_lists_repositories_in_pages() {
    let world = World::new().await;
    for name in ["zebra", "apple"] {
        world.create(name).await;
    }
    let answer = world.get("/v2/_catalog").await;
    assert_eq!(
        answer.body,
        r#"{"repositories":["apple","team/app","zebra"]}"#
    );
    let answer = world.get("/v2/_catalog?n=2").await;
    assert_eq!(answer.body, r#"{"repositories":["apple","team/app"]}"#);
    let link = "</v2/_catalog?n=2&last=team%2Fapp>; rel=\"next\"";
    assert_eq!(answer.header("link"), Some(link));
    let answer = world.get("/v2/_catalog?n=2&last=team%2Fapp").await;
    assert_eq!(answer.body, r#"{"repositories":["zebra"]}"#);
    assert_eq!(answer.header("link"), None);
}

async fn push_referrer(world: &World, subject: &Digest, seed: usize, kind: &str) -> Digest {
    let extra = serde_json::json!({
        "artifactType": kind,
        "subject": descriptor(media_type::OCI_MANIFEST, subject, 7),
        "annotations": {"org.example.seed": seed.to_string()},
    });
    let manifest = world.image("team/app", "referrer", extra).await;
    let digest = Digest::sha256(&manifest);
    let answer = world
        .put(&format!("/v2/team/app/manifests/{digest}"), &manifest)
        .await;
    assert_eq!(answer.header("oci-subject"), Some(subject.as_str()));
    digest
}

#[tokio::test]
async fn referrers_are_an_index_with_filters() {
    let world = World::new().await;
    let subject = Digest::sha256(b"subject");
    let path = format!("/v2/team/app/referrers/{subject}");
    let none = world.get(&path).await;
    let empty = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    assert_eq!(
        (none.status.as_u16(), &none.body[..]),
        (200, empty.as_bytes())
    );
    assert_eq!(none.header("content-type"), Some(media_type::OCI_INDEX));

    let sbom = push_referrer(&world, &subject, 1, "application/vnd.example.sbom").await;
    push_referrer(&world, &subject, 2, "application/vnd.example.sig+json").await;
    let all = world.get(&path).await;
    assert_eq!(all.json()["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(all.header("oci-filters-applied"), None);

    let filtered = world
        .get(&format!(
            "{path}?artifactType=application%2Fvnd.example.sbom"
        ))
        .await;
    assert_eq!(filtered.header("oci-filters-applied"), Some("artifactType"));
    let found = &filtered.json()["manifests"];
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["digest"], sbom.as_str());
    assert_eq!(found[0]["mediaType"], media_type::OCI_MANIFEST);
    assert_eq!(found[0]["artifactType"], "application/vnd.example.sbom");
    assert_eq!(found[0]["annotations"]["org.example.seed"], "1");
    assert!(found[0]["size"].as_u64().unwrap() > 100);
    for plus in ["%2B", "+"] {
        let query = format!("artifactType=application/vnd.example.sig{plus}json");
        let answer = world.get(&format!("{path}?{query}")).await;
        assert_eq!(
            answer.json()["manifests"].as_array().unwrap().len(),
            1,
            "{plus}"
        );
    }
    let answer = world.get(&format!("{path}?artifactType=none/none")).await;
    assert_eq!(&answer.body[..], empty.as_bytes());
}

#[tokio::test]
async fn many_referrers_come_in_linked_pages() {
    let world = World::new().await;
    let subject = Digest::sha256(b"subject");
    let mut expected = Vec::new();
    for seed in 0..105 {
        expected.push(
            push_referrer(&world, &subject, seed, "application/x")
                .await
                .to_string(),
        );
    }
    expected.sort();
    let mut found = Vec::new();
    let mut next = Some(format!(
        "/v2/team/app/referrers/{subject}?artifactType=application%2Fx"
    ));
    let mut pages = 0;
    while let Some(path) = next {
        let answer = world.get(&path).await;
        assert_eq!(answer.header("oci-filters-applied"), Some("artifactType"));
        let manifests = answer.json()["manifests"].as_array().unwrap().clone();
        found.extend(
            manifests
                .iter()
                .map(|one| one["digest"].as_str().unwrap().to_owned()),
        );
        let link = answer.header("link").map(|link| {
            let target = link.strip_prefix('<').unwrap();
            target.strip_suffix(">; rel=\"next\"").unwrap().to_owned()
        });
        next = link;
        pages += 1;
    }
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(pages, 2);
    let forged = world
        .get(&format!("/v2/team/app/referrers/{subject}?last=forged"))
        .await;
    assert_eq!(
        forged.refusal(),
        (400, "PAGINATION_NUMBER_INVALID".to_owned())
    );
}
