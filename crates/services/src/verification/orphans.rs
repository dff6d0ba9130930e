//! Stored bytes that no row names.

use ecru_domain::Error;
use ecru_ports::ObjectId;
use ecru_ports::blobs::FoundSegment;

use super::{BATCH, Position, Problem, Verification, VerifyReport, VerifyRequest};
use crate::layers::store_failed;
use crate::store::Warrant;

impl Verification {
    /// Bytes that neither an object, nor an upload, nor the list of doomed ones names.
    pub(super) async fn verify_orphans(
        &self,
        request: VerifyRequest,
        after: Option<ObjectId>,
        report: &mut VerifyReport,
    ) -> Result<Option<Position>, Error> {
        let found = self.list(after.as_ref(), BATCH as usize).await?;
        let last = found.last().map(|segment| segment.object.clone());
        for segment in found {
            self.verify_segment(request, segment, report).await?;
        }
        Ok(last.map(|last| Position::Segments(Some(last))))
    }

    async fn verify_segment(
        &self,
        request: VerifyRequest,
        segment: FoundSegment,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let (object, number) = (&segment.object, segment.number);
        if self.is_named(object, number).await? || !self.is_listed(&segment).await? {
            return Ok(());
        }
        let quarantined = self.set_aside(request, object, number..=number).await;
        report.add(Problem {
            what: format!("stored segment {number} belongs to nothing"),
            object: Some(object.as_str().to_owned()),
            repository: None,
            digest: None,
            quarantined,
        });
        Ok(())
    }

    /// Rows are looked at after bytes were listed: whoever stores writes the row first, and whoever removes forgets
    /// it last.
    async fn is_named(&self, object: &ObjectId, segment: u64) -> Result<bool, Error> {
        let wanted = object.clone();
        self.store
            .lookup(Warrant::server(), move |rows| {
                let stored = rows.find_object(&wanted)?;
                let in_object = stored.is_some_and(|record| {
                    record
                        .stored
                        .segments
                        .iter()
                        .any(|known| known.number == segment)
                });
                let in_upload = rows
                    .upload_of_object(&wanted)?
                    .is_some_and(|upload| segment <= upload.epoch);
                Ok(in_object || in_upload || rows.is_doomed(&wanted)?)
            })
            .await
    }

    /// Whether the segment is still there: collection may have removed it, and then forgotten that it was doomed.
    async fn is_listed(&self, segment: &FoundSegment) -> Result<bool, Error> {
        let found = self.list(before(&segment.object).as_ref(), 1).await?;
        Ok(found
            .iter()
            .any(|known| known.object == segment.object && known.number == segment.number))
    }

    async fn list(
        &self,
        after: Option<&ObjectId>,
        limit: usize,
    ) -> Result<Vec<FoundSegment>, Error> {
        let found = self.blobs.list(after, limit).await;
        found.map_err(store_failed)
    }
}

/// The id just before this one; `None` before the first.
fn before(object: &ObjectId) -> Option<ObjectId> {
    let number = u128::from_str_radix(object.as_str(), 16).ok()?;
    let before = number.checked_sub(1)?;
    Some(ObjectId::from_bytes(before.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_before_is_the_next_smaller_one() {
        let id = |text: &str| ObjectId::parse(text).unwrap();
        let one = id("00000000000000000000000000000001");
        let zero = id("00000000000000000000000000000000");
        assert_eq!(before(&one), Some(zero.clone()));
        assert_eq!(before(&zero), None);
        let (carried, low) = (
            "a1000000000000000000000000000000",
            "a0ffffffffffffffffffffffffffffff",
        );
        assert_eq!(before(&id(carried)), Some(id(low)));
    }
}
