//! Settings of a repository: which tags may move, and the scanning flag.

use ecru_aws_model::ecr as wire;
use ecru_domain::mutability::MutabilityMode;
use ecru_domain::{Error, TagMutability};

use crate::call::{Call, refuse};

/// Replaces mode and filters together.
pub(crate) async fn put_mutability(
    call: &Call<'_>,
    input: wire::PutImageTagMutabilityRequest,
) -> Result<wire::PutImageTagMutabilityResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let filters = input.image_tag_mutability_exclusion_filters;
    let mutability = tag_mutability(Some(input.image_tag_mutability), filters)?;
    let repositories = &call.services.repositories;
    let changed =
        repositories.put_mutability(&call.context, &target.registry, &target.name, mutability);
    let changed = changed.await?;
    Ok(wire::PutImageTagMutabilityResponse {
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        image_tag_mutability: Some(wire_mode(changed.mutability.mode())),
        image_tag_mutability_exclusion_filters: wire_filters(&changed.mutability),
    })
}

/// The deprecated flag: stored and reported. An absent flag is off.
pub(crate) async fn put_scanning(
    call: &Call<'_>,
    input: wire::PutImageScanningConfigurationRequest,
) -> Result<wire::PutImageScanningConfigurationResponse, Error> {
    let target = call.target(input.registry_id.as_deref(), &input.repository_name)?;
    let scan_on_push = input.image_scanning_configuration.scan_on_push;
    let repositories = &call.services.repositories;
    let (registry, name) = (&target.registry, &target.name);
    let changed =
        repositories.put_scan_on_push(&call.context, registry, name, scan_on_push.unwrap_or(false));
    let changed = changed.await?;
    Ok(wire::PutImageScanningConfigurationResponse {
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        image_scanning_configuration: Some(scanning(changed.scan_on_push)),
    })
}

/// Mode and filters as the rule wants them; `MUTABLE` is the default.
pub(super) fn tag_mutability(
    mode: Option<wire::ImageTagMutability>,
    filters: Option<Vec<wire::ImageTagMutabilityExclusionFilter>>,
) -> Result<TagMutability, Error> {
    let mode = match mode {
        None | Some(wire::ImageTagMutability::Mutable) => MutabilityMode::Mutable,
        Some(wire::ImageTagMutability::Immutable) => MutabilityMode::Immutable,
        Some(wire::ImageTagMutability::ImmutableWithExclusion) => {
            MutabilityMode::ImmutableWithExclusion
        }
        Some(wire::ImageTagMutability::MutableWithExclusion) => {
            MutabilityMode::MutableWithExclusion
        }
    };
    let filters = filters.unwrap_or_default().into_iter();
    TagMutability::new(mode, filters.map(|filter| filter.filter).collect())
        .map_err(|constraint| refuse("imageTagMutabilityExclusionFilters", constraint))
}

pub(super) fn wire_mode(mode: MutabilityMode) -> wire::ImageTagMutability {
    match mode {
        MutabilityMode::Mutable => wire::ImageTagMutability::Mutable,
        MutabilityMode::Immutable => wire::ImageTagMutability::Immutable,
        MutabilityMode::ImmutableWithExclusion => wire::ImageTagMutability::ImmutableWithExclusion,
        MutabilityMode::MutableWithExclusion => wire::ImageTagMutability::MutableWithExclusion,
    }
}

/// Absent where there are none.
pub(super) fn wire_filters(
    mutability: &TagMutability,
) -> Option<Vec<wire::ImageTagMutabilityExclusionFilter>> {
    let wildcard = |filter: &String| wire::ImageTagMutabilityExclusionFilter {
        filter_type: wire::ImageTagMutabilityExclusionFilterType::Wildcard,
        filter: filter.clone(),
    };
    let filters = mutability.filters();
    (!filters.is_empty()).then(|| filters.iter().map(wildcard).collect())
}

pub(super) fn scanning(scan_on_push: bool) -> wire::ImageScanningConfiguration {
    wire::ImageScanningConfiguration {
        scan_on_push: Some(scan_on_push),
    }
}
