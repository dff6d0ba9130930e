//! boto3, an operation a flow: each runs a function of `clients/boto3_operations.py` in a process of its own.

use std::fs;

use anyhow::Result;

use super::Flow;
use crate::scene::Scene;
use crate::server::REGION;

const PROGRAM: &str = include_str!("../../clients/boto3_operations.py");

macro_rules! operations {
    ($($name:literal),+ $(,)?) => {
        &[$(Flow::new("boto3", $name, |scene| operation(scene, $name))),+]
    };
}

pub(super) const FLOWS: &[Flow] = operations![
    "get_caller_identity",
    "get_authorization_token",
    "create_repository",
    "describe_repositories",
    "put_image_tag_mutability",
    "put_image_scanning_configuration",
    "tag_resource",
    "list_tags_for_resource",
    "untag_resource",
    "describe_registry",
    "put_account_setting",
    "get_account_setting",
    "initiate_layer_upload",
    "upload_layer_part",
    "complete_layer_upload",
    "batch_check_layer_availability",
    "put_image",
    "batch_get_image",
    "describe_images",
    "list_images",
    "list_image_referrers",
    "get_download_url_for_layer",
    "batch_delete_image",
    "delete_repository",
];

fn operation(scene: &Scene, name: &str) -> Result<()> {
    let program = scene.path("boto3_operations.py");
    fs::write(&program, PROGRAM)?;
    scene
        .aws_client("python", REGION)?
        .args([&program])
        .args([name])
        .run()?;
    Ok(())
}
