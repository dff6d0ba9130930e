//! What a client does while the disk is recorded: pushes in every way, a mount, deletes, and collection of what they
//! leave.

use std::thread;
use std::time::Duration;

use super::super::caller::Step;
use super::super::client::Client;
use super::super::model::Manner;

/// Long enough for collection to delete rows and remove bytes.
const COLLECTION: Duration = Duration::from_secs(14);

/// Runs the script. Images and blobs are places in the pool.
pub(super) fn run(client: &mut Client) -> Step {
    client.create(0)?;
    client.create(1)?;
    client.push_image(0, 1, Some("v0"))?;
    client.push_image_by_api(0, 2, "v1")?;
    client.push_image(1, 1, Some("v0"))?;
    client.retag(0)?;
    leave_some(client)?;
    client.go_on_with_one()?;
    client.cancel_one()?;
    client.untag(0)?;
    client.delete_image(0)?;
    client.delete_tagged(1)?;
    thread::sleep(COLLECTION);
    client.push_image(0, 1, Some("v2"))?;
    client.push_image(0, 3, None)?;
    client.delete_several(0)?;
    client.delete_repository(1)?;
    thread::sleep(COLLECTION);
    Ok(())
}

/// Leaves three uploads: with whole frames in files, with one part, with a chunk that was cut off.
fn leave_some(client: &mut Client) -> Step {
    for (blob, manner) in [(7, Manner::Chunks), (6, Manner::Parts), (8, Manner::Chunks)] {
        let place = client.begin(0, blob, manner)?;
        client.send_some(place)?;
    }
    Ok(())
}
