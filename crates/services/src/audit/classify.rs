//! Which operations change nothing, as `CloudTrail`'s `readOnly` tells it: by what their names begin with.

/// Beginnings of names of operations that only read. Those that issue credentials are among them.
const READING: [&str; 14] = [
    "Assume",
    "BatchCheck",
    "BatchGet",
    "Check",
    "Describe",
    "Download",
    "Explain",
    "Generate",
    "Get",
    "List",
    "Lookup",
    "Simulate",
    "Validate",
    "VerifyAudit",
];

/// Whether an operation of that name changes nothing.
pub fn is_read_only(operation: &str) -> bool {
    READING.iter().any(|begin| operation.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_only_reads() {
        for name in [
            "GetAuthorizationToken",
            "BatchCheckLayerAvailability",
            "BatchGetImage",
            "ListImages",
            "AssumeRoleWithWebIdentity",
            "SimulateCustomPolicy",
        ] {
            assert!(is_read_only(name), "{name}");
        }
        for name in [
            "BatchDeleteImage",
            "PutImage",
            "StartLifecyclePolicyPreview",
            "UploadLayerPart",
            "CreateUser",
            "Verify",
            "unknown",
        ] {
            assert!(!is_read_only(name), "{name}");
        }
    }
}
